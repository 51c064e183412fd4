"""Working days against tables that offices publish."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from phonolith.rights.working_days import Calendar

FREE = {  # on Mondays to Fridays; opm.gov for the United States, federal and state law for Germany
    ("US", 2026): "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    ("US", 2021): "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
    ("US", 2022): "01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26",
    ("DE", 2026): "01-01 04-03 04-06 05-01 05-14 05-25 12-25",
    ("DE", 2024): "01-01 03-29 04-01 05-01 05-09 05-20 10-03 12-25 12-26",
    ("", 2026): "",
    ("FR", 2026): "",
}


@pytest.mark.parametrize(("territory", "year"), FREE)
def test_the_holidays_of_a_year(territory: str, year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    free = [day for day in days if day.weekday() < 5 and not Calendar(territory).works(day)]
    assert " ".join(day.strftime("%m-%d") for day in free) == FREE[territory, year]
    assert not any(Calendar(territory).works(day) for day in days if day.weekday() >= 5)


def test_a_period_begins_on_the_day_after_and_ends_with_a_working_day() -> None:
    assert Calendar().after("2026-11-30T13:00:00Z", 1) == "2026-12-01T23:59:59Z"
    assert Calendar().after("2026-12-04T23:59:59Z", 1) == "2026-12-07T23:59:59Z"  # a Friday
    assert Calendar().after("2026-12-05T00:00:00Z", 10) == "2026-12-18T23:59:59Z"  # a Saturday
    assert Calendar("US").after("2026-12-18T12:00:00Z", 10) == "2027-01-05T23:59:59Z"
    assert Calendar("DE").after("2026-12-18T12:00:00Z", 10) == "2027-01-05T23:59:59Z"
    assert Calendar().after("2026-12-18T12:00:00Z", 0) == "2026-12-18T23:59:59Z"


def test_it_says_what_counts() -> None:
    assert "federal holidays" in Calendar("US").words
    assert Calendar("FR").words == "Every Monday to Friday counts: the holidays of FR are not known here."
    assert "no territory is set" in Calendar().words
