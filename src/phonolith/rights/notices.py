"""The state machine of notices: what each event of the register makes of one, what that hides, and what is due when.

Pure: events in, frozen values out, the time passed in. An event that does not fit the state a notice is in changes
nothing, so that no order of events hides anything without a notice that was complete and actionable before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from phonolith.model.event import Event
from phonolith.model.moment import later
from phonolith.rights.working_days import Calendar


class State(StrEnum):
    """Where a notice stands."""

    RECEIVED = "received"  # the sender's address is not confirmed
    INCOMPLETE = "incomplete"
    ACTIONABLE = "actionable"  # complete, from a confirmed address
    HIDDEN = "hidden"  # what it is about is taken down, and not decided on yet
    UPHELD = "upheld"
    REJECTED = "rejected"
    COUNTERED = "counter-notice"  # somebody says it should not have been taken down; a person looks at that
    WAITING = "waiting"  # the sender was told, and may go to court
    RESTORED = "restored"
    PERMANENT = "permanent"


#: The states in which what a notice is about stays down. A counter-notice alone puts nothing back.
HIDING = frozenset({State.HIDDEN, State.UPHELD, State.COUNTERED, State.WAITING, State.PERMANENT})

ENDED = frozenset({State.REJECTED, State.RESTORED, State.PERMANENT})

#: More items than this, tracks of a named release or artist counted, are hidden by a person only.
MOST_BY_RULE = 100
#: So long after it was complete a notice hides by rule, where nothing speaks against it: time to notice a flood.
PAUSE = timedelta(hours=1)

_LOOK, _FORWARD = 2, 2  # working days for a person to look at something
_PATIENCE = 10  # working days for a sender to confirm or complete, and for us to decide about what is hidden
_BACK, _BACK_LAST = 10, 14  # 17 U.S.C. 512(g)(2)(C): not less than 10, nor more than 14
_COMPLAINTS = timedelta(days=184)  # Regulation (EU) 2022/2065, article 20(1): at least six months


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter-notice. ``sender`` is a token, ``statement`` a keyed digest; ``lacks`` are names of fields."""

    id: str
    sender: str
    statement: str
    time: str
    lacks: tuple[str, ...] = ()
    confirmed: bool = False
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a notice: an event, and the state after it. ``rule``: no person decided it."""

    event: int
    time: str
    kind: str
    state: State
    because: str = ""
    rule: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as the events so far have it; ``since`` is when it came into its state, times ISO 8601, UTC.

    ``about`` are public ids and digests, ``down`` those of them that are hidden by it now, ``items`` how many were
    named and ``reach`` how many tracks they are. ``road``: by what way it came, form or operator. ``before`` is the
    state that a declined counter-notice leads back to.
    """

    id: str
    form: str
    ground: str
    about: tuple[str, ...]
    items: int
    reach: int
    sender: str
    statement: str
    lacks: tuple[str, ...]
    confirmed: bool
    road: str
    received: str
    since: str
    state: State
    steps: tuple[Step, ...] = ()
    down: tuple[str, ...] = ()
    counters: tuple[Counter, ...] = ()
    before: State = State.HIDDEN

    @property
    def complete(self) -> bool:
        """Whether it may be acted on: nothing is missing, and the sender confirmed or need not be known."""
        return not self.lacks and bool(self.about) and (self.confirmed or self.form == "abuse")

    @property
    def open_counter(self) -> Counter | None:
        """The complete counter-notice that is to be decided on, or was forwarded."""
        found = (one for one in self.counters if one.confirmed and not one.lacks and not one.declined)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Due:
    """What has to happen next and until when. ``rule`` is the kind of event that follows by itself then, if any.

    ``latest`` is when a law wants it done at the latest, "" where none says.
    """

    by: str
    what: str
    rule: str = ""
    because: str = ""
    latest: str = ""


def step(notice: Notice | None, event: Event) -> Notice | None:
    """What an event makes of a notice; what does not fit its state leaves it as it is."""
    if event.kind == "notice.received":
        return _received(event) if notice is None else notice
    if notice is None or not fits(notice, event.kind):
        return notice
    after = _STEPS[event.kind](notice, event)
    if after is notice:
        return notice
    if after.state not in HIDING:
        after = replace(after, down=())
    since = event.time if after.state is not notice.state else notice.since
    body = event.body
    told = Step(event.seq, event.time, event.kind, after.state, body.get("because", ""), bool(body.get("rule")))
    return replace(after, since=since, steps=(*notice.steps, told))


def fits(notice: Notice, kind: str) -> bool:
    """Whether an event of this kind means anything for a notice in its present state."""
    return notice.state in _FROM.get(kind, frozenset())


def reinstated(notice: Notice, subjects: Iterable[str], event: Event) -> Notice:
    """The notice after a person put these subjects back; where nothing of it is down any more, it is restored."""
    left = tuple(one for one in notice.down if one not in set(subjects))
    if left == notice.down:
        return notice
    state, since = (notice.state, notice.since) if left else (State.RESTORED, event.time)
    told = Step(event.seq, event.time, event.kind, state, event.body.get("because", ""))
    return replace(notice, down=left, state=state, since=since, steps=(*notice.steps, told))


def due(notice: Notice, calendar: Calendar, *, person: str = "") -> Due | None:
    """What is due next; None where nothing is. ``person`` says why no rule may hide it, "" where one may."""
    since, after = notice.since, calendar.after
    match notice.state:
        case State.RECEIVED:
            because = f"The sender's address was not confirmed within {_PATIENCE} working days."
            return Due(after(since, _PATIENCE), "the sender confirms the address", "notice.rejected", because)
        case State.INCOMPLETE:
            because = f"What was missing did not come within {_PATIENCE} working days."
            return Due(after(since, _PATIENCE), "the sender adds what is missing", "notice.rejected", because)
        case State.ACTIONABLE if person:
            return Due(after(since, _LOOK), f"you decide whether it hides anything: {person}")
        case State.ACTIONABLE:
            because = "A complete notice from a confirmed address; nobody has looked at it yet."
            return Due(later(since, PAUSE), "it is hidden, unless you reject it", "notice.hidden", because)
        case State.HIDDEN:
            return Due(after(since, _PATIENCE), "you uphold or reject it")
        case State.COUNTERED:
            return Due(after(since, _FORWARD), "you forward the counter-notice, or decline it")
        case State.WAITING:
            counter = notice.open_counter
            begun = counter.time if counter else since
            because = f"{_BACK} working days after the counter-notice nobody had gone to court."
            what = "it is restored, unless the sender goes to court"
            return Due(after(begun, _BACK), what, "notice.restored", because, after(begun, _BACK_LAST))
        case State.UPHELD:
            because = "Nothing changed it within the six months in which it could be complained about."
            return Due(later(since, _COMPLAINTS), "it stands for good", "notice.permanent", because)
        case _:
            return None


def why_person(notice: Notice, crowd: int, calm: int) -> str:
    """Why a person has to decide whether a notice hides anything; "" where the rule may.

    ``crowd`` is how many notices became actionable within :data:`PAUSE` before or after it, itself counted; up to
    ``calm`` are taken for single ones.
    """
    if not notice.confirmed:
        return "its sender is not known"
    most = max(notice.items, notice.reach)
    if most > MOST_BY_RULE:
        return f"it reaches {most:,} items, and a rule hides {MOST_BY_RULE} at most"
    if crowd > calm:
        return f"it is one of {crowd:,} within the hour, and rules hide nothing when there are more than {calm:,}"
    return ""


def crowd(notice: Notice, times: Sequence[str]) -> int:
    """How many of these times, in order, are within :data:`PAUSE` of when the notice became actionable."""
    begin, end = later(notice.since, -PAUSE), later(notice.since, PAUSE)
    return bisect_right(times, end) - bisect_left(times, begin)


def _received(event: Event) -> Notice:
    body = event.body
    notice = Notice(
        id=body["notice"],
        form=body["form"],
        ground=body["ground"],
        about=tuple(body["about"]),
        items=body["items"],
        reach=body["reach"],
        sender=body["sender"],
        statement=body["statement"],
        lacks=tuple(body["lacks"]),
        confirmed=bool(body["confirmed"]),
        road=body["road"],
        received=event.time,
        since=event.time,
        state=State.RECEIVED,
    )
    notice = replace(notice, state=_assessed(notice))
    return replace(notice, steps=(Step(event.seq, event.time, event.kind, notice.state),))


def _assessed(notice: Notice) -> State:
    """The state of a notice on which nothing was decided yet."""
    if notice.complete:
        return State.ACTIONABLE
    return State.INCOMPLETE if notice.confirmed or notice.form == "abuse" else State.RECEIVED


def _confirmed(notice: Notice, _: Event) -> Notice:
    known = replace(notice, confirmed=True)
    return replace(known, state=_assessed(known))


def _completed(notice: Notice, event: Event) -> Notice:
    body = event.body
    numbers = {"items": body["items"], "reach": body["reach"]}
    told = {"about": tuple(body["about"]), "lacks": tuple(body["lacks"]), "statement": body["statement"]}
    fuller = replace(notice, **numbers, **told)
    return replace(fuller, state=_assessed(fuller))


def _hidden(notice: Notice, event: Event) -> Notice:
    down = tuple(one for one in notice.about if one in set(event.body["subjects"]))
    return replace(notice, state=State.HIDDEN, down=down) if down and notice.complete else notice


def _reopened(notice: Notice, _: Event) -> Notice:
    return replace(notice, state=_assessed(notice))


def _countered(notice: Notice, event: Event) -> Notice:
    body = event.body
    if any(one.id == body["counter"] for one in notice.counters):
        return notice
    told = body["sender"], body["statement"], event.time, tuple(body["lacks"]), bool(body["confirmed"])
    counter = Counter(body["counter"], *told)
    return _considered(replace(notice, counters=(*notice.counters, counter)))


def _counter_confirmed(notice: Notice, event: Event) -> Notice:
    return _considered(_counter(notice, event))


def _considered(notice: Notice) -> Notice:
    """A complete counter-notice from a confirmed address is to be decided on."""
    if notice.state not in (State.HIDDEN, State.UPHELD) or notice.open_counter is None:
        return notice
    return replace(notice, state=State.COUNTERED, before=notice.state)


def _forwarded(notice: Notice, event: Event) -> Notice:
    counter = notice.open_counter
    fitting = counter is not None and counter.id == event.body["counter"]
    return replace(notice, state=State.WAITING) if fitting else notice


def _declined(notice: Notice, event: Event) -> Notice:
    after = _counter(notice, event, declined=True)
    if after is notice or after.open_counter is not None:
        return after
    return replace(after, state=notice.before)


def _counter(notice: Notice, event: Event, *, declined: bool = False) -> Notice:
    """The notice with one of its counter-notices confirmed, or declined."""
    found = tuple(
        one
        if one.id != event.body["counter"]
        else replace(one, declined=True)
        if declined
        else replace(one, confirmed=True)
        for one in notice.counters
    )
    return notice if found == notice.counters else replace(notice, counters=found)


def _to(state: State) -> Callable[[Notice, Event], Notice]:
    return lambda notice, _: replace(notice, state=state)


_DOWN = (State.HIDDEN, State.UPHELD, State.COUNTERED)

_FROM: Mapping[str, frozenset[State]] = {
    "notice.confirmed": frozenset({State.RECEIVED}),
    "notice.completed": frozenset({State.RECEIVED, State.INCOMPLETE}),
    "notice.hidden": frozenset({State.ACTIONABLE}),
    "notice.upheld": frozenset({State.HIDDEN}),
    "notice.rejected": frozenset({State.RECEIVED, State.INCOMPLETE, State.ACTIONABLE, State.HIDDEN}),
    "notice.reopened": frozenset({State.REJECTED}),
    "notice.restored": frozenset({State.UPHELD, State.COUNTERED, State.WAITING, State.PERMANENT}),
    "notice.permanent": frozenset({State.UPHELD, State.WAITING}),
    "counter.received": frozenset(_DOWN),
    "counter.confirmed": frozenset(_DOWN),
    "counter.forwarded": frozenset({State.COUNTERED}),
    "counter.declined": frozenset({State.COUNTERED}),
}
_STEPS: Mapping[str, Callable[[Notice, Event], Notice]] = {
    "notice.confirmed": _confirmed,
    "notice.completed": _completed,
    "notice.hidden": _hidden,
    "notice.upheld": _to(State.UPHELD),
    "notice.rejected": _to(State.REJECTED),
    "notice.reopened": _reopened,
    "notice.restored": _to(State.RESTORED),
    "notice.permanent": _to(State.PERMANENT),
    "counter.received": _countered,
    "counter.confirmed": _counter_confirmed,
    "counter.forwarded": _forwarded,
    "counter.declined": _declined,
}

#: Every kind of event that a notice follows.
FOLLOWED = frozenset({"notice.received", *_STEPS})
