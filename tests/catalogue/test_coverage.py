"""What is held of what is known: stored as a hand counts it, whatever the order, with the curve that there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from phonolith.catalogue import claims
from phonolith.catalogue.build import build
from phonolith.catalogue.dump import dump_digest
from phonolith.library.catalogue import Catalogue
from phonolith.library.coverage import AXES, Coverage, by, coverage
from phonolith.library.coverage_series import keep, series
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.model.ids import public_id
from phonolith.model.music import (
    Credit,
    Description,
    File,
    Label,
    Level,
    PopularityDescription,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.progress import Silent
from phonolith.store.archive import Archive
from tests.catalogue.said import decide, make_archive, records
from tests.catalogue.test_build import BY, add, stated

A, B = (f"{n:08x}-0000-4000-8000-00000000000f" for n in (10, 11))
ADDRESS = "https://example.org/x"


def known(one: str, two: str) -> list[Description]:
    """Two releases of two tracks: of ``c`` nothing is held; ``a`` and ``b`` are the same bytes."""
    ann, bob = (Credit("Ann"),), (Credit("Bob"),)
    mbid = (("mbid.recording", A),), (("mbid.recording", A.upper()),), (("mbid.recording", B),)
    first, second = (File("audio", "1.flac", one, codec="flac"),), (File("audio", "2.flac", two, url=ADDRESS),)
    wanted = (File("audio", "3.flac", url=ADDRESS),)
    return [
        ReleaseDescription("r1", "R1", credits=ann, date="2001", labels=(Label("L1"),), genres=("Rock",)),
        ReleaseDescription("r2", "R2", credits=ann, date="2002"),
        TrackDescription("a", "A", "r1", isrcs=("USABC0100001",), popularity=90, identifiers=mbid[0], files=first),
        TrackDescription("b", "B", "r1", isrcs=("USABC0100001",), popularity=10, identifiers=mbid[1], files=first),
        TrackDescription(
            *("c", "C", "r2", bob),
            isrcs=("USABC0100002",),
            popularity=50,
            identifiers=mbid[2],
            files=wanted,
            licences=stated(BY, Level.PLATFORM),
        ),
        TrackDescription("d", "D", "r2", files=second),
    ]


def made(root: Path, change: Callable[[list[Description]], list[Description]] = list) -> Archive:
    archive = make_archive(root)
    with archive.objects() as objects:
        one, two = (objects.add_bytes(data).sha256 for data in (b"the same", b"another"))
    add(archive, *change(known(one, two)))
    return archive


def covered(archive: Archive, *, rebuild: bool = True) -> tuple[Coverage, dict[str, dict[str, tuple[int, int]]]]:
    if rebuild:
        build(archive, as_of=None, progress=Silent(), workers=1)
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        library = Library(catalogue, Overlay(register, every=0))
        tables = {axis: {one.name: (one.held, one.known) for one in by(library, axis)} for axis in AXES}
        return coverage(library), tables


def test_every_share_is_what_a_hand_counts(tmp_path: Path) -> None:
    archive = made(tmp_path / "a")
    found, tables = covered(archive)
    assert {one.name: (one.held, one.known) for one in found.shares} == {
        "rows": (3, 4),
        "ids": (3, 4),
        "isrcs": (1, 2),
        "recordings": (1, 2),
        "files": (2, 2),
        "releases": (2, 2),
        "whole releases": (1, 2),
        "artists": (1, 2),
        "popular": (2, 3),
    }
    assert [(one.known, one.held) for one in found.ranks] == [(1, 1), (2, 1), (4, 3)]
    assert found.only_here is not None
    assert (found.only_here.held, found.only_here.known) == (2, 3)
    assert tables["year"] == {"2001": (2, 2), "2002": (1, 2)}
    assert tables["label"] == {"L1": (2, 2), "unknown": (1, 2)}
    assert tables["genre"] == {"Rock": (2, 2), "unknown": (1, 2)}
    assert tables["licence"] == {"by": (0, 1), "none": (3, 3)}
    for axis in ("year", "label", "licence", "source"):
        assert sum(one for one, _ in tables[axis].values()) == 3
        assert sum(one for _, one in tables[axis].values()) == 4
    assert all(one.share is None or 0 <= one.share <= 1 for one in (*found.shares, *found.ranks))
    assert all(found.as_of in one.of for one in found.shares)


def test_the_stored_counts_are_what_the_claims_count(tmp_path: Path) -> None:
    archive = made(tmp_path / "a")
    found, _ = covered(archive)
    shares = {one.name: one for one in found.shares}
    with closing(apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        value = dict(db.execute("SELECT name, value FROM claim").fetchall())
        assert claims.verify(db) == []
    assert (value["tracks"], value["held"]) == (shares["rows"].known, shares["rows"].held)
    assert (value["isrcs"], value["isrcs_held"]) == (shares["isrcs"].known, shares["isrcs"].held)
    assert (value["popular"], value["popular_held"]) == (shares["popular"].known, shares["popular"].held)
    assert value["releases_held"] == shares["releases"].held


def test_a_score_has_an_interval_and_its_assumption(tmp_path: Path) -> None:
    (heard,) = covered(made(tmp_path / "a"))[0].listening
    assert (heard.basis, heard.scale, heard.tracks, heard.held) == ("stated", "score", 3, 2)
    assert heard.assumes.startswith("Assumed:")
    assert heard.low is not None and heard.mid is not None and heard.high is not None
    assert 0 < heard.low < heard.mid < heard.high < 1
    assert "3 tracks" in heard.of and "1 others" in heard.of
    assert [one.bytes for one in heard.by_bytes] == [8, 16]


def test_counted_listens_are_a_share_without_an_interval(tmp_path: Path) -> None:
    def unscored(said: list[Description]) -> list[Description]:
        for one in said:
            if isinstance(one, TrackDescription):
                object.__setattr__(one, "popularity", None)
        return said

    archive = made(tmp_path / "a", unscored)
    with archive.records() as store:
        heard = (
            PopularityDescription(f"popularity/recording/{m}", "recording", m, "popularity", n)
            for m, n in ((A, 30), (B, 40))
        )
        store.put_many(records(*heard, source="heard"))
    (found,) = covered(archive)[0].listening
    assert (found.source, found.basis) == ("heard", "counted")
    assert (found.low, found.mid, found.high) == (0.6, 0.6, 0.6)


def test_a_curve_is_fitted_where_listens_are_beside_scores(tmp_path: Path) -> None:
    mbids = [f"{n:08x}-0000-4000-8000-00000000000f" for n in range(100, 140)]
    tracks = [
        TrackDescription(f"t{n}", "T", "r", popularity=n * 2.5, identifiers=(("mbid.recording", mbid),))
        for n, mbid in enumerate(mbids)
    ]
    archive = make_archive(tmp_path / "a", ReleaseDescription("r", "R"), *tracks)
    with archive.records() as store:
        heard = (
            PopularityDescription(f"popularity/recording/{m}", "recording", m, "popularity", 2**n)
            for n, m in enumerate(mbids)
        )
        store.put_many(records(*heard, source="heard"))
    build(archive, as_of=None, progress=Silent(), workers=1)
    with closing(apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        ((basis, slope, pairs, draws),) = db.execute("SELECT basis, slope, pairs, draws FROM curve").fetchall()
    assert (basis, pairs) == ("fitted", 40)
    assert float(str(slope)) == pytest.approx(0.693147 / 2.5, rel=1e-3)
    assert len(json.loads(str(draws))) > 100


def test_where_no_popularity_is_known_it_says_so_instead_of_nothing(tmp_path: Path) -> None:
    found, _ = covered(make_archive(tmp_path / "a", ReleaseDescription("r", "R"), TrackDescription("t", "T", "r")))
    assert found.listening == ()
    assert "Of no track it is known" in found.note


def test_an_empty_archive_has_no_share_of_nothing(tmp_path: Path) -> None:
    found, _ = covered(make_archive(tmp_path / "a"))
    assert {one.share for one in found.shares} == {None}


def test_neither_order_nor_a_second_build_changes_anything(tmp_path: Path) -> None:
    one, other = made(tmp_path / "a"), made(tmp_path / "b", lambda said: said[::-1])
    first = covered(one)
    assert first == covered(other)
    digest = dump_digest(one.catalogue)
    assert digest == dump_digest(other.catalogue)
    with closing(Catalogue.open(one.catalogue)) as catalogue, one.register() as register:
        keep(one, Library(catalogue, Overlay(register, every=0)), "2026-03-02T00:00:00Z")
    build(one, as_of=None, progress=Silent(), workers=1)
    assert dump_digest(one.catalogue) == digest, "what is noted of a build is nothing that a build reads"


def test_the_series_has_a_point_where_something_changed(tmp_path: Path) -> None:
    archive = made(tmp_path / "a")
    build(archive, as_of=None, progress=Silent(), workers=1)
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        library = Library(catalogue, Overlay(register, every=0))
        keep(archive, library, "2026-03-02T00:00:00Z")
        keep(archive, library, "2026-03-03T00:00:00Z")
    (point,) = series(archive)
    assert (point.time, point.counts["rows"]) == ("2026-03-02T00:00:00Z", (4, 3))
    add(archive, TrackDescription("e", "E", "r2"))
    build(archive, as_of=None, progress=Silent(), workers=1)
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        keep(archive, Library(catalogue, Overlay(register, every=0)), "2026-04-01T00:00:00Z")
    assert [one.counts["rows"] for one in series(archive)] == [(4, 3), (5, 3)]


def test_a_withdrawal_is_told_at_once_and_counted_at_the_next_build(tmp_path: Path) -> None:
    archive = made(tmp_path / "a")
    before, _ = covered(archive)
    decide(archive, "item.withdrawn", subjects=[public_id("said", "a")], because="the owner asked", ground="owner")
    now, _ = covered(archive, rebuild=False)
    assert (before.hidden, now.hidden) == (0, 1)
    later, _ = covered(archive)
    assert next(one.held for one in later.shares if one.name == "rows") == 2
