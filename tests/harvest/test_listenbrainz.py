"""ListenBrainz is gathered as counts; who listened is nowhere in the archive."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from phonolith.errors import BadInput, NotFound, UsageError
from phonolith.harvest.online import Order, harvest_online
from phonolith.harvest.report import HarvestReport
from phonolith.model.music import PopularityDescription
from phonolith.sources.base import open_source
from phonolith.sources.listens import count_listens
from phonolith.store.archive import Archive
from tests.harvest.test_gather import Clock
from tests.harvest.test_musicbrainz import means
from tests.sources.dumping import Origin

NAME = "listenbrainz.main"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", name="test", contact="a@example.org", now=Clock()())


def harvest(archive: Archive, origin: Origin, **wish: tuple[str, ...]) -> HarvestReport:
    return harvest_online(archive, Order("listenbrainz", wish), means(origin))[0]


def said(archive: Archive) -> dict[str, PopularityDescription]:
    source = open_source(NAME)
    with archive.records() as store:
        found = [one for record in store.scan([NAME]) for one in source.interpret(record)]
    return {one.id: one for one in found if isinstance(one, PopularityDescription)}


def test_counts_by_mbid_in_thousands(archive: Archive, shared_data: Path, tmp_path: Path) -> None:
    rows = json.loads(
        (shared_data / "listenbrainz/listenbrainz/testdata/top_recording_db_data_for_api_test.json").read_text()
    )
    real = {mbid: (listens, listeners) for _, mbid, listens, listeners in rows}
    never = "00000000-0000-4000-8000-000000000000"
    answer = [
        {"recording_mbid": mbid, "total_listen_count": listens, "total_user_count": listeners}
        for mbid, (listens, listeners) in real.items()
    ]
    answer.append({"recording_mbid": never, "total_listen_count": None, "total_user_count": None})
    more = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 1001)]
    named = tmp_path / "recordings.txt"
    named.write_text("\n".join([*(mbid.upper() for mbid in real), never, *more, ""]))
    origin = Origin({"/1/popularity/recording": json.dumps(answer).encode()})
    harvest(archive, origin, recordings=(str(named),))
    asked = [json.loads(body)["recording_mbids"] for body in origin.bodies]
    assert [mbid for some in asked for mbid in some] == [*real, never, *more]
    assert max(map(len, asked)) == 1000 and len(asked) == 2
    found = {one.mbid: (one.listens, one.listeners) for one in said(archive).values()}
    assert found == real
    assert {one.kind for one in said(archive).values()} == {"recording"}


def test_charts_to_their_end(archive: Archive, shared_data: Path) -> None:
    path = shared_data / "listenbrainz/listenbrainz/testdata/sitewide_top_artists_db_data_for_api_test.json"
    chart = json.loads(path.read_text())["data"]
    base = "/1/stats/sitewide"
    pages = {
        f"{base}/artists?range=all_time&count=100&offset={at}": json.dumps(
            {"payload": {"artists": chart[at : at + 100], "offset": at}}
        ).encode()
        for at in range(0, len(chart) + 100, 100)
    }
    empty = {
        f"{base}/{kind}": json.dumps({"payload": {kind.replace("-", "_"): []}}).encode()
        for kind in ("recordings", "releases", "release-groups")
    }
    harvest(archive, Origin(pages | empty), top=("all_time",))
    named = {one["artist_mbid"]: one["listen_count"] for one in chart if one["artist_mbid"]}
    assert {one.mbid: one.listens for one in said(archive).values()} == named
    assert said(archive)[f"sitewide/artist/{chart[0]['artist_mbid']}"].name == chart[0]["artist_name"]


def real_listens(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "listenbrainz/listenbrainz_spark/testdata/full-dump-1").glob("*.parquet"))


def test_dumps_are_counted_and_their_listeners_forgotten(archive: Archive, shared_data: Path, tmp_path: Path) -> None:
    files = real_listens(shared_data)
    rows = [
        row
        for file in files
        for row in duckdb.sql(
            f"SELECT recording_mbid, user_id FROM '{file}' WHERE recording_mbid IS NOT NULL"
        ).fetchall()
    ]
    listens = Counter(mbid for mbid, _ in rows)
    listeners = Counter(mbid for mbid, _ in set(rows))
    dump = tmp_path / "listens.tar.xz"
    with lzma.open(dump, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for file in files:
            tar.add(file, f"listens/{file.name}")
    report = harvest(archive, Origin({}), dump=(str(dump),))
    found = {one.mbid: (one.listens, one.listeners) for one in said(archive).values() if one.kind == "recording"}
    assert found == {mbid: (listens[mbid], listeners[mbid]) for mbid in listens} and len(found) > 5
    assert {one.kind for one in said(archive).values()} == {"recording", "artist", "release"}
    assert report.objects == 0 and not list(archive.private.glob("counting-*"))


def lines(shared_data: Path) -> list[dict[str, Any]]:
    path = shared_data / "listenbrainz/listenbrainz/testdata/listenbrainz_listens.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def test_lines_of_listens_name_nobody_afterwards(archive: Archive, shared_data: Path, tmp_path: Path) -> None:
    some = lines(shared_data)
    for number, listen in enumerate(some):
        listen |= {"user_name": f"secret-listener-{number % 2}", "user_id": 7_770_000 + number % 2}
    tar_path = tmp_path / "listens.tar.xz"
    content = "".join(json.dumps(one) + "\n" for one in [*some, *some]).encode()
    with lzma.open(tar_path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        info = tarfile.TarInfo("dump/listens/2020/1.listens")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    harvest(archive, Origin({}), dump=(str(tar_path),))
    counted = Counter(
        mbid
        for one in some
        if (
            mbid := (one["track_metadata"].get("mbid_mapping") or {}).get("recording_mbid")
            or (one["track_metadata"].get("additional_info") or {}).get("recording_mbid")
        )
    )
    found = {one.mbid: one.listens for one in said(archive).values() if one.kind == "recording"}
    assert found == {mbid: 2 * count for mbid, count in counted.items()} and found
    for path in archive.root.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert b"secret-listener" not in held and b"777000" not in held, path


def test_the_listeners_would_be_found(shared_data: Path, tmp_path: Path) -> None:
    """Control: while it counts, the folder that is removed afterwards does name them."""
    listen = lines(shared_data)[0] | {"user_name": "secret-listener"}
    (tmp_path / "a.jsonl").write_text(json.dumps(listen) + "\n")
    work = tmp_path / "work"
    work.mkdir()
    count_listens([tmp_path / "a.jsonl"], work).close()
    assert b"secret-listener" in b"".join(path.read_bytes() for path in work.iterdir())


def test_what_is_no_dump_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    (tmp_path / "b.jsonl").write_bytes(b"")
    with pytest.raises(BadInput, match="cannot be counted"):
        count_listens([tmp_path / "a.parquet"], tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(BadInput, match="no listens"):
        count_listens([tmp_path / "b.jsonl"], work)


@pytest.mark.parametrize("wish", [{}, {"top": ("for_ever",)}, {"top": ("year",), "dump": ("x",)}])
def test_wishes_that_make_no_sense(archive: Archive, wish: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(UsageError):
        harvest(archive, Origin({}), **wish)
    with pytest.raises(NotFound):
        harvest(archive, Origin({}), artists=("/nowhere/list",))
