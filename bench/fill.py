"""Fills a catalogue's tables directly from the generator, in rank order: for benches that need rows and no build."""

from __future__ import annotations

import argparse
import pickle
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from bench.generate import CHUNK, LICENCES, Releases, Spec, Tracks, artist_chunk, chunk
from phonolith.model.ids import genre_key, pack_isrc, pack_source_id
from phonolith.rights.licences import parse


def fill(path: Path, spec: Spec, *, workers: int = 2) -> None:
    """Write the tables of schema.sql to ``path``, without secondary indexes, counts and text index."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA page_size=8192; PRAGMA synchronous=OFF; PRAGMA cache_size=-1500000")
    db.execute("PRAGMA journal_mode=OFF").fetchall()
    db.execute("BEGIN")
    db.execute(resources.files("phonolith.catalogue").joinpath("schema.sql").read_text("utf-8"))
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fill-") as name:
        folder = Path(name)
        with ProcessPoolExecutor(workers) as pool:
            jobs = [pool.submit(_make, folder, spec, number) for number in range(spec.chunks)]
            listens = [job.result() for job in jobs]
        _Filling(db, spec, folder, listens).run()
    db.execute("INSERT INTO meta VALUES ('schema_version', 1), ('as_of', '2026-11-01'), ('archive', 'Bench')")
    db.execute("COMMIT")
    db.execute("CREATE INDEX track_by_release ON track (release)")
    db.close()


def _make(folder: Path, spec: Spec, number: int) -> tuple[Any, Any, Any, Any]:
    """Make one chunk; returns listens and release of each track, and artists and tracks of its credits."""
    releases, tracks = chunk(spec, number)
    with (folder / str(number)).open("wb") as file:
        pickle.dump((releases, tracks), file, protocol=5)
    pairs = [(artist, place) for place, credits in enumerate(tracks.credits) for artist, _ in credits]
    table = np.array(pairs, np.int64)
    return np.array(tracks.listens), np.array(tracks.release), table[:, 0], table[:, 1]


class _Filling:
    """Tables being filled; ranks are by listens, then by number."""

    def __init__(self, db: apsw.Connection, spec: Spec, folder: Path, made: list[tuple[Any, Any, Any, Any]]) -> None:
        self.db, self.spec, self.folder = db, spec, folder
        self.first_release = np.concatenate(([0], np.cumsum([int(release[-1]) + 1 for _, release, _, _ in made])))
        self.track = _ranks(np.concatenate([listens for listens, _, _, _ in made]))
        by_release = np.zeros(int(self.first_release[-1]))
        by_artist = np.zeros(spec.artists)
        for number, (listens, release, artists, places) in enumerate(made):
            np.add.at(by_release, release + self.first_release[number], listens)
            np.add.at(by_artist, artists, listens[places])
        self.release, self.artist = _ranks(by_release), _ranks(by_artist)
        self.dates: dict[str, int] = {}
        self.labels: dict[str, int] = {}
        self.genres: dict[str, int] = {}
        self.sets: dict[tuple[str, ...], int] = {}
        self.kinds: dict[str, int] = {}
        self.credits = 0

    def run(self) -> None:
        db = self.db
        db.execute("INSERT INTO source VALUES (1, 'table', 'Bench', '', 'CC0-1.0', '')")
        db.execute("INSERT INTO rights VALUES (1, NULL, 0, '', '', 'none', 0, '', '')")
        for n, uri in enumerate(LICENCES, 1):
            known = parse(uri)
            assert known is not None
            values = (n, known.code, known.family, known.title, uri)
            db.execute("INSERT INTO licence VALUES (?,?,?,?,?,'',1,1,1,1,1,1,0,'')", values)
            db.execute("INSERT INTO rights VALUES (?,?,2,?,'table','stated',1,'','')", (n + 1, n, uri))
        for number in range(self.spec.artist_chunks):
            self._artists(number)
        for number in range(self.spec.chunks):
            with (self.folder / str(number)).open("rb") as file:
                releases, tracks = pickle.load(file)
            self._releases(number, releases)
            self._tracks(number, releases, tracks)
        dates = [(n, written, _year(written)) for written, n in self.dates.items()]
        db.executemany("INSERT INTO event_date VALUES (?,?,?,NULL,NULL,NULL)", dates)
        db.executemany("INSERT INTO kind VALUES (?,?)", [(n, name) for name, n in self.kinds.items()])
        labels = [(n, f"label:{name}", name) for name, n in self.labels.items()]
        db.executemany("INSERT INTO label VALUES (?,1,?,?,0,0)", labels)
        genres = [(n, name, genre_key(name)) for name, n in self.genres.items()]
        db.executemany("INSERT INTO genre VALUES (?,?,?,0,0,0)", genres)
        sets = [(n, self.genres[name]) for names, n in self.sets.items() for name in names]
        db.executemany("INSERT INTO genre_set VALUES (?,?)", sets)

    def _artists(self, number: int) -> None:
        made, first = artist_chunk(self.spec, number), number * CHUNK
        ids = self.artist[first : first + len(made.mbid)].tolist()
        genres = [self._set(names) for names in made.genres]
        rows = zip(ids, map(pack_source_id, made.mbid), made.name, made.country, genres, strict=True)
        columns = "id, source, source_id, name, country, genres, releases, tracks"
        sql = f"INSERT INTO artist ({columns}) VALUES (?,1,?,?,?,?,0,0)"
        self.db.executemany(sql, sorted(rows))

    def _set(self, names: tuple[str, ...]) -> int | None:
        if not names:
            return None
        for name in names:
            self.genres.setdefault(name, len(self.genres) + 1)
        return self.sets.setdefault(names, len(self.sets) + 1)

    def _releases(self, number: int, r: Releases) -> None:
        first = int(self.first_release[number])
        ids = self.release[first : first + len(r.mbid)].tolist()
        artists = self.artist[np.array(r.artist)].tolist()
        dates = [self.dates.setdefault(d, len(self.dates) + 1) if d else None for d in r.date]
        labels = [self.labels.setdefault(x, len(self.labels) + 1) if x else None for x in r.label]
        rights = [LICENCES.index(x) + 2 if x else 1 for x in r.licence]
        kinds = [self.kinds.setdefault(x, len(self.kinds) + 1) if x else None for x in r.kind]
        packed = map(pack_source_id, r.mbid)
        barcodes = [int(b) if b else None for b in r.barcode]
        rows = zip(ids, packed, r.title, artists, dates, labels, barcodes, kinds, rights, strict=True)
        sql = (
            "INSERT INTO release (id, source, source_id, title, credit, date, label, barcode, kind, rights, discs, "
            "tracks) VALUES (?,1,?,?,?,?,?,?,?,?,1,1)"
        )
        self.db.executemany(sql, sorted(rows))

    def _tracks(self, number: int, releases: Releases, t: Tracks) -> None:
        first = number * CHUNK
        ids = self.track[first : first + len(t.mbid)].tolist()
        of = self.release[int(self.first_release[number]) + np.array(t.release)].tolist()
        credits = list(self._credits(releases, t))
        packed, isrcs = map(pack_source_id, t.mbid), map(pack_isrc, t.isrc)
        status = (np.random.default_rng((self.spec.seed, 9, number)).integers(0, 10, len(ids)) // 3).tolist()
        rows = zip(
            ids, of, packed, t.title, credits, t.position, t.duration, isrcs, t.listens, t.explicit, status, strict=True
        )
        sql = (
            "INSERT INTO track (id, release, source_id, title, credit, disc, position, duration, isrc, popularity, "
            "explicit, status) VALUES (?,?,?,?,?,1,?,?,?,?,?,?)"
        )
        self.db.executemany(sql, sorted(rows))

    def _credits(self, releases: Releases, t: Tracks) -> Iterator[int | None]:
        rows = []
        for release, names in zip(t.release, t.credits, strict=True):
            if len(names) == 1:
                artist = names[0][0]
                yield None if artist == releases.artist[release] else int(self.artist[artist])
                continue
            self.credits += 1
            rows += [(self.credits, p, int(self.artist[a]), phrase) for p, (a, phrase) in enumerate(names)]
            yield -self.credits
        self.db.executemany("INSERT INTO credit VALUES (?,?,?,NULL,?,'')", rows)


def _ranks(weights: Any) -> Any:
    """1 for the heaviest; equal ones in the order of their numbers."""
    ranks = np.empty(len(weights), np.int64)
    ranks[np.argsort(-weights, kind="stable")] = np.arange(1, len(weights) + 1)
    return ranks


def _year(written: str) -> int | None:
    return int(written[:4]) if written[:4].isdecimal() and int(written[:4]) else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    started = time.perf_counter()
    fill(args.path, Spec(args.tracks, args.seed))
    print(f"{args.tracks:,} tracks in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
