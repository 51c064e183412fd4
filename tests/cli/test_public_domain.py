"""From a table of old records to what may be done with them, by the verbs: where, since when, by which law."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Result

Run = Callable[..., Result]

_MAP = """name = "old"
title = "Old records"
metadata_licence = "CC0-1.0"
licence_level = {level}
credit = "The old records project"
[[table]]
name = "sides"
file = "sides.csv"
key = "matrix"
[table.track]
title = "title"
artist = "artist"
[table.track.origin]
published = "issued"
composition_published = "printed"
writers_died = "died"
"""
_SIDES = """matrix,title,artist,issued,printed,died
1,Early March,Band of Anywhere,1921-05,1899,1931
2,Late March,Band of Anywhere,1926,1899,1931
3,Lost March,Band of Anywhere,circa 1921,1899,1931
"""


@pytest.fixture
def old(tmp_path: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], dict[str, str]]:
    """Make an archive of the table at a level; gives references by title."""

    def make(level: int) -> dict[str, str]:
        monkeypatch.setenv("PHONOLITH_ARCHIVE", str(tmp_path / "archive"))
        monkeypatch.setenv("PHONOLITH_NOW", "2026-11-30T12:00:00Z")
        (tmp_path / "old.toml").write_text(_MAP.format(level=level))
        (tmp_path / "sides.csv").write_text(_SIDES)
        for words in (
            ["init", tmp_path / "archive", "--name", "n", "--contact", "c@x.example"],
            ["harvest", "table", tmp_path / "sides.csv", "--map", tmp_path / "old.toml"],
            ["build"],
        ):
            done = phonolith(*words)
            assert done.code == 0, done.err
        found = phonolith("search", "march", "--kind", "track", "--json").data["tracks"]["items"]
        return {one["title"]: f"track:{one['id']}" for one in found}

    return make


def _answer(phonolith: Run, reference: str, use: str) -> bool:
    done = phonolith("why", reference, "--json")
    assert done.code == 0, done.err
    return done.data["decisions"][use]["status"] in (200, 404)  # 404: it might be, if the bytes were held


def test_why_tells_where_since_when_and_by_which_law(
    phonolith: Run, monkeypatch: pytest.MonkeyPatch, old: Callable[[int], dict[str, str]]
) -> None:
    sides = old(2)
    monkeypatch.setenv("PHONOLITH_OPERATOR_TERRITORY", "US")
    told = phonolith("why", sides["Early March"])
    assert told.code == 0
    for part in (
        "Public domain by its dates (AU, CA, CH, GB, NZ, US, European Union without FR)",
        "published 1921-05; composition published 1899; writers died 1931",
        "17 U.S.C. § 1401(a)(2)(B)(i)",
        "FR: from 2047-01-01",
        "hold a copy: yes",
        "pass on verbatim copies: no (403)",
        "2026-11-30T12:00:00Z",
    ):
        assert part in told.out, part
    assert _answer(phonolith, sides["Early March"], "stream")
    assert not _answer(phonolith, sides["Late March"], "stream")
    assert not _answer(phonolith, sides["Lost March"], "stream")


def test_on_the_first_of_january_it_turns_without_a_build(
    phonolith: Run, monkeypatch: pytest.MonkeyPatch, old: Callable[[int], dict[str, str]]
) -> None:
    sides = old(2)
    monkeypatch.setenv("PHONOLITH_OPERATOR_TERRITORY", "US")
    for now, allowed in (("2026-12-31T23:59:59Z", False), ("2027-01-01T00:00:00Z", True)):
        monkeypatch.setenv("PHONOLITH_NOW", now)
        assert _answer(phonolith, sides["Late March"], "stream") is allowed
        assert not _answer(phonolith, sides["Lost March"], "stream")


def test_all_territories_of_publication_are_asked(
    phonolith: Run, monkeypatch: pytest.MonkeyPatch, old: Callable[[int], dict[str, str]]
) -> None:
    early = old(2)["Early March"]
    assert not _answer(phonolith, early, "hold"), "nobody said where"
    for places, allowed in (("US,DE", True), ("US,FR", False), ("US,JP", False)):
        monkeypatch.setenv("PHONOLITH_PUBLISH_TERRITORIES", places)
        assert _answer(phonolith, early, "redistribute") is allowed, places


def test_what_a_third_party_dates_stays_closed(
    phonolith: Run, monkeypatch: pytest.MonkeyPatch, old: Callable[[int], dict[str, str]]
) -> None:
    early = old(1)["Early March"]
    monkeypatch.setenv("PHONOLITH_OPERATOR_TERRITORY", "US")
    assert not _answer(phonolith, early, "stream")


def test_one_catalogue_for_each_licence_of_metadata(
    phonolith: Run, tmp_path: Path, old: Callable[[int], dict[str, str]]
) -> None:
    old(2)
    done = phonolith("export", "catalogue", "--out", tmp_path / "open", "--json")
    assert done.code == 0, done.err
    assert [one["name"] for one in done.data["catalogues"]] == ["cc0"]
    assert done.data["left_out"] == []
    assert "The old records project" in (tmp_path / "open/cc0/LICENCE.txt").read_text()
    shown = phonolith("export", "catalogue", "--out", tmp_path / "open")
    assert shown.code == 0
    assert "tracks.parquet" in shown.out
