"""Dates of every precision, and what is wrong with the rest."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.catalogue.dates import ParsedDate, parse_date


@given(st.dates(min_value=datetime.date(1, 1, 1)), st.sampled_from("-/."))
def test_every_real_date_is_read(date: datetime.date, mark: str) -> None:
    full, known = f"{date.year:04d}{mark}{date.month:02d}{mark}{date.day:02d}", (date.year, date.month, date.day)
    assert parse_date(full) == ParsedDate(*known)
    assert parse_date(full[:7]) == ParsedDate(date.year, date.month)
    assert parse_date(full[:4]) == ParsedDate(date.year)
    assert parse_date(full + "T12:00:00Z") == ParsedDate(*known)


@given(st.text(max_size=12))
def test_no_text_breaks_it(text: str) -> None:
    date = parse_date(text)
    if date.problem is None:
        assert date.year is not None and (date.month is not None or date.day is None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0000", ParsedDate(problem="0000")),
        ("0000-00-00", ParsedDate(problem="0000")),
        ("2009-13-01", ParsedDate(2009, problem="month 13")),
        ("1999-02-31", ParsedDate(1999, 2, problem="day 31 in month 2")),
        ("1999-00-00", ParsedDate(1999)),
        ("1999-00-12", ParsedDate(1999, problem="day 12 of no month")),
        ("20010517", ParsedDate(2001, 5, 17)),
        ("19xx", ParsedDate(problem="not a date")),
        ("", ParsedDate(problem="not a date")),
        ("٢٠٠١", ParsedDate(2001)),
    ],
)
def test_odd_ones(written: str, expected: ParsedDate) -> None:
    assert parse_date(written) == expected
