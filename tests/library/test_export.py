"""The export says what the catalogue says, in public ids, sorted, the same each time, without what is withdrawn."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from phonolith.errors import StorageError
from phonolith.library.catalogue import Catalogue
from phonolith.library.export import export_parquet
from phonolith.library.export_rows import TABLES
from phonolith.library.overlay import NoEvents, Overlay
from phonolith.library.reading import Library
from phonolith.store.register import Register
from tests.sample import ARTISTS, NOW, RELEASES, make_catalogue


@pytest.fixture
def made(tmp_path: Path) -> tuple[Library, dict[str, str]]:
    ids = make_catalogue(tmp_path / "catalogue.sqlite")
    return Library(Catalogue.open(tmp_path / "catalogue.sqlite"), Overlay(NoEvents())), ids


def test_every_row_arrives_under_its_public_id(made: tuple[Library, dict[str, str]], tmp_path: Path) -> None:
    library, ids = made
    found = {one.path.name: one for one in export_parquet(library, tmp_path / "out")}
    assert {name: one.rows for name, one in found.items()} == {
        "tracks.parquet": 50,
        "releases.parquet": len(RELEASES),
        "artists.parquet": len(ARTISTS),
    }
    for kind in ("track", "release", "artist"):
        exported = [row[0] for row in duckdb.sql(f"SELECT id FROM '{tmp_path}/out/{kind}s.parquet'").fetchall()]
        assert exported == sorted(identifier for name, identifier in ids.items() if name.startswith(kind + ":"))


def test_a_track_is_told_in_full(made: tuple[Library, dict[str, str]], tmp_path: Path) -> None:
    library, ids = made
    export_parquet(library, tmp_path / "out")
    sql = f"SELECT * FROM '{tmp_path}/out/tracks.parquet' WHERE id = ?"
    cursor = duckdb.execute(sql, [ids["track:road/2"]])
    columns = [column[0] for column in cursor.description or ()]
    row = dict(zip(columns, cursor.fetchall()[0], strict=True))
    assert row["artist"] == "The Quiet Machines feat. Ana N."
    assert row["credits"] == [
        {"id": ids["artist:quiet"], "name": "The Quiet Machines", "join": " feat. ", "role": ""},
        {"id": ids["artist:ana"], "name": "Ana N.", "join": "", "role": ""},
    ]
    assert (row["release_id"], row["date"], row["year"]) == (ids["release:road"], "2004-05-17", 2004)
    assert (row["licence"], row["licence_family"], row["evidence_level"]) == ("CC-BY-4.0", "by", 2)
    assert sorted(row["genres"]) == ["ambient", "post-rock"]
    assert (row["explicit"], row["status"], row["duration_ms"]) == (None, "held", 185_500)
    isrc = duckdb.execute(f"SELECT isrc FROM '{tmp_path}/out/tracks.parquet' WHERE id = ?", [ids["track:road/1"]])
    assert isrc.fetchall() == [("DEA120400001",)]


def test_no_column_is_a_row_number(made: tuple[Library, dict[str, str]], tmp_path: Path) -> None:
    library, _ = made
    export_parquet(library, tmp_path / "out")
    for name, count in (("tracks", 50), ("releases", 15), ("artists", 12)):
        relation = duckdb.sql(f"SELECT * FROM '{tmp_path}/out/{name}.parquet'")
        for values in zip(*relation.fetchall(), strict=True):
            assert sorted(map(str, values)) != sorted(map(str, range(1, count + 1)))


def test_the_same_catalogue_gives_the_same_bytes(made: tuple[Library, dict[str, str]], tmp_path: Path) -> None:
    library, _ = made
    export_parquet(library, tmp_path / "one")
    export_parquet(library, tmp_path / "two")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_what_is_withdrawn_stays_behind(tmp_path: Path) -> None:
    ids = make_catalogue(tmp_path / "catalogue.sqlite")
    with Register(tmp_path / "register.sqlite") as register:
        library = Library(Catalogue.open(tmp_path / "catalogue.sqlite"), Overlay(register, every=0))
        body = {"subjects": [ids["release:road"], ids["artist:radio"]], "because": "asked", "ground": "owner"}
        register.append("item.withdrawn", body, actor="operator", time=NOW)
        rows = {one.path.stem: one.rows for one in export_parquet(library, tmp_path / "out")}
    assert rows == {"tracks": 50 - 8 - 3 - 1, "releases": 13, "artists": 11}


def test_a_folder_that_cannot_be_made_is_said(made: tuple[Library, dict[str, str]], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        export_parquet(made[0], tmp_path / "file" / "out")


def test_a_name_with_a_quote_is_a_name(made: tuple[Library, dict[str, str]], tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    export_parquet(made[0], folder)
    assert sorted(path.name for path in folder.iterdir()) == ["artists.parquet", "releases.parquet", "tracks.parquet"]


def test_the_columns_are_those_that_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/read-model.md").read_text("utf-8")
    for table in TABLES:
        assert f"| `{table.name}.parquet` | {', '.join(table.columns)} |" in page
