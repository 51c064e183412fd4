"""The archive in numbers: stored counts that agree with the rows they count."""

from __future__ import annotations

import pytest

from phonolith.catalogue import facts
from phonolith.library.catalogue import FORMAT
from phonolith.library.stats import SERIES, stats
from tests.library.conftest import Shelf


def test_counts_agree_with_the_rows(shelf: Shelf) -> None:
    found = stats(shelf.library)
    with shelf.library.catalogue.reading() as snapshot:
        for name in ("track", "release", "artist", "label", "genre", "object"):
            (count,) = snapshot.db.execute(f"SELECT count(*) FROM {name}").fetchone() or (None,)
            assert found.counts[f"{name}s"] == count
    assert found.counts["held"] == next(one.tracks for one in found.statuses if one.name == "held")
    assert (found.archive, found.as_of) == ("Sample", "2026-11-01")


@pytest.mark.parametrize("name", [name for name in SERIES if name != "format"])
def test_every_series_counts_every_track(shelf: Shelf, name: str) -> None:
    assert sum(bar.value for bar in stats(shelf.library).series[name]) == 50


def test_series_are_in_their_order_with_unknown_last(shelf: Shelf) -> None:
    years = stats(shelf.library).series["year"]
    known = [bar.bucket for bar in years[:-1]]
    assert known == sorted(known, key=str)
    assert (years[-1].bucket, years[-1].value) == (None, 7)
    licences = [bar.value for bar in stats(shelf.library).series["licence"]]
    assert licences == sorted(licences, reverse=True)


def test_claims_are_sentences_with_their_procedure(shelf: Shelf) -> None:
    (claim,) = stats(shelf.library).claims
    assert claim.sentence == "The catalogue has 50 tracks."
    with shelf.library.catalogue.reading() as snapshot:
        assert snapshot.db.execute(claim.procedure).fetchone() == (claim.value,)


def test_what_is_hidden_is_counted_beside(shelf: Shelf) -> None:
    shelf.withdraw("release:road")
    found = stats(shelf.library)
    assert dict(found.hidden) == {"track": 8, "release": 1, "artist": 0}
    assert found.counts["tracks"] == 50


def test_reader_and_builder_mean_the_same_format() -> None:
    assert facts.SCHEMA_VERSION == FORMAT
