"""What strangers write, read one way: infohashes, magnet links, moments, sizes, names of columns; and hostile files."""

from __future__ import annotations

import json
import random
import time
from datetime import date
from pathlib import Path

import pytest

from phonolith.audit.collecting import count_of, day_of, infohash_of, magnet_of, size_of
from phonolith.audit.extracted import Extract, Extracted, Wanted
from phonolith.audit.extracting import extract, extracted
from phonolith.audit.in_listing import columns_of, is_listing
from phonolith.audit.in_observations import read_observations, read_published
from phonolith.store.observations import Observations
from tests.releases.conftest import make

TODAY = date(2026, 11, 30).toordinal()
V1, V2 = "0123456789abcdef0123456789abcdef01234567", "ab" * 32


@pytest.mark.parametrize(
    ("text", "infohash"),
    [
        (V1.upper(), V1),
        (" " + V2, V2),
        ("1220" + V2, V2),
        ("AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH", V1),
        (V1[:-1], ""),
        ("g" * 40, ""),
        ("0" * 32, ""),
        ("", ""),
    ],
)
def test_infohashes(text: str, infohash: str) -> None:
    assert infohash_of(text) == infohash


def test_magnet_links() -> None:
    link = f"magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{V2}&dn=A+name&xl=10&tr=udp%3A%2F%2Fexample.org&xl=99"
    assert magnet_of(link) == ([V1, V2], "A name", 10)
    assert magnet_of(f"magnet:?xt.1=urn:btih:{V1}&xl=-3") == ([V1], "", None)
    assert magnet_of("magnet:?xt=urn:sha1:ABC&dn=x")[0] == []
    assert magnet_of(f"magnet:?xt=urn:btmh:{V1}")[0] == []
    assert magnet_of(f"http://example.org/?xt=urn:btih:{V1}")[0] == []
    assert magnet_of("magnet:?" + "&" * 1000) == ([], "", None)
    assert magnet_of(f"magnet:?xt=urn:btih:{V1}&xl={10**15 * 9}")[2] is None


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ("2026-01-31", date(2026, 1, 31).toordinal()),
        ("2026-01-31T23:30:00-02:00", date(2026, 2, 1).toordinal()),
        ("2026-01-31 10:00:00", date(2026, 1, 31).toordinal()),
        (1_769_900_000, date(2026, 1, 31).toordinal()),
        ("1769900000000", date(2026, 1, 31).toordinal()),
        ("0000-01-01", 0),
        ("2026-13-45", 0),
        ("99999999999999", date(5138, 11, 16).toordinal()),
        ("yesterday", None),
        (True, None),
    ],
)
def test_moments(told: object, day: int | None) -> None:
    assert day_of(told) == day


@pytest.mark.parametrize(
    ("told", "size"),
    [
        (10, (10, 10)),
        ("1,234", (1234, 1234)),
        ("1.5 kB", (1450, 1550)),
        ("1 KiB", (512, 1536)),
        ("1.50 GB", (1_495_000_000, 1_505_000_000)),
        ("-1", None),
        ("1e9", None),
        ("9" * 30, None),
        ("2000000 TB", None),
        (True, None),
        ([1], None),
        ("large", None),
    ],
)
def test_sizes(told: object, size: tuple[int, int] | None) -> None:
    assert size_of(told) == size


def test_counts() -> None:
    assert [count_of(one) for one in ("12", 0, -1, 1.5, "1e3", 10**8, True, None)] == [12, 0, *[None] * 6]


def test_columns_as_real_listings_have_them() -> None:
    """Names of a public list of torrents in JSON, of a scrape by BEP 48, of a tracker's page."""
    found = columns_of(["url", "display_name", "btih", "magnet_link", "torrent_size", "num_files", "data_size",
                        "seeders", "leechers", "completed", "stats_scraped_at"])  # fmt: skip
    assert found == {"infohash": "btih", "magnet": "magnet_link", "name": "display_name", "size": "data_size",
                     "files": "num_files", "seeders": "seeders", "leechers": "leechers", "completed": "completed",
                     "time": "stats_scraped_at"}  # fmt: skip
    assert columns_of(["info_hash", "complete", "incomplete", "downloaded"]) == {
        "infohash": "info_hash", "seeders": "complete", "leechers": "incomplete", "completed": "downloaded"
    }  # fmt: skip
    both = columns_of(["infohash", "seeders", "complete"])
    assert (both["seeders"], both["completed"]) == ("seeders", "complete")


def test_a_table_with_digests_of_files_is_no_listing(tmp_path: Path) -> None:
    for text, listing in (
        ("hash,size,path\n", False),
        ("hash,seeders,leechers\n", True),
        ("infohash,title\n", False),
        ("Info Hash;Seeders\n", False),
        ('"infohash","size"\r\n', True),
    ):
        (tmp_path / "x.csv").write_text(text)
        assert is_listing(tmp_path / "x.csv") is listing, text
    (tmp_path / "x.json").write_text('[{"btih": "", "seeders": 1}]')
    assert is_listing(tmp_path / "x.json")


def test_a_list_in_json(tmp_path: Path) -> None:
    path = tmp_path / "torrents.json"
    path.write_text(json.dumps({"torrents": [{"magnet_link": f"magnet:?xt=urn:btih:{V1}&xl=7", "seeders": 1}]}))
    found = extract(path, "listing", today=TODAY, day=TODAY)
    assert [(one.infohash, one.sizes, one.seeded) for one in found.listed] == [(V1, (7, 7), (TODAY,))]


def test_looks_of_an_archive_at_its_own_swarms(tmp_path: Path) -> None:
    path = tmp_path / "observations.sqlite"
    store = Observations(path)
    said = [{"by": "dht", "infohash": V1, "complete": 2, "ours": 1}, {"by": "x", "infohash": V2, "problem": "silent"}]
    store.add("00" * 32, "swarm", "phonolith", "0", "2026-05-01T00:00:00Z", {"bundle": "b", "said": said})
    store.add("00" * 32, "swarm", "phonolith", "0", "2026-05-01T00:00:00Z", {"bundle": "b"})
    store.close()
    found = read_observations(Extract(str(path), "swarm", 5, TODAY))
    assert [(one.infohash, one.seeded) for one in found.listed] == [(V1, (date(2026, 5, 1).toordinal(),)), (V2, ())]
    assert found.refused == {"value": 1}


def test_what_an_archive_published(tmp_path: Path) -> None:
    held = make(tmp_path)

    def bundle(name: str, v1: str, replaces: str = "") -> dict[str, object]:
        return {"name": name, "files": 3, "size": 30, "replaces": replaces, "torrents": [{"v1": v1, "v2": V2}]}

    with held.archive.register() as register:
        for bundles in ([bundle("a", V1), bundle("b", V1[::-1])], [bundle("c", "1" * 40, "b"), {"name": "d"}]):
            body = {"name": "x", "as_of": "", "settings": "", "bundles": bundles}
            register.append("release.published", body, actor="x", time="2026-05-01T00:00:00Z")
    found = read_published(Extract(str(held.archive.held / "register.sqlite"), "published", 5, TODAY))
    assert [(one.infohash, one.other, one.sizes, one.files) for one in found.listed] == [
        (V1, V2, (30, 30), (3, 3)),
        ("1" * 40, V2, (30, 30), (3, 3)),
    ]
    assert found.refused == {"value": 1}


PAGES = [Wanted("We hold 120 tracks", 120, 120, {"tracks": 1})]
SOUND = {
    "listing.csv": f"infohash,size,seeders,time\n{V1},10,1,2026-01-01\n" * 20,
    "listing.jsonl": json.dumps({"infohash": V1, "size": 10, "seeders": 1, "time": "2026-01-01"}) + "\n",
    "listing.json": json.dumps([{"infohash": V2, "size": "1 GB", "seeders": 1}] * 5),
    "magnets.txt": f"magnet:?xt=urn:btih:{V1}&dn=x&xl=10\n" * 5,
    "page.html": "<!doctype html><p>We hold <b>120</b> tracks<![CDATA[x]]><!-- y --><table><tr><td>300 TB</table>" * 5,
    "page.mhtml": "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n"
    "--x\nContent-Type: text/html\n\n<p>120 tracks\n--x--\n",
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_damaged_files_end_in_an_answer(name: str, tmp_path: Path) -> None:
    """Two hundred damaged ones of each kind, in this process, where whatever it raised would be seen."""
    chance, path = random.Random(name), tmp_path / name
    kind = name.partition(".")[0]
    for _ in range(200):
        data = bytearray(SOUND[name].encode())
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(data))
            if chance.random() < 0.5:
                data[place] = chance.randrange(256)
            else:
                del data[place : place + chance.randint(1, 30)]
                data = data or bytearray(b" ")
        path.write_bytes(data)
        assert isinstance(extracted(Extract(str(path), kind, 5, TODAY, 0, tuple(PAGES))), Extracted)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("listing.json", b"[" * 1_000_000),
        ("listing.jsonl", b'{"infohash":' * 100_000),
        ("listing.csv", b"infohash,size\n" + b'"a\n' * 2_000_000),
        ("listing.csv", b"infohash,size\n" + b"," * (17 << 20)),
        ("magnets.txt", b"magnet:?xt=urn:btih:" + b"&xt=urn:btih:" * 500_000),
        ("page.html", b"<!doctype html>" + b"<a" * 100_000),
        ("page.html", b"<!doctype html>" + b"<p>1 " * 200_000),
        ("page.html", b"<!doctype html><!" + b"[" * 1_000_000),
        ("page.mhtml", b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n" * 200_000),
        ("swarm.sqlite", b"SQLite format 3\0" + b"\xff" * 100_000),
    ],
)
def test_bombs_end_in_an_answer_and_in_time(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    before = time.monotonic()
    found = extract(path, name.partition(".")[0], today=TODAY, wanted=PAGES, seconds=3)
    assert not found.listed and not any(found.quotes)
    assert time.monotonic() - before < 30  # killed two seconds behind its deadline; the rest is for a busy machine
