"""A record: what a source said, kept whole, never published as it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """One raw answer of a source.

    ``source`` is the source's name, ``item`` its own key for the record (unique within the source), ``url`` where it
    was read, ``time`` when (ISO 8601, UTC, seconds, ``Z``), ``payload`` the bytes as they came, ``media_type`` what
    they are. ``validator`` is what tells cheaply that nothing changed (an ETag; size and mtime of a file), or empty.
    """

    source: str
    item: str
    url: str
    time: str
    payload: bytes
    media_type: str = "application/json"
    validator: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the payload, 64 hexadecimal digits."""
        return hashlib.sha256(self.payload).hexdigest()
