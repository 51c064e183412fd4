"""Reports of audits as they are received: strangers' files, read strictly, with their signature checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import msgspec
from msgspec import Meta, Struct

from phonolith.audit.claims import MOST
from phonolith.audit.signed import REPORT, SIGNATURE, digest, is_signed
from phonolith.audit.units import UNITS
from phonolith.errors import BadInput, NotFound
from phonolith.store.files import printable, storage_errors

LARGEST = 16 << 20  # bytes of a report
_MOST_VALUES = 1_000_000  # in it, strings with commas counted generously
_DEEPEST = 32

_Text = Annotated[str, Meta(max_length=20_000)]
_Texts = Annotated[tuple[_Text, ...], Meta(max_length=1000)]
_Hex = Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
_Number = float | int


class Fact(Struct, frozen=True):
    """What evidence showed, in the unit of the claim; ``high`` None is unknown."""

    low: _Number
    high: _Number | None
    basis: Literal["stated", "described", "offered", "sampled", "read"]
    source: _Text
    how: _Text


class Verdict(Struct, frozen=True):
    """A claim with the word on it, as ``audit --json`` writes it."""

    id: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,63}\Z")]
    sentence: _Text
    who: _Text
    where: _Text
    when: _Text
    quantity: _Number
    unit: _Text
    bound: Literal["exactly", "about", "at least", "at most"]
    tolerance: _Number
    of: _Text
    definition: _Text
    procedure: _Text
    seed: _Text
    verdict: Literal["claimed", "circulating", "sampled", "proven", "refuted", "unverifiable"]
    why: _Texts
    needed: _Texts
    facts: Annotated[tuple[Fact, ...], Meta(max_length=1000)]
    part: _Text = ""
    whole: _Text = ""


class Exhibit(Struct, frozen=True):
    """Evidence that was looked at, with the digest by which anybody tells it is the same; "" if it has none."""

    of: _Text
    path: _Text
    whole: bool
    kind: _Text
    sha256: _Hex


class Found(Struct, frozen=True):
    """A finding of that audit."""

    code: _Text
    subject: _Text
    problem: _Text
    severity: _Text = "error"


class Report(Struct, frozen=True):
    """A report. ``key`` and ``signature`` are "" where nobody signed it; ``auditor`` is what the signer is called."""

    type: Literal["phonolith.audit.1"]
    made: Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")]
    by: _Text
    verdicts: Annotated[tuple[Verdict, ...], Meta(max_length=MOST)]
    evidence: Annotated[tuple[Exhibit, ...], Meta(max_length=100_000)]
    findings: Annotated[tuple[Found, ...], Meta(max_length=100_000)]
    auditor: Annotated[str, Meta(max_length=200)] = ""
    key: _Hex = ""
    signature: Annotated[str, Meta(pattern=r"\A([0-9a-f]{128})?\Z")] = ""


class Seal(StrEnum):
    """What the signature of a report is worth."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    FORGED = "forged"  # there is one, and it is not that of the key over these bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A report that was read: what names it in messages, its digest (SHA-256 of what is signed), and its seal."""

    subject: str
    digest: str
    seal: Seal
    report: Report


def read(path: Path) -> Received:
    """The report in a file. Raises NotFound, BadInput, StorageError; a wrong signature is no error but its seal."""
    if not path.is_file():
        raise NotFound(printable(path), "there is no such report", "phonolith audit CLAIMS --sign --out FILE makes one")
    with storage_errors(path), path.open("rb") as file:
        data = file.read(LARGEST + 1)
    return parse(data, printable(path))


def parse(data: bytes, subject: str) -> Received:
    """The report in a file's bytes. Raises BadInput."""
    value = _value(data, subject)
    if value.get("type") != REPORT:
        _wrong(subject, f"its type is {str(value.get('type'))[:60]!r} and not {REPORT!r}")
    try:
        report = msgspec.convert(value, Report, strict=True)
        name = digest(value)
    except (ValueError, RecursionError) as error:  # msgspec.ValidationError is one
        _wrong(subject, str(error)[:300])
    _check(report, subject)
    return Received(subject, name, _seal(value, report), report)


def _value(data: bytes, subject: str) -> Mapping[str, Any]:
    if len(data) > LARGEST:
        _wrong(subject, f"it has more than {LARGEST >> 20} MiB")
    if sum(map(data.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        _wrong(subject, f"it has more than {_MOST_VALUES:,} values")
    if _depth(data) > _DEEPEST:
        _wrong(subject, f"it is nested more than {_DEEPEST} deep")
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        _wrong(subject, f"it is not JSON: {str(error)[:200]}")
    if not isinstance(value, dict):
        _wrong(subject, "it is no JSON object")
    return value


def _depth(data: bytes) -> int:
    """How deep JSON is nested, at least: brackets within texts count too."""
    deep = most = 0
    for byte in data.translate(None, delete=_NO_BRACKETS):
        deep += 1 if byte in b"[{" else -1
        most = max(most, deep)
    return most


_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object, so programs may read it differently")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _check(report: Report, subject: str) -> None:
    ids = [one.id for one in report.verdicts]
    if len(set(ids)) != len(ids):
        _wrong(subject, "two of its claims have one id")
    for one in report.verdicts:
        if one.unit not in UNITS:
            _wrong(subject, f"claim {one.id}: there is no unit {one.unit[:40]!r}")
        if not 0 <= one.quantity < 1e30 or not 0 <= one.tolerance < 1e30:
            _wrong(subject, f"claim {one.id}: a figure is 0 or more, and below 10 to the 30th")
    if bool(report.key) != bool(report.signature):
        _wrong(subject, "it has one of key and signature and not the other")


def _seal(value: Mapping[str, Any], report: Report) -> Seal:
    if not value.get(SIGNATURE):
        return Seal.UNSIGNED
    return Seal.SIGNED if report.key and is_signed(value) else Seal.FORGED


def _wrong(subject: str, problem: str) -> NoReturn:
    remedy = "Ask its maker for the file that phonolith audit --sign --out wrote"
    raise BadInput(subject, problem, remedy, code="report.unreadable")
