"""What can be asked of the search, what it answers, and a question taken apart into conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from phonolith.library.conditions import Between, Condition, Listed, Looked, beginning, listed
from phonolith.library.index import Index
from phonolith.library.rows import Row
from phonolith.library.terms import LAST_DURATION, duration_bucket, duration_start, facet
from phonolith.model.ids import genre_key
from phonolith.model.status import Status
from phonolith.model.text import asked, is_cjk, runs

#: Of longer queries the first words are asked for.
MOST_WORDS = 16
_MOST_LABELS = 64


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for. Everything that is given must hold; nothing given is everything there is, in rank order.

    ``kind`` is track, release, artist or label. ``licence`` is a family (``by-sa``, ``none``) or a code
    (``CC-BY-SA-3.0-DE``); ``year`` and ``duration`` (milliseconds) are (from, to), both included, None is open;
    ``genre`` is a name or key; ``label`` words of its name, or its row number; ``source`` a source's name; ``status`` a
    code. ``typing``: the last word is still being typed.
    ``corrects``: words that lead nowhere are tried with a letter changed. ``order`` is ``rank`` or ``title``.
    ``after`` is the ``next`` of the page before.
    """

    words: str = ""
    kind: str = "track"
    licence: str = ""
    year: tuple[int | None, int | None] = (None, None)
    genre: str = ""
    label: str | int = ""
    duration: tuple[int | None, int | None] = (None, None)
    held: bool | None = None
    source: str = ""
    status: Status | None = None
    typing: bool = False
    corrects: bool = True
    order: str = "rank"
    after: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Results:
    """A page of row numbers, best first.

    ``total`` is how many there are in all, or at least that many where ``total_capped``. ``next`` asks for the page
    after this one. ``corrected`` is what was looked for in place of words that led nowhere. ``restarted``: the page
    that was asked for belonged to an older catalogue, so this is the first one.
    """

    hits: list[int]
    total: int
    total_capped: bool = False
    next: str | None = None
    corrected: str | None = None
    restarted: bool = False


def word_conditions(index: Index, words: Sequence[str], typing: bool) -> list[Condition]:
    """One condition or more for each run of the query; the last is a beginning while it is being typed."""
    found: list[Condition] = []
    for place, run in enumerate(words):
        if typing and place == len(words) - 1 and not is_cjk(run):
            found.append(beginning(index, run))
            continue
        tokens = asked(run)
        found += [listed(index, [token]) for token in dict.fromkeys(tokens)]
        if len(tokens) > 1:
            found.append(Looked(_has(run)))
    return found


def _has(run: str) -> Callable[[Row], bool]:
    return lambda row: row.has(run)


def filter_conditions(index: Index, query: Query) -> list[Condition]:
    """The conditions of everything but the words."""
    found = [listed(index, terms) for terms in _exact_facets(index, query)]
    if query.label != "":
        found.append(listed(index, [facet("label", row) for row in _labels(index, query.label)]))
    if query.year != (None, None):
        found.append(_years(index, *query.year))
    conditions: list[Condition] = list(found)
    if query.duration != (None, None):
        conditions.append(_durations(index, *query.duration))
    return conditions


def _exact_facets(index: Index, query: Query) -> list[list[str]]:
    """For each given filter the terms of which a row must have one."""
    found: list[list[str]] = []
    if query.licence:
        licence = index.number_of("licence", "code", query.licence)
        terms = [facet("family", query.licence.lower())]
        found.append(terms if licence is None else [*terms, facet("licence", licence)])
    if query.genre:
        found.append(_numbered("genre", index.number_of("genre", "folded", genre_key(query.genre))))
    if query.source:
        found.append(_numbered("source", index.number_of("source", "name", query.source)))
    if query.status is not None:
        found.append([facet("status", int(query.status))])
    if query.held is not None:
        found.append([facet("status", int(s)) for s in Status if (s == Status.HELD) == query.held])
    return found


def _numbered(name: str, row: int | None) -> list[str]:
    return [] if row is None else [facet(name, row)]


def _labels(index: Index, label: str | int) -> list[int]:
    """The row numbers of a label, or of the labels with these words in their names, best first."""
    if isinstance(label, int):
        return [label]
    labels = index.of("label")
    conditions = word_conditions(labels, runs(label)[:MOST_WORDS], typing=False)
    found: list[int] = []
    for tier, (first, last) in enumerate(labels.tiers):
        span = BitMap(range(first, last + 1))
        parts = [part for condition in conditions if (part := condition.part(tier)) is not None]
        found += list(BitMap.intersection(span, *parts)) if parts else []
        if len(found) >= _MOST_LABELS:
            break
    return found[:_MOST_LABELS]


def _years(index: Index, first: int | None, last: int | None) -> Listed:
    """Rows of a range of years: whole decades where they fit, years at the ends."""
    low, high = max(0, first or 0), min(9999, 9999 if last is None else last)
    if low > high:
        return Listed(index, [])
    name = "years", low, high
    from_decade, to_decade = -(-low // 10) * 10, (high + 1) // 10 * 10 - 10
    if from_decade > to_decade:
        return Listed(index, index.between(facet("year", low), facet("year", high)), name)
    entries = index.between(facet("decade", from_decade), facet("decade", to_decade))
    if low < from_decade:
        entries += index.between(facet("year", low), facet("year", from_decade - 1))
    if high > to_decade + 9:
        entries += index.between(facet("year", to_decade + 10), facet("year", high))
    return Listed(index, entries, name)


def _durations(index: Index, shortest: int | None, longest: int | None) -> Condition:
    """Rows of a range of durations: whole buckets, and rows looked at in the buckets that the ends cut through."""
    low, high = max(0, shortest or 0), longest
    first = duration_bucket(low)
    last = LAST_DURATION if high is None else duration_bucket(high)
    if high is not None and high < low:
        return Listed(index, [])
    cut = set()
    if duration_start(first) < low:
        cut.add(first)
    if high is not None and (last == LAST_DURATION or duration_start(last + 1) > high + 1):
        cut.add(last)
    inside = listed(index, [facet("duration", b) for b in range(first, last + 1) if b not in cut])
    edges = listed(index, [facet("duration", b) for b in sorted(cut)])

    def test(row: Row) -> bool:
        return row.duration is not None and low <= row.duration and (high is None or row.duration <= high)

    return Between(inside, edges, test) if cut else inside
