"""The state machine of the artist's door: what each event of the register makes of a door, and what is said by it.

A door is one page that a source's record links to, and the artist, label or release it opens. Pure: events in, frozen
values out. An event that does not fit the state a door is in changes nothing, so that no order of events says anything
by a door that was not proven and open before. What was said stays when the page is lost: the record of it is true.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from phonolith.model.event import Event


class State(StrEnum):
    """Where a door stands."""

    WAITING = "waiting"  # proven; a person has to open it
    OPEN = "open"
    LOST = "lost"  # the code is not on the page any more
    ENDED = "ended"  # a person here closed it


#: Where on a page the code was found. What visitors may write too is no proof by itself.
FOUND = ("head", "me", "well-known", "text")

#: Who speaks at a door, by what it opens.
VOICES: Mapping[str, str] = {"artist": "artist", "label": "label", "release": "uploader"}

#: What a link may be for.
RELS = ("buy", "support", "homepage")

_CROWD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a door: an event, and the state after it."""

    event: int
    time: str
    kind: str
    state: State
    because: str = ""
    rule: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """A door as the events so far have it. ``subject`` is a public id, ``voice`` who speaks: artist, label, uploader.

    ``proven`` is when it was first proven, ``since`` when it came into its state; ``at`` the address that was read
    last, ``snapshot`` the SHA-256 of what was there, ``found`` where in it the code stood.
    """

    id: str
    subject: str
    voice: str
    page: str
    found: str
    at: str
    snapshot: str
    proven: str
    since: str
    state: State
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """Something said by a door: a correction, link, cover, licence or withdrawal.

    ``told`` is what was said of ``subjects``: field and value, rel and url, sha256, licence. ``undone`` is the event
    that took it back, 0 while it counts.
    """

    event: int
    time: str
    door: str
    kind: str
    subjects: tuple[str, ...]
    told: Mapping[str, str | None]
    undone: int = 0


class Word(Protocol):
    """One of several things said of the same."""

    @property
    def door(self) -> str:
        """By which door; "" for the operator."""

    @property
    def value(self) -> str | None:
        """What was said."""


Said = TypeVar("Said", bound=Word)


def number(subject: str, page: str) -> str:
    """The number of the door that a page opens: the first 60 bits of SHA-256(subject, 0x00, page) in base32."""
    digest = hashlib.sha256(f"{subject}\0{page}".encode()).digest()
    return base64.b32encode(digest[:10]).decode().lower()[:12]


def step(door: Door | None, event: Event) -> Door | None:
    """What an event makes of a door; what does not fit its state leaves it as it is."""
    if event.kind == "door.proven":
        return _proven(door, event)
    if door is None or not fits(door, event):
        return door
    return _moved(door, event, _TO[event.kind])


def fits(door: Door, event: Event) -> bool:
    """Whether an event means anything for a door in its present state."""
    if event.kind == "door.opened" and door.state is State.ENDED:
        return not event.body["rule"]  # what a person ended, only a person opens again
    return door.state in _FROM.get(event.kind, frozenset())


def act(door: Door | None, event: Event) -> Act | None:
    """What an event says by a door; None where that is not open, or what is said makes no sense."""
    if door is None or door.state is not State.OPEN or event.kind not in ACTS:
        return None
    body = event.body
    subjects = tuple(dict.fromkeys(body["subjects"])) if "subjects" in body else (body["subject"],)
    told = {name: body[name] for name in ACTS[event.kind]}
    if event.kind == "door.linked" and not (told["rel"] in RELS and str(told["url"]).startswith("https://")):
        return None
    return Act(event.seq, event.time, door.id, event.kind, subjects, told)


def undoes(door: Door | None, said: Act | None, event: Event) -> bool:
    """Whether an event undoes something: by the door that said it while it is open, or by a person here at any time."""
    if door is None or said is None or said.undone or said.door != event.body["door"]:
        return False
    return event.body["by"] == "operator" or door.state is State.OPEN


def in_force(said: Sequence[Said]) -> Said | None:
    """What counts of all that was said of one thing, oldest first: the last word, and of contrary ones neither.

    A person's word here ends what doors said before it. Of doors each has its last word; where those differ, what a
    person here said before them counts, else nothing.
    """
    begin = max((place for place, one in enumerate(said) if not one.door), default=-1)
    before, after = (said[begin] if begin >= 0 else None), said[begin + 1 :]
    if not after:
        return before
    return before if _differ(after) else after[-1]


def contrary(said: Sequence[Said]) -> tuple[Said, ...]:
    """The last words of doors that contradict each other; empty where none do."""
    begin = max((place for place, one in enumerate(said) if not one.door), default=-1)
    after = said[begin + 1 :]
    return tuple({one.door: one for one in after}.values()) if _differ(after) else ()


def crowd(doors: Iterable[Door], now: str) -> int:
    """How many doors were proven, for the first time or anew, within the hour before ``now``."""
    since = (datetime.strptime(now, _TIME) - _CROWD).strftime(_TIME)
    return sum(any(one.kind == "door.proven" and since < one.time <= now for one in door.steps) for door in doors)


def why_person(found: str, crowded: int, calm: int) -> str:
    """Why a person has to open a door; "" where it opens by itself. ``crowded`` counts this one too."""
    if found == "text":
        return "the code stands among the words of the page, where visitors may write too"
    if crowded > calm:
        return f"it is one of {crowded:,} within the hour, and no more than {calm:,} open by themselves"
    return ""


def _differ(said: Sequence[Word]) -> bool:
    return len({one.value for one in {one.door: one for one in said}.values()}) > 1


def _proven(door: Door | None, event: Event) -> Door | None:
    body = event.body
    read = {"found": body["found"], "at": body["at"], "snapshot": body["snapshot"]}
    if door is None:
        voice = VOICES.get(body["kind"], "")
        fitting = voice and body["found"] in FOUND and body["door"] == number(body["subject"], body["page"])
        if not fitting:
            return None
        told = body["door"], body["subject"], voice, body["page"]
        made = Door(*told, **read, proven=event.time, since=event.time, state=State.WAITING)
        return replace(made, steps=(Step(event.seq, event.time, event.kind, State.WAITING),))
    if door.state is State.ENDED:
        return door
    again = replace(door, **read)
    return _moved(again, event, State.WAITING if door.state is State.LOST else door.state)


def _moved(door: Door, event: Event, state: State) -> Door:
    because, rule = event.body.get("because", ""), bool(event.body.get("rule"))
    told = Step(event.seq, event.time, event.kind, state, because, rule)
    since = event.time if state is not door.state else door.since
    return replace(door, state=state, since=since, steps=(*door.steps, told))


_FROM: Mapping[str, frozenset[State]] = {
    "door.opened": frozenset({State.WAITING}),
    "door.lost": frozenset({State.WAITING, State.OPEN}),
    "door.ended": frozenset({State.WAITING, State.OPEN, State.LOST}),
}
_TO = {"door.opened": State.OPEN, "door.lost": State.LOST, "door.ended": State.ENDED}

#: What can be said by a door, with the fields that say it.
ACTS: Mapping[str, tuple[str, ...]] = {
    "door.set": ("field", "value"),
    "door.linked": ("rel", "url"),
    "door.covered": ("sha256",),
    "door.licensed": ("licence",),
    "door.withdrew": (),
}

#: Every kind of event that a door follows.
FOLLOWED = frozenset({"door.proven", "door.undone", *_TO, *ACTS})

_TIME = "%Y-%m-%dT%H:%M:%SZ"
