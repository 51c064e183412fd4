"""Fixity: whether held bytes are still what their digests say, read from the disk and not from memory of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from phonolith.model.finding import Finding
from phonolith.store.files import printable, storage_error
from phonolith.store.objects import ObjectStore
from phonolith.store.records import RecordStore

_REMEDY = "Restore it from a backup or a mirror"


def check_object(objects: ObjectStore, sha256: str) -> Iterator[Finding]:
    """Read every place of an object: ``object.damaged`` or ``object.unreadable``; nothing where all is well."""
    held = objects.held(sha256)
    if held is None:
        yield Finding("object.unknown", sha256, "no object of this digest is held", "Check the digest", "error")
        return
    for place in held.places:
        yield from _check_file("object", Path(place), sha256)


def check_segments(records: RecordStore) -> Iterator[Finding]:
    """Read every sealed file of records: ``segment.damaged`` or ``segment.unreadable``."""
    for segment in records.segments():
        yield from _check_file("segment", segment.path, segment.sha256.hex())


def _check_file(what: str, path: Path, sha256: str) -> Iterator[Finding]:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        problem = storage_error(path, error).problem
        yield Finding(f"{what}.unreadable", printable(path), problem, _REMEDY, "error")
        return
    if found != sha256:
        problem = f"its bytes have the digest {found} instead of {sha256}"
        yield Finding(f"{what}.damaged", printable(path), problem, _REMEDY, "error")
