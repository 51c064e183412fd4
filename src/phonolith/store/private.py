"""What is about people, erasable: names behind tokens and texts behind digests, in private/people.sqlite."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from phonolith.store.database import Closing, database_errors, fetch, open_rw, transaction
from phonolith.store.files import storage_errors

VERSION = 1

SCHEMA = """
CREATE TABLE actor (           -- who a token in the register stands for; the row may be erased, the token stays
  token TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE free_text (       -- what somebody wrote; elsewhere only its keyed digest is kept
  digest TEXT PRIMARY KEY,     -- HMAC-SHA-256 under the key 'text'
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (          -- keys for keyed digests; losing one makes old digests unlinkable, nothing else
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""


class PrivateStore(Closing):
    """private/people.sqlite. Safe to use from several threads. ``random`` gives n random bytes."""

    def __init__(self, path: Path, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._path = path
        self._random = random
        self._lock = threading.Lock()
        self._db = open_rw(path, SCHEMA, VERSION)
        with storage_errors(path):
            if path.stat().st_mode & 0o077:  # else it may lie on a read-only disk
                path.chmod(0o600)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def actor_token(self, name: str) -> str:
        """The token that stands for this person everywhere outside private/; made at first asking, then stable."""
        name = name.encode("utf-8", "backslashreplace").decode()
        with self._lock, transaction(self._db, self._path) as db:
            rows = fetch(db, "SELECT token FROM actor WHERE name = :name", {"name": name})
            if rows:
                return str(rows[0][0])
            token = self._random(10).hex()
            db.execute("INSERT INTO actor VALUES (:token, :name)", {"token": token, "name": name})
            return token

    def actor_name(self, token: str) -> str | None:
        """Whom a token stands for; None where that was erased or never known."""
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, "SELECT name FROM actor WHERE token = :token", {"token": token})
        return str(rows[0][0]) if rows else None

    def erase_actor(self, token: str) -> bool:
        """Forget whom a token stands for; whether there was anything to forget."""
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("DELETE FROM actor WHERE token = :token", {"token": token})
            return db.changes() > 0

    def text_digest(self, text: str) -> str:
        """Keyed digest of a text: HMAC-SHA-256 in hexadecimal, the same for the same text in this archive only."""
        with self._lock, transaction(self._db, self._path) as db:
            rows = fetch(db, "SELECT value FROM secret WHERE name = 'text'")
            key = bytes(rows[0][0]) if rows else self._random(32)
            if not rows:
                db.execute("INSERT INTO secret VALUES ('text', :key)", {"key": key})
        return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def keep_text(self, text: str) -> str:
        """Keep a free text here and return the digest that stands for it elsewhere."""
        digest = self.text_digest(text)
        text = text.encode("utf-8", "backslashreplace").decode()
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("INSERT OR IGNORE INTO free_text VALUES (:digest, :text)", {"digest": digest, "text": text})
        return digest

    def text(self, digest: str) -> str | None:
        """The text behind a digest; None where it was erased or never kept."""
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, "SELECT text FROM free_text WHERE digest = :digest", {"digest": digest})
        return str(rows[0][0]) if rows else None

    def erase_text(self, digest: str) -> bool:
        """Forget a text; whether there was anything to forget."""
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("DELETE FROM free_text WHERE digest = :digest", {"digest": digest})
            return db.changes() > 0
