"""What senders of notices wrote and who they are, and mail that waits to be sent: private/letters.sqlite, erasable."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.store.database import Closing, database_errors, fetch, open_rw, transaction
from phonolith.store.files import storage_errors

VERSION = 1

SCHEMA = """
CREATE TABLE letter (          -- one notice or counter-notice; the register has its id and the token of its sender
  id TEXT PRIMARY KEY,
  notice TEXT NOT NULL,        -- the notice it is, or is an answer to
  form TEXT NOT NULL,
  sender TEXT NOT NULL,        -- random, of this letter alone
  told TEXT NOT NULL,          -- JSON object: the fields of the form as they were filled in
  follow TEXT NOT NULL UNIQUE, -- SHA-256 of the token of the receipt
  confirm TEXT UNIQUE,         -- SHA-256 of the token that was sent by mail; none where nothing is to be confirmed
  time TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX letter_of_notice ON letter (notice);

CREATE TABLE mail (            -- what is to be sent, until it is
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: it names the message
  notice TEXT NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  time TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  after TEXT NOT NULL,         -- not to be tried before
  problem TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE arrival (         -- who sent something within the last hour, to limit how much one may send
  who TEXT NOT NULL,           -- keyed digest of an address of the net or of mail
  time TEXT NOT NULL
) STRICT;
CREATE INDEX arrival_of ON arrival (who, time);
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice or counter-notice as it was written; ``told`` are the fields of its form."""

    id: str
    notice: str
    form: str
    sender: str
    told: Mapping[str, str]
    time: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one person, plain text. ``problem`` says why it was not sent so far."""

    id: int
    recipient: str
    subject: str
    body: str
    time: str
    tries: int = 0
    problem: str = ""


class Letters(Closing):
    """private/letters.sqlite. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db = open_rw(path, SCHEMA, VERSION)
        self._db.pragma("secure_delete", True)  # what is erased leaves no bytes behind in the file
        with storage_errors(path):
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def keep(self, letter: Letter, *, follow: str, confirm: str = "") -> None:
        """Keep a letter; its tokens are kept as digests only."""
        row = {
            "id": letter.id,
            "notice": letter.notice,
            "form": letter.form,
            "sender": letter.sender,
            "told": json.dumps(dict(letter.told), ensure_ascii=False),
            "follow": _digest(follow),
            "confirm": _digest(confirm) if confirm else None,
            "time": letter.time,
        }
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("INSERT INTO letter VALUES (:id, :notice, :form, :sender, :told, :follow, :confirm, :time)", row)

    def rewrite(self, identifier: str, told: Mapping[str, str]) -> None:
        """Put fuller fields in the place of those a letter had."""
        with self._lock, transaction(self._db, self._path) as db:
            text = json.dumps(dict(told), ensure_ascii=False)
            db.execute("UPDATE letter SET told = :told WHERE id = :id", {"told": text, "id": identifier})

    def get(self, identifier: str) -> Letter | None:
        """A letter by its id; None where it was erased or never was."""
        return next(iter(self._read("id = :value", identifier)), None)

    def following(self, token: str) -> Letter | None:
        """The letter whose receipt has this token."""
        return next(iter(self._read("follow = :value", _digest(token))), None)

    def confirming(self, token: str) -> Letter | None:
        """The letter whose sender was sent this token."""
        return next(iter(self._read("confirm = :value", _digest(token))), None)

    def about(self, notice: str) -> list[Letter]:
        """All letters about a notice: itself and the answers to it, oldest first."""
        return sorted(self._read("notice = :value", notice), key=lambda one: (one.id != one.notice, one.time, one.id))

    def erase(self, notice: str) -> int:
        """Forget who wrote about a notice and what, and mail to them that waits; gives the number of letters."""
        found = self.about(notice)
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("DELETE FROM mail WHERE notice = :notice", {"notice": notice})
            db.execute("DELETE FROM letter WHERE notice = :notice", {"notice": notice})
        return len(found)

    def post(self, notice: str, recipient: str, subject: str, body: str, *, time: str) -> None:
        """Lay a message about a notice down to be sent."""
        row = {"notice": notice, "to": recipient, "subject": subject, "body": body, "time": time}
        with self._lock, transaction(self._db, self._path) as db:
            columns = "notice, recipient, subject, body, time, after"
            db.execute(f"INSERT INTO mail ({columns}) VALUES (:notice, :to, :subject, :body, :time, :time)", row)

    def waiting(self, now: str | None = None, limit: int = 100) -> list[Mail]:
        """Messages that are to be sent, oldest first; with ``now`` those that may be tried by then."""
        sql = (
            "SELECT id, recipient, subject, body, time, tries, problem FROM mail WHERE after <= :now ORDER BY id LIMIT "
        )
        with self._lock, database_errors(self._path):
            return [Mail(*row) for row in fetch(self._db, f"{sql}{int(limit)}", {"now": now or "9"})]

    def unsent(self) -> int:
        """How many messages there are that were not sent yet."""
        with self._lock, database_errors(self._path):
            return int(fetch(self._db, "SELECT count(*) FROM mail")[0][0])

    def sent(self, mail: int) -> None:
        """Forget a message that was sent."""
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("DELETE FROM mail WHERE id = :id", {"id": mail})

    def failed(self, mail: int, problem: str, *, after: str) -> None:
        """Note that a message could not be sent, and when it is tried again."""
        row = {"id": mail, "problem": problem, "after": after}
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("UPDATE mail SET tries = tries + 1, problem = :problem, after = :after WHERE id = :id", row)

    def admit(self, limits: Iterable[tuple[str, int]], *, now: str, since: str) -> bool:
        """Count one arrival of each ``(who, most)`` and say whether none had more since then; older ones are forgotten.

        Refused ones are not counted: who waits is let in again.
        """
        wanted = list(limits)
        with self._lock, transaction(self._db, self._path) as db:
            db.execute("DELETE FROM arrival WHERE time < :since", {"since": since})
            for who, most in wanted:
                known: Any = db.execute("SELECT count(*) FROM arrival WHERE who = :who", {"who": who}).fetchone()
                if known[0] >= most:
                    return False
            db.executemany("INSERT INTO arrival VALUES (?, ?)", [(who, now) for who, _ in wanted])
            return True

    def _read(self, where: str, value: str) -> list[Letter]:
        sql = f"SELECT id, notice, form, sender, told, time FROM letter WHERE {where}"
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, sql, {"value": value})
        return [Letter(one, notice, form, by, json.loads(told), at) for one, notice, form, by, told, at in rows]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
