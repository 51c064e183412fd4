"""The facets of rows: what the text index lets a list be filtered by, as pairs of facet value and row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np
import numpy.typing as npt

from phonolith.catalogue.lists import Lists, Rows
from phonolith.library.terms import LAST_DURATION, duration_start, facet

Array = npt.NDArray[Any]

#: The facets by number; number 0 are the words. A term's code is number * 2**27 + value.
NAMES = ("", "year", "decade", "duration", "source", "family", "licence", "label", "genre", "status", "starts")
VALUE_BITS = 27
_STARTS = np.array([duration_start(bucket) for bucket in range(1, LAST_DURATION + 1)])


@dataclass(frozen=True)
class Lookups:
    """Small tables by row number: what dates, rights and sets of genres come down to."""

    year: Array  # by event_date, 0: none
    licence: Array  # by rights, 0: none recognised
    family: Array  # by rights, place in families
    families: tuple[str, ...]
    genres: Lists  # by genre_set
    further_labels: Lists  # by release


def read_lookups(db: apsw.Connection) -> Lookups:
    """Read the small tables."""
    families = ("none", *(row[0] for row in db.execute("SELECT DISTINCT family FROM licence ORDER BY family")))
    place = {name: number for number, name in enumerate(families)}
    rights = db.execute(
        "SELECT r.id, ifnull(l.id, 0), ifnull(l.family, 'none') FROM rights r LEFT JOIN licence l ON l.id = r.licence"
    ).fetchall()
    years = db.execute("SELECT id, iif(year BETWEEN 1 AND 9999, year, 0) FROM event_date").fetchall()
    return Lookups(
        _by_row(years),
        _by_row([(row, licence) for row, licence, _ in rights]),
        _by_row([(row, place[family]) for row, _, family in rights]),
        families,
        _lists(db.execute("SELECT id, genre FROM genre_set").fetchall()),
        _lists(db.execute("SELECT release, label FROM release_label").fetchall()),
    )


def _by_row(pairs: list[tuple[Any, ...]]) -> Array:
    found = np.zeros(max((row for row, _ in pairs), default=0) + 1, np.int32)
    for row, value in pairs:
        found[row] = value
    return found


def _lists(pairs: list[tuple[Any, ...]]) -> Lists:
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return Lists.grouped(table[:, 0], table[:, 1], int(table[:, 0].max(initial=0)) + 1)


def facet_term(code: int, lookups: Lookups, starts: Mapping[int, str]) -> str:
    """The term of a code: ``/family/by-sa``."""
    name, value = NAMES[code >> VALUE_BITS], code & (1 << VALUE_BITS) - 1
    if name == "family":
        return facet(name, lookups.families[value])
    return facet(name, starts[value]) if name == "starts" else facet(name, value)


def codes(name: str, values: Array) -> Array:
    """Values of a facet as codes."""
    return np.asarray(values).astype(np.uint64) + np.uint64(NAMES.index(name) << VALUE_BITS)


def facet_pairs(columns: Mapping[str, Array], ids: Array, lookups: Lookups) -> Iterator[tuple[Array, Array]]:
    """Codes and rows for each facet of some rows, facet by facet in the order of their numbers.

    ``columns`` has what the kind has, 0 (duration: -1) for none.
    """
    if "date" in columns:
        years = lookups.year[columns["date"]]
        known = years > 0
        yield codes("year", years[known]), ids[known]
        yield codes("decade", years[known] // 10 * 10), ids[known]
    if "duration" in columns:
        known = columns["duration"] >= 0
        yield codes("duration", duration_buckets(columns["duration"][known])), ids[known]
    if "source" in columns:
        yield codes("source", columns["source"]), ids
    if "rights" in columns:
        licence = lookups.licence[columns["rights"]]
        yield codes("family", lookups.family[columns["rights"]]), ids
        yield codes("licence", licence[licence > 0]), ids[licence > 0]
    if "label" in columns:
        known = columns["label"] > 0
        yield codes("label", columns["label"][known]), ids[known]
        yield from _further_labels(columns["release"], ids, lookups)
    if "genres" in columns:
        values, owners = _of(lookups.genres, columns["genres"])
        yield codes("genre", values), ids[owners]
    if "status" in columns:
        yield codes("status", columns["status"]), ids


def duration_buckets(milliseconds: Array) -> Array:
    """The buckets of durations, as :func:`phonolith.library.terms.duration_bucket` has them."""
    return np.searchsorted(_STARTS, milliseconds, side="right")


def _further_labels(releases: Array, ids: Array, lookups: Lookups) -> Iterator[tuple[Array, Array]]:
    values, owners = _of(lookups.further_labels, releases)
    if len(values):
        yield codes("label", values), ids[owners]


def _of(lists: Lists, rows: Array) -> tuple[Array, Array]:
    """As ``lists.of``, where rows beyond the last list have none."""
    inside = np.flatnonzero(np.asarray(rows) < len(lists.starts) - 1)
    values, owners = lists.of(np.asarray(rows)[inside])
    return values, inside[owners]


@dataclass(frozen=True)
class Neighbours:
    """The tables that rows inherit from."""

    artist: Rows
    credit: Rows
    release: Rows

    def lead(self, credits_: Array) -> Array:
        """The first artist of each credit, 0 where nobody is named."""
        several = self.credit.columns["lead"][np.maximum(0, -credits_)]
        return np.where(credits_ > 0, credits_, several)

    def inherited_genres(self, own: Array, credits_: Array) -> Array:
        """Sets of genres: the own one, else that of the first artist."""
        return np.where(own > 0, own, self.artist.columns["genres"][self.lead(credits_)])
