"""Files of claims: what is read, what is refused and how it is said."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.audit.claims import Claim, parse, read, rounding
from phonolith.errors import BadInput, NotFound


def one(lines: str) -> Claim:
    """A single claim of these keys, with an id and a sentence."""
    return parse(f'format = 1\n[[claim]]\nid = "c"\nsentence = "s"\n{lines}'.encode(), "f").claims[0]


def test_a_whole_claim_is_read() -> None:
    found = one(
        'quantity = 300\nunit = "TB"\nbound = "about"\nwho = "a blog"\nwhere = "https://example.org/"\n'
        'when = 2025-12-20\nof = "audio"\ndefinition = "files"\nseed = "x"\nprocedure = "sum"'
    )
    assert (found.value, found.slack, found.low, found.high) == (3e14, Decimal(50), 2.5e14, 3.5e14)
    assert (found.who, found.when, found.of, found.definition, found.seed) == (
        *("a blog", "2025-12-20", "audio", "files", "x"),
    )


@pytest.mark.parametrize(
    ("number", "half"),
    [
        ("86000000", "500000"),
        ("256_000_000", "500000"),
        ("99.6", "0.05"),
        ("37", "0.5"),
        ("1", "0.5"),
        ("0.99", "0.005"),
    ],
)
def test_a_rough_figure_is_as_exact_as_it_was_written(number: str, half: str) -> None:
    assert rounding(Decimal(number)) == Decimal(half)
    assert one(f'quantity = {number}\nunit = "tracks"\nbound = "about"').slack == Decimal(half)


@pytest.mark.parametrize(
    ("lines", "low", "high"),
    [
        ('unit = "tracks"', 200, 200),
        ('unit = "tracks"\nbound = "at least"', 200, math.inf),
        ('unit = "tracks"\nbound = "at most"', -math.inf, 200),
        ('unit = "tracks"\ntolerance = 3', 197, 203),
        ('unit = "tracks"\ntolerance = "1 %"', 198, 202),
        ('unit = "GB"\ntolerance = "500 MB"', 199.5e9, 200.5e9),
        ('unit = "GiB"', 200 * 2**30, 200 * 2**30),
        ('unit = "hours"', 720_000, 720_000),
        ('unit = "%"\ntolerance = "1 %"', 1.99, 2.01),
    ],
)
def test_what_a_sentence_allows(lines: str, low: float, high: float) -> None:
    found = one(f"quantity = 200\n{lines}")
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.allows(found.value, found.value)
    assert not found.allows(high * 1.01, high * 1.02) or math.isinf(high)


_WRONG = {
    "not TOML": ("= 1", "it is not TOML"),
    "no format": ('[[claim]]\nid = "a"', "its format is None"),
    "another format": ("format = 2", "its format is 2"),
    "no claims": ("format = 1", "it needs 1 to"),
    "a key of the file": ('format = 1\nclaims = "x"', "'claims', which means nothing"),
    "not a table": ("format = 1\nclaim = [1]", "it is not a table"),
    "a misspelt key": ('format = 1\n[[claim]]\nquantitiy = 1\nid = "a"', "'quantitiy'"),
    "no id": ('format = 1\n[[claim]]\nsentence = "s"', "its id is ''"),
    "no sentence": ('format = 1\n[[claim]]\nid = "a"', "it has no sentence"),
    "an unknown unit": ("quantity = 1\nunit = 'songs'", "no unit 'songs'"),
    "no unit": ("quantity = 1", "no unit ''"),
    "a quantity in quotes": ("quantity = '1'\nunit = 'tracks'", "its quantity is '1'"),
    "no quantity": ("unit = 'tracks'", "its quantity is None"),
    "true": ("quantity = true\nunit = 'tracks'", "its quantity is True"),
    "not a number": ("quantity = nan\nunit = 'tracks'", "its quantity is NaN"),
    "less than nothing": ("quantity = -1\nunit = 'tracks'", "its quantity is -1"),
    "more than there is": (f"quantity = 1{'0' * 40}\nunit = 'tracks'", "its quantity is 1"),
    "an unknown bound": ("quantity = 1\nunit = 'tracks'\nbound = 'over'", "its bound is 'over'"),
    "an unknown definition": ("quantity = 1\nunit = 'tracks'\ndefinition = 'songs'", "its definition is 'songs'"),
    "a day in quotes": ("quantity = 1\nunit = 'tracks'\nwhen = 'today'", "its when is 'today'"),
    "a tolerance in words": ("quantity = 1\nunit = 'tracks'\ntolerance = 'some'", "its tolerance is 'some'"),
    "a tolerance of another kind": ("quantity = 1\nunit = 'GB'\ntolerance = '1 hours'", "in hours"),
    "a share of one": ("quantity = 1\nunit = '%'\npart = 'c'", "names one of part and whole"),
    "a share of nothing known": ("quantity = 1\nunit = '%'\npart = 'x'\nwhole = 'c'", "which is no claim here"),
    "a part that is no share": ("quantity = 1\nunit = 'GB'\npart = 'c'\nwhole = 'c'", "is no share"),
}


@pytest.mark.parametrize("name", _WRONG)
def test_what_is_half_said_is_refused_with_what_to_do(name: str) -> None:
    text, problem = _WRONG[name]
    whole = (
        text
        if "format" in text or text.startswith(("=", "[["))
        else f"format = 1\n[[claim]]\nid='c'\nsentence='s'\n{text}"
    )
    with pytest.raises(BadInput) as error:
        parse(whole.encode(), "f")
    assert problem in error.value.problem
    assert error.value.remedy


def test_two_claims_of_one_id_are_refused() -> None:
    row = "[[claim]]\nid='c'\nsentence='s'\nquantity=1\nunit='tracks'\n"
    with pytest.raises(BadInput, match="two claims have the id"):
        parse(f"format = 1\n{row}{row}".encode(), "f")


@given(st.binary(max_size=200))
def test_any_bytes_are_claims_or_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput):
        parse(data, "f")


def test_files(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read(tmp_path / "none.toml")
    (tmp_path / "big.toml").write_bytes(b"#" * (5 << 20))
    with pytest.raises(BadInput, match="more than 4 MiB"):
        read(tmp_path / "big.toml")
    with pytest.raises(BadInput):
        parse(b"a = " + b"[" * 100_000, "f")
