"""Torrents as evidence: a .torrent, or a folder of them, which show what their metainfo lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Exhibit, Given, Known, Looked
from phonolith.audit.procedures import METAINFO
from phonolith.audit.torrents import AUDIO, described, facts, kind_of
from phonolith.audit.verdicts import Basis
from phonolith.errors import PhonolithError
from phonolith.model.finding import Finding
from phonolith.store import metainfo
from phonolith.store.files import storage_errors

_TORRENT = ".torrent"


def fits(path: Path) -> bool:
    """Whether this is a torrent, or a folder with one somewhere in it."""
    return next(path.rglob(f"*{_TORRENT}"), None) is not None if path.is_dir() else path.suffix == _TORRENT


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Add what torrents show of the claims; those that cannot be read are findings. Raises StorageError."""
    paths = sorted(given.path.rglob(f"*{_TORRENT}")) if given.path.is_dir() else [given.path]
    infohashes: set[bytes] = set()
    sound = described(_read(paths, told, given, infohashes))
    digest = hashlib.sha256(b"".join(sorted(infohashes))).hexdigest()
    told.exhibits.append(Exhibit(given, "torrents", digest, described=sound))
    shown = list(facts(sound, str(given.path), of=given.of, whole=given.whole and not _unread(told, paths)))
    for claim in claims:
        read = claim.procedure == METAINFO  # then what is claimed is what the torrents list, and that was read
        told.facts[claim.id] += [replace(fact, basis=Basis.READ) if read else fact for fact in shown]


def _read(paths: Iterable[Path], told: Looked, given: Given, infohashes: set[bytes]) -> Iterator[metainfo.Metainfo]:
    for path in paths:
        try:
            with storage_errors(path), path.open("rb") as file:
                data = file.read(metainfo.LARGEST + 1)
            found = metainfo.read(data, str(path))
        except PhonolithError as error:
            code = error.code or "evidence.unreadable"
            told.findings.append(Finding(code, error.subject, error.problem, error.remedy))
            continue
        infohashes.update(filter(None, found.infohashes))
        told.known.append(_known(given, found))
        yield found


def _known(given: Given, found: metainfo.Metainfo) -> Known:
    kinds = [kind_of(file.path[-1]) for file in found.files]
    amounts = {
        "torrents": 1,
        "bytes": found.size,
        "files": len(kinds),
        "tracks": sum(kind in AUDIO for kind in kinds),
        "images": kinds.count("images"),
    }
    padding = sum(size for index, size in found.v1.spans if index < 0) if found.v1 else 0
    return Known(given, tuple(one.hex() for one in found.infohashes if one), amounts, padding)


def _unread(told: Looked, paths: Sequence[Path]) -> bool:
    """Whether one of these could not be read: then there may be more than was."""
    unread = {one.subject for one in told.findings}
    return any(str(path) in unread for path in paths)
