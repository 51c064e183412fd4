"""Evidence as it is handed over: files and folders of any kind, what each can show, and what is wrong with it.

Nothing here reaches the network, and nothing is taken over into a catalogue: evidence is looked at where it lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.counted import Answer, Check, Unreadable
from phonolith.audit.counting import kind_of
from phonolith.audit.procedures import METAINFO, check_of
from phonolith.audit.tables import ask
from phonolith.audit.torrents import Described, described, facts
from phonolith.audit.units import Unit
from phonolith.audit.verdicts import Basis, Fact
from phonolith.errors import BadInput, NotFound, PhonolithError
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.store import metainfo
from phonolith.store.files import storage_errors

_TORRENT = ".torrent"


@dataclass(frozen=True, slots=True)
class Given:
    """Evidence about what ``of`` names. ``whole``: it is all of that, so what it has not is not there."""

    of: str
    path: Path
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Evidence as it was looked at: its kind, and a digest by which anybody tells it is the same (SHA-256).

    Of torrents it is the digest of their infohashes, sorted, since files around the same metainfo may differ.
    """

    given: Given
    kind: str
    digest: str = ""
    size: int = 0
    described: Described | None = None


@dataclass(slots=True)
class Looked:
    """What all evidence shows: facts by the claim they are about, exhibits, and findings."""

    facts: dict[str, list[Fact]] = field(default_factory=dict)
    exhibits: list[Exhibit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def look(claims: Sequence[Claim], evidence: Sequence[Given], progress: Progress) -> Looked:
    """Look at all evidence for what the claims say. Raises NotFound, StorageError; what is unreadable is a finding."""
    told = Looked({claim.id: [] for claim in claims})
    progress.start("Looking at evidence", len(evidence), "exhibits")
    for given in evidence:
        mine = [claim for claim in claims if claim.of == given.of]
        if not mine:
            told.findings.append(_unused(given))
        _look_at(told, given, mine)
        progress.advance(1)
    progress.finish()
    return told


def _look_at(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    if not given.path.exists():
        raise NotFound(str(given.path), "this evidence is not there", "Check the path")
    if given.path.is_dir() or given.path.suffix == _TORRENT:
        _torrents(told, given, claims)
    else:
        _rows(told, given, claims)


# Torrents


def _torrents(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    paths = sorted(given.path.rglob(f"*{_TORRENT}")) if given.path.is_dir() else [given.path]
    if not paths:
        raise BadInput(str(given.path), "there is no evidence in it", "Name a folder with .torrent files, or a file")
    infohashes: set[bytes] = set()
    sound = described(_read(paths, told.findings, infohashes))
    digest = hashlib.sha256(b"".join(sorted(infohashes))).hexdigest()
    told.exhibits.append(Exhibit(given, "torrents", digest, described=sound))
    shown = list(facts(sound, str(given.path), of=given.of, whole=given.whole and not _unread(told, paths)))
    for claim in claims:
        read = claim.procedure == METAINFO  # then what is claimed is what the torrents list, and that was read
        told.facts[claim.id] += [replace(fact, basis=Basis.READ) if read else fact for fact in shown]


def _read(paths: Iterable[Path], findings: list[Finding], infohashes: set[bytes]) -> Iterator[metainfo.Metainfo]:
    for path in paths:
        try:
            with storage_errors(path), path.open("rb") as file:
                data = file.read(metainfo.LARGEST + 1)
            found = metainfo.read(data, str(path))
        except PhonolithError as error:
            findings.append(Finding(error.code or "evidence.unreadable", error.subject, error.problem, error.remedy))
            continue
        infohashes.update(filter(None, found.infohashes))
        yield found


def _unread(told: Looked, paths: Sequence[Path]) -> bool:
    """Whether one of these could not be read: then there may be more than was."""
    unread = {one.subject for one in told.findings}
    return any(str(path) in unread for path in paths)


# Files of rows


def _rows(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    try:
        kind = kind_of(str(given.path))
    except (Unreadable, OSError) as error:
        told.findings.append(_unreadable(given, str(error)))
        told.exhibits.append(Exhibit(given, "unreadable"))
        return
    told.exhibits.append(Exhibit(given, kind, _digest(given.path), given.path.stat().st_size))
    asked: list[tuple[Claim, Unit]] = []
    checks: list[Check] = []
    for claim in claims:
        try:
            check, unit = check_of(claim, kind)
        except BadInput as error:
            told.findings.append(Finding(error.code, error.subject, error.problem, error.remedy))
            continue
        checks.append(check)
        asked.append((claim, unit))
    if checks:
        _take(told, given, asked, ask(given.path, checks))


def _take(told: Looked, given: Given, asked: Sequence[tuple[Claim, Unit]], answer: Answer) -> None:
    if answer.problem:
        told.findings.append(_unreadable(given, answer.problem))
        return
    for (claim, unit), counted in zip(asked, answer.counted, strict=True):
        if counted.value is None:
            told.findings.append(Finding("evidence.procedure", f"claim {claim.id}", counted.problem, "Correct it"))
            continue
        amount = counted.value * unit.scale
        most = amount if given.whole else float("inf")
        how = f"{claim.procedure or 'rows'}, counted in {given.path.name}"
        basis = Basis.READ
        fact = Fact(claim.unit.dimension, amount, most, basis, str(given.path), how, claim.of, claim.definition)
        told.facts[claim.id].append(fact)


def _digest(path: Path) -> str:
    with storage_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unreadable(given: Given, problem: str) -> Finding:
    return Finding("evidence.unreadable", str(given.path), problem, "Get it again, or leave it out", "warning")


def _unused(given: Given) -> Finding:
    problem = f"no claim is about {given.of!r}, so it shows nothing here"
    return Finding("evidence.unused", str(given.path), problem, "Name it after the of of a claim: OF=PATH", "note")
