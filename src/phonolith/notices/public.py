"""What the public sees of notices: no names, no addresses, nothing of what senders wrote.

Public are dates, kind, ground, what a notice is about, its state, and the statement of reasons, which is in the words
of whoever decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from phonolith.notices.words import STATES, STEPS, reasons, title
from phonolith.rights.notices import HIDING, Notice, State
from phonolith.rights.working_days import Calendar


@dataclass(frozen=True, slots=True)
class StepView:
    """One step: what was done, and whether by a rule. ``because`` is in the words of whoever decided."""

    event: int
    time: str
    done: str
    because: str
    rule: bool


@dataclass(frozen=True, slots=True)
class ReasonView:
    """A part of the statement of reasons."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice as everybody may see it. ``about`` are public ids and digests of files, ``hidden`` those down by it."""

    id: str
    url: str
    time: str
    since: str
    form: str
    title: str
    ground: str
    state: str
    state_words: str
    items: int
    about: tuple[str, ...]
    hidden: tuple[str, ...]
    hides: bool
    counter_notices: int
    steps: tuple[StepView, ...]
    reasons: tuple[ReasonView, ...]


@dataclass(frozen=True, slots=True)
class NoticesView:
    """A piece of the log, newest first. ``unconfirmed`` are left out: nobody knows yet that anybody sent them."""

    notices: tuple[NoticeView, ...]
    total: int
    hiding: int
    unconfirmed: int
    next: str | None


_ABOUT = 200  # items of one notice that are told


def view(notice: Notice, calendar: Calendar, contact: str) -> NoticeView:
    """The public part of a notice. What shows abuse of children is not pointed at."""
    told = () if notice.form == "abuse" else notice.about[:_ABOUT]
    steps = (StepView(one.event, one.time, STEPS[one.kind], one.because, one.rule) for one in notice.steps)
    return NoticeView(
        notice.id,
        f"/notices/{notice.id}",
        notice.received,
        notice.since,
        notice.form,
        title(notice),
        notice.ground,
        notice.state,
        STATES[notice.state],
        notice.items,
        told,
        tuple(one for one in notice.down if one in set(told)),
        notice.state in HIDING,
        len(notice.counters),
        tuple(steps),
        tuple(ReasonView(*one) for one in reasons(notice, calendar, contact)),
    )


def listed(notices: Mapping[str, Notice], calendar: Calendar, contact: str, after: str, limit: int) -> NoticesView:
    """A piece of the log; ``after`` is the id of the last notice of the piece before, "" for the first piece."""
    known = newest(one for one in notices.values() if one.state is not State.RECEIVED)
    ids = [one.id for one in known]
    begin = ids.index(after) + 1 if after in ids else 0
    piece = known[begin : begin + limit]
    further = begin + limit < len(known)
    return NoticesView(
        tuple(view(one, calendar, contact) for one in piece),
        len(known),
        sum(one.state in HIDING for one in known),
        len(notices) - len(known),
        piece[-1].id if further and piece else None,
    )


def newest(notices: Iterable[Notice]) -> list[Notice]:
    """Notices, the newest first."""
    return sorted(notices, key=lambda one: one.steps[0].event, reverse=True)
