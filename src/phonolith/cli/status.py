"""``status``: what this archive holds and what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from phonolith.cli.door import queue as at_the_door
from phonolith.cli.notice import queue
from phonolith.cli.text import number, plural, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.model.moment import later
from phonolith.pipeline import STAGES, next_stage
from phonolith.store.archive import LOCKS, Archive
from phonolith.store.ledger import DROPPED


@verb("status", short_help="What this archive holds and what to do next.")
def status(place: Place) -> Answer:
    """Say in a few lines what is held, when it was built last, who is at work, and what to do next."""
    from phonolith.releases.publish import published

    archive, settings = place.archive(), place.settings()
    with archive.objects() as objects:
        count, held = objects.totals()
    copies = kept(archive)
    with archive.records() as records:
        sources = {name: records.count(name) for name in sorted(records.sources())}
    with archive.register() as register:
        decisions = register.head()[0]
    built = _built(archive)
    busy = {name: who for name in LOCKS if (who := working(archive, name))}
    mirrored = built is None and any(one.origin for one in published(archive))
    following = next_stage(archive.root)
    notices = queue(place)
    doors = at_the_door(place)
    data = {
        "archive": str(archive.root),
        "name": settings.name,
        "records": sources,
        "objects": count,
        "bytes": held,
        "copies": copies.by_number,
        "volumes": copies.by_volume,
        "amiss": copies.amiss,
        "gone": copies.gone,
        "remains": copies.remains,
        "never_read": copies.unread[0],
        "oldest_read": copies.unread[1],
        "events": decisions,
        "notices": notices,
        "door": doors,
        "catalogue": built,
        "at_work": busy,
        "stages": {stage.name: stage.left(archive.root) for stage in STAGES},
        "next": following.command,
    }

    def show(view: View) -> None:
        view.heading(settings.name or "This archive", str(archive.root))
        view.pairs(
            [
                ("records", _records_line(sources)),
                *((f"  {name}", number(n)) for name, n in sources.items() if len(sources) > 1),
                ("objects", f"{plural(count, 'object')}, {size(held)}"),
                *_copies_lines(copies),
                ("register", plural(decisions, "event")),
                *([("notices", notices_line(notices))] if notices else []),
                *(
                    [("door", f"{number(len(doors))} at the artist's door for you: phonolith todo door")]
                    if doors
                    else []
                ),
                ("catalogue", _catalogue_line(built)),
                *((f"{name} lock", who) for name, who in busy.items()),
            ]
        )
        for line in _warnings(copies):
            view.line(line, "yellow")
        if built is None and mirrored:
            line = "! Nothing is built: what other archives attested does not count here yet, and is not passed on."
            view.line(line, "yellow")
        view.hint(f"Next: {following.command}")

    return Answer(data, show)


@dataclass(frozen=True, slots=True)
class Kept:
    """How safely objects are held: how many have so many sound copies, copies in each volume, copies that are amiss.

    ``unread``: how many files were never read again, and when that was read which was read longest ago. ``gone``: how
    many have a tombstone instead of bytes, in words; ``remains``: files that have bytes of those all the same.
    """

    by_number: dict[int, int]
    by_volume: dict[str, int]
    amiss: int
    unread: tuple[int, str]
    gone: dict[str, int]
    remains: int = 0


def kept(archive: Archive) -> Kept:
    """What ledger, observations and schedule say; nothing is read but their rows. Outside files count as a copy."""
    by_number, by_volume = Counter[int](), Counter[str]()
    with archive.objects() as objects, archive.damage() as damage:
        for volumes, count in objects.copies().items():
            by_number[len(volumes)] += count
            by_volume.update(dict.fromkeys(volumes, count))
        amiss = damage.amiss()
        for sha256, lost in Counter(one.sha256 for one in amiss).items():
            if (held := objects.held(sha256)) is not None:
                by_number[len(held.places)] -= 1
                by_number[len(held.places) - lost] += 1
    counts = {many: count for many, count in sorted(by_number.items()) if count}
    with archive.ledger() as ledger:
        stones = Counter(
            f"{one.why}: withdrawn by {one.origin}" if one.why == DROPPED else one.why for one in ledger.tombstones()
        )
        remains = len(ledger.remains())
    unread = _unread(archive, by_volume.total())
    return Kept(counts, dict(sorted(by_volume.items())), len(amiss), unread, dict(sorted(stones.items())), remains)


def _unread(archive: Archive, files: int) -> tuple[int, str]:
    """How many files were never read again, and when that was read which was read longest ago."""
    from phonolith.errors import StorageError
    from phonolith.store.rereading import sealed

    segments = sealed(archive)
    try:
        if archive.schedule_path.exists():
            with archive.schedule() as schedule:
                return schedule.never(segments), schedule.oldest()
    except StorageError:  # a disk that is read-only now: its schedule cannot be opened
        pass
    return files + len(segments), ""


def _copies_lines(copies: Kept) -> list[tuple[str, str]]:
    names = {0: "no sound copy", 1: "1 copy"}
    lines = [(f"  {names.get(many, f'{many} copies')}", plural(n, "object")) for many, n in copies.by_number.items()]
    if len(copies.by_volume) > 1:
        lines += [
            (f"  in {name}" if name else "  outside", plural(n, "copy", "copies"))
            for name, n in copies.by_volume.items()
        ]
    if copies.amiss:
        lines.append(("  amiss", plural(copies.amiss, "copy", "copies")))
    lines += [(f"  {words.partition(':')[0]}", _gone_line(words, n)) for words, n in copies.gone.items()]
    if copies.by_number:
        lines.append(("  oldest unchecked", oldest_line(*copies.unread)))
    return lines


def _gone_line(words: str, count: int) -> str:
    _, _, by = words.partition(": ")
    return f"{plural(count, 'object')}{', ' if by else ''}{by}"


def _warnings(copies: Kept) -> Iterator[str]:
    if copies.remains:
        yield f"! {plural(copies.remains, 'file has', 'files have')} bytes that are to be gone: phonolith todo remains"
    if lost := copies.by_number.get(0, 0):
        yield f"! {plural(lost, 'object has', 'objects have')} no sound copy here. See: phonolith doctor"
    if alone := copies.by_number.get(1, 0):
        yield f"! {plural(alone, 'object has', 'objects have')} one copy: if its disk fails, they are lost."
        yield '  Name a folder on another disk under [volumes] in phonolith.toml, as in second = "/mnt/second",'
        yield "  then run: phonolith ledger copy second"


def before(now: str, days: int) -> str:
    """So many days earlier; both ISO 8601, UTC, whole seconds."""
    return later(now, -timedelta(days=days))


def oldest_line(never: int, oldest: str) -> str:
    """What was read longest ago, for a person."""
    if never:
        return f"{plural(never, 'file')} never read" + (f"; the oldest reading is of {oldest}" if oldest else "")
    return f"read at {oldest}" if oldest else "nothing is held"


def _built(archive: Archive) -> dict[str, object] | None:
    """What the catalogue says about itself; None before the first build."""
    if not archive.catalogue.is_file():
        return None
    from contextlib import closing

    from phonolith.library.catalogue import Catalogue

    with closing(Catalogue.open(archive.catalogue)) as catalogue, catalogue.reading() as snapshot:
        rows = snapshot.db.execute("SELECT value FROM meta WHERE key = 'as_of'").fetchone()
        tracks = snapshot.db.execute("SELECT value FROM tally WHERE name = 'tracks' AND bucket = ''").fetchone()
    return {
        "as_of": rows[0] if rows else "",
        "tracks": tracks[0] if tracks else 0,
        "bytes": archive.catalogue.stat().st_size,
    }


def _records_line(sources: dict[str, int]) -> str:
    if not sources:
        return "none yet"
    origin = next(iter(sources)) if len(sources) == 1 else plural(len(sources), "source")
    return f"{number(sum(sources.values()))} of {origin}"


def _catalogue_line(built: dict[str, object] | None) -> str:
    if built is None:
        return "not built yet"
    return f"{plural(int(str(built['tracks'])), 'track')} as of {built['as_of']}, {size(float(str(built['bytes'])))}"


def notices_line(notices: Sequence[Mapping[str, Any]]) -> str:
    """How many notices wait for a person, and until when the first does."""
    waits = "waits" if len(notices) == 1 else "wait"
    return (
        f"{number(len(notices))} {waits} for you, the first until {notices[0]['due']['by'][:10]}: phonolith notice list"
    )


def working(archive: Archive, lock: str) -> str:
    """Who holds a lock and since when; "" if nobody does, or nobody can because the disk is read-only."""
    from phonolith.errors import Busy, StorageError

    try:
        with archive.lock(lock, what="a look at who is at work"):
            return ""
    except Busy as error:
        return error.problem
    except StorageError:
        return ""


COMMANDS = {"status": status}
