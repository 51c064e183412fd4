"""What every table, column and view means, read from the comments in schema.sql and views.sql."""

from __future__ import annotations

import re
from importlib import resources
from itertools import pairwise

#: Where tables and views are declared and explained.
FILES = ("schema.sql", "postings.sql", "views.sql")

_OBJECT = re.compile(r"^CREATE (TABLE|VIEW) (\w+)", re.MULTILINE)
_COLUMN = re.compile(r"^  (?P<names>\w+ [A-Z][^-]*?)\s*(?:--\s*(?P<text>.*))?$")
_NAME = re.compile(r"(?:^|, )(\w+) (?:INTEGER|TEXT|REAL|BLOB|ANY)")


def comments() -> dict[str, str]:
    """Texts by ``table`` and ``table.column``. Columns that share a line share its text."""
    found: dict[str, str] = {}
    for file in FILES:
        text = resources.files("phonolith.catalogue").joinpath(file).read_text("utf-8")
        starts = [match.start() for match in _OBJECT.finditer(text)] + [len(text)]
        for start, end in pairwise(starts):
            _read(text[start:end], found)
    return found


def reference() -> str:
    """The tables and views as Markdown, in the order in which they are declared."""
    found = comments()
    parts = []
    for file in FILES:
        text = resources.files("phonolith.catalogue").joinpath(file).read_text("utf-8")
        for kind, name in _OBJECT.findall(text):
            parts.append(f"### {name}{' (view)' if kind == 'VIEW' else ''}\n\n{_sentence(found[name])}\n")
            columns = {key.partition(".")[2]: says for key, says in found.items() if key.startswith(f"{name}.")}
            if columns:
                rows = [f"| {column} | {says.replace('|', chr(92) + '|')} |" for column, says in columns.items()]
                parts.append("\n".join(["| column | meaning |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _read(statement: str, found: dict[str, str]) -> None:
    match = _OBJECT.match(statement)
    assert match is not None
    kind, name = match.groups()
    lines = statement.splitlines()
    found[name] = lines[0].partition("--")[2].strip()
    if kind == "VIEW":
        return
    for line in lines[1:]:
        column = _COLUMN.match(line)
        if column is None:
            continue
        for one in _NAME.findall(column["names"]):
            found[f"{name}.{one}"] = column["text"] or ""
