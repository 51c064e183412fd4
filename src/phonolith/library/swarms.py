"""How the swarms of published bundles stand: copies now, fewest in 30 days, since when nobody else has all of it."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from phonolith.model.moment import later
from phonolith.model.publication import Bundle
from phonolith.model.swarm import SWARM, Look, look_of, most
from phonolith.store.observations import Observations

_LOOKS = 500  # of one torrent, the newest: four months of four a day
_WINDOW = timedelta(days=30)
_GIVEN_UP = timedelta(days=3)  # how long a tracker may be down until the others' word is taken


@dataclass(frozen=True, slots=True)
class Standing:
    """How the swarm of one bundle stands, times in ISO 8601 UTC, "" where there is none.

    ``copies`` are complete ones elsewhere, our own seeder left out, None where at the last look, ``at``, nobody
    answered, or whoever had counted more before did not; ``ours``: our seeder was among those counted. ``incomplete``:
    peers with a part of it. ``by``: who counted most. ``known`` and ``known_at``: the last number that there is.
    ``least`` and ``least_at``: the smallest of the 30 days before. ``alone_since``: first of the looks since which
    nobody else had all of it; ``looks`` are those read. ``problems``: who did not answer at the last look, and why.
    ``series``: what each look of 30 days found.
    """

    bundle: str
    at: str
    copies: int | None
    ours: bool
    incomplete: int | None
    by: str
    known: int | None
    known_at: str
    least: int | None
    least_at: str
    alone_since: str
    looks: int
    problems: tuple[str, ...]
    series: tuple[tuple[str, int | None], ...]


def standings(observations: Observations, bundles: Iterable[Bundle]) -> list[Standing]:
    """How each of these bundles stands by the observations there are; those that nobody looked at are left out."""
    found = (standing(one.name, _looks(observations, one)) for one in bundles)
    return [one for one in found if one is not None]


def standing(bundle: str, looks: Iterable[Look]) -> Standing | None:
    """The same of looks at the torrents of one bundle, in any order; looks of one moment are one."""
    moments = defaultdict[str, list[Look]](list)
    for one in looks:
        moments[one.time].append(one)
    if not moments:
        return None
    every = _counts(moments)
    known = [(time, copies) for time, copies in every if copies is not None]
    at, copies = every[-1]
    begin = later(at, -_WINDOW)
    recent = [(count, time) for time, count in known if time >= begin]
    said = [one for look in moments[at] for one in look.said]
    least, least_at = min(recent) if recent else (None, "")
    return Standing(
        bundle=bundle,
        at=at,
        copies=copies,
        ours=any(look.ours for look in moments[at]),
        incomplete=most(one.incomplete for one in said),
        by=next((one.by for one in said if copies is not None and one.elsewhere == copies), ""),
        known=known[-1][1] if known else None,
        known_at=known[-1][0] if known else "",
        least=least,
        least_at=least_at,
        alone_since=_alone_since(known),
        looks=len(every),
        problems=tuple(dict.fromkeys(f"{one.by}: {one.problem}" for one in said if one.problem)),
        series=tuple((time, count) for time, count in every if time >= begin),
    )


class Standings:
    """Reads what the last look left in state/ whenever that is new. Safe to use from any number of threads."""

    def __init__(self, status: Path) -> None:
        """``status``: the file; there may be none."""
        self._status = status
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._found: Mapping[str, Standing] = {}

    def all(self) -> Mapping[str, Standing]:
        """Every standing by the bundle's name; none where nobody looked or the file cannot be read."""
        with self._lock:
            stamp = _stamp(self._status)
            if stamp != self._stamp:
                self._found, self._stamp = _read(self._status), stamp
            return self._found


def told(one: Standing) -> dict[str, Any]:
    """A standing for programs, and as state/swarm.json has it."""
    return asdict(one)


def _looks(observations: Observations, bundle: Bundle) -> list[Look]:
    found = []
    for torrent in bundle.torrents:
        for one in observations.newest(torrent.sha256, SWARM, _LOOKS):
            look = look_of(one.time, one.value)
            found += [look] if look is not None else []
    return found


def _counts(moments: Mapping[str, list[Look]]) -> list[tuple[str, int | None]]:
    """How many copies each look found, oldest first.

    Of a tracker that is down nothing follows: as long as it is not given up, what others count less than it did is
    no number.
    """
    every: list[tuple[str, int | None]] = []
    witness, counted, when = "", 0, ""
    for time in sorted(moments):
        answers = {one.by: one for look in moments[time] for one in look.said if one.elsewhere is not None}
        count = most(one.elsewhere for look in moments[time] for one in look.said)
        if count is not None and witness not in answers and count < counted and time < later(when, _GIVEN_UP):
            count = None
        every.append((time, count))
        if count is not None:
            witness = max(answers.values(), key=lambda one: one.elsewhere or 0).by
            counted, when = count, time
    return every


def _alone_since(known: Iterable[tuple[str, int]]) -> str:
    since = ""
    for time, copies in known:
        since = "" if copies else since or time
    return since


def _read(path: Path) -> Mapping[str, Standing]:
    """What cannot be read is not known: the file may be lost at any moment."""
    try:
        told = json.loads(path.read_bytes())["standings"]
        lists = ({**one, "problems": tuple(one["problems"]), "series": _series(one["series"])} for one in told)
        return {str(one["bundle"]): Standing(**one) for one in lists}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _series(told: Iterable[Any]) -> tuple[tuple[str, int | None], ...]:
    return tuple((str(time), count) for time, count in told)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
