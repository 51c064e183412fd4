"""Names of moments in a source's history: dates, numbers of harvests, ``last`` and ``previous``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from phonolith.errors import UsageError
from phonolith.store.history import Harvest, History

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_HARVEST = re.compile(r"#?(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot of a source: ``lines`` that it had, the ``harvest`` that was last then (0: none), and its ``time``."""

    lines: int
    harvest: int
    time: str


def moment(history: History, source: str, word: str) -> Moment:
    """The snapshot of a source that a word means.

    ``last`` is after its last harvest, ``previous`` before it; a number is after the harvest of that number, 0 before
    the first; a date is the end of that day, a time that second, both in UTC. Raises UsageError.
    """
    harvests = history.harvests(source)
    if word == "last":
        return _after(harvests[-1]) if harvests else _NOTHING
    if word == "previous":
        return _after(harvests[-2]) if len(harvests) > 1 else _NOTHING
    if numbered := _HARVEST.fullmatch(word):
        return _numbered(harvests, source, int(numbered[1]))
    if _DATE.fullmatch(word) or _TIME.fullmatch(word):
        time = word if "T" in word else f"{word}T23:59:59Z"
        lines = history.at(source, time)
        known = [one for one in harvests if one.first < lines]
        return Moment(lines, known[-1].number if known else 0, time)
    raise UsageError(
        word,
        "is no moment",
        "Write a date (2026-11-30), a time (2026-11-30T12:00:00Z), a harvest's number, last or previous",
    )


def _numbered(harvests: list[Harvest], source: str, number: int) -> Moment:
    if number == 0:
        return _NOTHING
    found = next((one for one in harvests if one.number == number), None)
    if found is None:
        problem = f"has no harvest {number}"
        known = f"It has {harvests[0].number} to {harvests[-1].number}" if harvests else "It has none"
        raise UsageError(source, problem, f"{known}: phonolith diff --list")
    return _after(found)


def _after(harvest: Harvest) -> Moment:
    return Moment(harvest.end, harvest.number, harvest.time)


_NOTHING = Moment(0, 0, "")
