"""Which held files something else in the catalogue offers, beside the thing that is gone."""

from __future__ import annotations

import json
from collections.abc import Sequence

from phonolith.errors import NotFound
from phonolith.library.reading import Library, Reading
from phonolith.model.ids import KINDS

_HAVING = """
SELECT lower(hex(o.sha256)), f.subject FROM json_each(?) j CROSS JOIN object o ON o.sha256 = unhex(j.value)
CROSS JOIN file f ON f.object = o.id AND f.subject % 4 IN (0, 1)"""


def offers_of(library: Library, digests: Sequence[str], besides: str) -> set[str]:
    """Of these held files those that anything but the thing ``besides`` has, by SHA-256."""
    with library.reading() as reading:
        rows = reading.rows(_HAVING, (json.dumps(list(digests)),))
        return {sha256 for sha256, subject in rows if not _is(reading, subject, besides)}


def _is(reading: Reading, subject: int, identifier: str) -> bool:
    try:
        return reading.snapshot.public_id(KINDS[subject % 4], subject // 4) == identifier
    except NotFound:
        return False
