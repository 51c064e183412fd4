"""The frontier: what a harvest has still to ask a source for, and what came of what it asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from phonolith.model.finding import Finding
from phonolith.model.record import Record


class Fate(StrEnum):
    """What became of a task. ``REFUSED``: we may not ask it (robots.txt, terms); ``FAILED``: it was tried in vain.

    ``ABSENT``: the origin has nothing there; that is remembered over the end of the run, until it may be asked again.
    """

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to ask for.

    ``key`` tells it apart within its source (``page:<token>``, ``item:<id>``), ``address`` is what is asked, and
    those of lower ``rank`` go first. ``page``: it is one of a chain that leads from one to the next, so that the same
    key found twice means that the origin leads in a circle. ``mark`` says how far a long answer was read, in words of
    the source's own; ``tries`` is how often it failed so far.
    """

    key: str
    address: str
    rank: int = 1
    page: bool = False
    mark: str = ""
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the answer to a task; the last one of a task ends it.

    ``records`` are what was said, ``met`` items that are as they were (304), ``gone`` items that the origin says it
    no longer has, ``found`` what is to be asked next. ``listed`` counts the items that a list named here, ``total`` is
    how many the origin says there are in all, ``reached`` until when its word is complete, if it ends whole: what the
    next harvest may begin from. ``mark`` is where to go on if this is not the last step; ``findings`` what was wrong.
    ``partial``: what the list does not name is not gone for that, as a feed names what is new and no more.
    """

    records: tuple[Record, ...] = ()
    met: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    found: tuple[Task, ...] = ()
    listed: int | None = None
    total: int | None = None
    reached: str = ""
    mark: str = ""
    findings: tuple[Finding, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written about a task, in one transaction with what it brought.

    ``why`` is for people: what failed or was refused. ``not_before``: when it may be tried again (ISO 8601, UTC).
    """

    task: Task
    fate: Fate
    step: Step = Step()
    why: str = ""
    not_before: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A harvest of a source from its beginning to its end, through any number of stops.

    ``options`` are the words it was asked for with, as the source reads them. ``since`` is where the run before ended
    and ``high_water`` where the next may begin: it moves when a run ends whole. ``finished`` is "" while it goes on.
    ``listed`` and ``total``: items named so far, and how many the origin says there are. ``problem`` says why the run
    could not end whole, "" if nothing stands against it. ``partial``: one of its lists named only a part of what there
    is, so what it does not meet is not gone.
    """

    source: str
    options: str
    started: str
    since: str
    high_water: str
    reached: str = ""
    finished: str = ""
    listed: int = 0
    total: int | None = None
    empty_pages: int = 0
    last_page: str = ""
    last_listed: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    problem: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Advanced:
    """What a transaction stored: records that are ``new`` and ``changed``, items that are ``gone``.

    ``repeated`` are pages that were found a second time, by their keys.
    """

    new: int = 0
    changed: int = 0
    gone: int = 0
    repeated: tuple[str, ...] = ()
