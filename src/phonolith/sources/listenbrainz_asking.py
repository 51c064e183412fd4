"""What ListenBrainz is asked for: charts, counts by MBID, and dumps of listens that are here."""

from __future__ import annotations

from pathlib import Path

from phonolith.errors import NotFound, StorageError, UsageError
from phonolith.model.frontier import Task
from phonolith.model.ids import is_uuid
from phonolith.sources.gathering import Option, Wish
from phonolith.sources.text import visible

SITE = "https://api.listenbrainz.org"

#: The kinds of thing that are counted, and what may have been counted of them.
KINDS = ("recording", "artist", "release", "release-group")
COUNTED = ("popularity", "sitewide", "listens")
#: Kinds that are counted in dumps.
IN_DUMPS = ("recording", "artist", "release")
#: Things that may be asked for at once (``MAX_ITEMS_PER_GET`` of the API), and entries of a chart.
AT_ONCE = 1000
CHART = 100

RANGES = ("week", "month", "quarter", "half_yearly", "year", "all_time", "this_week", "this_month", "this_year")
OPTIONS = (
    Option("recordings", "Counts of the recordings that a file names, an MBID a line.", "FILE"),
    Option("artists", "Counts of the artists that a file names.", "FILE"),
    Option("releases", "Counts of the releases that a file names.", "FILE"),
    Option("top", f"The charts of the whole site over a time: {', '.join(RANGES)}.", "RANGE"),
    Option("dump", "A dump of listens that is here: counted, not kept. May be repeated.", "FILE", multiple=True),
)
_LISTS = {"recordings": "recording", "artists": "artist", "releases": "release"}


def first_tasks(wish: Wish, base: str) -> tuple[Task, ...]:
    """What to ask first. Raises UsageError, NotFound (a list that is not there)."""
    ways = [name for name in ("top", "dump", *_LISTS) if wish.get(name)]
    if not ways:
        problem = "what to count is not said"
        raise UsageError("harvest listenbrainz", problem, "Give --recordings, --artists, --releases, --top or --dump")
    if ("top" in ways or "dump" in ways) and len(ways) > 1:
        raise UsageError("harvest listenbrainz", "charts, lists and dumps are harvests of their own", "Ask for one")
    if "dump" in ways:
        files = "\n".join(str(Path(one).absolute()) for one in wish["dump"])
        return (Task("count", "", mark=files),)
    if "top" in ways:
        return tuple(chart_task(base, kind, wish["top"][0], 0) for kind in KINDS)
    return tuple(task for name in ways if name in _LISTS for task in _count_tasks(wish[name][0], _LISTS[name], base))


def met_whole(wish: Wish) -> tuple[str, ...]:
    """How the items begin of which a run has all."""
    return ("listens/",) if wish.get("dump") else ("sitewide/",) if wish.get("top") else ()


def chart_task(base: str, kind: str, over: str, offset: int) -> Task:
    """A part of a chart. Raises UsageError on a time there is no chart of."""
    if over not in RANGES:
        raise UsageError(f"time {over!r}", f"is none of {', '.join(RANGES)}", "Choose among these")
    address = f"{base}/1/stats/sitewide/{kind}s?range={over}&count={CHART}&offset={offset}"
    return Task(f"top:{kind}:{offset}", address, 1, True)


def _count_tasks(name: str, kind: str, base: str) -> list[Task]:
    """A task for each thousand of the MBIDs in a file; a task's mark names them."""
    mbids = _mbids(Path(name))
    batches = [mbids[start : start + AT_ONCE] for start in range(0, len(mbids), AT_ONCE)]
    address = f"{base}/1/popularity/{kind}"
    return [Task(f"count:{kind}:{number}", address, mark=" ".join(some)) for number, some in enumerate(batches)]


def _mbids(path: Path) -> list[str]:
    """MBIDs, each once, in order. Raises UsageError on a line that is none."""
    try:
        lines = [line.strip().lower() for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        raise NotFound(visible(str(path)), "is not there", "Check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(visible(str(path)), f"cannot be read: {error}", "Check it") from error
    for number, line in enumerate(lines, 1):
        if line and not is_uuid(line):
            raise UsageError(f"{visible(path.name)} line {number:,}", f"{visible(line)!r} is no MBID", "Correct it")
    return list(dict.fromkeys(line for line in lines if line))
