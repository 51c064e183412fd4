"""What a harvest leaves in an archive, all of it, to be compared with what another leaves."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from phonolith.sources.payloads import collection_of
from phonolith.sources.payloads import read as read_payload
from phonolith.store.archive import Archive
from phonolith.store.lines import item_of
from phonolith.store.segments import read_run


class State(NamedTuple):
    """All that a harvest leaves: every line, what is current, bytes by digest, what runs and harvests counted."""

    lines: Counter[tuple[str, str, str]]
    current: dict[tuple[str, str], str]
    objects: dict[str, str]
    runs: dict[str, tuple[Any, ...]]
    brought: tuple[int, ...]


def used(root: Path) -> int:
    """Bytes of all files below, in whole pages."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in root.rglob("*") if path.is_file())


def state_of(archive: Archive) -> State:
    """What is in an archive, read from the files."""
    with archive.records() as store, archive.objects() as objects:
        lines: Counter[tuple[str, str, str]] = Counter()
        runs: dict[str, tuple[Any, ...]] = {}
        for source in store.sources():
            found = read_run(archive.held / "records" / "open.sqlite", source, 0, 10**9)
            lines.update((source, item_of(line), line.digest) for _, line in found)
            if run := store.frontier(source).run():
                runs[source] = (
                    run.listed,
                    run.total,
                    run.new,
                    run.changed,
                    run.gone,
                    bool(run.finished),
                    run.high_water,
                )
        current = {(one.source, one.item): one.digest for one in store.scan()}
        held = {one.sha256: _digest(objects.path(one.sha256)) for one in objects.all()}
        for source, item in current:
            if collection_of(source) and (record := store.get(source, item)) is not None:
                assert read_payload(record).sha256 in held, "lost: a record names bytes that are not held"
        sql = "SELECT sum(new), sum(changed), sum(gone) FROM harvest"
        brought = tuple(store._db.execute(sql).fetchone() or ())
    return State(lines, current, held, runs, brought)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
