"""The catalogue is found, checked, exchanged and survives being deleted under its readers."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.errors import Damaged, NewerFormat, NotFound
from phonolith.library.catalogue import Catalogue
from phonolith.model.ids import pack_source_id, permalink_place, public_id, public_key, unpack_source_id
from tests.sample import make_catalogue


class Clock:
    """A clock that only the test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite"


def _titles(catalogue: Catalogue) -> int:
    with catalogue.reading() as snapshot:
        return int(snapshot.db.execute("SELECT count(*) FROM track").fetchone()[0])


def _edit(path: Path, sql: str) -> None:
    """Change a copy and swap it in, as a build does."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(path.read_bytes())
    db = apsw.Connection(str(fresh))
    db.execute(sql)
    db.close()
    fresh.rename(path)


def test_every_id_is_found_and_no_other(path: Path) -> None:
    ids = make_catalogue(path)
    catalogue = Catalogue.open(path)
    with catalogue.reading() as snapshot:
        permanent = {name: one for name, one in ids.items() if not name.startswith("thing:")}
        for name, identifier in permanent.items():
            kind, row = snapshot.find(identifier)
            assert kind == name.split(":")[0]
            assert snapshot.public_id(kind, row) == identifier
        for wrong in ("a" * 16, "not an id", ids["track:road/1"][:-1] + "7" * (ids["track:road/1"][-1] != "7"), ""):
            with pytest.raises(NotFound):
                snapshot.find(wrong)
        with pytest.raises(NotFound, match="id of a track"):
            snapshot.find_kind(ids["track:road/1"], "release")


def test_ids_that_begin_alike_are_told_apart(path: Path) -> None:
    """Where one bucket and one mark stand for two things, both are found; an id that only begins alike is not."""
    ids = make_catalogue(path)
    mine = ids["track:road/1"]
    db = apsw.Connection(str(path))
    bits = db.execute("SELECT value FROM meta WHERE key = 'permalink_bits'").get
    bucket, mark = permalink_place(public_key(mine), bits)
    entries = db.execute("SELECT entries FROM permalink WHERE bucket = ?", (bucket,)).get
    alike = b"".join(bytes([mark]) + entries[at + 1 : at + 5] for at in range(0, len(entries), 5))
    db.execute("UPDATE permalink SET entries = ? WHERE bucket = ?", (alike, bucket))
    db.close()
    catalogue = Catalogue.open(path)
    with catalogue.reading() as snapshot:
        kind, row = snapshot.find(mine)
        assert snapshot.public_id(kind, row) == mine
        lookalike = mine[:8] + ("aaaaaaaa" if mine[8:] != "aaaaaaaa" else "bbbbbbbb")
        with pytest.raises(NotFound):
            snapshot.find(lookalike)


def test_source_ids_survive_packing() -> None:
    for text in ("b10bbbfc-cf9e-42e0-be17-e2c3e1d2600d", "B10BBBFC-CF9E-42E0-BE17-E2C3E1D2600D", "plain", ""):
        assert unpack_source_id(pack_source_id(text)) == text
    assert len(pack_source_id("b10bbbfc-cf9e-42e0-be17-e2c3e1d2600d")) == 16


def test_a_new_file_is_noticed_within_a_second_and_never_in_the_middle_of_an_answer(path: Path) -> None:
    make_catalogue(path)
    clock = Clock()
    catalogue = Catalogue.open(path, clock=clock)
    assert _titles(catalogue) == 50
    with catalogue.reading() as snapshot:
        _edit(path, "DELETE FROM track WHERE id > 10")
        clock.now += 5
        assert snapshot.db.execute("SELECT count(*) FROM track").fetchone() == (50,)
        with catalogue.reading() as nested:
            assert nested is snapshot
            assert _titles(catalogue) == 50
    assert _titles(catalogue) == 10
    assert catalogue.generation == 2
    _edit(path, "DELETE FROM track WHERE id > 5")
    clock.now += 0.5
    assert _titles(catalogue) == 10, "looked at the disk more often than once a second"
    clock.now += 0.6
    assert _titles(catalogue) == 5


def test_old_connections_are_closed_when_they_come_back(path: Path) -> None:
    make_catalogue(path)
    clock = Clock()
    catalogue = Catalogue.open(path, clock=clock)
    with catalogue.reading() as snapshot:
        old = snapshot.db
        _edit(path, "DELETE FROM track WHERE id > 10")
        clock.now += 5
        assert catalogue.generation == 2
    with pytest.raises(apsw.ConnectionClosedError):
        old.execute("SELECT 1")


def test_what_is_remembered_belongs_to_one_build(path: Path) -> None:
    make_catalogue(path)
    clock = Clock()
    catalogue = Catalogue.open(path, clock=clock)
    with catalogue.reading() as snapshot:
        assert snapshot.once("x", lambda: 1) == 1
    with catalogue.reading() as snapshot:
        assert snapshot.once("x", lambda: 2) == 1
    _edit(path, "DELETE FROM track WHERE id > 10")
    clock.now += 5
    with catalogue.reading() as snapshot:
        assert snapshot.once("x", lambda: 3) == 3


def test_a_deleted_catalogue_is_served_on_to_every_thread(path: Path) -> None:
    make_catalogue(path)
    clock = Clock()
    catalogue = Catalogue.open(path, clock=clock)
    path.unlink()
    clock.now += 5
    assert _titles(catalogue) == 50
    assert "no catalogue" in catalogue.problem
    assert "still being served" in catalogue.problem
    counted: list[int] = []
    threads = [threading.Thread(target=lambda: counted.append(_titles(catalogue))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == [50] * 8
    make_catalogue(path)
    clock.now += 5
    assert _titles(catalogue) == 50
    assert catalogue.problem == ""
    assert catalogue.generation == 2


def test_a_file_exchanged_between_two_looks_keeps_nobody_waiting(path: Path) -> None:
    """The only connection is lent and the file was exchanged since the last look: the next reader gets the new one."""
    make_catalogue(path)
    catalogue = Catalogue.open(path, clock=Clock())
    with catalogue.reading():
        _edit(path, "DELETE FROM track WHERE id > 10")
        counted: list[int] = []
        thread = threading.Thread(target=lambda: counted.append(_titles(catalogue)))
        thread.start()
        thread.join(timeout=30)
        assert counted == [10]


def test_a_bad_new_file_leaves_the_old_one_in_place(path: Path) -> None:
    make_catalogue(path)
    clock = Clock()
    catalogue = Catalogue.open(path, clock=clock)
    _edit(path, "UPDATE meta SET value = 999 WHERE key = 'schema_version'; DELETE FROM track")
    clock.now += 5
    assert _titles(catalogue) == 50
    assert "newer" in catalogue.problem


def test_many_threads_read_while_files_are_exchanged(path: Path) -> None:
    """Each answer is of one build: the last track's number and the count of tracks agree."""
    make_catalogue(path)
    clock = Clock()
    catalogue = Catalogue.open(path, clock=clock)
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            clock.now += 2
            with catalogue.reading() as snapshot:
                tracks = snapshot.db.execute("SELECT count(*) FROM track").fetchone()[0]
                with catalogue.reading() as again:
                    last = again.db.execute("SELECT max(id) FROM track").fetchone()[0]
            seen.add((tracks, last))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for keep in (40, 30, 20, 10):
        _edit(path, f"DELETE FROM track WHERE id > {keep}")
    stop.set()
    for thread in threads:
        thread.join()
    clock.now += 5
    assert _titles(catalogue) == 10
    assert all(tracks == last for tracks, last in seen)


@pytest.mark.parametrize("content", [b"", b"no database at all, whatever its name says" * 50])
def test_what_is_no_catalogue_is_said(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(Damaged, match="phonolith build"):
        Catalogue.open(path)


def test_missing_and_newer_are_said(path: Path) -> None:
    with pytest.raises(NotFound, match=r"no catalogue yet.*phonolith build"):
        Catalogue.open(path)
    make_catalogue(path)
    _edit(path, "UPDATE meta SET value = 5 WHERE key = 'schema_version'")
    with pytest.raises(NewerFormat, match="format 5"):
        Catalogue.open(path)
    _edit(path, "UPDATE meta SET value = 0 WHERE key = 'schema_version'")
    with pytest.raises(Damaged, match="older format 0"):
        Catalogue.open(path)


def test_a_file_cut_short_under_a_reader_is_a_message(path: Path) -> None:
    make_catalogue(path)
    catalogue = Catalogue.open(path)
    os.truncate(path, 4096)
    with pytest.raises(Damaged, match="phonolith build"):
        _titles(catalogue)


def test_a_strange_path_is_opened_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%20 d'é.sqlite"
    make_catalogue(path)
    assert _titles(Catalogue.open(path)) == 50


def test_nothing_can_be_written(path: Path) -> None:
    make_catalogue(path)
    with Catalogue.open(path).reading() as snapshot, pytest.raises(apsw.ReadOnlyError):
        snapshot.db.execute("DELETE FROM track")


@given(st.text(st.characters(codec=None), max_size=40), st.text(max_size=40))
def test_a_public_id_is_base32_of_a_digest(source: str, source_id: str) -> None:
    digest = hashlib.sha256(f"{source}\0{source_id}".encode("utf-8", "surrogatepass")).digest()
    assert public_id(source, source_id) == base64.b32encode(digest[:10]).decode().lower()
