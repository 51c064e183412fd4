"""The library as one thing to ask: the catalogue, what is hidden in it, and the policy the gate decides by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import apsw

from phonolith.errors import NotFound
from phonolith.library.catalogue import Catalogue, Snapshot
from phonolith.library.kept import Kept
from phonolith.library.overlay import Hidden, Overlay, check, hidden_rows
from phonolith.library.views import LicenceView, Rights
from phonolith.model.rights import Decision, Use
from phonolith.rights.decisions import Decisions
from phonolith.rights.evidence import Evidence, on_day, since
from phonolith.rights.gate import Policy, Subject, decide
from phonolith.rights.licences import known
from phonolith.rights.stricter import INHERITED, restate

_REMEMBERED = 20_000  # pieces of evidence kept per build and policy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the gate needs to know of an item: ``rights`` as they stand now, not as the build found them.

    ``ids`` are the public ids a withdrawal could name: the item's own, its release's, its artists'. ``witnesses`` are
    those that an attestation could have named.
    """

    rights: Rights
    ids: tuple[str, ...]
    witnesses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer's view of one build: every row number in it is valid for as long as it is held.

    ``today`` is the day by which the public domain is decided, None the one that the catalogue is as of.
    """

    snapshot: Snapshot
    decisions: Decisions
    hidden: Hidden
    policy: Policy
    today: date | None = None

    @property
    def db(self) -> apsw.Connection:
        """The connection."""
        return self.snapshot.db

    @property
    def kept(self) -> Kept:
        """What searches of this build keep for each other."""
        return self.snapshot.once("searches", Kept)

    def remembered(
        self,
        name: Hashable,
        rows: Iterable[int | None],
        read: Callable[[Collection[int]], dict[int | None, T]],
        size: int,
        most: int,
    ) -> dict[int | None, T]:
        """What the build says of some rows, by row: ``read`` gives what was not read of late.

        ``name`` says what it is, ``size`` how many bytes of it a row takes and ``most`` how many are kept.
        """
        kept: Kept = self.snapshot.once(("remembered", name), lambda: Kept(most))
        wanted = {row for row in rows if row is not None}
        found: dict[int | None, T] = {row: one for row in wanted if (one := kept.get(row)) is not None}
        missing = wanted - found.keys()
        if missing:
            fresh = read(missing)
            for row, one in fresh.items():
                kept.put(row, one, size)
            found |= fresh
        return found

    def rows(self, sql: str, bindings: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.db.execute(sql, bindings).fetchall()

    def one(self, sql: str, bindings: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, None where there is none."""
        return self.db.execute(sql, bindings).fetchone()

    def row(self, kind: str, identifier: str) -> int:
        """The row of a public id, hidden or not. Raises NotFound."""
        return self.snapshot.find_kind(identifier, kind)

    def after(self, kind: str, identifier: str | None) -> int:
        """The row that a list continues behind: 0, its beginning, for None and for an id that is no longer there."""
        try:
            return self.row(kind, identifier) if identifier else 0
        except NotFound:
            return 0

    def shown(self, kind: str, rows: Iterable[int]) -> list[int]:
        """The rows that may be listed, in the same order."""
        hidden = self.hidden.of(kind)
        return [row for row in rows if row not in hidden] if hidden else list(rows)

    def check(self, reference: str, ids: Iterable[str]) -> None:
        """Raise Withdrawn if one of the ids (the item's, its release's, its artists') is withdrawn."""
        check(reference, ids, self.decisions.withdrawn)

    def current(self, rights: Rights, witnesses: Iterable[str]) -> Rights:
        """What the build knew of a licence as it stands now, after what was attested, revoked and made stricter since.

        ``witnesses`` are the ids that an attestation could name, a thing's own first. Unless something was, it is the
        very same object. What the passing of years has put into the public domain since the build is so now.
        """
        witnesses, restated = tuple(witnesses), self.decisions.restated
        attestations = self.decisions.attestations(*witnesses)
        told = not restated.keys().isdisjoint(witnesses)
        if not attestations and rights.basis not in ("attested", "public-domain") and not told:
            return rights
        built = as_evidence(rights)
        now = since(self._restated(on_day(built, self.on), witnesses), attestations, self._built_at)
        return rights if now == built else replace(as_rights(now), limits=rights.limits)

    @property
    def on(self) -> date:
        """The day by which the public domain is decided."""
        return self.today or self.as_of

    @property
    def as_of(self) -> date:
        """The day that the catalogue is as of; the first of all days where it does not say."""

        def read() -> date:
            row = self.one("SELECT value FROM meta WHERE key = 'as_of'")
            return date.fromisoformat(row[0]) if row and row[0] else date.min

        return self.snapshot.once("as_of", read)

    def _restated(self, built: Evidence, witnesses: Sequence[str]) -> Evidence:
        """What its source says since the build, if stricter; a release's word counts for tracks without their own."""
        restated = self.decisions.restated
        own = restated.get(witnesses[0])
        if restated.keys().isdisjoint(witnesses) or (own is not None and own != INHERITED):
            return restate(built, own)
        kind, row = self.snapshot.find(witnesses[0])
        if kind == "track" and len(witnesses) > 1 and self.rows(_OWN_RIGHTS, (row,))[0][0] is None:
            return restate(built, restated.get(witnesses[1]))
        return restate(built, own)

    @property
    def _built_at(self) -> int:
        """The last event that the build knew."""

        def read() -> int:
            row = self.one("SELECT value FROM meta WHERE key = 'register_head'")
            return int(row[0]) if row else 0

        return self.snapshot.once("register_head", read)

    def decide(self, use: Use, standing: Standing, *, held: bool) -> Decision:
        """The gate's answer for an item."""
        subject = self.subject(standing, held=held)
        return decide(use, subject, policy=self.policy, withdrawn=self.decisions.withdrawn)

    def subject(self, standing: Standing, *, held: bool) -> Subject:
        """What the gate is asked about."""
        return Subject(as_evidence(standing.rights), standing.ids, held=held, limits=frozenset(standing.rights.limits))

    def streams(self, number: int | None, rights: Rights) -> bool:
        """Whether evidence with this row number permits streaming, for anything that is held and not withdrawn.

        Of evidence that is newer than the build the number is -1, and the answer is not kept.
        """
        known: dict[int | None, bool] = self.snapshot.once(("streams", self.policy), dict)
        answer = None if number == -1 else known.get(number)
        if answer is None:
            if len(known) > _REMEMBERED:
                known.clear()
            subject = Subject(as_evidence(rights), (), limits=frozenset(rights.limits))
            answer = known[number] = decide(Use.STREAM, subject, policy=self.policy, withdrawn={}).allowed
        return answer


@dataclass(frozen=True, slots=True)
class Library:
    """What every list and every byte is asked from. Safe to use from any number of threads.

    ``clock`` tells the day, by which works fall into the public domain; without one it is the day of the build.
    """

    catalogue: Catalogue
    overlay: Overlay
    policy: Policy = field(default_factory=Policy)
    clock: Callable[[], date] | None = None

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One consistent view; nested ones in the same thread are of the same build."""
        decisions = self.overlay.decisions()
        with self.catalogue.reading() as snapshot:
            yield self.view(snapshot, decisions)

    def as_built(self) -> Library:
        """This library on the day that its catalogue is as of, or today where that is yet to come.

        What is cut from it for publication depends on the catalogue alone, and never frees what time has not.
        """
        with self.reading() as one:
            day = min(one.on, one.as_of)
        return replace(self, clock=lambda: day)

    def view(self, snapshot: Snapshot, decisions: Decisions) -> Reading:
        """What a build says with these decisions in force, today."""
        today = self.clock() if self.clock else None
        return Reading(snapshot, decisions, hidden_rows(snapshot, decisions.withdrawn), self.policy, today)


def utc_today() -> date:
    """The clock of a running library: today's date of Universal Time."""
    return datetime.now(UTC).date()


_OWN_RIGHTS = "SELECT rights FROM track WHERE id = ?"

NO_RIGHTS = Rights(None, 0, "", "", "none", False, "Nobody stated a licence.")


def as_evidence(rights: Rights) -> Evidence:
    """The catalogue's evidence as the gate takes it.

    What a licence permits is what this program knows of it, not what the file says: a licence it does not know
    permits nothing.
    """
    licence = known(rights.licence.code) if rights.licence else None
    return Evidence(
        licence, rights.level, rights.stated, rights.stated_by, rights.basis, rights.composition, rights.note
    )


def as_rights(evidence: Evidence) -> Rights:
    """Evidence as the library shows it."""
    one = evidence.licence
    view = (
        None
        if one is None
        else LicenceView(
            one.code,
            one.family,
            one.title,
            one.uri,
            one.hold,
            one.stream,
            one.redistribute,
            one.reencode,
            one.commercial,
            one.attribution,
            one.share_alike,
            tuple(one.territories),
        )
    )
    return Rights(
        view,
        int(evidence.level),
        evidence.stated,
        evidence.stated_by,
        evidence.basis,
        evidence.composition,
        evidence.note,
    )


def not_there(kind: str, key: object) -> NotFound:
    """The error for a page of something the catalogue does not have."""
    return NotFound(
        f"{kind} {key}", "nothing in this catalogue is filed under it", "Look for it with: phonolith search"
    )
