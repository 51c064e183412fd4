"""derived/bundles.sqlite: by which manifest an object may have been published, so that no other has to be read.

An index and no truth: it names few manifests in which to look, and a manifest that it does not have is looked into.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from phonolith.store.database import Closing, database_errors, fetch, open_ro, open_rw, transaction

_FORMAT = 1
_SCHEMA = """
CREATE TABLE bundle (  -- manifests that are here whole
  id INTEGER PRIMARY KEY,
  manifest BLOB NOT NULL UNIQUE  -- SHA-256
) STRICT;
CREATE TABLE payload (  -- what is in them
  head INTEGER NOT NULL,  -- the first 48 bits of an object's SHA-256
  bundle INTEGER NOT NULL REFERENCES bundle (id),
  PRIMARY KEY (head, bundle)
) STRICT, WITHOUT ROWID;
"""


class BundleIndex(Closing):
    """The file at ``path``, for reading; ``writable`` makes it where there is none.

    Raises NotFound, NewerFormat, Damaged, StorageError.
    """

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        self._path = path
        self._db = open_rw(path, _SCHEMA, _FORMAT) if writable else open_ro(path, _FORMAT)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def lacking(self, manifests: Iterable[str]) -> list[str]:
        """Those of some manifests, by SHA-256 in hexadecimal, that are not in the index, in order."""
        with database_errors(self._path):
            known = {one.hex() for (one,) in fetch(self._db, "SELECT manifest FROM bundle")}
        return [one for one in manifests if one not in known]

    def add(self, manifest: str, digests: Iterable[str]) -> None:
        """Enter a manifest with the objects in it, SHA-256 in hexadecimal; durable on return, whole or not at all."""
        heads = sorted({_head(one) for one in digests})
        with transaction(self._db, self._path) as db:
            if db.execute("SELECT 1 FROM bundle WHERE manifest = :m", {"m": bytes.fromhex(manifest)}).fetchall():
                return  # another process was first
            db.execute("INSERT INTO bundle (manifest) VALUES (:m)", {"m": bytes.fromhex(manifest)})
            bundle = db.last_insert_rowid()
            db.executemany("INSERT INTO payload VALUES (:h, :b)", ({"h": one, "b": bundle} for one in heads))

    def holding(self, digests: Collection[str]) -> set[str]:
        """The manifests in which one of some objects may be, and few others."""
        heads = json.dumps([_head(one) for one in digests])
        with database_errors(self._path):
            return {one.hex() for (one,) in fetch(self._db, _HOLDING, {"heads": heads})}


_HOLDING = """
SELECT DISTINCT b.manifest FROM json_each(:heads) h CROSS JOIN payload p ON p.head = h.value
CROSS JOIN bundle b ON b.id = p.bundle"""


def _head(sha256: str) -> int:
    return int(sha256[:12], 16)
