"""Claims as a file: what somebody said of an archive, with enough around each figure that it can be put to the test.

``claims.toml`` has one table ``[[claim]]`` for each sentence; docs/reference/claims.md describes it. It is read
strictly: an unknown key, unit or relation is an error that says what there is, because a claim that is half understood
is judged wrongly.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from phonolith.audit.units import COUNTED, Unit, unit
from phonolith.errors import BadInput, NotFound
from phonolith.store.files import storage_errors

FORMAT = 1
LARGEST = 4 << 20  # bytes of a file of claims
MOST = 10_000  # claims in it

BOUNDS = ("exactly", "about", "at least", "at most")

#: What a count counts: rows of a list, different ids, different ISRCs, files of different bytes, or recordings. Where
#: nothing is said, it is rows: whoever counts differently says so.
DEFINITIONS = ("", "rows", "ids", "isrcs", "files", "recordings")
ROWS = "rows"

_TEXTS = ("id", "sentence", "who", "where", "unit", "bound", "definition", "of", "part", "whole", "procedure", "seed")
_KEYS = (*_TEXTS, "when", "quantity", "tolerance")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TOLERANCE = re.compile(r"(\d+(?:\.\d+)?) ?(%|[A-Za-z/]+)?")


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure that somebody stated. ``quantity`` is in ``unit``; ``slack`` as well: how far off it may be.

    ``of`` names the set that is spoken of: claims of one set are about the same things. ``definition`` is one of
    :data:`DEFINITIONS`, ``bound`` one of :data:`BOUNDS`. A share names the claims that it is the ratio of, ``part`` and
    ``whole``, where they are stated too. ``procedure`` is a named check or SQL, "" for whatever fits the unit; ``seed``
    is what samples are drawn by.
    """

    id: str
    sentence: str
    quantity: Decimal
    unit: Unit
    slack: Decimal
    bound: str = "exactly"
    who: str = ""
    where: str = ""
    when: str = ""
    of: str = ""
    definition: str = ""
    part: str = ""
    whole: str = ""
    procedure: str = ""
    seed: str = ""

    @property
    def value(self) -> float:
        """The figure on the base scale of its dimension."""
        return float(self.quantity) * self.unit.scale

    @property
    def low(self) -> float:
        """The least that the sentence allows, on the base scale."""
        return -math.inf if self.bound == "at most" else (float(self.quantity - self.slack)) * self.unit.scale

    @property
    def high(self) -> float:
        """The most that the sentence allows, on the base scale."""
        return math.inf if self.bound == "at least" else (float(self.quantity + self.slack)) * self.unit.scale

    def allows(self, low: float, high: float) -> bool:
        """Whether some figure between these, on the base scale, is what the sentence says."""
        whole = self.unit.name in COUNTED or self.unit.dimension == "bytes"
        near = 4e-15 if whole else 1e-9  # of floating point: things are counted one by one, and the rest is divided
        edge = near * max(abs(self.value), abs(high) if math.isfinite(high) else 0.0)
        return low <= self.high + edge and high >= self.low - edge


@dataclass(frozen=True, slots=True)
class Stated:
    """A file of claims: what it is about, and the claims in its order."""

    title: str
    claims: tuple[Claim, ...]


def read(path: Path) -> Stated:
    """The claims of a file. Raises NotFound, BadInput, StorageError."""
    if not path.is_file():
        raise NotFound(str(path), "there is no such file of claims", "docs/reference/claims.md says what it looks like")
    with storage_errors(path), path.open("rb") as file:
        data = file.read(LARGEST + 1)
    return parse(data, str(path))


def parse(data: bytes, subject: str) -> Stated:
    """The claims of a file's bytes; ``subject`` names it in errors. Raises BadInput."""
    if len(data) > LARGEST:
        _wrong(subject, f"it has more than {LARGEST >> 20} MiB", "Cut it into several files")
    try:
        told = tomllib.loads(data.decode(), parse_float=Decimal)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        _wrong(subject, f"it is not TOML: {error}", "Correct it there")
    if told.get("format") != FORMAT:
        _wrong(subject, f"its format is {told.get('format')!r}", f"Write: format = {FORMAT}")
    rows = told.get("claim")
    if unknown := set(told) - {"format", "title", "claim"}:
        _wrong(subject, f"it has {sorted(unknown)[0]!r}, which means nothing", "Claims are tables: [[claim]]")
    if not isinstance(rows, list) or not rows or len(rows) > MOST:
        _wrong(subject, f"it needs 1 to {MOST:,} tables [[claim]]", "See docs/reference/claims.md")
    claims = tuple(_claim(row, f"{subject}, claim {number}") for number, row in enumerate(rows, 1))
    _check_names(claims, subject)
    return Stated(_text(told, "title", subject), claims)


def rounding(quantity: Decimal) -> Decimal:
    """Half of the last place that is not nothing: 86 million was rounded to millions, 99.6 to tenths."""
    exponent = quantity.normalize().as_tuple().exponent
    assert isinstance(exponent, int)  # of a number that is neither infinite nor none
    return Decimal(5).scaleb(exponent - 1)


def _claim(row: Any, subject: str) -> Claim:
    if not isinstance(row, Mapping):
        _wrong(subject, "it is not a table", "Write [[claim]] and keys below it")
    for key in row:
        if key not in _KEYS:
            close = difflib.get_close_matches(key, _KEYS, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Keys are {', '.join(_KEYS)}"
            _wrong(subject, f"it has {key!r}, which is none of its keys", hint)
    texts = {key: _text(row, key, subject) for key in _TEXTS}
    if not _ID.fullmatch(texts["id"]):
        _wrong(subject, f"its id is {texts['id']!r}", 'Write id = "…" of small letters, digits, ".", "_" and "-"')
    subject = f"{subject} ({texts['id']})"
    if not texts["sentence"]:
        _wrong(subject, "it has no sentence", "Write what was said, word for word")
    bound = texts.pop("bound") or "exactly"
    for name, value, known in (("bound", bound, BOUNDS), ("definition", texts["definition"], DEFINITIONS)):
        if value not in known:
            _wrong(subject, f"its {name} is {value!r}", f"Use one of {', '.join(filter(None, known))}")
    quantity = _number(row.get("quantity"), subject)
    of_unit = unit(texts.pop("unit"), subject)
    if (texts["part"] or texts["whole"]) and of_unit.dimension != "share":
        _wrong(subject, "it names part and whole and is no share", 'Write unit = "%", or leave them out')
    return Claim(
        quantity=quantity,
        unit=of_unit,
        slack=_slack(row.get("tolerance"), quantity, of_unit, bound, subject),
        bound=bound,
        when=_day(row.get("when"), subject),
        **texts,
    )


def _slack(told: Any, quantity: Decimal, of_unit: Unit, bound: str, subject: str) -> Decimal:
    """How far off the figure may be, in its own unit; where nothing is said, what rounding hides of a rough figure."""
    if told is None:
        return rounding(quantity) if bound == "about" and quantity else Decimal(0)
    if isinstance(told, (int, Decimal)) and not isinstance(told, bool):
        return _number(told, subject)
    match = _TOLERANCE.fullmatch(told) if isinstance(told, str) else None
    if match is None:
        _wrong(subject, f"its tolerance is {told!r}", 'Write a number, or as in "1 %" or "5 GB"')
    amount = Decimal(match[1])
    if match[2] == "%" and of_unit.dimension != "share":
        return quantity * amount / 100
    other = unit(match[2], subject) if match[2] else of_unit
    if other.dimension != of_unit.dimension:
        _wrong(subject, f"its tolerance is in {other.name} and its quantity in {of_unit.name}", "Use one dimension")
    return amount * Decimal(other.scale) / Decimal(of_unit.scale)


def _number(told: Any, subject: str) -> Decimal:
    if isinstance(told, bool) or not isinstance(told, (int, Decimal)):
        _wrong(subject, f"its quantity is {told!r}", "Write a number without quotes; 86_000_000 is one")
    number = Decimal(told)
    if not number.is_finite() or not 0 <= number < Decimal(10) ** 30:
        _wrong(subject, f"its quantity is {told}", "A quantity is 0 or more, and below 10 to the 30th")
    return number


def _text(row: Mapping[str, Any], key: str, subject: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str):
        _wrong(subject, f"its {key} is {value!r}", f'Write {key} = "…"')
    return value.strip()


def _day(told: Any, subject: str) -> str:
    if told is None:
        return ""
    if not isinstance(told, (date, datetime)):
        _wrong(subject, f"its when is {told!r}", "Write when = 2026-01-31, without quotes")
    return told.isoformat()[:10]


def _check_names(claims: Sequence[Claim], subject: str) -> None:
    known: dict[str, Claim] = {}
    for one in claims:
        if one.id in known:
            _wrong(subject, f"two claims have the id {one.id!r}", "Give each its own")
        known[one.id] = one
    for one in claims:
        if bool(one.part) != bool(one.whole):
            _wrong(subject, f"{one.id} names one of part and whole", "Name both, or neither")
        ends = [known[name] for name in (one.part, one.whole) if name in known]
        for name in (one.part, one.whole):
            if name and name not in known:
                _wrong(subject, f"{one.id} is a share of {name!r}, which is no claim here", "State it too")
        if len({end.unit.dimension for end in ends}) > 1:
            names = " and ".join(end.unit.name for end in ends)
            _wrong(subject, f"{one.id} is a share of {names}", "A share is of one kind of thing")


def _wrong(subject: str, problem: str, remedy: str) -> NoReturn:
    raise BadInput(subject, problem, remedy, code="claims.unreadable")
