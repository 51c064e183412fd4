"""Counts dumps of listens: how many there were of each recording, artist and release, and by how many people.

Files are Parquet (the dump for Spark), lines of JSON (``.listens``, ``.jsonl``), or tars of either (``.tar.xz``,
``.tar.zst``), or folders of them. Counting is DuckDB's, bounded in memory, in a folder that the caller removes: whose
listens they were is nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from phonolith.errors import BadInput
from phonolith.sources.dump_file import members
from phonolith.sources.text import visible

_MEMORY = "1GiB"
_LONGEST = 16 << 20  # bytes of a listen
_LINES = (".listens", ".jsonl")
_LISTEN = (
    "{user_id: 'VARCHAR', user_name: 'VARCHAR', track_metadata: 'STRUCT(mbid_mapping STRUCT(recording_mbid VARCHAR,"
    " artist_mbids VARCHAR[], release_mbid VARCHAR), additional_info STRUCT(recording_mbid VARCHAR, artist_mbids"
    " VARCHAR[], release_mbid VARCHAR))'}"
)
_FROM_LINES = (
    "SELECT coalesce(user_id, user_name, '') AS person,"
    " coalesce(m.mbid_mapping.recording_mbid, m.additional_info.recording_mbid) AS recording,"
    " coalesce(m.mbid_mapping.artist_mbids, m.additional_info.artist_mbids) AS artists,"
    " coalesce(m.mbid_mapping.release_mbid, m.additional_info.release_mbid) AS release"
    " FROM (SELECT *, track_metadata AS m FROM read_json({file}, format='newline_delimited',"
    f" columns={_LISTEN}, ignore_errors=true, maximum_object_size={_LONGEST}))"
)
_FROM_PARQUET = (
    "SELECT user_id::VARCHAR AS person, recording_mbid AS recording, artist_credit_mbids AS artists,"
    " release_mbid AS release FROM read_parquet({file})"
)
_THINGS = {"recording": "recording", "artist": "unnest(artists)", "release": "release"}


class Tally:
    """What was counted: ``listens`` in all, of which ``unmapped`` name no recording. To be closed."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        self.listens = 0
        self.unmapped = 0

    def add(self, file: Path, sql: str) -> None:
        """Count one file. Raises BadInput where it cannot be read."""
        quoted = "'" + str(file).replace("'", "''") + "'"
        try:
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE listen AS {sql.replace('{file}', quoted)}")
            counted = self._db.execute("SELECT count(*), count(*) FILTER (recording IS NULL) FROM listen").fetchall()
            for kind, thing in _THINGS.items():
                self._db.execute(
                    f"INSERT INTO heard SELECT '{kind}', mbid, person, count(*) FROM"
                    f" (SELECT {thing} AS mbid, person FROM listen) WHERE mbid IS NOT NULL GROUP BY ALL"
                )
        except duckdb.Error as error:
            raise BadInput(visible(file.name), f"cannot be counted: {error}", "Check what it is") from error
        self.listens += counted[0][0]
        self.unmapped += counted[0][1]

    def rows(self, kind: str) -> Iterator[tuple[str, int, int]]:
        """MBID, listens and listeners of each thing of a kind, by MBID; what is no MBID is left out."""
        cursor = self._db.cursor()
        cursor.execute(
            "SELECT lower(mbid) AS m, sum(listens)::BIGINT, count(DISTINCT person) FROM heard WHERE kind = $kind"
            " AND regexp_full_match(lower(mbid), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}') GROUP BY m ORDER BY m",
            {"kind": kind},
        )
        while some := cursor.fetchmany(10_000):
            yield from some
        cursor.close()

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()


def count_listens(files: Sequence[Path], folder: Path) -> Tally:
    """Count the listens of files and folders; ``folder`` takes the largest member of a tar, and what is counted.

    Raises BadInput (what cannot be read, files without listens), StorageError.
    """
    db = duckdb.connect(str(folder / "heard.duckdb"))
    for setting in (f"memory_limit='{_MEMORY}'", "threads=2", "enable_progress_bar=false"):
        db.execute(f"SET {setting}")
    for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
        db.execute(f"SET {setting}=false")
    db.execute("CREATE TABLE heard (kind VARCHAR, mbid VARCHAR, person VARCHAR, listens BIGINT)")
    tally = Tally(db)
    try:
        for file in files:
            for one in sorted(file.rglob("*")) if file.is_dir() else [file]:
                _add(tally, one, folder)
        if not tally.listens:
            raise BadInput(visible(files[0].name), "has no listens", "Give .listens, .jsonl, .parquet or a tar of them")
    except BaseException:
        tally.close()
        raise
    return tally


def _add(tally: Tally, file: Path, folder: Path) -> None:
    """Count a file, or what a tar has, one member after the other."""
    if sql := _way(file.name):
        tally.add(file, sql)
    elif ".tar" in file.name:
        for name, path in members(file, folder, lambda name: bool(_way(name))):
            tally.add(path, _way(name))
            path.unlink()


def _way(name: str) -> str:
    """How a file of this name is read, "" if it is not."""
    return _FROM_PARQUET if name.endswith(".parquet") else _FROM_LINES if name.endswith(_LINES) else ""
