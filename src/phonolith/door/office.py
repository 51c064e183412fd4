"""Where somebody asks for a door, proves a page and is let in: keys are in private/, steps are events of the register.

Steps are taken one at a time, whichever process takes them, so the state that a step was checked against is the one it
is written after. What nobody proved leaves nothing in the register.
"""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from phonolith.door import scope
from phonolith.door.scope import Subject
from phonolith.door.seen import Outside, Seen
from phonolith.errors import Busy, NotFound, RefusedByRights, UsageError
from phonolith.library.reading import Library, Reading
from phonolith.model.event import Event
from phonolith.rights.decisions import Decisions
from phonolith.rights.door import Act, Door, State, crowd, number, why_person
from phonolith.rights.door_pages import Page, judge
from phonolith.store.archive import Archive
from phonolith.store.database import Closing
from phonolith.store.doors import DoorKeys, Key
from phonolith.store.private import PrivateStore
from phonolith.store.register import Register

#: Who acts by a door, and where a rule does; the names stand in private/ like everybody's.
VISITOR, RULES = "somebody at the artist's door", "the rules of the artist's door"

ASKED, GOOD = timedelta(days=7), timedelta(days=30)  # how long a link is good before and after its proof
AGAIN, GONE = timedelta(days=1), timedelta(days=7)  # when a page is looked at again; when it counts as lost
_HOUR, _DAY, _MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
_PER_ADDRESS, _PER_SUBJECT, _LOOKS = 20, 50, 600
_ACTS = 500  # a day, by one door
_TRIES, _PAUSE = 200, 0.05  # of who waits for another process to write its step
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Practice:
    """``url`` is where the pages are reached; so many doors an hour as ``calm`` says open without a person."""

    url: str
    calm: int = 10


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody with a key, and the door as it stands; ``open``: whether anything can be said by it now.

    ``why``: why not, as a sentence.
    """

    key: Key
    door: Door | None
    why: str

    @property
    def open(self) -> bool:
        """Whether anything can be said now."""
        return not self.why


class Office(Closing):
    """The doors of one archive. Safe to use from several threads and processes.

    ``library`` gives None while nothing is built.
    """

    def __init__(
        self,
        archive: Archive,
        practice: Practice,
        outside: Outside,
        *,
        now: Callable[[], str],
        library: Callable[[], Library | None],
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.archive = archive
        self.practice = practice
        self.outside = outside
        self.now = now
        self._library = library
        self._random = random
        self._register: Register = archive.register()
        self._opened_keys: DoorKeys | None = None
        self._people: PrivateStore = archive.private_store()
        self._decisions = Decisions()
        self._head = (0, "")
        self._folding = threading.Lock()

    def close(self) -> None:
        """Close what was opened."""
        for store in (self._register, self._opened_keys, self._people):
            if store is not None:
                store.close()

    @property
    def _keys(self) -> DoorKeys:
        """Codes and links; opened when they are first asked for."""
        with self._folding:
            self._opened_keys = self._opened_keys or self.archive.doors()
            return self._opened_keys

    # What there is

    def decisions(self) -> Decisions:
        """What is in force, as of now."""
        with self._folding:
            head = self._register.head()
            if head != self._head:
                self._decisions = self._decisions.then(self._register.events(self._decisions.head))
                self._head = head
            return self._decisions

    def doors(self) -> Mapping[str, Door]:
        """Every door that was ever proven, by id."""
        return self.decisions().doors

    def door(self, identifier: str) -> Door:
        """One door. Raises NotFound."""
        found = self.doors().get(identifier)
        if found is None:
            raise NotFound(f"door {identifier}", "there is none of that number", "phonolith door list shows them all")
        return found

    def acts(self, identifier: str) -> list[Act]:
        """What was said by a door, newest first."""
        return sorted((one for one in self.decisions().acts.values() if one.door == identifier), key=lambda a: -a.event)

    def keys(self, identifier: str) -> list[Key]:
        """The personal links to a door that are good, or wait."""
        return self._keys.of_door(identifier, self.now())

    def why_person(self, door: Door) -> str:
        """Why a person has to look at a door; "" where nobody has to."""
        if door.state is State.WAITING:
            return why_person(door.found, self._crowd(), self.practice.calm) or "it waits to be opened"
        if door.state is State.OPEN and any(one.waits for one in self.keys(door.id)):
            return why_person("text", 0, self.practice.calm)
        return ""

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One consistent view of the catalogue. Raises NotFound while there is none."""
        with self.library().reading() as found:
            yield replace(found, decisions=self.decisions())

    def library(self) -> Library:
        """The library. Raises NotFound while nothing is built."""
        found = self._library()
        if found is None:
            raise NotFound("the catalogue", "nothing has been built yet", "")
        return found

    # What somebody at the door does

    def ask(self, identifier: str, address: str, sender: str) -> str:
        """Somebody says that a page is theirs; gives the token of a personal link, which shows the code to place.

        Raises NotFound, UsageError for a page that proves nothing, Busy where too many came of late.
        """
        with self.reading() as reading:
            subject = scope.subject_of(reading, identifier)
            page = _one_of(scope.pages(reading, subject), address)
        limits = [
            (self._keyed(f"from {sender}"), _PER_ADDRESS, -_HOUR),
            (self._keyed(f"of {identifier}"), _PER_SUBJECT, -_DAY),
        ]
        self._admit(limits, "too many came here of late", "Try again later, or write to whoever runs this library")
        token, made = self._token(), self.now()
        code = base64.b32encode(self._random(15)).decode().lower()
        key = Key(number(subject.id, page.url), subject.id, subject.kind, page.url, code, made, _later(made, ASKED))
        self._keys.keep(token, key)
        return token

    def entered(self, token: str) -> Entered:
        """Whoever has a personal link. Raises NotFound."""
        key = self._keys.get(token, self.now())
        if key is None:
            raise NotFound("this link", "is not one of this library, or it has ended", "Ask for another at /door")
        door = self.doors().get(key.door)
        return Entered(key, door, _closed(key, door))

    def inside(self, token: str) -> Entered:
        """Whoever came in by an open door. Raises NotFound, UsageError saying why it is not open."""
        found = self.entered(token)
        if not found.open:
            raise UsageError("this link", found.why, "")
        return found

    def subject(self, key: Key) -> Subject:
        """What a key opens. Raises NotFound where it is in the catalogue no more, Withdrawn."""
        with self.reading() as reading:
            return scope.subject_of(reading, key.subject)

    def look(self, token: str) -> Seen:
        """Look at the page now. What is found is written down, and opens the door where nothing speaks against it."""
        key = self.entered(token).key
        limits = [(self._keyed(f"look for {key.code}"), 1, -_MINUTE), (self._keyed(f"look at {key.page}"), 5, -_MINUTE)]
        limits.append(("looks", _LOOKS, -_HOUR))
        try:
            self._admit(limits, "it was looked at less than a minute ago", "")
        except Busy as error:
            return Seen("", key.page, "", f"{error.problem}: try again in a minute")
        return self._look(key)

    def other_link(self, token: str) -> str:
        """Another personal link in the place of this one; all others to the door end. Raises NotFound, UsageError."""
        self.inside(token)
        other = self._token()
        self._keys.renew(token, other)
        return other

    def say(self, token: str, kind: str, body: Mapping[str, object]) -> Event:
        """Say something by an open door: one of the kinds of events that are acts, or an undo of one.

        Raises NotFound, UsageError where the door is not open, Busy where too much was said of late.
        """
        key = self.inside(token).key
        limit = [(self._keyed(f"said by {key.door}"), _ACTS, -_DAY)]
        self._admit(limit, "much was said by this page of late", "Go on tomorrow")
        with self._alone():
            self.inside(token)
            return self._append(kind, {"door": key.door, **body}, VISITOR)

    # What a person here does

    def open(self, identifier: str, *, because: str, actor: str, code: str = "") -> Event | None:
        """Open a door that waits or was ended; with ``code`` let in who waits with a code among the words of the page.

        That code is named, because others may have been written there since somebody looked. None where the door was
        open already. Raises NotFound, UsageError where nobody waits, or nobody with that code.
        """
        waiting = {one.code for one in self.keys(identifier) if one.waits}
        if code and code not in waiting:
            raise UsageError(f"code {code[:40]}", "nobody waits with it", f"See: phonolith door show {identifier}")
        with self._alone():
            door = self.door(identifier)
            closed = door.state in (State.WAITING, State.ENDED)
            if not code and (not closed or (door.found == "text" and waiting)):
                problem = "waits for you to name the code you saw" if waiting else f"is {door.state}"
                raise UsageError(f"door {identifier}", problem, f"See: phonolith door show {identifier}")
            body = {"door": door.id, "because": because, "rule": False}
            event = self._append("door.opened", body, actor) if closed else None
        if code:
            self._keys.approve(code, self.now())
        return event

    def end(self, identifier: str, *, because: str, actor: str, undo: bool = False) -> Event:
        """End a door and all links to it; with ``undo`` all that was said by it counts no more.

        Raises NotFound, UsageError.
        """
        with self._alone():
            door = self.door(identifier)
            if door.state is State.ENDED:
                raise UsageError(f"door {identifier}", "was ended before", "")
            said = [one for one in self.acts(identifier) if not one.undone] if undo else []
            subjects = sorted({name for one in said for name in one.subjects})
            body = {"door": identifier, "because": because, "undone": undo, "subjects": subjects}
            event = self._append("door.ended", body, actor)
        self._keys.end(identifier)
        return event

    def undo(self, number_: int, *, because: str, actor: str) -> Event:
        """Undo one thing that was said by a door. Raises NotFound, UsageError where it is undone already."""
        with self._alone():
            said = self.decisions().acts.get(number_)
            if said is None:
                raise NotFound(f"event {number_}", "nothing was said by a door in it", "See: phonolith door show DOOR")
            if said.undone:
                raise UsageError(f"event {number_}", f"was undone before, by event {said.undone}", "")
            body = {"door": said.door, "event": number_, "by": "operator", "because": because}
            return self._append("door.undone", body, actor)

    def look_again(self, identifier: str = "", *, every: timedelta = AGAIN, most: int = 50) -> list[tuple[Key, Seen]]:
        """Look again at pages that were not looked at for a day, or at those of one door.

        What is gone for a week is lost. No link is good for longer by it: whoever has one lets us look for that.
        """
        before = _later(self.now(), -every)
        due = [
            one
            for one in self._keys.proven(self.now())
            if identifier == one.door or (not identifier and one.looked < before)
        ]
        seen = [(key, self._look(key, renew=False)) for key in due[:most]]
        for door in {key.door for key, _ in seen}:
            self._lose(door)
        return seen

    # Helpers

    def _look(self, key: Key, *, renew: bool = True) -> Seen:
        page = judge(key.kind, "", key.page)
        try:
            with self.reading() as reading:
                page = _one_of(scope.pages(reading, scope.subject_of(reading, key.subject)), key.page)
        except (NotFound, UsageError, RefusedByRights) as error:
            seen = Seen("", key.page, "", error.problem)
        else:
            seen = self.outside.look(page, key.code)
        at = self.now()
        until = _later(at, GOOD) if renew or not key.proven else ""
        self._keys.looked(key.code, at=at, found=seen.found, problem=seen.problem, until=until)
        if seen.found:
            self._prove(key, seen)
        return seen

    def _prove(self, key: Key, seen: Seen) -> None:
        with self._alone():
            door = self.doors().get(key.door)
            better = door is not None and door.found == "text" != seen.found
            fresh = door is None or door.state is State.LOST or (door.state is State.WAITING and better)
            if not fresh:
                return
            told = {"found": seen.found, "at": seen.at, "snapshot": seen.snapshot}
            of = {"door": key.door, "subject": key.subject, "kind": key.kind, "page": key.page}
            self._append("door.proven", of | told, VISITOR)
            door = self.door(key.door)
            if not why_person(door.found, self._crowd(), self.practice.calm):
                because = "The code stands where only whoever has the page writes."
                self._append("door.opened", {"door": key.door, "because": because, "rule": True}, RULES)

    def _lose(self, identifier: str) -> None:
        """A door is lost when none of its codes was on the page for a week."""
        keys = [one for one in self._keys.of_door(identifier, self.now()) if one.proven]
        before = _later(self.now(), -GONE)
        if not keys or not all(one.missed and one.missed <= before for one in keys):
            return
        with self._alone():
            door = self.doors().get(identifier)
            if door is not None and door.state in (State.OPEN, State.WAITING):
                because = f"None of its codes was on the page for {GONE.days} days."
                self._append("door.lost", {"door": identifier, "because": because}, RULES)

    def _crowd(self) -> int:
        return crowd(self.doors().values(), self.now())

    def _admit(self, limits: Sequence[tuple[str, int, timedelta]], problem: str, remedy: str) -> None:
        now = self.now()
        told = [(who, most, _later(now, since)) for who, most, since in limits]
        if not self._keys.admit(told, now=now, oldest=_later(now, -_DAY)):
            raise Busy("the artist's door", problem, remedy)

    def _append(self, kind: str, body: Mapping[str, object], actor: str) -> Event:
        return self._register.append(kind, body, actor=self._people.actor_token(actor), time=self.now())

    def _keyed(self, text: str) -> str:
        return self._people.text_digest(f"door: {text}")

    def _token(self) -> str:
        return base64.urlsafe_b64encode(self._random(24)).decode()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process takes a step; each takes milliseconds."""
        with ExitStack() as held:
            for tries in range(1, _TRIES + 1):
                try:
                    held.enter_context(self.archive.lock("door", what="a step at the artist's door"))
                    break
                except Busy:
                    if tries == _TRIES:
                        raise
                time.sleep(_PAUSE)
            yield


def _one_of(pages: Sequence[Page], address: str) -> Page:
    """The page that is meant, if it proves anything. Raises UsageError saying why not, and which would."""
    found = next((one for one in pages if one.url == address), None)
    good = [one.url for one in pages if not one.why]
    others = f"These count: {', '.join(good[:5])}" if good else ""
    if found is None:
        raise UsageError(address[:200], "no record here links to it", others)
    if found.why:
        raise UsageError(found.url, f"it proves nothing: {found.why}", others)
    return found


def _closed(key: Key, door: Door | None) -> str:
    """Why nothing can be said with a key, as a sentence; "" where it can."""
    if not key.proven or door is None:
        return "the code was not found on the page yet"
    if door.state is State.ENDED:
        return "whoever runs this library closed it"
    if door.state is State.WAITING or key.waits:
        return "somebody here has to look at it first"
    if door.state is State.LOST or key.missed:
        return "the code is not on the page any more: put it back, and let us look again"
    return ""


def _later(at: str, by: timedelta) -> str:
    return (datetime.strptime(at, _TIME) + by).strftime(_TIME)
