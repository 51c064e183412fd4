"""Folds the register's events into the decisions that are in force: attestations, withdrawals, corrections.

Pure: the same events give the same decisions, whoever folds them and in however many portions. An event that undoes
another names it by sequence number; undoing a correction brings back the one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from phonolith.model.event import Event
from phonolith.rights.evidence import Attestation


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why an item is withdrawn; ``ground`` is ``owner``, ``licence`` or ``law``."""

    ground: str
    because: str
    event: int
    time: str = ""


@dataclass(frozen=True, slots=True)
class FieldSet:
    """A correction in force: the value a person decided on, as text, None to say that there is none."""

    value: str | None
    because: str
    event: int
    time: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is in force after the event with sequence number ``head``. Keys are public ids."""

    head: int = 0
    attested: Mapping[str, tuple[Attestation, ...]] = field(default_factory=dict)
    withdrawn: Mapping[str, Withdrawal] = field(default_factory=dict)
    corrected: Mapping[str, Mapping[str, tuple[FieldSet, ...]]] = field(default_factory=dict)
    _attested_in: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    _set_in: Mapping[int, tuple[str, str]] = field(default_factory=dict)

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
        """The corrections in force of one item, by field."""
        return {name: sets[-1] for name, sets in self.corrected.get(subject, {}).items()}

    def corrected_ids(self) -> tuple[str, ...]:
        """Public ids with at least one correction in force, sorted."""
        return tuple(sorted(self.corrected))


class _Fold:
    """Working copy of the decisions while events are added."""

    def __init__(self, start: Decisions) -> None:
        self.head = start.head
        self._attested = dict(start.attested)
        self._withdrawn = dict(start.withdrawn)
        self._corrected = {subject: dict(fields) for subject, fields in start.corrected.items()}
        self._attested_in = dict(start._attested_in)
        self._set_in = dict(start._set_in)

    def decisions(self) -> Decisions:
        return Decisions(self.head, self._attested, self._withdrawn, self._corrected, self._attested_in, self._set_in)

    def add(self, event: Event) -> None:
        """Take one event; kinds that decide nothing here are counted and passed over."""
        self.head = event.seq
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
        self._attested_in[event.seq] = subjects
        for subject in subjects:
            self._attested[subject] = (*self._attested.get(subject, ()), attestation)

    def _revoke(self, _: Event, body: Mapping[str, Any]) -> None:
        for subject in self._attested_in.pop(body["event"], ()):
            left = tuple(one for one in self._attested[subject] if one.event != body["event"])
            if left:
                self._attested[subject] = left
            else:
                del self._attested[subject]

    def _withdraw(self, event: Event, body: Mapping[str, Any]) -> None:
        withdrawal = Withdrawal(body["ground"], body["because"], event.seq, event.time)
        self._withdrawn.update(dict.fromkeys(body["subjects"], withdrawal))

    def _reinstate(self, _: Event, body: Mapping[str, Any]) -> None:
        for subject in body["subjects"]:
            self._withdrawn.pop(subject, None)

    def _set(self, event: Event, body: Mapping[str, Any]) -> None:
        subject, name = body["subject"], body["field"]
        fields = self._corrected.setdefault(subject, {})
        correction = FieldSet(body["value"], body["because"], event.seq, event.time)
        fields[name] = (*fields.get(name, ()), correction)
        self._set_in[event.seq] = (subject, name)

    def _unset(self, _: Event, body: Mapping[str, Any]) -> None:
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


_HANDLERS: Mapping[str, Callable[[_Fold, Event, Mapping[str, Any]], None]] = {
    "rights.attested": _Fold._attest,
    "rights.attestation_revoked": _Fold._revoke,
    "item.withdrawn": _Fold._withdraw,
    "item.reinstated": _Fold._reinstate,
    "field.set": _Fold._set,
    "field.unset": _Fold._unset,
}

#: The kinds of events that decide something; others tell what was published, or of keys.
DECIDING = frozenset(_HANDLERS)
