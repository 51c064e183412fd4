"""Reads a list of withdrawals: which files, by v2 root, a mirror is asked to drop (docs/reference/withdrawals.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phonolith.errors import BadInput
from phonolith.releases.verify.copies import Expected
from phonolith.releases.verify.listing import read_small
from phonolith.store.files import printable, storage_errors

NAME = "withdrawn.jsonl"
EVENTS = ("withdrawn", "reinstated", "expunged")
_LARGEST = 256 << 20


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One line of the list: what happened to the file of this v2 root, why and when."""

    root: str
    event: str
    ground: str
    time: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """What is withdrawn or expunged now, by v2 root and, where it is told, by SHA-256, in hexadecimal."""

    by_digest: Mapping[str, Withdrawal] = field(default_factory=dict)

    def of(self, one: Expected) -> Withdrawal | None:
        """The withdrawal of an expected file, None where there is none."""
        if not self.by_digest:
            return None
        digests = (one.root.hex(), *(digest.value for digest in one.digests if digest.algorithm == "sha256"))
        return next((found for digest in digests if (found := self.by_digest.get(digest))), None)


def withdrawals(places: Iterable[Path]) -> Withdrawals:
    """The lists in these files, or in these folders under the name ``withdrawn.jsonl``, taken together.

    The list is append-only: of two lines about one root the later one counts. Raises BadInput, StorageError.
    """
    found: dict[str, Withdrawal] = {}
    for place in places:
        path = place / NAME if place.is_dir() else place
        with storage_errors(path):
            data = read_small(path, _LARGEST, "withdrawals.too-large")
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                one = _line(line, f"{printable(path)}, line {number}")
                found.update({digest: one for digest in (one.root, one.sha256) if digest})
    return Withdrawals({digest: one for digest, one in found.items() if one.event != "reinstated"})


def _line(line: bytes, where: str) -> Withdrawal:
    try:
        told: Any = json.loads(line)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise _bad(where, "is no JSON object")
    texts = {key: told.get(key, "") for key in ("root", "event", "ground", "time", "sha256")}
    if not all(isinstance(value, str) for value in texts.values()):
        raise _bad(where, "has a value that is no text")
    digests = [texts["root"], *([texts["sha256"]] if texts["sha256"] else [])]
    if not all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests):
        raise _bad(where, "has no root, or a digest that is none")
    if texts["event"] not in EVENTS:
        raise _bad(where, f"has an event that is none of {', '.join(EVENTS)}")
    return Withdrawal(**texts)


def _bad(where: str, problem: str) -> BadInput:
    return BadInput(where, problem, "Get the list again from whoever keeps it", code="withdrawals.line")
