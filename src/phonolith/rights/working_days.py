"""Counts working days: Monday to Friday without the public holidays of a territory whose holidays are known here.

For other territories every Monday to Friday counts, and :attr:`Calendar.words` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

_DAY = timedelta(days=1)
_SATURDAY, _SUNDAY = 5, 6
_MONDAY, _THURSDAY = 0, 3


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of a territory (ISO 3166-1 alpha-2); "" is nowhere in particular."""

    territory: str = ""

    @property
    def words(self) -> str:
        """Which days count, as a sentence."""
        if self.territory in _HOLIDAYS:
            return f"Monday to Friday count, without {_NAMES[self.territory]}."
        where = f"the holidays of {self.territory} are not known here" if self.territory else "no territory is set"
        return f"Every Monday to Friday counts: {where}."

    def works(self, day: date) -> bool:
        """Whether it is a working day."""
        if day.weekday() >= _SATURDAY:
            return False
        return self.territory not in _HOLIDAYS or day not in _holidays(self.territory, day.year)

    def after(self, time: str, days: int) -> str:
        """The end of the last of so many working days after the day of ``time``; both ISO 8601, UTC.

        The day on which a period begins does not count, as in Regulation (EEC) 1182/71, article 3(1).
        """
        day = date.fromisoformat(time[:10])
        while days:
            day += _DAY
            days -= self.works(day)
        return f"{day.isoformat()}T23:59:59Z"


def _federal(year: int) -> Iterator[date]:
    """Holidays of the United States (5 U.S.C. 6103): the nearest working day for one of a weekend."""
    for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)):
        exact = date(year, month, day)
        yield exact + {_SATURDAY: -_DAY, _SUNDAY: _DAY}.get(exact.weekday(), timedelta(0))
    if date(year + 1, 1, 1).weekday() == _SATURDAY:
        yield date(year, 12, 31)
    for month, weekday, number in ((1, _MONDAY, 3), (2, _MONDAY, 3), (9, _MONDAY, 1), (10, _MONDAY, 2)):
        yield _nth(year, month, weekday, number)
    yield _nth(year, 11, _THURSDAY, 4)
    last = date(year, 5, 31)
    yield last - timedelta(days=last.weekday())


def _german(year: int) -> Iterator[date]:
    """Holidays of all of Germany: those of single states are working days here."""
    for month, day in ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)):
        yield date(year, month, day)
    for days in (-2, 1, 39, 50):
        yield _easter(year) + timedelta(days=days)


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the method published anonymously in Nature, 20 April 1876."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - shift + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


_HOLIDAYS: dict[str, Callable[[int], Iterator[date]]] = {"US": _federal, "DE": _german}
_NAMES = {"US": "the federal holidays of the United States", "DE": "the holidays of all of Germany"}


@cache
def _holidays(territory: str, year: int) -> frozenset[date]:
    return frozenset(_HOLIDAYS[territory](year))
