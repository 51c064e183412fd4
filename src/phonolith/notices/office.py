"""Where notices are received, answered and decided on: words go to private/, every step is an event of the register.

A letter is kept before its event is written, so a power cut between the two leaves words that nothing names, and its
sender no receipt. Steps are taken one at a time, whichever process takes them: the state that a step was checked
against is the one it is written after.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from phonolith.errors import Busy, NotFound, UsageError
from phonolith.model.event import Event
from phonolith.model.moment import later
from phonolith.notices import words
from phonolith.notices.docket import Docket
from phonolith.notices.practice import Practice
from phonolith.rights import notice_forms as forms
from phonolith.rights.notices import Notice, State, fits
from phonolith.store.archive import Archive
from phonolith.store.database import Closing
from phonolith.store.letters import Letter, Letters
from phonolith.store.private import PrivateStore

#: Who acts where no person does; the name stands in private/ like everybody's.
RULES, FORM = "the rules for notices", "the form for notices"

_TRIES, _PAUSE = 200, 0.05  # of who waits for another process to write its step
_MOST_COUNTERS = 50  # of one notice
_PER_SENDER, _IN_ALL = 20, 5_000  # letters within an hour, from one address and from everybody
_HOUR = timedelta(hours=1)

#: What is known of ids where there is a catalogue: those that name nothing, and how many tracks the others are.
Reach = Callable[[Sequence[str]], tuple[tuple[str, ...], int]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender gets: the id of the notice, the token to follow it by, and what is missing (names of fields).

    ``strange`` are lines of items in which nothing was recognised. ``mailed``: whether a link to confirm was sent.
    """

    notice: str
    token: str
    state: State
    lacks: tuple[str, ...]
    strange: tuple[str, ...] = ()
    mailed: bool = False


class Office(Docket, Closing):
    """The docket of one archive, written to. Safe to use from several threads and processes."""

    def __init__(
        self,
        archive: Archive,
        practice: Practice,
        *,
        now: Callable[[], str],
        reach: Reach | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        super().__init__(archive, practice)
        self._now = now
        self._reach = reach
        self._random = random
        self._lock = threading.Lock()
        self._people: PrivateStore | None = None
        self._letters: Letters | None = None

    def close(self) -> None:
        """Close what was opened."""
        for store in (self._register, self._people, self._letters):
            if store is not None:
                store.close()

    @property
    def letters(self) -> Letters:
        """What was written, and mail that waits; opened when it is first asked for."""
        with self._lock:
            self._letters = self._letters or self.archive.letters()
            return self._letters

    @property
    def _private(self) -> PrivateStore:
        with self._lock:
            self._people = self._people or self.archive.private_store()
            return self._people

    def keyed(self, text: str) -> str:
        """A digest of a text that nobody else can make."""
        return self._private.text_digest(text)

    # What senders do

    def admit(self, *addresses: str) -> bool:
        """Whether these addresses, of the net or of mail, may send one more letter within the hour; counts it."""
        now = self._now()
        limits = [(self._private.text_digest(f"from {one}"), _PER_SENDER) for one in dict.fromkeys(addresses) if one]
        return self.letters.admit([*limits, ("everybody", _IN_ALL)], now=now, since=later(now, -_HOUR))

    def file(
        self, form: str, values: Mapping[str, str], *, road: str, confirmed: bool = False, actor: str = FORM
    ) -> Receipt:
        """Receive a notice; ``confirmed`` where somebody here knows that its sender is who it says.

        Nothing is refused: what is missing is said in the receipt, and hides nothing. Raises UsageError for a form that
        there is not.
        """
        chosen = forms.FORMS.get(form)
        if chosen is None:
            raise UsageError(f"form {form}", "there is no such form", f"Forms are {', '.join(forms.FORMS)}")
        told = forms.told(chosen, values)
        assessed, strange = self._assessed(chosen, told)
        identifier, sender = self._name(), self._random(10).hex()
        address = told.get("email", "")
        mailed = not confirmed and forms.is_email(address)
        follow, confirm = self._token(), self._token() if mailed else ""
        at = self._now()
        letter = Letter(identifier, identifier, form, sender, told, at)
        self.letters.keep(letter, follow=follow, confirm=confirm)
        body = {"notice": identifier, "form": form, "ground": chosen.ground, "sender": sender, **assessed}
        body |= {"road": road, "confirmed": confirmed}
        with self._alone():
            self._append("notice.received", body, actor, at)
        notice = self.notice(identifier)
        if forms.is_email(address):
            self._answer(notice, address, words.received(self.practice, notice, follow, confirm), at)
        return Receipt(identifier, follow, notice.state, notice.lacks, strange, mailed)

    def complete(self, token: str, values: Mapping[str, str]) -> Receipt:
        """Take fuller fields for a notice that is not decided on yet, from whoever has its receipt.

        The address of mail stays as it was: it is the one that is confirmed. Raises NotFound, UsageError.
        """
        letter = self._followed(token)
        chosen = forms.FORMS.get(letter.form)
        if chosen is None or letter.id != letter.notice:
            raise UsageError("this receipt", "is of a counter-notice, which is sent again instead", "")
        told = {**letter.told, **forms.told(chosen, values)}
        ticks = [one.name for one in chosen.fields if one.kind == "tick" and not values.get(one.name)]
        told = {name: text for name, text in told.items() if name not in ticks}
        if letter.told.get("email"):
            told["email"] = letter.told["email"]
        assessed, strange = self._assessed(chosen, told)
        with self._alone():
            self._check(letter.notice, "notice.completed")
            self.letters.rewrite(letter.id, told)
            self._append("notice.completed", {"notice": letter.notice, **assessed}, FORM, self._now())
        notice = self.notice(letter.notice)
        return Receipt(letter.notice, token, notice.state, notice.lacks, strange)

    def confirm(self, token: str) -> Letter:
        """The sender opened the link that was mailed. Asked again, it changes nothing. Raises NotFound."""
        letter = self.letters.confirming(token)
        if letter is None:
            raise NotFound("this link", "is not one that was sent from here, or what it belongs to was erased")
        at = self._now()
        with self._alone():
            if letter.id == letter.notice:
                if fits(self.notice(letter.notice), "notice.confirmed"):
                    self._append("notice.confirmed", {"notice": letter.notice}, FORM, at)
            elif fits(self.notice(letter.notice), "counter.confirmed"):
                self._append("counter.confirmed", {"notice": letter.notice, "counter": letter.id}, FORM, at)
        return letter

    def counter(self, identifier: str, values: Mapping[str, str], *, confirmed: bool = False) -> Receipt:
        """Receive a counter-notice. Raises NotFound, and UsageError where nothing is down by that notice."""
        told = forms.told(forms.COUNTER, values)
        lacks = forms.lacks(forms.COUNTER, told, ())
        counter, sender, follow = self._name(), self._random(10).hex(), self._token()
        mailed = not confirmed and forms.is_email(told.get("email", ""))
        confirm = self._token() if mailed else ""
        at = self._now()
        with self._alone():
            notice = self._check(identifier, "counter.received")
            if len(notice.counters) >= _MOST_COUNTERS:
                raise UsageError(f"notice {identifier}", "has too many counter-notices", "Write to the operator")
            letter = Letter(counter, identifier, "counter", sender, told, at)
            self.letters.keep(letter, follow=follow, confirm=confirm)
            body: dict[str, object] = {"notice": identifier, "counter": counter, "sender": sender, "lacks": list(lacks)}
            body |= {"statement": self._digest(told), "confirmed": confirmed}
            self._append("counter.received", body, FORM, at)
        notice = self.notice(identifier)
        if forms.is_email(told.get("email", "")):
            self._answer(notice, told["email"], words.countered(self.practice, notice, follow, confirm, lacks), at)
        return Receipt(identifier, follow, notice.state, lacks, (), mailed)

    # What is decided

    def decide(
        self, identifier: str, move: str, *, because: str, actor: str, only: Sequence[str] = (), rule: bool = False
    ) -> Event:
        """Take one step: the kind of an event of notices. ``only``: which items it hides, all where none is named.

        Raises NotFound, and UsageError where the notice is not in a state for it.
        """
        at = self._now()
        with self._alone():
            notice = self._check(identifier, move)
            event = self._append(move, _body(notice, move, because, only, rule), actor, at)
        self._tell(self.notice(identifier), event)
        return event

    def follow_rules(self) -> list[Event]:
        """Take every step that follows by rule and is due by now; gives the events."""
        now, done = self._now(), []
        for identifier in list(self.notices()):
            notice = self.notice(identifier)
            next_ = self.due(notice)
            if next_ is None or not next_.rule or next_.by > now:
                continue
            try:
                made = self.decide(identifier, next_.rule, because=next_.because, actor=RULES, rule=True)
            except UsageError:  # another process was first
                continue
            done.append(made)
        return done

    # Helpers

    def _assessed(self, form: forms.Form, told: Mapping[str, str]) -> tuple[dict[str, object], tuple[str, ...]]:
        """What an event says of a letter: what it is about, how much that is, and what is missing."""
        about, strange = forms.items_of(told.get("items", ""))
        reach = len(about)
        if self._reach is not None and about:
            unknown, reach = self._reach(about)
            about = tuple(one for one in about if one not in set(unknown))
            strange += unknown
        named = len(about) + len(strange)
        if len(about) > forms.MOST_ITEMS:
            about, strange = (), (*strange, f"more than {forms.MOST_ITEMS:,} items")
        lacks = forms.lacks(form, told, about)
        body = {"about": list(about), "items": named, "reach": reach, "lacks": list(lacks)}
        return {**body, "statement": self._digest(told)}, strange

    def _digest(self, told: Mapping[str, str]) -> str:
        return self._private.text_digest(json.dumps(dict(told), sort_keys=True, ensure_ascii=False))

    def _followed(self, token: str) -> Letter:
        letter = self.letters.following(token)
        if letter is None:
            raise NotFound("this receipt", "is not one of this library, or what it belongs to was erased")
        return letter

    def _check(self, identifier: str, kind: str) -> Notice:
        notice = self.notice(identifier)
        if not fits(notice, kind):
            step = words.STEPS[kind]
            raise UsageError(f"notice {identifier}", f"is {notice.state}, and cannot be {step} from there", "")
        return notice

    def _append(self, kind: str, body: Mapping[str, object], actor: str, at: str) -> Event:
        return self._register.append(kind, body, actor=self._private.actor_token(actor), time=at)

    def _tell(self, notice: Notice, event: Event) -> None:
        """Write to the sender, and to those who answered, what was decided."""
        for letter in self.letters.about(notice.id):
            address = letter.told.get("email", "")
            answers = {one.id: one.confirmed for one in notice.counters}
            if forms.is_email(address) and answers.get(letter.id, notice.confirmed):
                answer = self._forwarded(notice) if event.kind == "counter.forwarded" and letter.id == notice.id else ""
                self._answer(
                    notice, address, words.decided(self.practice, self.calendar, notice, event, answer), event.time
                )

    def _forwarded(self, notice: Notice) -> str:
        """The counter-notice, which its sender agreed to have passed on (17 U.S.C. 512(g)(2)(B))."""
        counter = notice.open_counter
        letter = self.letters.get(counter.id) if counter else None
        return words.fields(forms.COUNTER, letter.told) if letter else ""

    def _answer(self, notice: Notice, address: str, message: tuple[str, str], at: str) -> None:
        self.letters.post(notice.id, address, *message, time=at)

    def _name(self) -> str:
        return base64.b32encode(self._random(10)).decode().lower()[:12]

    def _token(self) -> str:
        return base64.urlsafe_b64encode(self._random(24)).decode()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process takes a step; each takes milliseconds."""
        with ExitStack() as held:
            for tries in range(1, _TRIES + 1):
                try:
                    held.enter_context(self.archive.lock("notices", what="a step of a notice"))
                    break
                except Busy:
                    if tries == _TRIES:
                        raise
                time.sleep(_PAUSE)
            yield


def _body(notice: Notice, move: str, because: str, only: Sequence[str], rule: bool) -> dict[str, object]:
    """The body of a deciding event. Raises UsageError for what the notice is not about."""
    if move.startswith("counter."):
        counter = notice.open_counter
        return {"notice": notice.id, "counter": counter.id if counter else "", "because": because}
    strange = sorted(set(only) - set(notice.about))
    if strange:
        raise UsageError(strange[0], f"is none of the items of notice {notice.id}", "See: phonolith notice show")
    if move == "notice.reopened":
        return {"notice": notice.id, "because": because}
    subjects = list(only) or list(notice.about if move == "notice.hidden" else notice.down)
    return {"notice": notice.id, "subjects": subjects, "because": because, "rule": rule}
