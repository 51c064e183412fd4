"""Writes claims as a file that ``audit`` and other programs read: TOML as docs/reference/claims.md has it."""

from __future__ import annotations

import json

from phonolith.model.claim import Claim, Stated

NAME = "claims.toml"

_FORMAT = 1
_DELETE = "\x7f"  # the one character that JSON leaves as it is and TOML does not take


def dump(stated: Stated) -> bytes:
    """The file: the same words give the same bytes."""
    parts = [f"format = {_FORMAT}\ntitle = {_quoted(stated.title)}\n"]
    parts += [_table(one, stated) for one in stated.claims]
    return "\n".join(parts).encode()


def _table(one: Claim, stated: Stated) -> str:
    day = stated.when[:10]
    rows = {
        "id": _quoted(one.id),
        "sentence": _quoted(one.sentence),
        "who": _quoted(stated.who),
        "where": _quoted(stated.where),
        "when": day,
        "quantity": f"{one.quantity:_}",
        "unit": _quoted(one.unit),
        "bound": _quoted("exactly"),
        "tolerance": "0",
        "of": _quoted(one.of),
        "definition": _quoted(one.definition),
        "procedure": _quoted(one.procedure),
        "seed": _quoted(one.seed),
    }
    lines = (f"{key} = {value}\n" for key, value in rows.items() if value not in ('""', ""))
    return "[[claim]]\n" + "".join(lines)


def _quoted(text: str) -> str:
    """A basic string (TOML 1.0): its escapes are those of JSON, which has one for DELETE as well."""
    plain = text.encode("utf-8", "replace").decode()
    return json.dumps(plain, ensure_ascii=False).replace(_DELETE, "\\u007f")
