"""From held records to a catalogue: ranks, credits, dictionaries, evidence, status, and what is done with gaps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import apsw
import pytest

from phonolith.catalogue import rank
from phonolith.catalogue.build import PHASES, build
from phonolith.catalogue.dump import dump_digest
from phonolith.catalogue.facts import READ
from phonolith.catalogue.parts import Parts
from phonolith.catalogue.stage import stage
from phonolith.errors import Damaged
from phonolith.library.catalogue import Catalogue
from phonolith.model.ids import public_id, unpack_isrc, unpack_source_id
from phonolith.model.music import (
    ArtistDescription,
    Credit,
    File,
    Label,
    Level,
    LicenceStatement,
    Link,
    Medium,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.progress import Silent
from phonolith.model.status import Status
from phonolith.setting import SETTINGS
from phonolith.store.archive import Archive
from tests.catalogue.said import add, decide, make_archive

BY = "https://creativecommons.org/licenses/by/4.0/"
ND = "https://creativecommons.org/licenses/by-nc-nd/3.0/"


def stated(uri: str, level: Level = Level.PLATFORM) -> tuple[LicenceStatement, ...]:
    return (LicenceStatement(uri, level, "tag"),)


def built(archive: Archive, **options: Any) -> apsw.Connection:
    build(archive, as_of=options.get("as_of"), progress=Silent(), workers=options.get("workers", 1))
    return apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY)


def rows(db: apsw.Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return db.execute(sql, values).fetchall()


def test_phases_are_numbered_in_one_place() -> None:
    assert [phase.name for phase in PHASES] == ["interpret", "rank", "write", "index", "changes", "check", "swap"]


def test_best_first_then_by_public_id_and_unknown_last(tmp_path: Path) -> None:
    tracks = [TrackDescription(f"t{n}", f"T{n}", popularity=p) for n, p in enumerate([5, None, 100, 5, 0, 5])]
    db = built(make_archive(tmp_path / "a", *tracks))
    order = [row[0] for row in rows(db, "SELECT source_id FROM track ORDER BY id")]
    tied = sorted(("t0", "t3", "t5"), key=lambda one: public_id("said", one))
    assert order == ["t2", *tied, "t4", "t1"]


def test_scales_of_several_sources_are_compared_by_percentile(tmp_path: Path) -> None:
    """A source that counts to a million does not push aside one that counts to five."""
    archive = make_archive(tmp_path / "a", *[TrackDescription(f"s{n}", f"S{n}", popularity=n) for n in range(5)])
    add(archive, *[TrackDescription(f"h{n}", f"H{n}", popularity=n * 1e6) for n in range(5)], source="heard")
    order = [row[0] for row in rows(built(archive), "SELECT source_id FROM track ORDER BY id")]
    assert {order[0], order[1]} == {"s4", "h4"} and {order[8], order[9]} == {"s0", "h0"}


def test_a_track_without_release_gets_one_and_a_release_without_tracks_stays(tmp_path: Path) -> None:
    archive = make_archive(
        tmp_path / "a",
        TrackDescription("t", "Alone", credits=(Credit("Somebody"),), date="2001", licences=stated(BY)),
        ReleaseDescription("r", "Empty"),
    )
    db = built(archive)
    assert rows(db, "SELECT title, release, artist, date, licence FROM tracks") == [
        ("Alone", "Alone", "Somebody", "2001", "CC-BY-4.0")
    ]
    assert rows(db, "SELECT source_id, tracks FROM release ORDER BY tracks DESC") == [("release-of:t", 1), ("r", 0)]
    assert rows(db, "SELECT credit, date, rights FROM track") == [(None, None, None)], "the release's hold"


def test_a_track_whose_release_nobody_describes_keeps_the_release_id(tmp_path: Path) -> None:
    tracks = [TrackDescription(f"t{n}", f"Side {n}", "lost", (Credit("Band"),), position=n) for n in (2, 1)]
    db = built(make_archive(tmp_path / "a", *tracks))
    assert rows(db, "SELECT source_id, title, tracks FROM release") == [("lost", "Side 1", 2)]


def test_credits_point_at_artists_by_id_or_by_name_within_their_source(tmp_path: Path) -> None:
    archive = make_archive(
        tmp_path / "a",
        ArtistDescription("a1", "The Band"),
        ReleaseDescription("r", "R", (Credit("The Band", "a1"),)),
        TrackDescription("t1", "own", "r", (Credit("The Band", "a1"),), position=1),
        TrackDescription("t2", "none given", "r", position=2),
        TrackDescription("t3", "as credited", "r", (Credit("Band, The", "a1"),), position=3),
        TrackDescription("t4", "by name", "r", (Credit("Jane  DOE"),), position=4),
        TrackDescription(
            "t5", "by name again", "r", (Credit("jane doe", "", " & "), Credit("The Band", "a1")), position=5
        ),
    )
    db = built(archive)
    shown = rows(db, "SELECT title, artist FROM tracks ORDER BY position")
    assert shown == [
        ("own", "The Band"),
        ("none given", "The Band"),
        ("as credited", "Band, The"),
        ("by name", "Jane  DOE"),
        ("by name again", "jane doe & The Band"),
    ]
    assert sorted(rows(db, "SELECT source_id, releases, tracks FROM artist")) == [
        ("a1", 1, 4),
        ("artist:jane doe", 0, 2),
    ]
    assert rows(db, "SELECT count(*) FROM track WHERE credit IS NULL") == [(2,)], "as the release's, stored once"


def test_an_artist_named_in_the_same_words_by_two_sources_is_two_artists(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T", credits=(Credit("X"),)))
    add(archive, TrackDescription("t", "T", credits=(Credit("X"),)), source="heard")
    assert rows(built(archive), "SELECT count(*) FROM artist") == [(2,)]


def test_popularity_of_artists_and_releases_is_their_tracks_where_the_source_gives_none(tmp_path: Path) -> None:
    archive = make_archive(
        tmp_path / "a",
        ReleaseDescription("r", "R", (Credit("A"),)),
        ReleaseDescription("q", "Q", (Credit("B"),), popularity=1000),
        TrackDescription("t1", "1", "r", popularity=2.5),
        TrackDescription("t2", "2", "r", popularity=3.25),
    )
    db = built(archive)
    assert rows(db, "SELECT title, popularity FROM release ORDER BY id") == [("Q", 1000.0), ("R", 5.75)]
    assert rows(db, "SELECT name, popularity FROM artist ORDER BY id") == [("A", 5.75), ("B", None)]


def test_every_field_arrives_in_its_column(tmp_path: Path) -> None:
    release = ReleaseDescription(
        "r",
        "Release",
        (Credit("A", "a"),),
        date="1999-07",
        country="DE",
        barcode="4006381333931",
        labels=(Label("Northern", "l1", "N 1"), Label("Southern", "", "S 1")),
        kind="album",
        group="35485f97-f839-436d-b464-059acfe9db6f",
        genres=("Hip-Hop", "jazz"),
        media=(Medium(1, "CD", "Out"), Medium(2, "CD", "Back")),
        identifiers=(("asin", "B0"),),
        links=(Link("homepage", "https://example.org/r"),),
        language="deu",
        remainder='{"x":1}',
    )
    track = TrackDescription(
        "205caa8a-02ae-40aa-b606-b7c22a951528",
        "Track",
        "r",
        disc=2,
        position=3,
        number="B3",
        duration_ms=123_456,
        isrcs=("DEA120400001", "DEA120400002"),
        date="2000",
        explicit=True,
        genres=("hip hop",),
        identifiers=(("iswc", "T-1"),),
        popularity=7,
    )
    artist = ArtistDescription("a", "A", "A, the", "one of two", "group", "FR", "1970", "1980", ("Jazz",), ("Ah",))
    db = built(make_archive(tmp_path / "a", artist, release, track))
    found = rows(db, "SELECT disc, position, duration, popularity, explicit, source_id, isrc FROM track")[0]
    assert found[:5] == (2, 3, 123_456, 7.0, 1) and unpack_source_id(found[5]) == track.id and len(found[5]) == 16
    assert unpack_isrc(found[6]) == "DEA120400001" and rows(db, "SELECT isrc FROM tracks") == [("DEA120400001",)]
    assert rows(db, "SELECT date, label, catalogue_number, barcode, kind, country, discs, tracks FROM releases") == [
        ("1999-07", "Northern", "N 1", 4006381333931, "album", "DE", 2, 1)
    ]
    assert unpack_source_id(rows(db, "SELECT release_group FROM release")[0][0]) == release.group
    assert rows(db, "SELECT l.name, catalogue_number FROM release_label x JOIN label l ON l.id = x.label") == [
        ("Southern", "S 1")
    ]
    assert rows(db, "SELECT position, format, title FROM medium") == [(1, "CD", "Out"), (2, "CD", "Back")]
    assert rows(db, "SELECT scheme, value, subject % 4 FROM identifier ORDER BY scheme") == [
        ("asin", "B0", 1),
        ("isrc", "DEA120400002", 0),
        ("iswc", "T-1", 0),
        ("number", "B3", 0),
    ]
    assert rows(db, "SELECT rel, url FROM link") == [("homepage", "https://example.org/r")]
    assert rows(db, "SELECT kind, value FROM note ORDER BY kind") == [
        ("alias", "Ah"),
        ("language", "deu"),
        ("remainder", '{"x":1}'),
    ]
    assert rows(
        db, "SELECT name, sort_name, disambiguation, kind, country, begin_date, end_date, genres FROM artists"
    ) == [("A", "A, the", "one of two", "group", "FR", "1970", "1980", "Jazz")]
    assert sorted(rows(db, "SELECT folded, tracks, releases, artists FROM genre")) == [
        ("hip hop", 1, 1, 0),
        ("jazz", 0, 1, 1),
    ]


def test_barcodes_that_an_integer_would_spoil_stay_text(tmp_path: Path) -> None:
    codes = ("0123456789012", "1234567890123", "12 34", "9" * 25, "-5", "1e3", "9" * 19, "0")
    db = built(make_archive(tmp_path / "a", *[ReleaseDescription(c, "R", barcode=c) for c in codes]))
    assert {row[0] for row in rows(db, "SELECT barcode FROM release")} == {codes[0], 1234567890123, *codes[2:]}


def test_evidence_comes_from_the_track_else_the_release_and_covers_no_foreign_composition(tmp_path: Path) -> None:
    archive = make_archive(
        tmp_path / "a",
        ReleaseDescription("r", "R", licences=stated(BY)),
        TrackDescription("t1", "as release", "r", position=1),
        TrackDescription("t2", "own", "r", position=2, licences=stated(ND)),
        TrackDescription("t3", "cover", "r", position=3, composition_by_others=True),
        TrackDescription("t4", "same as release", "r", position=4, licences=stated(BY)),
    )
    db = built(archive)
    found = rows(
        db,
        "SELECT t.position, t.rights IS NULL, l.code, g.level, g.composition FROM track t"
        " JOIN release r ON r.id = t.release"
        " JOIN rights g ON g.id = coalesce(t.rights, r.rights) JOIN licence l ON l.id = g.licence ORDER BY 1",
    )
    assert found == [
        (1, 1, "CC-BY-4.0", 2, 1),
        (2, 0, "CC-BY-NC-ND-3.0", 2, 1),
        (3, 0, "CC-BY-4.0", 2, 0),
        (4, 1, "CC-BY-4.0", 2, 1),
    ]


def test_attestations_of_track_and_release_are_applied(tmp_path: Path) -> None:
    archive = make_archive(
        tmp_path / "a",
        ReleaseDescription("r", "R"),
        TrackDescription("t1", "1", "r", position=1),
        TrackDescription("t2", "2", "r", position=2),
        TrackDescription("t3", "alone", position=3),
    )
    attest = {"because": "I made it", "as_": "rightsholder"}
    decide(archive, "rights.attested", subjects=[public_id("said", "r")], licence=BY, **attest)
    decide(archive, "rights.attested", subjects=[public_id("said", "t3")], licence=ND, **attest)
    found = rows(built(archive), "SELECT title, licence, evidence FROM tracks ORDER BY position")
    assert found == [("1", "CC-BY-4.0", 4), ("2", "CC-BY-4.0", 4), ("alone", "CC-BY-NC-ND-3.0", 4)]


def test_status_of_every_track(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a")
    with archive.objects() as objects:
        good, bad, cover = (objects.add_bytes(data).sha256 for data in (b"good", b"bad", b"cover"))
    here = {"licences": stated(BY)}
    address = "https://example.org/x"
    add(
        archive,
        ReleaseDescription("r", "R", files=(File("cover", "c.jpg", cover, 5, "image/jpeg"),)),
        TrackDescription("held", "h", "r", files=(File("audio", "h", good, codec="flac"),)),
        TrackDescription("unreadable", "u", "r", files=(File("audio", "u", bad, problem="not a FLAC stream"),)),
        TrackDescription("lost", "l", "r", files=(File("audio", "l", "0" * 64),)),
        TrackDescription("no licence", "n", "r", files=(File("audio", "n", url=address),)),
        TrackDescription("no source", "s", "r", **here),
        TrackDescription("not fetched", "f", "r", files=(File("audio", "f", url=address),), **here),
        TrackDescription("third party", "p", "r", licences=stated(BY, Level.THIRD_PARTY)),
        TrackDescription("withdrawn", "w", "r", files=(File("audio", "w", good),), **here),
    )
    taken = [public_id("said", "withdrawn")]
    decide(archive, "item.withdrawn", subjects=taken, because="the owner asked", ground="owner")
    db = built(archive)
    assert dict(rows(db, "SELECT source_id, status FROM track")) == {
        "held": Status.HELD,
        "unreadable": Status.UNREADABLE,
        "lost": Status.FAILED,
        "no licence": Status.NO_LICENCE,
        "no source": Status.NO_SOURCE,
        "not fetched": Status.NOT_FETCHED,
        "third party": Status.NO_LICENCE,
        "withdrawn": Status.WITHDRAWN,
    }
    reasons = dict(rows(db, "SELECT t.source_id, reason FROM status_reason x JOIN track t ON t.id = x.track"))
    assert reasons["unreadable"] == "not a FLAC stream" and reasons["withdrawn"] == "the owner asked"
    assert "0" * 64 in reasons["lost"] and len(reasons) == 3
    assert rows(db, "SELECT count(*), sum(size) FROM object") == [(3, 12)]
    assert rows(db, "SELECT hex(o.sha256) FROM release r JOIN object o ON o.id = r.cover") == [(cover.upper(),)]
    assert rows(db, "SELECT value FROM claim WHERE name = 'held'") == [(1,)]
    assert sum(n for (n,) in rows(db, "SELECT tracks FROM status")) == 8


def test_dates_as_written_with_what_can_be_read(tmp_path: Path) -> None:
    written = ("2001-05-17", "1999", "0000", "2009-13-01", "last summer")
    db = built(make_archive(tmp_path / "a", *[ReleaseDescription(w, "R", date=w) for w in written]))
    assert sorted(rows(db, "SELECT written, year, month, day, problem FROM event_date")) == [
        ("0000", None, None, None, "0000"),
        ("1999", 1999, None, None, None),
        ("2001-05-17", 2001, 5, 17, None),
        ("2009-13-01", 2009, None, None, "month 13"),
        ("last summer", None, None, None, "not a date"),
    ]
    assert rows(db, "SELECT count(*) FROM releases WHERE date = '0000'") == [(1,)]


def test_hostile_text_arrives_whole_or_marked(tmp_path: Path) -> None:
    nasty = ("\0nul", "lone \ud800 surrogate", "‮bidi", "'; DROP TABLE track;--", "x" * 100_000)
    archive = make_archive(tmp_path / "a")
    from phonolith.catalogue.describe import Stager
    from phonolith.catalogue.parts import Parts
    from phonolith.catalogue.stage import stage
    from phonolith.catalogue.staging import Track
    from phonolith.catalogue.staging_writer import Writer
    from phonolith.rights.decisions import Decisions

    with Writer(tmp_path, "0") as writer:
        stager = Stager(Parts(writer, 1, "said"), Decisions())
        for text in nasty:
            stager.add([TrackDescription(text, text, "r")])
    with stage(tmp_path, 1) as found:
        assert found.load(Track) == len(nasty)
        titles = {row[0] for row in found.rows("SELECT title FROM staged_track")}
    assert titles == {"\ufffdnul", "lone ? surrogate", "‮bidi", "'; DROP TABLE track;--", "x" * 65_535 + "…"}
    archive.catalogue.unlink(missing_ok=True)


def test_a_record_that_cannot_be_read_is_a_finding_and_the_rest_is_built(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T"))
    from phonolith.model.record import Record

    with archive.records() as store:
        store.put_many([Record("said", "broken", "", "2026-01-01T00:00:00Z", b"{")])
    report = build(archive, as_of=None, progress=Silent(), workers=1)
    assert [finding.code for finding in report.findings] == ["record.unreadable"] and report.rows["track"] == 1


def test_of_two_descriptions_of_one_thing_the_fuller_stays(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", ArtistDescription("a", "Full", country="DE", kind="person"))
    with archive.records() as store:
        from phonolith.model.record import Record

        store.put_many([Record("said", "again", "", "2026-01-01T00:00:00Z", b'[["artist",{"id":"a","name":"Stub"}]]')])
    report = build(archive, as_of=None, progress=Silent(), workers=1)
    db = apsw.Connection(str(archive.catalogue))
    assert rows(db, "SELECT name, country FROM artist") == [("Full", "DE")]
    assert report.counts["artist descriptions left for fuller ones"] == 1


def test_two_ids_with_one_key_stop_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_archive(tmp_path / "a", ArtistDescription("a", "One"), ArtistDescription("b", "Other"))
    monkeypatch.setattr(Parts, "keys", lambda self, source_ids: [7] * len(source_ids))
    with pytest.raises(Damaged, match="have one key: 1:a and 1:b"):
        build(archive, as_of=None, progress=Silent(), workers=1)
    assert not archive.catalogue.exists()


def test_one_key_in_two_sources_stops_the_build_and_one_thing_twice_does_not(tmp_path: Path) -> None:
    columns = {"key": "UBIGINT", "source": "INTEGER", "uuid": "BLOB", "id": "VARCHAR"}
    with stage(tmp_path, 1) as found:
        found.table("doubles", {"key": "UBIGINT"}, [(7,), (8,)])
        found.table("twice", columns, [(7, 1, None, "a"), (7, 1, None, "a"), (8, 2, None, "b"), (8, 2, None, "b")])
        rank._tell_collision(found, "twice")
        found.table("collided", columns, [(7, 1, None, "a"), (7, 2, None, "a")])
        with pytest.raises(Damaged, match="1:a and 2:a"):
            rank._tell_collision(found, "collided")


def test_it_explains_itself(tmp_path: Path) -> None:
    """meta, stored counts, claims that hold, and a comment for every table, column and view."""
    db = built(make_archive(tmp_path / "a", TrackDescription("t", "T", duration_ms=1000)), as_of="2026-02-03")
    meta = dict(rows(db, "SELECT key, value FROM meta"))
    assert meta["as_of"] == "2026-02-03" and meta["licence"] == "CC0-1.0" and meta["rows.track"] == 1
    assert len(meta["settings"]) == 64 and "the tests" in meta["credits"]
    for name, procedure, value in rows(db, "SELECT name, procedure, value FROM claim"):
        assert rows(db, procedure) == [(value,)], name
    assert dict(rows(db, "SELECT bucket, value FROM tally WHERE name = 'duration'")) == {0: 1}


def test_the_settings_digest_is_of_what_a_build_reads(tmp_path: Path) -> None:
    """A port, a territory, a contact or a number of workers changes neither digest nor catalogue; the name does."""
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T", licences=stated(BY)))
    path = archive.root / "phonolith.toml"
    original = path.read_text()

    def with_settings(text: str) -> tuple[str, str]:
        path.write_text(text)
        db = built(Archive.open(archive.root))
        (digest,) = rows(db, "SELECT value FROM meta WHERE key = 'settings'")[0]
        return digest, dump_digest(archive.catalogue)

    before = with_settings(original)
    other = original.replace('territory = ""', 'territory = "DE"').replace("territories = []", 'territories = ["AT"]')
    other = re.sub(r"(?m)^contact = .*$", 'contact = "somebody else"', other)
    served = "[serve]\nport = 4321\n" if "[serve]" not in other else ""
    other = other.replace("port = 8990", "port = 4321") + served
    assert "4321" in other and '"DE"' in other and '["AT"]' in other
    assert with_settings(f"# a comment\n{other}") == before
    renamed = with_settings(re.sub(r"(?m)^name = .*$", 'name = "Another"', original))
    assert renamed[0] != before[0] and renamed[1] != before[1]
    assert {one.key for one in SETTINGS if one.in_catalogue} == set(READ)


def test_as_of_is_the_date_of_the_last_event(tmp_path: Path) -> None:
    db = built(make_archive(tmp_path / "a", TrackDescription("t", "T")))
    assert rows(db, "SELECT value FROM meta WHERE key = 'as_of'") == [("2026-03-01",)]


def test_an_empty_archive_gives_an_empty_catalogue(tmp_path: Path) -> None:
    db = built(make_archive(tmp_path / "a"))
    assert rows(db, "SELECT count(*) FROM track") == [(0,)]
    Catalogue.open(tmp_path / "a" / "derived" / "catalogue.sqlite")


@pytest.mark.parametrize(
    ("damage", "subject"),
    [
        ("UPDATE track SET release = 99", "track.release"),
        ("UPDATE track SET credit = -7", "track.credit"),
        ("DELETE FROM artist", "table artist"),
        ("UPDATE permalink SET entries = zeroblob(length(entries))", "not found by its public id"),
        ("UPDATE claim SET value = value + 1 WHERE name = 'tracks'", "claim tracks"),
        ("INSERT INTO object VALUES (9, x'00', 5, '')", "table object"),
    ],
)
def test_the_check_refuses_what_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, subject: str
) -> None:
    from phonolith.catalogue import build as module

    archive = make_archive(tmp_path / "a", TrackDescription("t", "T", credits=(Credit("A"),)))
    built(archive).close()
    before = archive.catalogue.read_bytes()
    phases = list(module.PHASES)
    phases.insert(4, module.Phase("damage", lambda work: work.db.execute(damage) and None))
    monkeypatch.setattr(module, "PHASES", tuple(phases))
    with pytest.raises(Damaged, match=subject):
        built(archive)
    assert archive.catalogue.read_bytes() == before
    assert not list(archive.derived.glob(".build-*"))


def test_codes_are_found_in_their_blocks(tmp_path: Path) -> None:
    """Every ISRC and barcode leads to its rows, over many blocks, with one code on more rows than a block has."""
    tracks = [TrackDescription(f"t{n}", f"T{n}", "r", isrcs=(f"DEA12{n * 7919 % 10_000_000:07d}",)) for n in range(300)]
    shared = [TrackDescription(f"s{n}", "S", "r", isrcs=("GBAAA0000001",)) for n in range(150)]
    releases = [ReleaseDescription(f"b{n}", "B", barcode=f"{n:013d}") for n in range(1, 200)]
    build(make_archive(tmp_path / "a", *tracks, *shared, *releases), as_of=None, progress=Silent(), workers=1)
    with Catalogue.open(tmp_path / "a" / "derived" / "catalogue.sqlite").reading() as snapshot:
        db = snapshot.db
        assert db.execute("SELECT count(*) FROM code WHERE scheme = 'isrc'").get > 4
        for isrc, wanted in db.execute("SELECT isrc, json_group_array(id) FROM track GROUP BY isrc").fetchall():
            maybe = snapshot.coded("isrc", isrc)
            found = [row for row in maybe if db.execute("SELECT isrc FROM track WHERE id = ?", (row,)).get == isrc]
            assert found == json.loads(wanted)
        for row, barcode in db.execute("SELECT id, barcode FROM release WHERE barcode IS NOT NULL").fetchall():
            assert row in snapshot.coded("barcode", int(barcode))
        assert snapshot.coded("isrc", -(2**60)) == [] and snapshot.coded("nothing", 1) == []


def test_every_table_column_and_view_has_a_comment(tmp_path: Path) -> None:
    db = built(make_archive(tmp_path / "a", TrackDescription("t", "T")))
    said = dict(rows(db, "SELECT name, text FROM comment"))
    views = {name for (name,) in rows(db, "SELECT name FROM sqlite_schema WHERE type = 'view'")}
    tables = {name for (name,) in rows(db, "SELECT name FROM sqlite_schema WHERE type = 'table'")}
    own = {name for name in tables if not name.startswith(("sqlite_", "track_text", "release_text", "artist_text"))}
    for table in own | views:
        assert said[table], table
    searching = {"term", "posting", "posting_tier", "title_order", "exact_title"}
    for table in own - searching:
        for column in rows(db, f"SELECT name FROM pragma_table_info('{table}')"):
            assert said[f"{table}.{column[0]}"], (table, column)
