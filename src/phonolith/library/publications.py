"""What this archive has published, read from its register and its held tag files: for seeding, serving and mirrors.

Nothing here needs a catalogue: derived/ may be gone, and every published bundle is still known, file by file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from phonolith.errors import Damaged
from phonolith.model.event import Event
from phonolith.model.publication import Bundle, Publication, publication_of
from phonolith.store.bag import MANIFEST, unquoted
from phonolith.store.bencode import decode
from phonolith.store.files import storage_errors

_PUBLISHING = ("release.published", "release.mirrored")


class Objects(Protocol):
    """What is needed of the store of objects."""

    def open(self, sha256: str) -> BinaryIO:
        """The object's bytes."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file of a bundle: its path below the bundle's folder, its object, and whether it is payload or a tag file."""

    path: str
    sha256: str
    payload: bool


def publications(events: Iterable[Event]) -> list[Publication]:
    """Everything that was ever published, here or by an archive that this one mirrors, oldest first."""
    return [publication_of(one.body, one.seq, one.time) for one in events if one.kind in _PUBLISHING]


def bundles(published: Iterable[Publication]) -> dict[str, Bundle]:
    """The bundles that are current, by name: those whose place a later one takes are left out."""
    current: dict[str, tuple[Bundle, str]] = {}
    for publication in published:
        if publication.anew:
            current = {name: kept for name, kept in current.items() if kept[1] != publication.origin}
        for one in publication.bundles:
            current.pop(one.replaces, None)
            current[one.name] = one, publication.origin
    return {name: one for name, (one, _) in current.items()}


def files(objects: Objects, bundle: Bundle) -> list[PublishedFile]:
    """Every file of a bundle, payload first. Raises Damaged where its manifest is not as published."""
    payload = manifest(_read(objects, bundle.tags[MANIFEST], "manifest", bundle), f"manifest of {bundle.name}")
    found = [PublishedFile(path, sha256, True) for path, sha256 in payload.items()]
    return found + [PublishedFile(path, sha256, False) for path, sha256 in bundle.tags.items()]


def torrent_name(bundle: Bundle, kind: str) -> str:
    """What a bundle's metainfo file is called: ``NAME.torrent``, ``NAME.v1.torrent``."""
    return f"{bundle.name}.torrent" if kind == "hybrid" else f"{bundle.name}.{kind}.torrent"


def pads(objects: Objects, bundle: Bundle) -> frozenset[str]:
    """The paths of the pad files that a bundle's torrents name (BEP 47), as in ``.pad/0-1234``: so many zeros each.

    Every kind of torrent lays the files out alike, so the first that has a v1 side names them for all.
    """
    for torrent in bundle.torrents:
        if torrent.v1:
            whole: Any = decode(_read(objects, torrent.sha256, "torrent", bundle))
            listed = whole[b"info"].get(b"files", ())
            return frozenset(b"/".join(one[b"path"]).decode() for one in listed if b"p" in one.get(b"attr", b""))
    return frozenset()


def web_seeds(objects: Objects, bundle: Bundle) -> tuple[str, ...]:
    """The addresses that every one of a bundle's torrents names as a web seed (BEP 19)."""
    named = []
    for torrent in bundle.torrents:
        whole: Any = decode(_read(objects, torrent.sha256, "torrent", bundle))
        listed = whole.get(b"url-list", [])
        named.append([one.decode("utf-8", "replace") for one in ([listed] if isinstance(listed, bytes) else listed)])
    return tuple(one for one in (named[0] if named else []) if all(one in other for other in named))


def manifest(data: bytes, subject: str) -> Mapping[str, str]:
    """Digests by path, of a manifest as this archive writes them (RFC 8493, section 2.1.3)."""
    found = {}
    for line in data.decode("utf-8").removesuffix("\n").split("\n") if data else ():
        sha256, blank, path = line.partition("  ")
        if not blank or len(sha256) != 64:
            raise Damaged(subject, f"has a line that is none: {line[:100]!r}", "Restore the object from a mirror")
        found[unquoted(path)] = sha256
    return found


def assigned(objects: Objects, published: Iterable[Publication]) -> Iterator[tuple[str, str]]:
    """(SHA-256, bundle) of every file that is payload of a current bundle: once published, a file stays where it is."""
    for bundle in bundles(published).values():
        yield from ((one.sha256, bundle.name) for one in files(objects, bundle) if one.payload)


def _read(objects: Objects, sha256: str, what: str, bundle: Bundle) -> bytes:
    """The bytes of a file that was made for a bundle, compared with their digest: all else depends on them."""
    with storage_errors(f"{what} of {bundle.name} (object {sha256})"), objects.open(sha256) as file:
        data = file.read()
    _check(data, sha256, f"{what} of {bundle.name} (object {sha256})")
    return data


def _check(data: bytes, sha256: str, subject: str) -> None:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Damaged(subject, "is not what was published", "Restore the object from a mirror")
