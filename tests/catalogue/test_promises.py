"""What a build promises: ids that outlive it, the same dump again, and an old catalogue that no failure harms."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from bench import generate
from phonolith.catalogue import build as module
from phonolith.catalogue.build import build
from phonolith.catalogue.dump import dump, dump_digest
from phonolith.errors import Busy, Damaged, StorageError
from phonolith.library.catalogue import Catalogue
from phonolith.model.ids import public_id
from phonolith.model.music import ArtistDescription, Credit, Description, Label, ReleaseDescription, TrackDescription
from phonolith.model.progress import Silent
from phonolith.store.archive import Archive
from tests.catalogue.said import add, decide, make_archive

_LETTERS = "abcdefgh"


def collection(seed: int = 1, size: int = 60) -> list[Description]:
    """Artists, releases and tracks of several sorts, the same for the same seed."""
    rng = random.Random(seed)
    artists: list[Description] = [
        ArtistDescription(f"a{n}", f"Artist {n}", genres=tuple(rng.sample(["Jazz", "folk", "Ambient"], n % 3)))
        for n in range(size // 6)
    ]
    releases: list[Description] = [
        ReleaseDescription(
            f"r{n}",
            f"Release {n}",
            (Credit(f"Artist {n % 7}", f"a{n % 7}", " & "), Credit(rng.choice(_LETTERS))),
            date=rng.choice(["1999", "2001-02", "0000", ""]),
            labels=(Label(rng.choice(_LETTERS)),) * (n % 2),
        )
        for n in range(size // 3)
    ]
    tracks: list[Description] = [
        TrackDescription(
            f"t{n}",
            f"Track {n}",
            f"r{n % (size // 3)}" if n % 9 else "",
            position=n,
            duration_ms=rng.choice([None, 1000, 200_000]),
            popularity=rng.choice([None, 0.0, 0.1, 0.2, 0.3, 1e6]),
        )
        for n in range(size)
    ]
    return artists + releases + tracks


def make(archive: Archive, workers: int = 1) -> None:
    build(archive, as_of=None, progress=Silent(), workers=workers)


def permalinks(archive: Archive) -> dict[str, tuple[str, str]]:
    """Every public id with the kind and the name of what it leads to."""
    found = {}
    with Catalogue.open(archive.catalogue).reading() as snapshot:
        for kind, column in (("track", "title"), ("release", "title"), ("artist", "name"), ("label", "name")):
            for row, name in snapshot.db.execute(f"SELECT id, {column} FROM {kind}").fetchall():
                found[snapshot.public_id(kind, row)] = (kind, name)
    return found


def test_permalinks_and_decisions_outlive_a_build_that_numbers_everything_anew(tmp_path: Path) -> None:
    """All popularities changed, a tenth more records: every old id leads to the same thing, every decision stands."""
    archive = make_archive(tmp_path / "a", *collection(size=300))
    decide(archive, "field.set", subject=public_id("said", "t5"), field="title", value="Renamed", because="a typo")
    decide(archive, "item.withdrawn", subjects=[public_id("said", "t7")], because="asked", ground="owner")
    licence = "https://creativecommons.org/publicdomain/zero/1.0/"
    attested = {"subjects": [public_id("said", "r2")], "licence": licence, "as_": "rightsholder", "because": "mine"}
    decide(archive, "rights.attested", **attested)
    make(archive)
    before, numbers = permalinks(archive), _rows(archive, "SELECT source_id, id FROM track")
    rng = random.Random(5)
    for one in collection(size=300):
        if isinstance(one, TrackDescription):
            add(archive, replace(one, popularity=rng.random() * 1e6))
    add(archive, *[replace(one, id=f"new-{one.id}") for one in collection(seed=2, size=36)])
    make(archive)
    after = permalinks(archive)
    assert len(before) > 400 and len(after) >= len(before) * 1.1
    with Catalogue.open(archive.catalogue).reading() as snapshot:
        for identifier, (kind, name) in before.items():
            assert after[identifier] == (kind, name)
            assert snapshot.find(identifier)[0] == kind
    renumbered = _rows(archive, "SELECT source_id, id FROM track")
    assert sum(renumbered[key] != number for key, number in numbers.items()) > len(numbers) // 2
    assert _rows(archive, "SELECT source_id, title FROM track WHERE source_id = 't5'") == {"t5": "Renamed"}
    assert _rows(archive, "SELECT source_id, status FROM track WHERE source_id = 't7'") == {"t7": 6}
    assert _rows(archive, "SELECT source_id, evidence FROM releases WHERE source_id = 'r2'") == {"r2": 4}


def _rows(archive: Archive, sql: str) -> dict[Any, Any]:
    db = apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return dict(db.execute(sql).fetchall())
    finally:
        db.close()


def test_the_same_held_gives_the_same_dump_in_any_order_cut_and_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = set()
    for number, (shares, zone) in enumerate([(1, "UTC"), (7, "Pacific/Kiritimati"), (30, "America/New_York")]):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        monkeypatch.setattr(module, "shares_for", lambda workers, shares=shares: shares)
        said = collection()
        random.Random(number).shuffle(said)
        archive = make_archive(tmp_path / str(number), *said)
        make(archive)
        digests.add(dump_digest(archive.catalogue))
    monkeypatch.undo()
    time.tzset()
    assert len(digests) == 1


def test_workers_do_not_change_the_dump(tmp_path: Path) -> None:
    archive = generate.make_archive(tmp_path / "a", generate.Spec(600))
    make(archive, workers=1)
    alone = dump_digest(archive.catalogue)
    make(archive, workers=2)
    assert dump_digest(archive.catalogue) == alone


def test_the_dump_shows_a_change_and_no_row_number(tmp_path: Path) -> None:
    """Another popularity alone moves rows and shows in one line of tracks; all other tracks' lines stay."""
    archive = make_archive(tmp_path / "a", *[TrackDescription(f"t{n}", f"T{n}", "r", popularity=n) for n in range(9)])
    make(archive)
    before = set(dump(archive.catalogue))
    add(archive, TrackDescription("t0", "T0", "r", popularity=100))
    make(archive)
    changed = [line for line in set(dump(archive.catalogue)) ^ before if line.startswith(b'["track"')]
    assert len(changed) == 2 and all(b'"t0"' in line for line in changed)


def test_generated_chunks_can_be_made_alone() -> None:
    spec = generate.Spec(120_000, seed=3)
    first, again = generate.chunk(spec, 2), list(generate.chunks(spec))[2]
    assert first == again and len(first[1].mbid) == 20_000
    assert generate.chunk(replace(spec, seed=4), 2) != first


def test_the_generator_keeps_its_rates() -> None:
    rates = generate.fill_rates(generate.Spec(200_000))
    expected = {
        "tracks per release": (1.48, 0.05),
        "credits per track": (1.32, 0.02),
        "title characters": (20.5, 1.5),
        "isrc": (0.985, 0.003),
        "releases with licence": (0.30, 0.02),
        "releases with label": (0.80, 0.02),
        "artists with genre": (0.60, 0.02),
    }
    for name, (value, tolerance) in expected.items():
        assert abs(rates[name] - value) <= tolerance, name
    assert generate.Spec(10_000_000).vocabulary > 3 * generate.Spec(1_000_000).vocabulary


@pytest.mark.parametrize("phase", [phase.name for phase in module.PHASES])
def test_a_build_that_fails_in_any_phase_leaves_the_old_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    archive = make_archive(tmp_path / "a", *collection())
    make(archive)
    before = archive.catalogue.read_bytes()

    def fail(work: module.Work) -> None:
        raise Damaged("this test", "breaks the build")

    phases = [module.Phase(p.name, fail if p.name == phase else p.run) for p in module.PHASES]
    monkeypatch.setattr(module, "PHASES", tuple(phases))
    with pytest.raises(Damaged, match="breaks the build"):
        make(archive)
    assert archive.catalogue.read_bytes() == before
    assert not list(archive.derived.glob(".build-*")), "nothing is left behind"


def test_a_full_disk_is_said_in_words_and_leaves_the_old_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path / "a", *collection())
    make(archive)
    before = archive.catalogue.read_bytes()
    write = next(phase.run for phase in module.PHASES if phase.name == "write")

    def small(work: module.Work) -> None:
        work.db.pragma("max_page_count", 40)
        write(work)

    phases = [module.Phase(p.name, small if p.name == "write" else p.run) for p in module.PHASES]
    monkeypatch.setattr(module, "PHASES", tuple(phases))
    with pytest.raises(StorageError, match="the disk is full"):
        make(archive)
    assert archive.catalogue.read_bytes() == before and not list(archive.derived.glob(".build-*"))


def test_a_killed_build_leaves_the_old_catalogue_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    archive = generate.make_archive(tmp_path / "a", generate.Spec(300))
    make(archive)
    before = archive.catalogue.read_bytes()
    program = textwrap.dedent("""
        import pathlib, sys, time
        from phonolith.catalogue import build as module
        from phonolith.model.progress import Silent
        from phonolith.store.archive import Archive
        def wait(work):
            print("ready", flush=True)
            time.sleep(600)
        module.PHASES = (*module.PHASES[:5], module.Phase("swap", wait))
        module.build(Archive.open(pathlib.Path(sys.argv[1])), as_of=None, progress=Silent(), workers=1)
    """)
    process = subprocess.Popen([sys.executable, "-c", program, str(archive.root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    with pytest.raises(Busy, match="phonolith build"):
        make(archive)
    left = list(archive.derived.glob(".build-*"))
    assert len(left) == 1
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert archive.catalogue.read_bytes() == before and left[0].exists()
    make(archive)
    assert not list(archive.derived.glob(".build-*"))


def test_readers_of_the_old_file_are_undisturbed(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "Old"))
    make(archive)
    reader = apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY)
    rows = reader.execute("SELECT title FROM track")
    add(archive, TrackDescription("t", "New"))
    make(archive)
    assert rows.fetchall() == [("Old",)] and reader.execute("SELECT title FROM track").fetchall() == [("Old",)]
    reader.close()
    assert _rows(archive, "SELECT source_id, title FROM track") == {"t": "New"}


def test_the_published_file_has_no_journal_beside_it(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T"))
    make(archive)
    db = apsw.Connection(str(archive.catalogue))
    assert db.pragma("journal_mode") == "delete" and db.pragma("integrity_check") == "ok"
    db.close()
    assert sorted(path.name for path in archive.derived.iterdir()) == ["catalogue.sqlite", "changes.sqlite"]


def test_no_process_is_left(tmp_path: Path) -> None:
    archive = generate.make_archive(tmp_path / "a", generate.Spec(100))
    make(archive, workers=2)
    assert not multiprocessing.active_children()
