"""Reads the manifests of a BagIt bag from elsewhere (RFC 8493), strictly: what is in it, under which digests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phonolith.errors import BadInput
from phonolith.model import paths
from phonolith.store.files import printable, storage_errors

MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
#: What bundles of ours have besides: why each payload file may be passed on, what the catalogue says, signed heads.
EVIDENCE = "evidence.jsonl"
CATALOGUE = "catalogue.jsonl"
HEADS = "heads.jsonl"

#: Bytes of all tag files together: a manifest of a million files fits.
LARGEST = 256 << 20
_MOST_LINES = 1_000_000
_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+([^ \t].*)", re.DOTALL)
_DECLARED = re.compile(r"BagIt-Version: 1\.0\r?\nTag-File-Character-Encoding: UTF-8\r?\n?")


@dataclass(frozen=True, slots=True)
class Bag:
    """A bag on a disk: its tag files as bytes, and SHA-256 by path of its payload, none of which was read yet."""

    root: Path
    tags: Mapping[str, bytes]
    payload: Mapping[str, str]

    @property
    def info(self) -> Mapping[str, str]:
        """The pairs of bag-info.txt (RFC 8493, section 2.2.2), without those that go on over a line."""
        pairs = (
            line.partition(": ") for line in self.tags.get("bag-info.txt", b"").decode("utf-8", "replace").split("\n")
        )
        return {label: value.strip() for label, _, value in pairs}


def read_bag(root: Path, *, sealed: bool = True) -> Bag:
    """The bag in a folder, its tag files checked against its tag manifest.

    Unless it has to be ``sealed`` it may have none, which RFC 8493 allows (section 2.2.1): then nothing checks its tag
    files. Raises BadInput, with a code beginning ``bag.`` or ``path.``, where it is none, a tag file is not what the
    manifest says, or a path is unsafe; StorageError.
    """
    if not _DECLARED.fullmatch(_read(root, "bagit.txt").decode("utf-8", "replace")):
        raise BadInput(printable(root), "bagit.txt does not declare BagIt 1.0 in UTF-8", code="bag.declaration")
    if not sealed and not (root / TAG_MANIFEST).exists():
        loose = {path: _read(root, path) for path in ("bagit.txt", MANIFEST)}
        return Bag(root, loose, read_manifest(loose[MANIFEST], printable(root / MANIFEST), payload=True))
    listed = read_manifest(_read(root, TAG_MANIFEST), printable(root / TAG_MANIFEST), payload=False)
    tags = {TAG_MANIFEST: _read(root, TAG_MANIFEST)}
    left = LARGEST
    for path, digest in listed.items():
        tags[path] = _read(root, path, left)
        left -= len(tags[path])
        if hashlib.sha256(tags[path]).hexdigest() != digest:
            raise BadInput(printable(root / path), "is not what the tag manifest says", code="bag.tag-corrupt")
    for path in ("bagit.txt", MANIFEST):
        if path not in tags:
            raise BadInput(printable(root), f"its tag manifest does not list {path}", code="bag.tag-missing")
    return Bag(root, tags, read_manifest(tags[MANIFEST], printable(root / MANIFEST), payload=True))


def read_manifest(data: bytes, subject: str, *, payload: bool) -> dict[str, str]:
    """SHA-256 by path (RFC 8493, section 2.1.3); ``payload``: every path is below data/, else none is.

    Raises BadInput.
    """
    if data.count(b"\n") > _MOST_LINES:
        raise BadInput(subject, f"has more than {_MOST_LINES:,} lines", code="bag.too-large")
    try:
        lines = data.decode("utf-8").replace("\r\n", "\n").removesuffix("\n").split("\n") if data else []
    except UnicodeDecodeError as error:
        raise BadInput(subject, "is not UTF-8", code="bag.encoding") from error
    found: dict[str, str] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadInput(subject, f"has a line that is none: {line[:100]!r}", code="bag.manifest")
        path = unquoted(match[2])
        problem = paths.fault(path.split("/", paths.DEEPEST + 1))
        if problem:
            raise BadInput(subject, f"has a path that {problem[1]}: {path!r:.200}", code=problem[0])
        if path in found or path.startswith("data/") is not payload:
            raise BadInput(subject, f"lists {path!r:.200} twice, or where it does not belong", code="bag.manifest")
        found[path] = match[1].lower()
    twice = paths.collisions(path.split("/") for path in found)
    if twice:
        one, other = ("/".join(path) for path in twice[0])
        raise BadInput(subject, f"has two paths that are one to some disks: {one} and {other}", code="path.collision")
    return found


def quoted(path: str) -> str:
    """A path as a manifest has it: breaks and percent signs are written as in an address (RFC 8493, section 2.1.3)."""
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def unquoted(path: str) -> str:
    """The path that :func:`quoted` made, or that a manifest from elsewhere has."""
    return re.sub("%(0[AaDd]|25)", lambda match: chr(int(match[1], 16)), path)


def plain(root: Path, name: str) -> bool:
    """Whether this is a regular file in the bag's folder, with no symbolic link on the way to it."""
    path = root / name
    below = (one for one in (path, *path.parents) if one != root and one.is_relative_to(root))
    return path.is_file() and not any(one.is_symlink() for one in below)


def _read(root: Path, name: str, longest: int = LARGEST) -> bytes:
    path = root / name
    if not plain(root, name):
        raise BadInput(printable(root), f"is no bag: {name} is missing or no plain file", code="bag.incomplete")
    with storage_errors(path), path.open("rb") as file:
        data = file.read(longest + 1)
    if len(data) > longest:
        problem = f"has more than {longest:,} bytes, which are not read"
        raise BadInput(printable(path), problem, "Get it again from whoever made it", code="bag.too-large")
    return data
