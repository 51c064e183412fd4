"""What sources say of labels, release groups, works and other things: in columns, by id, free where there is none."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import apsw
import pytest

from phonolith.catalogue import build as module
from phonolith.catalogue.build import build
from phonolith.catalogue.dump import dump, dump_digest
from phonolith.library.catalogue import Catalogue
from phonolith.library.named import thing_number
from phonolith.library.overlay import NoEvents, Overlay
from phonolith.library.reading import Library
from phonolith.model.ids import public_id, public_key, unpack_source_id
from phonolith.model.music import Credit, Label, Link, OtherDescription, ReleaseDescription, TrackDescription
from phonolith.model.progress import Silent
from phonolith.store.archive import Archive
from tests.catalogue.said import add, decide, make_archive

GROUP = "35485f97-f839-436d-b464-059acfe9db6f"


def make(archive: Archive) -> apsw.Connection:
    build(archive, as_of=None, progress=Silent(), workers=1)
    return apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY)


def rows(db: apsw.Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return db.execute(sql, values).fetchall()


def test_what_is_said_of_a_label_hangs_on_the_row_its_releases_point_at(tmp_path: Path) -> None:
    said = OtherDescription(
        "l",
        "label",
        "Lab",
        "Lab, the",
        "Imprint",
        "of two",
        "DE",
        "1990-05",
        "2001",
        aliases=("Labb", "Labor"),
        identifiers=(("label-code", "17"),),
        links=(Link("homepage", "https://lab.example/"),),
        remainder='{"x":1}',
    )
    release = ReleaseDescription("r", "R", labels=(Label("Lab", "l", "L 1"),))
    db = make(make_archive(tmp_path / "a", release, TrackDescription("t", "T", "r"), said))
    assert rows(db, "SELECT name, releases, tracks FROM label") == [("Lab", 1, 1)]
    shown = "SELECT rank, name, sort_name, disambiguation, type, country, begin_date, end_date, tracks FROM labels"
    assert rows(db, shown) == [(1, "Lab", "Lab, the", "of two", "Imprint", "DE", "1990-05", "2001", 1)]
    assert rows(db, "SELECT subject, scheme, value FROM identifier") == [(7, "label-code", "17")]
    assert rows(db, "SELECT subject, rel, url FROM link") == [(7, "homepage", "https://lab.example/")]
    assert rows(db, "SELECT subject, kind, value FROM note ORDER BY kind, position") == [
        (7, "alias", "Labb"),
        (7, "alias", "Labor"),
        (7, "remainder", '{"x":1}'),
    ]


def test_a_label_without_releases_has_a_row_and_a_page_of_its_own(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", OtherDescription("l", "label", "Alone", country="FR"))
    db = make(archive)
    assert rows(db, "SELECT name, country, releases FROM labels") == [("Alone", "FR", 0)]
    with Catalogue.open(archive.catalogue).reading() as snapshot:
        assert snapshot.find(public_id("said", "l")) == ("label", 1)


def test_a_corrected_label_keeps_its_right_name_when_it_is_described(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", OtherDescription("l", "label", "Lable", country="FR"))
    subject = public_id("said", "l")
    decide(archive, "field.set", subject=subject, field="name", value="Label", because="a typing error")
    db = make(archive)
    assert rows(db, "SELECT name, country FROM labels") == [("Label", "FR")]
    assert rows(db, "SELECT field, was, now FROM correction") == [("name", "Lable", "Label")]


def test_release_groups_and_works_have_rows_with_every_field(tmp_path: Path) -> None:
    group = OtherDescription(
        GROUP,
        "release-group",
        "Group",
        type="Album + Live",
        begin="1999-02",
        credits=(Credit("Ann", "a", " & "), Credit("Bo", "b")),
    )
    work = OtherDescription("w", "work", "Work", type="Song", language="deu", identifiers=(("iswc", "T-1"),))
    release = ReleaseDescription("r", "R", group=GROUP)
    db = make(make_archive(tmp_path / "a", group, work, release))
    assert rows(db, "SELECT kind, name, type, artist, begin_date, language, source_id FROM things ORDER BY kind") == [
        ("release-group", "Group", "Album + Live", "Ann & Bo", "1999-02", None, GROUP),
        ("work", "Work", "Song", None, None, "deu", "w"),
    ]
    assert rows(db, "SELECT r.title FROM thing t JOIN release r ON r.release_group = t.source_id") == [("R",)]
    iswc = "SELECT k.name, i.value FROM thing t JOIN kind k ON k.id = t.kind JOIN identifier i USING (subject)"
    assert rows(db, iswc) == [("work", "T-1")]


def test_several_descriptions_of_one_thing_fill_each_others_gaps(tmp_path: Path) -> None:
    """The fullest counts where two differ; what it lacks comes from the others, whatever the order of records."""
    fullest = OtherDescription("w", "work", "Work", type="Song", language="deu", disambiguation="the first")
    other = OtherDescription("w", "work", "Werk", language="eng", begin="1901", aliases=("Opus",))
    archive = make_archive(tmp_path / "a", fullest)
    add(archive, other, source="said")
    with archive.records() as store:  # a second record of the same thing
        store.put_many([_renamed(one) for one in store.scan()])
    add(archive, fullest)
    db = make(archive)
    assert rows(db, "SELECT name, type, disambiguation, language, begin_date FROM things") == [
        ("Work", "Song", "the first", "deu", "1901")
    ]
    assert rows(db, "SELECT value FROM note WHERE kind = 'alias'") == [("Opus",)]


def _renamed(record: Any) -> Any:
    from dataclasses import replace

    return replace(record, item=f"again {record.item}")


def test_a_thing_is_found_by_its_public_id_and_no_other(tmp_path: Path) -> None:
    things = [OtherDescription(f"w{n}", "work", f"Work {n}") for n in range(200)]
    archive = make_archive(tmp_path / "a", *things)
    db = make(archive)
    numbered = rows(db, "SELECT subject, source_id FROM thing ORDER BY subject DESC")
    assert [subject for subject, _ in numbered] == [-number for number in range(1, 201)]
    keys = [public_key(public_id("said", unpack_source_id(own))) for _, own in numbered]
    assert keys == sorted(keys)
    with Library(Catalogue.open(archive.catalogue), Overlay(NoEvents())).reading() as reading:
        for subject, own in numbered:
            assert thing_number(reading, public_id("said", unpack_source_id(own))) == subject
        assert thing_number(reading, public_id("said", "w200")) is None
        assert thing_number(reading, "no id") is None


def test_the_dump_has_things_and_does_not_depend_on_the_cut_of_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels under several names, things in several halves: which worker meets what first decides nothing."""
    said: list[Any] = [ReleaseDescription(f"r{n}", f"R{n}", labels=(Label(f"Lab {n}", "l"),)) for n in range(6)]
    said += [OtherDescription("l", "label", "Lab 3", country="DE"), TrackDescription("t", "T", "r1")]
    said += [OtherDescription(f"w{n}", "work", f"W{n}", links=(Link("x", f"https://x.example/{n}"),)) for n in range(9)]
    digests = set()
    for number, shares in enumerate((1, 5, 17)):
        monkeypatch.setattr(module, "shares_for", lambda workers, shares=shares: shares)
        random.Random(number).shuffle(said)
        archive = make_archive(tmp_path / str(number), *said)
        make(archive).close()
        digests.add(dump_digest(archive.catalogue))
    assert len(digests) == 1
    lines = [json.loads(line) for line in dump(archive.catalogue)]
    assert [line[3:6] for line in lines if line[0] == "thing" and line[3] == "label"] == [["label", "Lab 3", None]]
    links = [line for line in lines if line[0] == "link"]
    assert len(links) == 9 and all(line[1:3] == [4, "said"] for line in links)


def test_they_cost_nothing_where_there_are_none(tmp_path: Path) -> None:
    """An empty table and an empty index are a page each, whatever the number of tracks."""
    db = make(make_archive(tmp_path / "a", *[TrackDescription(f"t{n}", f"T{n}") for n in range(50)]))
    found = rows(
        db, "SELECT name, count(*), sum(ncell) FROM dbstat WHERE name IN ('thing', 'identifier_of_work') GROUP BY 1"
    )
    assert sorted(found) == [("identifier_of_work", 1, 0), ("thing", 1, 0)]
