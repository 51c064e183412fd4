"""The archive in numbers: stored counts that agree with the rows they count."""

from __future__ import annotations

import re

import pytest

from phonolith.catalogue import facts
from phonolith.library.catalogue import FORMAT
from phonolith.library.stats import CLAIMED, COUNTS, SERIES, stats
from phonolith.library.stats import _claim as stated
from phonolith.library.values import bytes_text, playing_time
from phonolith.model.figures import FIGURES
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
    claims = {one.name: one for one in stats(shelf.library).claims}
    assert claims["tracks"].sentence == "The catalogue has 50 tracks."
    assert claims["decade."].sentence == "Tracks without a known year: 7."
    assert claims.keys() > {"status.held", "licence.by-sa", "licence.none", "format.pcm_s16le", "decade.2000"}
    with shelf.library.catalogue.reading() as snapshot:
        for claim in claims.values():
            assert snapshot.db.execute(claim.procedure).fetchone() == (claim.value,), claim.name


def test_every_count_and_every_named_bar_is_a_claim(shelf: Shelf) -> None:
    found = stats(shelf.library)
    claims = {one.name: one.value for one in found.claims}
    assert {name: claims[name] for name in COUNTS} == found.counts
    assert {f"status.{one.name}": one.tracks for one in found.statuses if one.tracks}.items() <= claims.items()
    for name in CLAIMED:
        bars = {f"{name}.{'' if one.bucket is None else one.bucket}": one.value for one in found.series[name]}
        assert bars and bars.items() <= claims.items()


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (0, "0 seconds"),
        (999, "0 seconds"),
        (61_000, "1 minute 1 second"),
        (1_055_996, "17 minutes 35 seconds"),
        (3_600_000, "1 hour"),
        (3_605_000, "1 hour"),
        (23 * 86_400_000 + 1, "3 weeks 2 days"),
        (7 * 86_400_000 + 3_600_000, "1 week"),
        (86_000_000 * 210_000, "572 years 35 weeks"),
    ],
)
def test_long_times_are_told_in_two_units(milliseconds: int, expected: str) -> None:
    assert playing_time(milliseconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (60_348_199, "60.3 MB (60,348,199 bytes)"),
        (999_999, "1.0 MB (999,999 bytes)"),
        (300 * 10**12, "300.0 TB (300,000,000,000,000 bytes)"),
    ],
)
def test_bytes_are_told_roughly_and_exactly(count: int, expected: str) -> None:
    assert bytes_text(count) == expected


def test_no_claim_is_told_in_milliseconds_and_one_is_not_many() -> None:
    told = [stated(one.name, one.sentence, one.procedure, 1, one.unit) for one in FIGURES]
    assert not any("milliseconds" in one.sentence for one in told)
    wrong = [one.sentence for one in told if re.search(r"\b1 \w+s\b", one.sentence)]
    assert wrong == []


def test_what_is_hidden_is_counted_beside(shelf: Shelf) -> None:
    shelf.withdraw("release:road")
    found = stats(shelf.library)
    assert dict(found.hidden) == {"track": 8, "release": 1, "artist": 0}
    assert found.counts["tracks"] == 50


def test_reader_and_builder_mean_the_same_format() -> None:
    assert facts.SCHEMA_VERSION == FORMAT
