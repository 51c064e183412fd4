"""Arithmetic across claims: what cannot be is found, and what rounding explains is not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from phonolith.audit.claims import Claim, rounding
from phonolith.audit.lint import early, lint
from phonolith.audit.units import UNITS


def claim(name: str, quantity: str, unit: str, bound: str = "about", **more: str) -> Claim:
    number = Decimal(quantity)
    slack = rounding(number) if bound == "about" and number else Decimal(0)
    return Claim(name, f"{quantity} {unit}", number, UNITS[unit], slack, bound, **more)


def codes(*claims: Claim) -> list[str]:
    return [f"{one.code} {one.subject.removeprefix('claim ')}" for one in lint(claims)]


HELD, KNOWN = claim("held", "86000000", "tracks"), claim("known", "256000000", "tracks")


def share(percent: str) -> Claim:
    return claim("share", percent, "%", part="held", whole="known")


def test_the_published_share_does_not_come_out() -> None:
    [found] = lint([HELD, KNOWN, share("37")])
    assert found.problem == "86,000,000 tracks of 256,000,000 tracks is 33.6 %, not 37 %"
    assert found.severity == "error"


@pytest.mark.parametrize("percent", ["33.6", "34", "33.5", "30"])
def test_what_rounding_explains_is_right(percent: str) -> None:
    assert codes(HELD, KNOWN, share(percent)) == []


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 5), st.integers(1, 5), st.integers(0, 3))
def test_a_share_of_true_figures_is_never_called_wrong(
    part: int, more: int, digits: int, others: int, places: int
) -> None:
    """Whoever rounds true numbers, each to as many digits as they like, is not told that they are wrong."""
    whole = part + more
    assume(round(100 * part / whole, places) > 0)
    rough = claim("held", _rounded(part, digits), "tracks"), claim("known", _rounded(whole, others), "tracks")
    percent = f"{100 * part / whole:.{places}f}"
    told = Decimal(percent)
    stated = Claim("share", "", told, UNITS["%"], Decimal(5).scaleb(-places - 1), "about", part="held", whole="known")
    assert codes(*rough, stated) == []


def _rounded(number: int, digits: int) -> str:
    return str(int(round(number, digits - len(str(number))))) if digits < len(str(number)) else str(number)


TB300, TB330 = claim("a", "300", "TB", "exactly", of="x"), claim("b", "330", "TB", "exactly", of="x")
MANY, RATE = claim("b", "86000000", "files", of="x"), claim("c", "320", "kbit/s", of="x")
TEN = claim("b", "10", "hours", of="x")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([claim("a", "120", "%")], ["arithmetic.share a"]),
        ([claim("a", "12.5", "tracks", "exactly")], ["arithmetic.count a"]),
        (
            [claim("held", "315", "tracks"), claim("known", "210", "tracks"), share("150")],
            ["arithmetic.part held", "arithmetic.share share"],
        ),
        ([TB300, TB330], ["arithmetic.two a"]),
        ([TB300, claim("b", "329853488332800", "bytes", "exactly", of="x")], ["arithmetic.unit a"]),
        ([claim("a", "273", "TiB", of="x"), claim("b", "300", "TB", of="x")], []),
        ([claim("a", "10", "tracks", of="x"), claim("b", "20", "tracks", of="y")], []),
        ([claim("a", "10", "tracks"), claim("b", "20", "tracks")], []),
        ([claim("a", "10", "tracks", of="x", definition="rows"), claim("b", "9", "tracks", of="x")], []),
        ([TB300, TEN], ["arithmetic.rate a"]),
        ([claim("a", "9", "files", of="x"), claim("b", "2", "files", of="x", procedure="metainfo duplicates")], []),
        ([claim(one, one, "tracks", "exactly", of="x", procedure=f"rows t{one}") for one in "12"], []),
        (
            [claim("1", "1", "tracks", "exactly", of="x", procedure="rows t"), claim("2", "3", "tracks", of="x")],
            ["arithmetic.two 1"],
        ),
        ([claim("a", "300", "MB", of="x"), TEN, RATE], ["arithmetic.rate a"]),
        ([claim("a", "1.4", "GB", of="x"), TEN, RATE], []),
        ([TB300, MANY, RATE], []),
        ([claim("a", "300", "PB", of="x"), MANY, RATE], ["arithmetic.mean a"]),
    ],
)
def test_sums(claims: list[Claim], expected: list[str]) -> None:
    assert sorted(codes(*claims)) == expected


def test_nobody_said_it_tomorrow() -> None:
    told = [claim(day, "1", "tracks", when=day) for day in ("", "2026-11-30", "2026-12-01", "2099-01-01")]
    assert [one.subject for one in early(told, "2026-11-30T12:00:00Z")] == ["claim 2099-01-01"]


_UNITS = st.sampled_from(sorted(UNITS))


@given(st.lists(st.tuples(st.decimals(0, 10**15, places=2), _UNITS, st.sampled_from(["", "x"])), max_size=6))
def test_any_claims_can_be_looked_at(rows: list[tuple[Decimal, str, str]]) -> None:
    claims = [claim(f"c{at}", str(number), unit, of=of) for at, (number, unit, of) in enumerate(rows)]
    assert all(one.code.startswith("arithmetic.") for one in lint(claims))
