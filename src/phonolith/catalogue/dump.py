"""The canonical dump of a catalogue: the same for the same held/, settings and date, whatever the row numbers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from phonolith.store.database import database_errors, open_ro

_CREDIT = """CASE
  WHEN {0}.credit > 0 THEN
    (SELECT json_array(json_array(hex(a.source_id), a.name)) FROM artist a WHERE a.id = {0}.credit)
  WHEN {0}.credit < 0 THEN (
    SELECT json_group_array(json_array(hex(a.source_id), coalesce(c.name, a.name), c.join_phrase, c.role)
                            ORDER BY c.position)
    FROM credit c JOIN artist a ON a.id = c.artist WHERE c.id = -{0}.credit) END"""
_RIGHTS = """(SELECT json_array(l.code, g.level, g.stated, g.stated_by, g.basis, g.composition, g.note, g.limits)
  FROM rights g LEFT JOIN licence l ON l.id = g.licence WHERE g.id = {0}.rights)"""
_SUBJECT = """CASE WHEN {0}.subject < 0 THEN 4 ELSE {0}.subject % 4 END,
  CASE WHEN {0}.subject < 0
  THEN (SELECT s.name FROM thing y JOIN source s ON s.id = y.source WHERE y.subject = {0}.subject)
  ELSE CASE {0}.subject % 4
  WHEN 0 THEN (SELECT s.name FROM track y JOIN release r ON r.id = y.release JOIN source s ON s.id = r.source
               WHERE y.id = {0}.subject / 4)
  WHEN 1 THEN (SELECT s.name FROM release y JOIN source s ON s.id = y.source WHERE y.id = {0}.subject / 4)
  WHEN 2 THEN (SELECT s.name FROM artist y JOIN source s ON s.id = y.source WHERE y.id = {0}.subject / 4)
  ELSE (SELECT s.name FROM label y JOIN source s ON s.id = y.source WHERE y.id = {0}.subject / 4) END END,
  CASE WHEN {0}.subject < 0 THEN (SELECT hex(source_id) FROM thing WHERE subject = {0}.subject)
  ELSE CASE {0}.subject % 4
  WHEN 0 THEN (SELECT hex(source_id) FROM track WHERE id = {0}.subject / 4)
  WHEN 1 THEN (SELECT hex(source_id) FROM release WHERE id = {0}.subject / 4)
  WHEN 2 THEN (SELECT hex(source_id) FROM artist WHERE id = {0}.subject / 4)
  ELSE (SELECT hex(source_id) FROM label WHERE id = {0}.subject / 4) END END"""
_FRAGMENTS = {"credit": _CREDIT, "rights": _RIGHTS, "subject": _SUBJECT}


def dump(path: Path) -> Iterator[bytes]:
    """The dump's lines: JSON arrays that begin with the part's name, in UTF-8, each with its newline."""
    db = open_ro(path)
    try:
        with database_errors(path):
            for part, query in _queries().items():
                for row in db.execute(query):
                    values = [value.hex() if isinstance(value, bytes) else value for value in row]
                    yield json.dumps([part, *values], ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    finally:
        db.close()


def dump_digest(path: Path) -> str:
    """SHA-256 of the dump, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for line in dump(path):
        digest.update(line)
    return digest.hexdigest()


def _queries() -> dict[str, str]:
    text = resources.files("phonolith.catalogue").joinpath("dump.sql").read_text("utf-8")
    text = re.sub(r"\{(\w+):(\w+)\}", lambda match: _FRAGMENTS[match[1]].format(match[2]), text)
    parts = re.split(r"^-- dump (\w+)\n", text, flags=re.MULTILINE)
    return {name: query.strip() for name, query in zip(parts[1::2], parts[2::2], strict=True)}
