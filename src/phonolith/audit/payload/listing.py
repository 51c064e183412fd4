"""What is to be there: the files of a folder, of a bag by its manifest, of a torrent's copy by the metainfo beside it.

Items are named as every auditor would name them, whatever machine the bytes lie on: samples are drawn by these names.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from phonolith.audit.payload.fit import Digest, Proof, Stream, Tree
from phonolith.errors import PhonolithError
from phonolith.model.finding import Finding
from phonolith.store import bag, metainfo
from phonolith.store.files import printable, storage_errors

_TORRENT = ".torrent"
_MOST = 2_000_000  # items of one listing
_PADDING = (".pad", "_____padding_file")  # BEP 47, and what a client wrote before it


@dataclass(frozen=True, slots=True)
class Item:
    """A file that is listed. ``path`` is None where it is not here, ``size`` where neither list nor disk tells it.

    ``digest`` is what its list says of its bytes, "" if nothing: equal ones are equal files. ``proof`` checks bytes
    against the list; without one, what is here is what is meant.
    """

    id: str
    path: Path | None
    size: int | None
    digest: str = ""
    proof: Proof | None = None

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.id.rpartition("/")[2]

    @property
    def cost(self) -> int:
        """Bytes that are read to check it."""
        return 0 if self.path is None else (self.size or 0) + (self.proof.beyond if self.proof else 0)


@dataclass(slots=True)
class Listing:
    """Items by their ids, in order. ``complete``: there is nothing more that could not be listed."""

    kind: str
    root: Path
    items: list[Item] = field(default_factory=list)
    torrents: list[metainfo.Metainfo] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    complete: bool = True

    @property
    def digest(self) -> str:
        """SHA-256 over ids, and digests or else sizes: whoever has the same list draws the same samples."""
        told = hashlib.sha256()
        for one in self.items:
            told.update(f"{one.id}\0{one.digest or one.size}\n".encode("utf-8", "surrogatepass"))
        return told.hexdigest()


def is_copy(path: Path) -> bool:
    """Whether this is a folder of bytes with a list of them: a bag, or what torrents in it are about."""
    if not path.is_dir():
        return False
    if (path / "bagit.txt").is_file() and next(_files(path / "data", []), None) is not None:
        return True
    torrents = path.rglob(f"*{_TORRENT}")
    beside = (one for one in torrents if any(other.suffix != _TORRENT for other in one.parent.iterdir()))
    return any(_is_here(one, told) for one in beside if (told := _metainfo(one, [])) is not None)


def is_folder(path: Path) -> bool:
    """Whether this is a folder with files in it."""
    return path.is_dir() and next(_files(path, []), None) is not None


def list_payload(path: Path) -> Listing:
    """What is listed of a folder of bytes. Raises StorageError; lists that cannot be read are findings."""
    if (path / "bagit.txt").is_file():
        told = _bag(path)
    elif is_copy(path):
        told = _copy(path)
    else:
        told = _folder(path, path)
    told.items.sort(key=lambda one: one.id)
    return told


def _folder(path: Path, root: Path) -> Listing:
    told = Listing("folder", path)
    for place, size in _files(path, told.findings):
        name = unicodedata.normalize("NFC", place.relative_to(root).as_posix())
        if any(part.startswith(_PADDING) for part in name.split("/")):
            continue
        if len(told.items) >= _MOST:
            told.findings.append(_error("evidence.too-many", path, f"has more than {_MOST:,} files"))
            break
        told.items.append(Item(name, place, size))
    told.complete = not any(one.severity == "error" for one in told.findings)
    return told


def _bag(path: Path) -> Listing:
    """Payload by the manifest; where that cannot be read, the files of data/ as any folder's."""
    try:
        found = bag.read_bag(path, sealed=False)
    except PhonolithError as error:
        told = _folder(path / "data" if (path / "data").is_dir() else path, path)
        told.complete = False  # what its manifest lists beside that is not known
        told.findings.insert(0, Finding(error.code, error.subject, error.problem, error.remedy))
        return told
    told = Listing("bag", path)
    for name, sha256 in found.payload.items():
        here = path / name if bag.plain(path, name) else None
        size = _size(here) if here else None
        told.items.append(Item(name, here, size, sha256, Digest(sha256)))
    extra = sum(1 for _ in _files(path / "data", [])) - sum(one.path is not None for one in told.items)
    if (path / "data").is_dir() and extra > 0:
        problem = f"has {extra:,} files in data/ that its manifest does not list; they were left aside"
        told.findings.append(Finding("bag.extra", printable(path), problem, severity="warning"))
    return told


def _copy(path: Path) -> Listing:
    told = Listing("copy of torrents", path)
    seen: set[bytes] = set()
    for place in sorted(path.rglob(f"*{_TORRENT}")):
        found = _metainfo(place, told.findings)
        if found is None:
            told.complete = False
            continue
        own = {infohash for infohash in found.infohashes if infohash}
        if own & seen:
            continue
        seen |= own
        told.torrents.append(found)
        told.items += _of_torrent(place, found)
    return told


def _of_torrent(place: Path, told: metainfo.Metainfo) -> Iterator[Item]:
    base = _placed(place, told)
    places = [
        base / "/".join(file.path) if base and bag.plain(base, "/".join(file.path)) else None for file in told.files
    ]
    name = (told.infohashes[1] or told.infohashes[0]).hex()
    stream = Stream(told, places) if told.layers is None else None
    for index, (file, here) in enumerate(zip(told.files, places, strict=True)):
        if here is not None and _size(here) != file.size:
            here = None  # another file, or one that was not finished
        proof: Proof = Tree(file.root, file.size) if stream is None else stream.part(index)
        digest = file.root.hex() if file.size and file.root else "" if file.size else "empty"
        yield Item(f"{name}/{'/'.join(file.path)}", here, file.size, digest, proof)


def _is_here(place: Path, told: metainfo.Metainfo) -> bool:
    """Whether some of a torrent's files are beside it; of a bundle some of its payload, not its tag files alone."""
    base = _placed(place, told)
    bundle = any(file.path == ("bagit.txt",) for file in told.files)
    some = (file.path for file in told.files if file.path[0] == "data" or not bundle)
    return base is not None and any((base / "/".join(path)).is_file() for path in some)


def _placed(place: Path, told: metainfo.Metainfo) -> Path | None:
    """The folder that the torrent's paths begin in, beside its metainfo; None where nothing of it is there."""
    beside = [place.parent / told.folder] if told.folder else []
    for base in (*beside, place.parent):
        if any((base / "/".join(file.path)).is_file() for file in told.files):
            return base
    return None


def _metainfo(path: Path, findings: list[Finding]) -> metainfo.Metainfo | None:
    try:
        with storage_errors(path), path.open("rb") as file:
            return metainfo.read(file.read(metainfo.LARGEST + 1), str(path))
    except PhonolithError as error:
        findings.append(Finding(error.code or "evidence.unreadable", error.subject, error.problem, error.remedy))
        return None


def _files(path: Path, findings: list[Finding]) -> Iterator[tuple[Path, int]]:
    """Plain files below a folder with their sizes, in no set order; links are not followed."""
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        problem = "is a link and was not followed"
                        findings.append(Finding("evidence.link", printable(entry.path), problem, severity="note"))
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        yield Path(entry.path), entry.stat(follow_symlinks=False).st_size
        except OSError as error:
            findings.append(_error("evidence.unreadable", folder, f"cannot be read: {error.strerror}"))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _error(code: str, path: Path, problem: str) -> Finding:
    return Finding(code, printable(path), problem, "Make it readable, or give a part of it", "error")
