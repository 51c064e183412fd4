"""Audits as a whole: planted claims of known truth, real data, and the report that is made of them."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from phonolith.audit.audit import Audit, audit, data_of
from phonolith.audit.claims import parse
from phonolith.audit.evidence import Given
from phonolith.audit.report import page
from phonolith.errors import NotFound
from phonolith.model.progress import Silent
from phonolith.store import metainfo
from tests.audit.planted import Planted, make_evidence, planted

NOW = "2026-11-30T12:00:00Z"


def judged(text: str, *evidence: Given) -> Audit:
    return audit(parse(text.encode(), "claims.toml").claims, evidence, Silent(), now=NOW)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Planted, str]]:
    folder = tmp_path_factory.mktemp("planted")
    make_evidence(folder)
    torrents = folder / "torrents"
    size = sum(metainfo.read(path.read_bytes(), path.name).size for path in torrents.iterdir())
    all_of_them = planted(size)
    rows = [
        f'[[claim]]\nid = "c{number}"\nsentence = "{number}"\n{one.keys}\n' for number, one in enumerate(all_of_them)
    ]
    given = [Given(path.name, path) for path in sorted(folder.iterdir())]
    told = judged("format = 1\n" + "".join(rows), *given)
    return [(one, verdict.word.value) for one, verdict in zip(all_of_them, told.verdicts, strict=True)]


def test_there_are_sixty_of_them_of_every_kind(verdicts: list[tuple[Planted, str]]) -> None:
    assert len(verdicts) >= 60
    assert {word for _, word in verdicts} == {"claimed", "proven", "refuted", "unverifiable"}


def test_nothing_false_is_proven_and_nothing_true_refuted(verdicts: list[tuple[Planted, str]]) -> None:
    assert [one.keys for one, word in verdicts if word == "proven" and not one.true] == []
    assert [one.keys for one, word in verdicts if word == "refuted" and one.true] == []


def test_each_ends_as_the_evidence_has_it(verdicts: list[tuple[Planted, str]]) -> None:
    assert [(one.keys, word) for one, word in verdicts if word not in one.right] == []


def test_a_part_refutes_nothing_that_may_be_elsewhere(tmp_path: Path) -> None:
    make_evidence(tmp_path)
    claim = 'format = 1\n[[claim]]\nid = "a"\nsentence = "s"\nquantity = 600\nunit = "files"\nof = "torrents"\n'
    assert judged(claim, Given("torrents", tmp_path / "torrents")).verdicts[0].word == "refuted"
    part = judged(claim, Given("torrents", tmp_path / "torrents", whole=False)).verdicts[0]
    assert part.word == "claimed"
    assert part.why == ("The metainfo of 3 torrents describes it: at least 60 files, 10 % of what is claimed",)


def test_a_torrent_that_cannot_be_read_leaves_open_how_much_there_is(tmp_path: Path) -> None:
    make_evidence(tmp_path)
    claim = 'format = 1\n[[claim]]\nid = "a"\nsentence = "s"\nquantity = 61\nunit = "files"\nof = "torrents"\n'
    tmp_path.joinpath("torrents", "x.torrent").write_bytes(b"d4:infod")
    told = judged(claim, Given("torrents", tmp_path / "torrents"))
    assert told.verdicts[0].word == "claimed"
    assert [one.code.partition(".")[0] for one in told.findings] == ["metainfo"]


def test_a_share_is_shown_by_its_ends(tmp_path: Path) -> None:
    make_evidence(tmp_path)
    told = judged(
        """
        format = 1
        [[claim]]
        id = "isrcs"
        sentence = "100 tracks by ISRC"
        quantity = 100
        unit = "tracks"
        definition = "isrcs"
        of = "tracks.csv"
        procedure = "distinct isrc"
        [[claim]]
        id = "rows"
        sentence = "120 tracks"
        quantity = 120
        unit = "tracks"
        of = "tracks.csv"
        [[claim]]
        id = "share"
        sentence = "83 % have an ISRC of their own"
        quantity = 83
        unit = "%"
        bound = "about"
        part = "isrcs"
        whole = "rows"
        [[claim]]
        id = "wrong"
        sentence = "90 %"
        quantity = 90
        unit = "%"
        part = "isrcs"
        whole = "rows"
        """,
        Given("tracks.csv", tmp_path / "tracks.csv"),
    )
    assert [one.word.value for one in told.verdicts] == ["proven", "proven", "proven", "refuted"]


def test_evidence_of_nothing_that_is_claimed_is_said(tmp_path: Path) -> None:
    make_evidence(tmp_path)
    claim = 'format = 1\n[[claim]]\nid = "a"\nsentence = "s"\nquantity = 1\nunit = "files"\nof = "audio"\n'
    told = judged(claim, Given("tracks.csv", tmp_path / "tracks.csv"))
    assert [one.code for one in told.findings] == ["evidence.unused"]
    with pytest.raises(NotFound):
        judged(claim, Given("audio", tmp_path / "nowhere"))


def test_what_a_real_database_says_of_itself(shared_data: Path) -> None:
    """freemusi.cc: 2,289 releases and 21,502 tracks; both tables have the same playing time, 68.4 days."""
    rows = {"releases.csv": ("releases", 2289), "tracks.csv": ("tracks", 21_502)}
    text = "format = 1\n" + "".join(
        f'[[claim]]\nid = "{unit}"\nsentence = "s"\nquantity = {count}\nunit = "{unit}"\nof = "{name}"\n'
        f'[[claim]]\nid = "time-{unit}"\nsentence = "s"\nquantity = 5909406\nunit = "seconds"\nof = "{name}"\n'
        'procedure = "sum duration in seconds"\n'
        for name, (unit, count) in rows.items()
    )
    told = judged(text, *(Given(name, shared_data / "freemusi-cc" / name) for name in rows))
    assert [one.word.value for one in told.verdicts] == ["proven"] * 4
    assert not told.findings


def test_real_torrents_and_the_broken_one_among_them(shared_data: Path) -> None:
    claim = (
        'format = 1\n[[claim]]\nid = "a"\nsentence = "s"\nquantity = 1\nunit = "files"\nbound = "at least"\nof = "t"\n'
    )
    told = judged(claim, Given("t", shared_data / "torrents-webtorrent", whole=False))
    assert told.exhibits[0].described is not None and told.exhibits[0].described.torrents == 7
    unread = [one for one in told.findings if not one.code.startswith("evidence.")]
    assert [Path(one.subject).name for one in unread] == ["corrupt.torrent"]


def test_the_report_is_whole_escaped_and_fetches_nothing(tmp_path: Path) -> None:
    make_evidence(tmp_path)
    nasty = "<script>alert(1)</script>"
    claim = (
        f'format = 1\n[[claim]]\nid = "a"\nsentence = "{nasty}"\nwho = "{nasty}"\nwhere = "javascript:alert(1)"\n'
        'quantity = 60\nunit = "files"\nof = "torrents"\nprocedure = "metainfo"\n'
    )
    told = data_of(judged(claim, Given("torrents", tmp_path / "torrents")))
    assert json.loads(json.dumps(told)) == told
    text = page(told, nasty)
    assert nasty not in text
    assert "proven" in text and "lossless audio" in text
    assert all(part["files"] for part in told["evidence"][0]["described"]["kinds"])
    assert not re.search(r"<(script|link|img|iframe)|\bsrc=|\bhref=\"[^#]|url\(", text)
    assert "default-src 'none'" in text


def test_the_same_evidence_gives_the_same_report(tmp_path: Path) -> None:
    make_evidence(tmp_path)
    claim = 'format = 1\n[[claim]]\nid = "a"\nsentence = "s"\nquantity = 60\nunit = "files"\nof = "torrents"\n'
    one, other = (data_of(judged(claim, Given("torrents", tmp_path / "torrents"))) for _ in range(2))
    assert one == other
    assert re.fullmatch("[0-9a-f]{64}", one["evidence"][0]["sha256"])


def of_table(path: Path, *claims: str) -> list[str]:
    """The words on claims about one file of rows."""
    rows = [f'[[claim]]\nid = "c{at}"\nsentence = "s"\nof = "t"\n{one}\n' for at, one in enumerate(claims)]
    return [one.word.value for one in judged("format = 1\n" + "".join(rows), Given("t", path)).verdicts]


def test_rows_prove_nothing_that_is_not_counted_in_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,isrc\n1,GBAAA0000001\n2,GBAAA0000001\n3,GBAAA0000002\n")
    tracks, size = 'quantity = 3\nunit = "tracks"', 'quantity = 3\nunit = "GB"'
    assert of_table(path, tracks) == ["proven"]
    for procedure in ("", '\nprocedure = "rows"'):
        told = of_table(path, size + procedure, tracks + procedure + '\ndefinition = "isrcs"')
        assert told == ["claimed", "claimed"]
    assert of_table(path, size + '\nprocedure = "distinct id"') == ["claimed"]
    assert of_table(path, tracks + '\ndefinition = "isrcs"\nprocedure = "distinct isrc"') == ["refuted"]


def test_rows_are_not_everything_that_is_claimed_of_a_table(tmp_path: Path) -> None:
    """Three tracks by two artists: nobody said which of both the rows are."""
    path = tmp_path / "t.csv"
    path.write_text("id,artist\n1,a\n2,a\n3,b\n")
    tracks, artists = 'quantity = 3\nunit = "tracks"', 'quantity = 2\nunit = "artists"'
    assert of_table(path, tracks, artists) == ["claimed", "claimed"]
    assert of_table(path, tracks, artists + '\nprocedure = "distinct artist"') == ["proven", "proven"]
    assert of_table(path, 'quantity = 3\nunit = "listens"') == ["unverifiable"]


def test_a_table_that_is_called_as_the_unit_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript("CREATE TABLE tracks (id); CREATE TABLE artists (id); INSERT INTO tracks VALUES (1), (2)")
    tracks, artists = 'quantity = 2\nunit = "tracks"', 'quantity = 1\nunit = "artists"'
    assert of_table(path, tracks, artists, 'quantity = 2\nunit = "labels"') == ["proven", "refuted", "claimed"]


def test_a_figure_that_a_database_only_states_is_no_count(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(
            "CREATE TABLE t (a); CREATE TABLE meta (v); INSERT INTO t VALUES (1); INSERT INTO meta VALUES (9)"
        )
    nine = 'quantity = 9\nunit = "tracks"\nprocedure = "{}"'
    stated = ("SELECT v FROM meta", "SELECT 9", "SELECT 9 FROM t", "SELECT max(v) FROM meta", "SELECT sum(9) FROM t")
    assert of_table(path, *(nine.format(one) for one in stated)) == ["claimed"] * len(stated)
    counts = ("SELECT count(*) FROM t", "SELECT sum(a) FROM t", "SELECT total(a) FROM t")
    assert of_table(path, *(nine.format(one).replace("9", "1") for one in counts)) == ["proven"] * len(counts)
    assert of_table(path, *[nine.format(counts[0])] * 2) == ["refuted"] * 2


def test_what_lies_in_a_journal_beside_a_database_is_neither_believed_nor_held_against_it(tmp_path: Path) -> None:
    """SQLite reads 1,000 rows out of both files, and 100 are in the first."""
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a)")
        for count in (100, 900):
            db.executemany("INSERT INTO t VALUES (?)", [(one,) for one in range(count)])
            db.commit()
            if count == 100:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        rows = [f'quantity = {count}\nunit = "tracks"\nprocedure = "rows t"' for count in (100, 1000)]
        assert of_table(path, *rows) == ["claimed", "claimed"]
    assert of_table(path, *rows) == ["refuted", "proven"]  # closing it made one file of them


def test_large_figures_are_written_in_full(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("size\n1234567890\n")
    text = (
        'format = 1\n[[claim]]\nid = "a"\nsentence = "s"\nquantity = 1234567891\nunit = "bytes"\nprocedure = "sum size"'
    )
    why = "sum size, counted in t.csv: 1,234,567,890 bytes, where the claim says 1,234,567,891 bytes"
    assert judged(text, Given("", path)).verdicts[0].why == (why,)


def test_a_table_that_is_in_one_file_is_not_looked_for_in_another(tmp_path: Path) -> None:
    """A torrent, a database and a table, all of one thing: each claim is about the one that its procedure counts in."""
    make_evidence(tmp_path)
    path = tmp_path / "t.csv"
    path.write_text("id\n1\n2\n3\n")
    procedures = {"rows track": 200, "SELECT count(*) FROM track": 200, "rows": 3, "rows t": 3, "rows t.csv": 3}
    claims = [f'quantity = {count}\nunit = "tracks"\nprocedure = "{one}"' for one, count in procedures.items()]
    given = [Given("x", tmp_path / name) for name in ("torrents", "catalogue.sqlite", "t.csv")]
    files = next(one.described for one in judged(_of_x(claims[:1]), given[0]).exhibits if one.described)
    told = judged(_of_x([*claims, f'quantity = {files.files}\nunit = "files"\nprocedure = "metainfo"']), *given)
    assert [one.word.value for one in told.verdicts] == ["proven"] * 6
    assert judged(_of_x(['quantity = 3\nunit = "files"']), given[0], given[2]).verdicts[0].word == "refuted"
    alone = judged(_of_x([f'quantity = {files.files}\nunit = "files"']), given[0], given[2]).verdicts[0]
    assert alone.word == "claimed"


def _of_x(claims: list[str]) -> str:
    rows = [f'[[claim]]\nid = "c{at}"\nsentence = "s"\nof = "x"\n{one}\n' for at, one in enumerate(claims)]
    return "format = 1\n" + "".join(rows)
