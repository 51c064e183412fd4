"""Fetches one bundle of another archive into a folder to be taken in, as far as its bytes are not held already.

Nothing is believed that is not shown: torrents are of the infohashes in the index, tag files of the roots in the
torrent, the payload of the digests in the manifest. What lies in the folder from a run that was broken off is gone on
with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from phonolith.errors import BadInput, NotFound, RefusedByRights
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.releases.elsewhere import Web
from phonolith.releases.index import Link, Offer
from phonolith.sources.client.answers import Expected
from phonolith.sources.client.codes import worth_another_try
from phonolith.store import metainfo
from phonolith.store.bag import MANIFEST, TAG_MANIFEST, Bag, read_bag
from phonolith.store.files import atomic_write, make_folders, storage_errors
from phonolith.store.metainfo import Metainfo
from phonolith.store.passport import Passporter

_LARGEST_TORRENT = 16 << 20  # bytes; a bundle's has 8 MB at most
_LARGEST_TAG = 64 << 20
_PARTS = ".parts"  # a folder of files that are on their way; no bundle has such a name
_MOST_FILES = 10_100  # of a bundle: 10,000 and its tag files
_ASK = "Ask the operator of that archive"

#: Tries to bring files (path and size) of the torrent by the swarm into the bundle's folder; returns the bytes moved.
Swarm = Callable[[bytes, Mapping[str, int], Path, Progress], int]


@dataclass(frozen=True, slots=True)
class Here:
    """What is asked of this archive.

    ``has``: whether an object is held. ``read``: a held object's bytes, None where it is not. ``tags``: SHA-256 by path
    of the tag files of a bundle that was taken in before. ``check`` raises where a bundle's signed heads are not right.
    ``withdrawn``: whether an object was withdrawn by that archive, so that it is not to be fetched.
    """

    has: Callable[[str], bool]
    read: Callable[[str], bytes | None] = lambda _: None
    tags: Callable[[str], Mapping[str, str]] = lambda _: {}
    check: Callable[[Bag], None] = lambda _: None
    withdrawn: Callable[[str], bool] = lambda _: False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A bundle's folder, ready to be taken in.

    ``moved``: bytes by road: ``swarm`` and ``web`` for payload, ``tags`` for torrents and tag files. ``size``: bytes of
    its files and torrents that were not held before. ``left_out``: paths of files that are not here: withdrawn, no
    longer offered, or sent wrongly; the last two are ``findings``.
    """

    folder: Path
    moved: Mapping[str, int]
    size: int
    left_out: frozenset[str]
    findings: tuple[Finding, ...]


class NoRoom(BadInput):
    """The bundle takes more than what is left of the budget; none of its payload was fetched."""


def fetch(
    url: str,
    offer: Offer,
    folder: Path,
    here: Here,
    web: Web,
    *,
    progress: Progress,
    room: int | None = None,
    swarm: Swarm | None = None,
    web_seed: bool = True,
) -> Fetched:
    """Fetch a bundle below ``folder``: torrents, tag files, and of the payload what is not held.

    ``room``: bytes that may be added at most to what is held. ``swarm`` is tried first, where there is one;
    ``web_seed``: what is lacking then is taken from the web seed. A file that is refused or wrong is a finding and left
    out.

    Raises NoRoom; BadInput where index, torrent, tag files and manifest do not belong together, or the bundle's signed
    heads are not right; NotFound, TimedOut, StorageError.
    """
    root = folder / offer.name
    with storage_errors(folder):
        make_folders(root)
    fetching = _Fetching(url, offer, root, here, web, progress)
    size = sum(one.size for one in offer.torrents if not here.has(one.sha256))
    _check_room(offer, size, room)
    told, torrent = fetching.torrents()
    sizes = {"/".join(file.path): file.size for file in told.files}
    known = here.tags(offer.name)
    size += sum(sizes[path] for path in sizes if not path.startswith("data/") and path not in known)
    _check_room(offer, size, room)
    bag = fetching.tags(told)
    here.check(bag)
    gone = {path for path, digest in bag.payload.items() if here.withdrawn(digest) and not here.has(digest)}
    missing = {path: sizes[path] for path, digest in bag.payload.items() if path not in gone and not here.has(digest)}
    size += sum({bag.payload[path]: count for path, count in missing.items()}.values())
    _check_room(offer, size, room)
    by_swarm = swarm(torrent, _lacking(root, missing), root, progress) if swarm and missing else 0
    progress.start("Fetching by web seed", sum(missing.values()), "bytes")
    lacking = {path: bag.payload[path] for path in (missing if web_seed else ())}
    by_web, findings = fetching.payload(lacking, sizes)
    progress.finish()
    if not web_seed:
        findings = [_not_there(path) for path in _lacking(root, missing)]
    left_out = frozenset(gone.union(one.subject for one in findings))
    return Fetched(root, {"swarm": by_swarm, "web": by_web, "tags": fetching.moved}, size, left_out, tuple(findings))


@dataclass(slots=True)
class _Fetching:
    """One bundle on its way; ``moved`` counts bytes of torrents and tag files."""

    url: str
    offer: Offer
    root: Path
    here: Here
    web: Web
    progress: Progress
    moved: int = 0

    def torrents(self) -> tuple[Metainfo, bytes]:
        """Keep the metainfo files beside the bundle's folder; gives the one that proves single files, and its bytes."""
        found = [(metainfo.read(data, link.url), data, link) for link, data in map(self._torrent, self.offer.torrents)]
        for told, data, link in found:
            self._check(told, link)
            kind = f".{'v1' if told.layers is None else 'v2'}" if link.kind != "hybrid" else ""
            path = self.root.parent / f"{self.offer.name}{kind}.torrent"
            if _read(path, _LARGEST_TORRENT) != data:
                atomic_write(path, data)
        proving = next(((told, data) for told, data, _ in found if told.layers is not None), None)
        if proving is None:
            raise BadInput(self.offer.name, "has no torrent that proves single files", "Ask for a hybrid or v2 torrent")
        return proving

    def _torrent(self, link: Link) -> tuple[Link, bytes]:
        if link.size > _LARGEST_TORRENT:
            raise BadInput(link.url, f"has more than {_LARGEST_TORRENT:,} bytes", _ASK, code="mirror.too-large")
        places = [self.root.parent / f"{self.offer.name}{kind}.torrent" for kind in ("", ".v1", ".v2")]
        data = next((one for one in map(_read, places) if _is(one, link.sha256)), None) or self.here.read(link.sha256)
        if data is None:
            data = self.web.read(link.url, link.size)
            self.moved += len(data)
        if not _is(data, link.sha256):
            raise BadInput(link.url, "is another torrent than the index says", _ASK, code="mirror.torrent")
        return link, data

    def _check(self, told: Metainfo, link: Link) -> None:
        offer = self.offer
        if (told.infohashes[0].hex(), told.infohashes[1].hex()) != (link.v1, link.v2) or told.folder != offer.name:
            raise BadInput(link.url, "is another torrent than the index says", _ASK, code="mirror.torrent")
        payload = [file.size for file in told.files if file.path[0] == "data"]
        if sum(payload) != offer.size or len(told.files) > _MOST_FILES:
            problem = f"is of {len(payload):,} files and {sum(payload):,} bytes, not what the index says"
            raise BadInput(link.url, problem, _ASK, code="mirror.torrent")
        if any(file.size > _LARGEST_TAG for file in told.files if file.path[0] != "data"):
            raise BadInput(
                link.url, f"has a tag file of more than {_LARGEST_TAG:,} bytes", _ASK, code="mirror.too-large"
            )

    def tags(self, told: Metainfo) -> Bag:
        """The tag files, proved by the torrent's roots, as a bag. Raises BadInput."""
        name, known = self.offer.name, self.here.tags(self.offer.name)
        for file in told.files:
            path = "/".join(file.path)
            if file.path[0] == "data":
                continue
            for data in self._tag(path, known.get(path, "")):
                if (len(data), _root(data, told.piece_length)) == (file.size, file.root):
                    break
            else:
                raise BadInput(f"{name}/{path}", "is not what the torrent says", _ASK, code="mirror.tag")
            if _read(self.root / path) != data:
                with storage_errors(self.root / path):
                    make_folders((self.root / path).parent)
                    atomic_write(self.root / path, data)
        for needed in (MANIFEST, TAG_MANIFEST):
            if not (self.root / needed).is_file():
                raise BadInput(
                    name, f"has no {needed}", "It is no bundle of a Phonolith archive", code="bag.incomplete"
                )
        bag = read_bag(self.root)
        if {"/".join(file.path) for file in told.files} != {*bag.payload, *bag.tags}:
            raise BadInput(name, "its torrent and its manifest name different files", code="bundle.lists-differ")
        return bag

    def _tag(self, path: str, sha256: str) -> Iterator[bytes]:
        """What may be the tag file: what an earlier run left, what is held, what the other archive has."""
        if (there := _read(self.root / path)) is not None:
            yield there
        if sha256 and (held := self.here.read(sha256)) is not None:
            yield held
        data = self.web.read(self._address(path), _LARGEST_TAG)
        self.moved += len(data)
        yield data

    def payload(self, files: Mapping[str, str], sizes: Mapping[str, int]) -> tuple[int, list[Finding]]:
        """Fetch files from the web seed; the bytes moved, and what was not to be had."""
        moved, findings = 0, []
        for path, digest in files.items():
            try:
                moved += self._file(self.root / path, sizes[path], digest, self._address(path))
            except (NotFound, RefusedByRights, BadInput) as error:
                if worth_another_try(error.code):
                    raise  # the server is in trouble, not the file
                findings.append(Finding("mirror.not-fetched", path, error.problem, error.remedy))
        return moved, findings

    def _address(self, path: str) -> str:
        return f"{self.url}/bundle/{quote(self.offer.name, safe='')}/{quote(path)}"

    def _file(self, path: Path, size: int, digest: str, url: str) -> int:
        """Bring one file to its place, unless a swarm or an earlier run did; returns the bytes that were moved."""
        parts = self.root.parent / _PARTS
        with storage_errors(path):
            if _length(path, size) == size and _digest(path) == digest:
                self.progress.advance(size)
                return 0
            make_folders(path.parent)
            make_folders(parts)
            got = self.web.download(url, parts, Expected(size, digest), self.progress.advance)
            got.path.replace(path)
        return got.size - got.resumed


def _check_room(offer: Offer, size: int, room: int | None) -> None:
    if room is not None and size > room:
        raise NoRoom(offer.name, f"takes {size:,} bytes or more, and {room:,} are left of the budget")


def _lacking(root: Path, files: Mapping[str, int]) -> dict[str, int]:
    """The files of which something is lacking in the folder."""
    return {path: size for path, size in files.items() if _length(root / path, size) < size or not size}


def _not_there(path: str) -> Finding:
    return Finding("mirror.not-fetched", path, "no peer of the swarm has it", "Try again, or with --by either")


def _length(path: Path, size: int) -> int:
    """Bytes of a file that are there already; 0 where it has more than it may."""
    have = path.stat().st_size if path.is_file() and not path.is_symlink() else 0
    return have if have <= size else 0


def _read(path: Path, most: int = _LARGEST_TAG) -> bytes | None:
    with storage_errors(path):
        return path.read_bytes() if path.is_file() and path.stat().st_size <= most else None


def _digest(path: Path) -> str:
    """SHA-256 of a file that may not be there, then ""."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is(data: bytes | None, sha256: str) -> bool:
    return data is not None and hashlib.sha256(data).hexdigest() == sha256


def _root(data: bytes, piece_length: int) -> bytes:
    passporter = Passporter(piece_length)
    passporter.update(data)
    return passporter.finish().root
