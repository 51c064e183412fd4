"""Proofs from the log: that a file was committed to, and that the log today keeps everything of an older head."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from phonolith.errors import NotFound, UsageError
from phonolith.library import committed
from phonolith.store.archive import Archive
from phonolith.store.files import printable, storage_errors
from phonolith.store.log import excerpt
from phonolith.store.merkle import inclusion_path
from phonolith.verifier import PROOF, Head, Leaf, check_proof, digest, dump, leaf_of, read_proof


def prove(archive: Archive, file: Path) -> dict[str, Any]:
    """The proof that the file's bytes were committed to, as docs/on-disk-format.md has it: a JSON object.

    It leads to the oldest head that covers them, so it stays the same however the log grows; countersignatures of that
    head come with it. Raises NotFound (no such file, or the log does not have it), Damaged, StorageError.
    """
    if not file.is_file():
        raise NotFound(printable(file), "there is no such file", "Check the path")
    with storage_errors(file), file.open("rb") as stream:
        leaf = leaf_of(stream)
    with archive.log_index() as index:
        committed.follow(archive, index, archive.log().heads())
        number = index.number(leaf.sha256)
        heads = archive.log().heads()  # read after the index, which never knows more than they do
        last = next((place for place, head in enumerate(heads) if number is not None and head.size > number), None)
        if number is None or last is None:
            raise NotFound(printable(file), *_why_not(archive, leaf.sha256.hex()))
        path = inclusion_path(number, heads[last].size, index.hash)
    proof = _proof(archive, leaf, number, path, heads[: last + 1])
    if problems := check_proof(read_proof(proof)):
        raise committed.damaged(problems)
    return proof


def covering(archive: Archive, sha256s: Iterable[str]) -> list[Head]:
    """The oldest head that covers all of some objects, after those that change the key; none where one is no leaf yet.

    It stays the same however the log grows: a bundle that carries it has the same bytes whenever it is cut.
    """
    heads = archive.log().heads()
    with archive.log_index() as index:
        committed.follow(archive, index, heads)
        numbers = [index.number(bytes.fromhex(one)) for one in sha256s]
    if None in numbers:
        return []
    highest = max((number for number in numbers if number is not None), default=-1)
    place = next((place for place, head in enumerate(heads) if head.size > highest), None)
    return [] if place is None else excerpt(heads[: place + 1])


def link(archive: Archive, old: Head) -> dict[str, Any]:
    """What shows that the log's newest head keeps everything of an older one: a JSON object.

    Raises NotFound where this log never had the old head, Damaged, StorageError.
    """
    heads = archive.log().heads()
    place = next((place for place, head in enumerate(heads) if digest(head) == digest(old)), None)
    if place is None:
        problem = "it is no head of this log"
        raise NotFound(f"head {digest(old)}", problem, "Compare the logs with: phonolith check-log OLD NEW")
    with archive.log_index() as index:
        return committed.link(archive, index, heads, heads[place])


def last_head(archive: Archive) -> list[Head]:
    """The newest head after those that change the key: what a feed and a bundle carry. Raises UsageError, Damaged."""
    heads = archive.log().heads()
    if not heads:
        raise UsageError("the log", "nothing was committed to yet", "phonolith log commit FILE…")
    return excerpt(heads)


def _proof(archive: Archive, leaf: Leaf, number: int, path: list[bytes], heads: list[Head]) -> dict[str, Any]:
    *rotations, head = map(dump, excerpt(heads))
    signed = [dump(one) for one in archive.log().countersignatures() if one.head == digest(heads[-1])]
    told = {name: value.hex() if isinstance(value, bytes) else value for name, value in leaf._asdict().items()}
    return {
        "type": PROOF,
        "leaf": told,
        "index": number,
        "path": [one.hex() for one in path],
        "head": head,
        "rotations": rotations,
        "countersignatures": signed,
    }


def _why_not(archive: Archive, sha256: str) -> tuple[str, str]:
    with archive.objects() as objects:
        if objects.has(sha256):
            return "it is held, and nothing committed to it yet", f"phonolith log commit {sha256}"
    return f"its bytes (SHA-256 {sha256}) are not in the log", "Check that it is the file itself, unchanged"
