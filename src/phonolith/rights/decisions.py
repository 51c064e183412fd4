"""Folds the register's events into the decisions in force: attestations, withdrawals, notices, corrections, doors.

A thing may be withdrawn by several: by this archive and by each archive that it mirrors. What one takes back, the
others still withdraw; an expunge is never taken back. What is said by the artist's door stands beside what was decided
here, marked as that, and is taken back by whoever said it or by a person here.

Pure: the same events give the same decisions, whoever folds them and in however many portions. An event that undoes
another names it by sequence number; undoing a correction brings back the one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phonolith.model.event import Event
from phonolith.rights import door, notices
from phonolith.rights.door import Act, Door
from phonolith.rights.evidence import Attestation, Evidence
from phonolith.rights.notices import HIDING, Notice


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why an item is withdrawn; ``ground`` is ``owner``, ``licence`` or ``law``.

    ``origin`` names the archive that withdrew it, "" for this one. ``expunged``: its bytes are gone for good there.
    ``notice`` is the id of the notice that took it down, ``door`` of the artist's door by which it was, if one did.
    """

    ground: str
    because: str
    event: int
    time: str = ""
    origin: str = ""
    expunged: bool = False
    notice: str = ""
    door: str = ""


@dataclass(frozen=True, slots=True)
class FieldSet:
    """A correction in force: the value a person decided on, as text, None to say that there is none.

    ``door`` is that of the artist by which it was said, "" for a person here.
    """

    value: str | None
    because: str
    event: int
    time: str
    door: str = ""


@dataclass(frozen=True, slots=True)
class SaidLink:
    """A link that was added by a door: ``rel`` is buy, support or homepage, ``voice`` who speaks there."""

    rel: str
    url: str
    voice: str
    event: int
    door: str


@dataclass(frozen=True, slots=True)
class SaidCover:
    """A cover that was chosen by a door: ``value`` is the SHA-256 of the picture."""

    value: str
    event: int
    door: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is in force after the event with sequence number ``head``. Keys are public ids.

    ``withdrawn`` has SHA-256 digests too, of bytes that were expunged here or that an archive we mirror withdrew; of
    several withdrawals of one thing it has the weightiest. ``notices`` are all that ever arrived, by id.
    ``restated`` is no decision of a person: evidence that sources gave since the build, which counts where it is
    stricter. ``doors`` are all that were ever proven, by id, ``acts`` what was said by them, by event, and ``linked``
    the links they added.
    """

    head: int = 0
    attested: Mapping[str, tuple[Attestation, ...]] = field(default_factory=dict)
    withdrawn: Mapping[str, Withdrawal] = field(default_factory=dict)
    corrected: Mapping[str, Mapping[str, tuple[FieldSet, ...]]] = field(default_factory=dict)
    notices: Mapping[str, Notice] = field(default_factory=dict)
    _withdrawn_by: Mapping[str, Mapping[str, Withdrawal]] = field(default_factory=dict)
    _attested_in: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    _set_in: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    restated: Mapping[str, Evidence] = field(default_factory=dict)
    doors: Mapping[str, Door] = field(default_factory=dict)
    acts: Mapping[int, Act] = field(default_factory=dict)
    linked: Mapping[str, tuple[SaidLink, ...]] = field(default_factory=dict)
    _covered: Mapping[str, tuple[SaidCover, ...]] = field(default_factory=dict)

    @staticmethod
    def load(events: Iterable[Event]) -> Decisions:
        """The decisions in force after these events, which are in order and start at the first."""
        return Decisions().then(events)

    def then(self, events: Iterable[Event]) -> Decisions:
        """The decisions in force after further events, of which those up to ``head`` are passed over."""
        fold = _Fold(self)
        for event in events:
            if event.seq > fold.head:
                fold.add(event)
        return fold.decisions()

    def attestations(self, *ids: str) -> tuple[Attestation, ...]:
        """Attestations in force for any of the ids (a track's own, its release's), oldest first, each once."""
        found = {attestation.event: attestation for one in ids for attestation in self.attested.get(one, ())}
        return tuple(found[event] for event in sorted(found))

    def fields(self, subject: str) -> dict[str, FieldSet]:
        """The corrections in force of one item, by field; where doors contradict each other, none of theirs is."""
        known = ((name, door.in_force(sets)) for name, sets in self.corrected.get(subject, {}).items())
        return {name: one for name, one in known if one is not None}

    def cover(self, release: str) -> str:
        """The SHA-256 of the picture that was chosen for a release by a door, "" where none was."""
        found = door.in_force(self._covered.get(release, ()))
        return found.value if found else ""

    def voice(self, event: int) -> str:
        """Who spoke in an event: artist, label or uploader by a door, "" for a person here."""
        said = self.acts.get(event)
        return self.doors[said.door].voice if said else ""

    def contrary(self) -> Iterator[tuple[str, str, tuple[int, ...]]]:
        """What doors contradict each other about: a subject, what of it, and the events."""
        for subject, fields in self.corrected.items():
            for name, sets in fields.items():
                if words := door.contrary(sets):
                    yield subject, name, tuple(one.event for one in words)
        for subject, covers in self._covered.items():
            if chosen := door.contrary(covers):
                yield subject, "cover", tuple(one.event for one in chosen)
        yield from self._contrary_licences()

    def expunged(self, digest: str) -> Withdrawal | None:
        """The event by which these bytes were expunged here, None if they were not."""
        return self._withdrawn_by.get(digest, {}).get(_EXPUNGE)

    def all_expunged(self) -> Mapping[str, Withdrawal]:
        """Everything that was expunged here, by digest."""
        return {name: found[_EXPUNGE] for name, found in self._withdrawn_by.items() if _EXPUNGE in found}

    def withdrawn_by(self, log: str) -> Mapping[str, Withdrawal]:
        """What the archive with this log withdrew of the bytes and things that came from it."""
        return {name: found[log] for name, found in self._withdrawn_by.items() if log in found}

    def elsewhere(self, digest: str) -> Mapping[str, Withdrawal]:
        """Withdrawals of these bytes by archives that this one mirrors, by log."""
        return {by: one for by, one in self._withdrawn_by.get(digest, {}).items() if one.origin}

    def _contrary_licences(self) -> Iterator[tuple[str, str, tuple[int, ...]]]:
        for subject, attested in self.attested.items():
            said = [one for one in attested if one.door]
            others = [one.event for by, one in self._withdrawn_by.get(subject, {}).items() if one.door]
            if len({one.licence for one in said}) > 1 or (said and others):
                yield subject, "licence", (*(one.event for one in said), *others)

    def corrected_ids(self) -> tuple[str, ...]:
        """Public ids with at least one correction in force, sorted."""
        return tuple(sorted(self.corrected))


class _Fold:
    """Working copy of the decisions while events are added."""

    def __init__(self, start: Decisions) -> None:
        self.head = start.head
        self._attested = dict(start.attested)
        self._withdrawn = dict(start.withdrawn)
        self._withdrawn_by = dict(start._withdrawn_by)
        self._corrected = {subject: dict(fields) for subject, fields in start.corrected.items()}
        self._notices = dict(start.notices)
        self._attested_in = dict(start._attested_in)
        self._set_in = dict(start._set_in)
        self._doors = dict(start.doors)
        self._acts = dict(start.acts)
        self._linked = dict(start.linked)
        self._covered = dict(start._covered)

    def decisions(self) -> Decisions:
        withdrawn = self._withdrawn, self._corrected, self._notices, self._withdrawn_by
        doors = self._doors, self._acts, self._linked, self._covered
        return Decisions(self.head, self._attested, *withdrawn, self._attested_in, self._set_in, {}, *doors)

    def add(self, event: Event) -> None:
        """Take one event; kinds that decide nothing here are counted and passed over."""
        self.head = event.seq
        if event.kind in notices.FOLLOWED:
            self._notice(event)
        if event.kind in door.FOLLOWED:
            self._door(event)
        handler = _HANDLERS.get(event.kind)
        if handler is not None:
            handler(self, event, event.body)

    def _attest(self, event: Event, body: Mapping[str, Any]) -> None:
        attestation = Attestation(
            licence=body["licence"],
            capacity=body["as"],
            because=body["because"],
            event=event.seq,
            time=event.time,
            document=body.get("document", ""),
        )
        subjects = tuple(dict.fromkeys(body["subjects"]))
        self._attested_by(subjects, attestation)

    def _attested_by(self, subjects: tuple[str, ...], attestation: Attestation) -> None:
        self._attested_in[attestation.event] = subjects
        for subject in subjects:
            self._attested[subject] = (*self._attested.get(subject, ()), attestation)

    def _revoke(self, event: Event, body: Mapping[str, Any]) -> None:
        self._mark_undone(body["event"], event)
        for subject in self._attested_in.pop(body["event"], ()):
            left = tuple(one for one in self._attested[subject] if one.event != body["event"])
            if left:
                self._attested[subject] = left
            else:
                del self._attested[subject]

    def _withdraw(self, event: Event, body: Mapping[str, Any]) -> None:
        withdrawal = Withdrawal(body["ground"], body["because"], event.seq, event.time)
        self._take_down(body["subjects"], _OWN, withdrawal)

    def _reinstate(self, event: Event, body: Mapping[str, Any]) -> None:
        """What this archive took down comes back, whether a person had withdrawn it or a notice had hidden it."""
        self._put_back(body["subjects"], _OWN)
        against = {one.notice for name in body["subjects"] for one in self._withdrawn_by.get(name, {}).values()}
        for name in sorted(against - {""}):
            self._hide(notices.reinstated(self._notices[name], body["subjects"], event))

    def _notice(self, event: Event) -> None:
        before = self._notices.get(event.body["notice"])
        after = notices.step(before, event)
        if after is not None and after is not before:
            self._hide(after)

    def _hide(self, notice: Notice) -> None:
        """What the notice hides now, and nothing else by it."""
        before = self._notices.get(notice.id)
        self._notices[notice.id] = notice
        by = f"notice {notice.id}"
        self._put_back((one for one in (before.down if before else ()) if one not in notice.down), by)
        if notice.state in HIDING:
            because = f"a notice about it {_STANDS[notice.state]} (notice {notice.id})"
            last = notice.steps[-1]
            self._take_down(
                notice.down, by, Withdrawal(notice.ground, because, last.event, last.time, notice=notice.id)
            )

    def _expunge(self, event: Event, body: Mapping[str, Any]) -> None:
        because = "its bytes were removed for good"
        self._take_down(
            [body["digest"]], _EXPUNGE, Withdrawal(body["ground"], because, event.seq, event.time, "", True)
        )

    def _follow(self, event: Event, body: Mapping[str, Any]) -> None:
        because, expunged = f"{body['origin']} withdrew it", bool(body.get("expunged"))
        told = Withdrawal(body["ground"], because, event.seq, event.time, body["origin"], expunged)
        self._take_down((*body["digests"], *body["subjects"]), body["log"], told)

    def _follow_back(self, _: Event, body: Mapping[str, Any]) -> None:
        self._put_back((*body["digests"], *body["subjects"]), body["log"])

    def _take_down(self, names: Iterable[str], by: str, withdrawal: Withdrawal) -> None:
        for name in names:
            self._withdrawn_by[name] = {**self._withdrawn_by.get(name, {}), by: withdrawal}
            self._withdrawn[name] = max(self._withdrawn_by[name].values(), key=_weight)

    def _put_back(self, names: Iterable[str], by: str) -> None:
        for name in names:
            left = {other: one for other, one in self._withdrawn_by.pop(name, {}).items() if other != by}
            self._withdrawn.pop(name, None)
            if left:
                self._withdrawn_by[name] = left
                self._withdrawn[name] = max(left.values(), key=_weight)

    def _set(self, event: Event, body: Mapping[str, Any]) -> None:
        subject, name = body["subject"], body["field"]
        self._correct(subject, name, FieldSet(body["value"], body["because"], event.seq, event.time))

    def _correct(self, subject: str, name: str, correction: FieldSet) -> None:
        fields = self._corrected.setdefault(subject, {})
        fields[name] = (*fields.get(name, ()), correction)
        self._set_in[correction.event] = (subject, name)

    def _unset(self, event: Event, body: Mapping[str, Any]) -> None:
        self._mark_undone(body["event"], event)
        subject, name = self._set_in.pop(body["event"], ("", ""))
        if not subject:
            return
        fields = self._corrected[subject]
        left = tuple(one for one in fields[name] if one.event != body["event"])
        if left:
            fields[name] = left
            return
        del fields[name]
        if not fields:
            del self._corrected[subject]

    def _door(self, event: Event) -> None:
        known = self._doors.get(event.body["door"])
        if event.kind in door.ACTS:
            said = door.act(known, event)
            if said is not None and known is not None:
                self._acts[event.seq] = said
                _SAID[event.kind](self, said, known.voice)
        elif event.kind == "door.undone":
            undone = self._acts.get(event.body["event"])
            if undone is not None and door.undoes(known, undone, event):
                self._undo(undone, event)
        else:
            after = door.step(known, event)
            if after is not None and after is not known:
                self._doors[after.id] = after
                if event.kind == "door.ended" and event.body["undone"]:
                    for one in [one for one in self._acts.values() if one.door == after.id and not one.undone]:
                        self._undo(one, event)

    def _undo(self, said: Act, event: Event) -> None:
        """Take back what was said by a door; the same said twice by it counts until both are undone."""
        self._mark_undone(said.event, event)
        body = {"event": said.event}
        match said.kind:
            case "door.set":
                self._unset(event, body)
            case "door.licensed":
                self._revoke(event, body)
            case "door.withdrew":
                self._say_withdrawn(said)
            case "door.linked":
                self._drop(self._linked, said)
            case _:
                self._drop(self._covered, said)

    def _mark_undone(self, number: int, event: Event) -> None:
        said = self._acts.get(number)
        if said is not None and not said.undone:
            self._acts[number] = replace(said, undone=event.seq)

    def _drop(self, words: dict[str, tuple[Any, ...]], said: Act) -> None:
        left = tuple(one for one in words.get(said.subjects[0], ()) if one.event != said.event)
        words.pop(said.subjects[0], None)
        if left:
            words[said.subjects[0]] = left

    def _say_set(self, said: Act, voice: str) -> None:
        because = f"the {voice} says so, by a page of theirs (door {said.door})"
        correction = FieldSet(said.told["value"], because, said.event, said.time, said.door)
        self._correct(said.subjects[0], str(said.told["field"]), correction)

    def _say_linked(self, said: Act, voice: str) -> None:
        link = SaidLink(str(said.told["rel"]), str(said.told["url"]), voice, said.event, said.door)
        known = self._linked.get(said.subjects[0], ())
        self._linked[said.subjects[0]] = (*known, link)

    def _say_covered(self, said: Act, _: str) -> None:
        cover = SaidCover(str(said.told["sha256"]), said.event, said.door)
        self._covered[said.subjects[0]] = (*self._covered.get(said.subjects[0], ()), cover)

    def _say_licensed(self, said: Act, voice: str) -> None:
        """A door has one word on the licence of a thing: its last."""
        for subject in said.subjects:
            others = tuple(one for one in self._attested.get(subject, ()) if one.door != said.door)
            self._attested[subject] = others
        because = f"the {voice} confirmed it, by a page of theirs"
        attestation = Attestation(
            str(said.told["licence"]), "rightsholder", because, said.event, said.time, by=voice, door=said.door
        )
        self._attested_by(said.subjects, attestation)

    def _say_withdrawn(self, said: Act, _: str = "") -> None:
        """What is down by a door is what all its withdrawals that stand name."""
        by = f"door {said.door}"
        self._put_back(said.subjects, by)
        for one in self._acts.values():
            if one.door == said.door and one.kind == "door.withdrew" and not one.undone:
                because = f"the {self._doors[one.door].voice} asked for it (door {one.door})"
                withdrawal = Withdrawal("owner", because, one.event, one.time, door=one.door)
                self._take_down((name for name in one.subjects if name in said.subjects), by, withdrawal)


_SAID: Mapping[str, Callable[[_Fold, Act, str], None]] = {
    "door.set": _Fold._say_set,
    "door.linked": _Fold._say_linked,
    "door.covered": _Fold._say_covered,
    "door.licensed": _Fold._say_licensed,
    "door.withdrew": _Fold._say_withdrawn,
}

_OWN, _EXPUNGE = "", "expunge"  # who withdrew, where it was no other archive, which its log names
_STANDS = {
    notices.State.HIDDEN: "is being looked at",
    notices.State.UPHELD: "was upheld",
    notices.State.COUNTERED: "was answered, and the answer is being looked at",
    notices.State.WAITING: "was answered, and waits for the one who sent it",
    notices.State.PERMANENT: "stands for good",
}
_WEIGHTS = {"licence": 0, "owner": 1, "law": 2}


def _weight(one: Withdrawal) -> tuple[int, bool, int]:
    return _WEIGHTS.get(one.ground, 0), not one.origin, one.event


_HANDLERS: Mapping[str, Callable[[_Fold, Event, Mapping[str, Any]], None]] = {
    "rights.attested": _Fold._attest,
    "rights.attestation_revoked": _Fold._revoke,
    "item.withdrawn": _Fold._withdraw,
    "item.reinstated": _Fold._reinstate,
    "bytes.withdrawn": _Fold._follow,
    "bytes.reinstated": _Fold._follow_back,
    "bytes.expunged": _Fold._expunge,
    "field.set": _Fold._set,
    "field.unset": _Fold._unset,
}

#: The kinds of events that decide something; others tell what was published, or of keys.
DECIDING = frozenset({*_HANDLERS, "door.set", "door.licensed"})
