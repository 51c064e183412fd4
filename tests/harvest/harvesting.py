"""What the tests of harvests share: an archive, a clock, a quick tag reader, findings by code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from phonolith.harvest.folder import FolderOptions, harvest_folder
from phonolith.harvest.report import HarvestReport
from phonolith.harvest.table import harvest_table
from phonolith.model.music import Description
from phonolith.model.progress import Silent
from phonolith.sources.base import open_source, settings_of
from phonolith.sources.tag_reader import Reading, read_file
from phonolith.store.archive import Archive

NOW = "2026-11-21T10:00:00Z"

#: A column map of tracks with their releases, for tables of a few columns.
MAP = """
name = "x"
title = "X"
[[table]]
name = "tracks"
file = "tracks.csv"
key = "id"
[table.track]
title = "title"
artist = "artist"
[table.release]
key = "album"
title = "album"
artist = "artist"
"""


def clock() -> str:
    return NOW


class Said(Silent):
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def read_here(path: Path) -> Reading:
    """Tags read in this process: quick, and our own files only."""
    return read_file(str(path))


def new_archive(root: Path) -> Archive:
    return Archive.create(root, name="test", contact="test", now=NOW)


def folder(
    archive: Archive, path: Path, *, read: Callable[[Path], Reading] = read_here, **options: Any
) -> HarvestReport:
    progress = options.pop("progress", Said())
    return harvest_folder(archive, path, FolderOptions(**options), progress=progress, clock=clock, read=read)


def table(archive: Archive, path: Path, map_path: Path) -> HarvestReport:
    return harvest_table(archive, path, map_path, progress=Said(), clock=clock)


def counts(report: HarvestReport) -> tuple[int, int, int, int]:
    return report.new, report.changed, report.unchanged, report.gone


def codes(report: HarvestReport) -> set[str]:
    return {finding.code for finding in report.findings}


def described(archive: Archive, kind: type | None = None) -> list[Any]:
    """Everything that the current records say."""
    return [one for one in _all(archive) if kind is None or isinstance(one, kind)]


def _all(archive: Archive) -> Iterator[Description]:
    with archive.records() as store:
        for name in store.sources():
            source = open_source(name, settings_of(store, name))
            for record in store.scan([name]):
                yield from source.interpret(record)
