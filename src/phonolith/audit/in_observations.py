"""Reads what an archive of ours published, and its looks at swarms: SQLite, which may be a stranger's and hostile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import apsw
import msgspec

from phonolith.audit.collecting import LARGEST, Collector, count_of, day_of, infohash_of
from phonolith.audit.counted import Unreadable
from phonolith.audit.extracted import Extract, Extracted
from phonolith.audit.in_sqlite import opened

_LOOKS = "SELECT time, value FROM observation WHERE kind = 'swarm'"
_EVENTS = "SELECT time, body FROM event WHERE kind = 'release.published' ORDER BY seq"
_MOST_FILES = 10_000_000


def read_observations(request: Extract) -> Extracted:
    """The torrents whose swarms were looked at, as docs/on-disk-format.md has it. Raises Unreadable."""
    collector = Collector(request.today)

    def take(moment: Any, told: Mapping[str, Any]) -> None:
        for one in told["said"]:
            if infohash := infohash_of(str(one["infohash"])[:100]):
                collector.add(infohash, seeders=count_of(one.get("complete", "")), day=day_of(moment))

    _each(request, "observation", _LOOKS, collector, take)
    return Extracted(collector.listed(), (), collector.rows, dict(collector.refused))


def read_published(request: Extract) -> Extracted:
    """The bundles that a register says are published and current, with files and bytes of them. Raises Unreadable."""
    collector = Collector(request.today)
    bundles: dict[str, Mapping[str, Any]] = {}

    def take(moment: Any, told: Mapping[str, Any]) -> None:
        if told.get("anew"):
            bundles.clear()
        for one in told["bundles"]:
            bundles.pop(str(one.get("replaces", "")), None)
            bundles[str(one["name"])] = one

    _each(request, "event", _EVENTS, collector, take)
    for one in bundles.values():
        try:
            _add(collector, one)
        except (KeyError, TypeError, AttributeError):
            collector.refused["value"] += 1
    return Extracted(collector.listed(), (), collector.rows, dict(collector.refused))


def _add(collector: Collector, bundle: Mapping[str, Any]) -> None:
    """One bundle, which may have a torrent of each version: all of them are the same bytes."""
    infohashes = [infohash_of(str(one[name])) for one in bundle["torrents"] for name in ("v1", "v2") if one.get(name)]
    if not infohashes or not infohashes[0]:
        collector.refused["infohash"] += 1
        return
    size = bundle["size"]
    sizes = (size, size) if type(size) is int and 0 <= size <= LARGEST else ()
    files = count_of(bundle["files"], _MOST_FILES)
    other = infohashes[1] if len(infohashes) > 1 else ""
    collector.add(infohashes[0], other=other, name=str(bundle["name"]), sizes=sizes, files=files)


def _each(
    request: Extract, table: str, sql: str, collector: Collector, take: Callable[[Any, Mapping[str, Any]], None]
) -> None:
    """Give each row of a time and a JSON object to ``take``; rows that are nothing of the kind are counted."""
    try:
        with opened(request.path, time.process_time() + request.seconds) as (db, plain):
            for moment, value in db.execute(sql) if table in plain else ():
                collector.rows += 1
                try:
                    take(moment, msgspec.json.decode(value))
                except (msgspec.MsgspecError, TypeError, KeyError, AttributeError):
                    collector.refused["value"] += 1
    except apsw.Error as error:
        raise Unreadable(f"SQLite cannot read it: {error}") from error
