"""Reads lists of withdrawals: which files, by v2 root, a mirror is asked to drop (docs/reference/withdrawals.md).

A list may be a file, the folder it lies in, or an address. Where its heads lie beside it, it has to be what they sign.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phonolith.errors import BadInput, NotFound
from phonolith.releases.elsewhere import Elsewhere, Read
from phonolith.releases.verify.copies import Expected
from phonolith.releases.verify.listing import read_small
from phonolith.store.files import atomic_write, printable, storage_errors
from phonolith.store.withdrawals import HEADS, LINES, speaks_for
from phonolith.verifier import (
    LIST_EVENTS,
    ListHead,
    ListState,
    Unreadable,
    canonical,
    check_list,
    dump,
    read_list,
)

NAME = LINES
_LARGEST = 256 << 20
_AGAIN = "Get the list again from whoever keeps it"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One line of the list: what happened to the file of this v2 root, on which ground and when."""

    root: str
    event: str
    ground: str
    time: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """What is withdrawn or expunged now, by v2 root and, where it is told, by SHA-256, in hexadecimal.

    ``unsigned`` are the places of lists that nobody signed.
    """

    by_digest: Mapping[str, Withdrawal] = field(default_factory=dict)
    unsigned: tuple[str, ...] = ()

    def of(self, one: Expected) -> Withdrawal | None:
        """The withdrawal of an expected file, None where there is none."""
        if not self.by_digest:
            return None
        digests = (one.root.hex(), *(digest.value for digest in one.digests if digest.algorithm == "sha256"))
        return next((found for digest in digests if (found := self.by_digest.get(digest))), None)


@dataclass(frozen=True, slots=True)
class Place:
    """A list as it was found: its entries in order, and what is signed of it (no heads: nothing is)."""

    name: str
    entries: tuple[Withdrawal, ...]
    state: ListState

    def speaks_for(self, key: str) -> bool:
        """Whether it is of this log, or of the log in which this key signs."""
        return speaks_for(self.state, key)


def withdrawals(places: Iterable[str | Path], key: str = "", memory: Path | None = None) -> Withdrawals:
    """The lists at these places, taken together; of two lines about one root the later one counts.

    ``key``: the log or public key that has to sign them. ``memory``: where to keep the last head of each signed list,
    so that one that was shortened or rewritten since is noticed. Raises BadInput with a code beginning
    ``withdrawals.`` where a list is not what its heads sign, then it is refused as a whole; NotFound, StorageError.
    """
    found: dict[str, Withdrawal] = {}
    unsigned = []
    for place in places:
        one = read_place(place)
        if one.state.heads:
            _check(one, key, memory)
        elif key:
            raise BadInput(one.name, "is not signed", _AGAIN, code="withdrawals.unsigned")
        else:
            unsigned.append(one.name)
        found.update({digest: each for each in one.entries for digest in (each.root, each.sha256) if digest})
    now = {digest: one for digest, one in found.items() if one.event != "reinstated"}
    return Withdrawals(now, tuple(unsigned))


def read_place(place: str | Path) -> Place:
    """The list at a file, folder or address, with its heads where they lie beside it. Nothing is checked yet.

    Raises BadInput where it cannot be read, NotFound, StorageError.
    """
    lines, heads, name = _fetched(str(place)) if _is_address(str(place)) else _read(Path(place))
    try:
        state = read_list(lines, heads)
    except Unreadable as error:
        raise BadInput(name, f"its heads cannot be read: {error}", _AGAIN, code="withdrawals.heads") from error
    told = state.lines if state.heads else lines.splitlines()
    entries = (_line(line, f"{name}, line {number}") for number, line in enumerate(told, 1) if line.strip())
    return Place(name, tuple(entries), state)


def earlier_heads(path: Path) -> list[ListHead]:
    """The heads in a file from earlier. Raises BadInput, StorageError."""
    with storage_errors(path):
        data = read_small(path, _LARGEST, "withdrawals.too-large")
    try:
        return read_list(b"", data).heads
    except Unreadable as error:
        raise BadInput(printable(path), f"is no file of heads: {error}", _AGAIN, code="withdrawals.heads") from error


def _check(one: Place, key: str, memory: Path | None) -> None:
    """Refuse a list that is not what its heads sign, or no longer has what an earlier head signed."""
    log = one.state.heads[-1].log
    known = earlier_heads(memory) if memory is not None and memory.exists() else []
    problems = check_list(one.state, [head for head in known if head.log == log])
    if problems:
        words = "; ".join(f"{each.subject}: {each.problem}" for each in problems[:3])
        raise BadInput(one.name, words, "Keep it, and get the list again", code=problems[0].code)
    if key and not one.speaks_for(key):
        raise BadInput(one.name, f"is signed by log {log}, not by {key}", _AGAIN, code="withdrawals.key")
    if memory is not None:
        _remember(memory, [*(head for head in known if head.log != log), one.state.heads[-1]])


def _remember(memory: Path, heads: Sequence[ListHead]) -> None:
    if memory.parent.is_dir():
        atomic_write(memory, b"".join(canonical(dump(head)) + b"\n" for head in heads))


def _is_address(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _fetched(address: str) -> tuple[bytes, bytes, str]:
    """Lines and heads from the web, the heads first: the lines are never behind them."""
    where = address if address.endswith(".jsonl") else f"{address.rstrip('/')}/{LINES}"
    with Elsewhere("", address) as web:
        return *_lines_and_heads(where, web.read), where


def _lines_and_heads(where: str, read: Read) -> tuple[bytes, bytes]:
    try:
        heads = read(_beside(where), _LARGEST)
    except NotFound:
        heads = b""
    return read(where, _LARGEST), heads


def _read(place: Path) -> tuple[bytes, bytes, str]:
    """Lines and heads from a disk; a folder may be an archive."""
    folders = (place, place / "held" / "withdrawals")
    path = next((one / LINES for one in folders if (one / LINES).is_file()), place / LINES) if place.is_dir() else place
    beside = path.with_name(_beside(path.name))
    heads = b""
    if beside != path and beside.is_file():
        with storage_errors(beside):
            heads = read_small(beside, _LARGEST, "withdrawals.too-large")
    with storage_errors(path):
        return read_small(path, _LARGEST, "withdrawals.too-large"), heads, printable(path)


def _beside(name: str) -> str:
    """Where the heads of a list are: ``withdrawn.heads.jsonl`` beside ``withdrawn.jsonl``."""
    return f"{name.removesuffix('.jsonl')}{HEADS.removeprefix(LINES.removesuffix('.jsonl'))}"


def _line(line: bytes, where: str) -> Withdrawal:
    try:
        told: Any = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise _bad(where, "is no JSON object")
    texts = {key: told.get(key, "") for key in ("root", "event", "ground", "time", "sha256")}
    if not all(isinstance(value, str) for value in texts.values()):
        raise _bad(where, "has a value that is no text")
    digests = [texts["root"], *([texts["sha256"]] if texts["sha256"] else [])]
    if not all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests):
        raise _bad(where, "has no root, or a digest that is none")
    if texts["event"] not in LIST_EVENTS:
        raise _bad(where, f"has an event that is none of {', '.join(LIST_EVENTS)}")
    return Withdrawal(**texts)


def _bad(where: str, problem: str) -> BadInput:
    return BadInput(where, problem, _AGAIN, code="withdrawals.line")
