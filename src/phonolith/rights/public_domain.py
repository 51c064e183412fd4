"""When a recording and its composition fall into the public domain, territory by territory, by a table of rules.

The rules are in ``public_domain.toml``, each with the law it rests on; this file reads dates and applies them. A date
is taken at its latest possible day (``1922`` is 31 December), so that what is less exact is never free earlier. What is
not a plain date (``circa 1920``, ``1920?``, ``192-``, year 0000), what is unknown and what contradicts itself put
nothing into the public domain. Both layers must be free in a territory; the day is handed in, never looked up.
"""

from __future__ import annotations

import calendar
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from itertools import groupby
from types import MappingProxyType

from phonolith.model.licence import Licence
from phonolith.model.music import Level, Origin

LAYERS = ("recording", "composition")

_FIRST_RECORDING = 1877  # Edison's phonograph: an earlier date is that of something else, say of the composition
_LAST_YEAR = 2200  # a later one is a slip of the pen, and years are added to it
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_CODE = re.compile(r"PD((?:-[A-Z]{2})+)")
_UNREADABLE = "?"

#: The dates of an :class:`Origin` with the word for each in a statement, in the order in which they are written.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "recorded": "recorded",
        "published": "published",
        "edition": "edition",
        "composition_published": "composition published",
        "writers_died": "writers died",
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the table; the fields are explained at its top."""

    id: str
    layer: str
    territories: tuple[str, ...]
    by: str
    until: date | None
    years: int
    free: date | None
    since: date
    statute: str
    url: str
    read: str
    note: str

    def free_from(self, known: Mapping[str, date]) -> date | None:
        """The first day on which this rule makes its layer free, None if it does not apply.

        ``known`` has the latest possible day of each date that is known, by its name in :class:`Origin`.
        """
        latest = known.get(self.by)
        if latest is None or (self.until and latest > self.until):
            return None
        return max(self.free or date(latest.year + self.years + 1, 1, 1), self.since)


@dataclass(frozen=True, slots=True)
class Term:
    """When both layers are free in a territory, by which rules; None with the problem where that is unknown."""

    territory: str
    free_from: date | None
    rules: tuple[Rule, ...] = ()
    problem: str = ""


def rules() -> tuple[Rule, ...]:
    """The table, in its order."""
    return _RULES


def territories() -> tuple[str, ...]:
    """The territories of which the table says anything, ISO 3166-1 alpha-2, sorted."""
    return _TERRITORIES


@lru_cache(maxsize=4096)  # a catalogue repeats the same few years
def terms(origin: Origin) -> tuple[Term, ...]:
    """For every territory of the table, when recording and composition are both free there."""
    known, problem = _known(origin)
    if problem:
        return tuple(Term(place, None, problem=problem) for place in _TERRITORIES)
    return tuple(_term(place, known) for place in _TERRITORIES)


def free_in(origin: Origin, on: date) -> tuple[Term, ...]:
    """The territories in which both layers are free on a day."""
    return tuple(term for term in terms(origin) if term.free_from is not None and term.free_from <= on)


def licence_for(places: Sequence[str]) -> Licence:
    """What the public domain in some territories permits there, as a licence that has their codes in its own."""
    reach = tuple(sorted(set(places)))
    assert reach, "without a territory it would count as worldwide"
    return Licence(
        code=f"PD-{'-'.join(reach)}",
        family="pd",
        uri="",
        title=f"Public domain by its dates ({_listed(reach)})",
        hold=True,
        stream=True,
        redistribute=True,
        reencode=True,
        commercial=True,
        territories=reach,
    )


def _listed(reach: Sequence[str]) -> str:
    """Territories for a person: most of the European Union is named as a whole, with those that are not in it."""
    inside = [place for place in reach if place in _EU]
    if len(inside) <= len(_EU) / 2:
        return ", ".join(reach)
    missing = ", ".join(sorted(_EU.difference(inside)))
    union = f"European Union without {missing}" if missing else "European Union"
    return ", ".join([*(place for place in reach if place not in _EU), union])


@lru_cache(maxsize=4096)
def by_code(code: str) -> Licence | None:
    """The licence that :func:`licence_for` gave this code, None for any other text."""
    match = _CODE.fullmatch(code)
    places = match[1].removeprefix("-").split("-") if match else []
    if not places or not set(places) <= set(_TERRITORIES):
        return None
    licence = licence_for(places)
    return licence if licence.code == code else None


def statement(origin: Origin) -> str:
    """The dates as one line, e.g. ``published 1920-05; writers died 1941``; ``?`` for one that cannot be read."""
    told = ((word, getattr(origin, name)) for name, word in _WORDS.items())
    return "; ".join(f"{word} {text if latest(text) else _UNREADABLE}" for word, text in told if text)


@lru_cache(maxsize=4096)
def origin_of(stated: str, level: int, by: str) -> Origin:
    """The origin that :func:`statement` wrote as this line; one without dates if it is another text."""
    names = {word: name for name, word in _WORDS.items()}
    found = {}
    for part in stated.split("; "):
        word, _, text = part.rpartition(" ")
        if word not in names:
            return Origin(level=Level(level), by=by)
        found[names[word]] = text
    return Origin(**found, level=Level(level), by=by)


def latest(text: str) -> date | None:
    """The latest day that a date as written can mean; None for what is not ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``."""
    match = _DATE.fullmatch(text)
    if match is None or not 0 < int(match[1]) <= _LAST_YEAR:
        return None
    year, month, day = int(match[1]), int(match[2] or 12), int(match[3] or 0)
    if not 1 <= month <= 12 or match[3] == "00":
        return None
    last = calendar.monthrange(year, month)[1]
    return date(year, month, day or last) if day <= last else None


def shown(found: Sequence[Term]) -> Iterator[str]:
    """Terms for a person: a line for all territories that share day and rules, and one for each rule, set in."""

    def key(term: Term) -> tuple[str, tuple[str, ...], str]:
        return str(term.free_from or "~"), tuple(rule.id for rule in term.rules), term.problem

    for _, group in groupby(sorted(found, key=key), key):
        alike = list(group)
        places, first = ", ".join(term.territory for term in alike), alike[0]
        if first.free_from is None:
            yield f"{places}: unknown; {first.problem}"
        else:
            yield f"{places}: from {first.free_from}"
            yield from (f"  {rule.id}: {rule.statute}" for rule in first.rules)


def _term(place: str, known: Mapping[str, date]) -> Term:
    chosen, missing = [], []
    for layer in LAYERS:
        mine = [rule for rule in _RULES if rule.layer == layer and place in rule.territories]
        free = [(when, rule) for rule in mine if (when := rule.free_from(known)) is not None]
        if free:
            chosen.append(min(free, key=lambda pair: pair[0]))
        else:
            missing.append(_missing(layer, mine, known))
    if missing:
        return Term(place, None, problem=" and ".join(missing))
    return Term(place, max(when for when, _ in chosen), tuple(rule for _, rule in chosen))


def _missing(layer: str, mine: Sequence[Rule], known: Mapping[str, date]) -> str:
    if not mine:
        return f"the table has no rule for the {layer} there"
    wanted = list(dict.fromkeys(rule.by for rule in mine if rule.by not in known))
    if not wanted:
        return f"no rule reaches the dates of the {layer}"
    return f"of the {layer} is not known: {', '.join(_WORDS[name] for name in wanted)}"


def _known(origin: Origin) -> tuple[dict[str, date], str]:
    """The latest possible day of each date, and what is wrong with them as a whole, "" if nothing is.

    A later edition counts as a recording first published then. What was published was recorded by then.
    """
    known = {}
    for name, word in _WORDS.items():
        text = getattr(origin, name)
        if not text:
            continue
        day = latest(text)
        if day is None:
            return {}, f"the date “{word}” cannot be read exactly"
        known[name] = day
    for name in ("recorded", "published", "edition"):
        if name in known and known[name].year < _FIRST_RECORDING:
            return {}, f"“{_WORDS[name]} {known[name].year}” is before there were recordings"
    if "recorded" in known and "published" in known and _earliest(origin.recorded) > known["published"]:
        return {}, "it is said to be recorded after it was published"
    return _with_edition(known), ""


def _with_edition(known: dict[str, date]) -> dict[str, date]:
    edition = known.pop("edition", None)
    if edition is not None:
        for name in ("recorded", "published"):
            if name in known:
                known[name] = max(known[name], edition)
    if "recorded" not in known and "published" in known:
        known["recorded"] = known["published"]
    return known


def _earliest(text: str) -> date:
    """The earliest day that a date which can be read means."""
    match = _DATE.fullmatch(text)
    assert match is not None
    return date(int(match[1]), int(match[2] or 1), int(match[3] or 1))


def _rule(row: Mapping[str, object]) -> Rule:
    told = {name: str(row[name]) for name in ("id", "layer", "by", "statute", "url", "read", "note")}
    day = {name: date.fromisoformat(str(row[name])) if name in row else None for name in ("until", "free")}
    places, years = tuple(str(row["territories"]).split()), int(str(row.get("years", 0)))
    since = date.fromisoformat(str(row["since"]))
    return Rule(**told, territories=places, until=day["until"], years=years, free=day["free"], since=since)


def _table() -> tuple[Rule, ...]:
    text = resources.files("phonolith.rights").joinpath("public_domain.toml").read_text("utf-8")
    return tuple(map(_rule, tomllib.loads(text)["rule"]))


_RULES = _table()
_EU = frozenset(next(rule.territories for rule in _RULES if rule.id == "eu-recording"))
_TERRITORIES = tuple(sorted({place for rule in _RULES for place in rule.territories}))
