"""Reads a stranger's listing of torrents: CSV, TSV, JSON lines, or JSON with one list of objects.

Columns are known by the names that real listings give them, and what was taken for what is told.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from phonolith.audit.collecting import MOST_PEERS, Collector, count_of, day_of, infohash_of, magnet_of, size_of
from phonolith.audit.counted import Unreadable
from phonolith.audit.extracted import Extract, Extracted
from phonolith.audit.in_text import ENDINGS, rows_of

_LARGEST_LIST = 64 << 20  # bytes of JSON that is one value, and so is held as a whole
_HEAD = 64 << 10
_MOST_FILES = 10_000_000

#: Names of columns, without case and signs, those that say most clearly what they are first. ``complete`` is what BEP
#: 48 calls seeders; where a listing has a column of seeders besides, it is how often the torrent was downloaded.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "infohash": ("infohash", "infohashv1", "infohashhex", "btih", "torrenthash", "infohashv2", "btmh", "hash"),
    "other": ("infohashv2", "btmh"),
    "magnet": ("magnet", "magnetlink", "magneturi", "magneturl"),
    "name": ("name", "title", "displayname", "torrentname", "dn"),
    "size": ("size", "sizebytes", "sizeinbytes", "totalsize", "totalbytes", "datasize", "contentsize", "bytes",
             "length", "totallength", "xl"),
    "files": ("files", "numfiles", "filecount", "filescount", "numberoffiles", "nfiles"),
    "seeders": ("seeders", "seeds", "numseeders", "numseeds", "seederscount", "seedercount", "seed", "numcomplete",
                "complete"),
    "leechers": ("leechers", "leeches", "numleechers", "numleeches", "leecherscount", "leechercount", "leech",
                 "numincomplete", "incomplete"),
    "completed": ("completed", "downloaded", "downloads", "timescompleted", "timesdownloaded", "snatches", "snatched",
                  "grabs", "complete"),
    "time": ("scrapedat", "statsscrapedat", "scraped", "scrapetime", "scrapedate", "seenat", "lastseen", "lastchecked",
             "lastscrape", "lastscraped", "checkedat", "snapshot", "snapshotdate", "observedat", "time", "timestamp",
             "datetime", "date", "when", "asof"),
}  # fmt: skip


def columns_of(names: list[str]) -> dict[str, str]:
    """Which column is taken for what; each for one thing."""
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), name)
    found: dict[str, str] = {}
    for meaning, known in COLUMNS.items():
        taken = next((plain[one] for one in known if one in plain and plain[one] not in found.values()), "")
        if taken:
            found[meaning] = taken
    return found


def is_listing(path: Path) -> bool:
    """Whether a file begins as a listing does: with names for an infohash, and for seeders, leechers or a size."""
    suffix = path.suffix.lower()
    if suffix not in ENDINGS and suffix != ".json":
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8-sig", "replace")
    kind = ENDINGS.get(suffix, "JSON")
    if kind in ("CSV", "TSV"):
        line = head.partition("\n")[0]
        names = [one.strip(' "\r') for one in line.split("\t" if kind == "TSV" else ",")]
    else:
        names = re.findall(r'"([^"\\]{1,40})"\s*:', head[: head.find("}") + 1 or None])
    found = columns_of(names)
    sure = {"seeders", "leechers"} if found.get("infohash", "").lower() == "hash" else {"seeders", "leechers", "size"}
    return bool({"infohash", "magnet"} & found.keys() and sure & found.keys())


def read_listing(request: Extract) -> Extracted:
    """All torrents that a listing names. Raises Unreadable, and what the readers of rows raise."""
    collector = Collector(request.today)
    columns: dict[str, str] = {}
    names: dict[str, None] = {}
    late = time.process_time() + request.seconds
    for number, row in enumerate(_rows(Path(request.path))):
        if not number % 1024 and time.process_time() > late:
            raise Unreadable(f"reading it takes longer than {request.seconds:g} seconds")
        if len(names) < 1000 and not row.keys() <= names.keys():
            names |= dict.fromkeys(row)
            columns = columns_of(list(names))
        _take(collector, columns, row, request.day)
    if not {"infohash", "magnet"} & columns.keys():
        raise Unreadable("none of its columns has infohashes")
    unused = tuple(_plain(name) for name in names if name not in columns.values())
    told = {meaning: _plain(name) for meaning, name in columns.items()}
    return Extracted(collector.listed(), (), collector.rows, dict(collector.refused), told, unused[:50])


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.suffix.lower() != ".json":
        yield from rows_of(path)
        return
    if path.stat().st_size > _LARGEST_LIST:
        raise Unreadable(f"it is JSON of more than {_LARGEST_LIST >> 20} MiB: write a line for each torrent (.jsonl)")
    told = msgspec.json.decode(path.read_bytes())
    if isinstance(told, dict):
        lists = [one for one in told.values() if isinstance(one, list)]
        told = lists[0] if len(lists) == 1 else told
    if not isinstance(told, list):
        raise Unreadable("it is no list of objects")
    for row in told:
        if not isinstance(row, dict):
            raise Unreadable("something in its list is no object")
        yield row


def _take(collector: Collector, columns: Mapping[str, str], row: Mapping[str, Any], day: int) -> None:
    collector.rows += 1
    get = {meaning: row.get(name) for meaning, name in columns.items()}
    get = {meaning: value for meaning, value in get.items() if value not in (None, "")}
    linked, name, length = magnet_of(str(get.get("magnet", ""))[:10_000])
    own = [one for key in ("infohash", "other") if key in get and (one := infohash_of(str(get[key])[:100]))]
    both = list(dict.fromkeys([*own, *linked]))
    if not both:
        collector.refused["infohash"] += 1
        return
    sizes = size_of(get["size"]) if "size" in get else (length, length) if length is not None else None
    files, seeders = count_of(get.get("files", ""), _MOST_FILES), count_of(get.get("seeders", ""), MOST_PEERS)
    for key, value in (("size", sizes), ("files", files), ("seeders", seeders)):
        if key in get and value is None:
            collector.refused[key] += 1
    moment = day_of(get["time"]) if "time" in get else None
    collector.add(
        both[0],
        other=both[1] if len(both) > 1 else "",
        name=_text(get.get("name", name)),
        sizes=sizes or (),
        files=files,
        seeders=seeders,
        day=moment if "time" in columns else day or None,
    )


def _plain(name: str) -> str:
    return "".join(one for one in name[:60] if one.isprintable())


def _text(told: Any) -> str:
    return told[:300] if isinstance(told, str) else json.dumps(told)[:300]
