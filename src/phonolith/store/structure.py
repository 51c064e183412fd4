"""Compares what the ledger says with what is there, without reading bytes: rows, places, and files nobody names."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from phonolith.errors import Damaged
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.store.files import PART, TEMPORARY, printable, storage_error
from phonolith.store.ledger import AWAITED, DROPPED, EXPUNGED, Ledger, Place
from phonolith.store.passport import Passport, contradictions
from phonolith.store.segments import Segment
from phonolith.store.volumes import MARKER, Volume

_RESTORE = "Restore it from a backup or a mirror, then run: phonolith verify"
_ROW = "Restore held/ledger.sqlite from a backup; bundles made of this row would be wrong"
_MOUNT = "Mount its disk, or correct [volumes] in phonolith.toml"
_ORPHAN = "A crash may have left it; taking the same bytes in again gives it a row. Else move it out of the volume"
_BACKUP = "Restore it from a backup"
_ASIDE = re.compile(r"[0-9a-f]{62}\.corrupt-\d{8}T\d{6}Z(-\d+)?")
_STONES = {
    EXPUNGED: "It is gone for good",
    DROPPED: "It comes back when that archive reinstates it",
    AWAITED: "To fetch it again: phonolith mirror URL",
}
#: Codes of findings that say why an object has no bytes, which is as it should be.
TOMBSTONES = frozenset(f"object.{why}" for why in _STONES)
_FOLDERS = [f"{first:02x}" for first in range(256)]


def check_ledger(
    ledger: Ledger, volumes: tuple[Volume, ...], progress: Progress, *, orphans: bool = True
) -> Iterator[Finding]:
    """Every row against itself and against its files, and every file in the volumes against the rows.

    Goes by the first byte of the digest, so that memory has a 256th of a volume's names at a time. ``orphans`` is
    False while a harvest may be taking files in: their names are there before their rows.
    """
    if broken := _broken(ledger):
        yield from (Finding("ledger.damaged", "held/ledger.sqlite", one, _BACKUP, "error") for one in broken)
        return  # its rows are not to be believed
    check = _Check(ledger, {one.name: one for one in volumes if one.present}, orphans)
    progress.start("Comparing", ledger.totals()[0], "objects")
    for first in range(256):
        yield from check.folder(first, progress)
    progress.finish()
    yield from check.volumes(volumes)


def check_segments(segments: list[Segment]) -> Iterator[Finding]:
    """Whether each sealed file of records is there."""
    for one in segments:
        if not one.path.is_file():
            yield Finding("segment.gone", printable(one.path), "it is not there", _RESTORE, "error")


def _broken(ledger: Ledger) -> list[str]:
    """What SQLite finds wrong with the ledger's file."""
    try:
        return ledger.damaged()
    except Damaged as error:
        return [error.problem]


class _Check:
    """The comparison; counts what lies on volumes that are not there instead of telling each."""

    def __init__(self, ledger: Ledger, present: Mapping[str, Volume], orphans: bool) -> None:
        self._ledger = ledger
        self._present = present
        self._orphans = orphans
        self._absent: dict[str, int] = {}
        self._tombstones = {one.sha256: one for one in ledger.tombstones()}

    def folder(self, first: int, progress: Progress) -> Iterator[Finding]:
        """All objects whose digest begins with this byte."""
        files = {name: _entries(volume.path / _FOLDERS[first]) for name, volume in self._present.items()}
        low, high = bytes([first]), bytes([first + 1]) if first < 255 else b"\xff" * 33
        count = 0
        for passport, places in self._ledger.rows(low, high):
            yield from self._object(passport, places, files)
            count += 1
        progress.advance(count)
        if self._orphans:
            for name, left in files.items():
                yield from self._unnamed(self._present[name], first, left)

    def volumes(self, volumes: tuple[Volume, ...]) -> Iterator[Finding]:
        """Volumes that are not there, and what lies in the others beside the folders of objects."""
        known = {one.name: one for one in volumes}
        for name, count in sorted(self._absent.items()):
            where = printable(known[name].path) if name in known else "it is not in [volumes]"
            problem = f"is not mounted ({where}); {count:,} copies on it were not looked at"
            yield Finding("volume.absent", f"volume {name}", problem, _MOUNT, "error")
        for volume in self._present.values():
            for name in sorted(_entries(volume.path)):
                if name not in _FOLDERS and name != MARKER and not name.startswith((TEMPORARY, PART)):
                    problem = "is no folder of objects, but lies in a volume"
                    yield Finding("volume.stray", printable(volume.path / name), problem, "Move it elsewhere")

    def _object(
        self, passport: Passport, places: list[Place], files: Mapping[str, dict[str, os.DirEntry[str]]]
    ) -> Iterator[Finding]:
        name = passport.sha256.hex()
        for problem in contradictions(passport):
            yield Finding("ledger.row", name, problem, _ROW, "error")
        if (stone := self._tombstones.get(passport.sha256)) is not None:
            yield Finding(f"object.{stone.why}", name, f"is {stone}", _STONES[stone.why], "note")
        elif not places:
            yield Finding("object.nowhere", name, "the ledger names no place of it", _RESTORE, "error")
        for place in places:
            if not place.volume:
                yield from _outside(passport.size, place)
            elif place.volume in files:
                path = self._present[place.volume].object_path(name)
                yield from _inside(path, passport.size, files[place.volume].pop(name[2:], None))
            else:
                self._absent[place.volume] = self._absent.get(place.volume, 0) + 1

    def _unnamed(self, volume: Volume, first: int, left: Mapping[str, object]) -> Iterator[Finding]:
        """Files of a folder that no row named while it was gone through, and still none does."""
        for name in sorted(left):
            path = volume.path / _FOLDERS[first] / name
            if _ASIDE.fullmatch(name):
                problem = "is the damaged object that a repair set aside"
                yield Finding("volume.aside", printable(path), problem, "Remove it when you are content", "note")
                continue
            try:
                digest = bytes.fromhex(path.parent.name + name)
            except ValueError:
                digest = b""
            if len(digest) != 32 or digest.hex()[2:] != name:
                yield Finding("volume.stray", printable(path), "has no name that an object has", "Move it elsewhere")
            elif Place(volume.name) not in self._ledger.places(digest):
                yield Finding("volume.orphan", printable(path), "no row of the ledger names it", _ORPHAN)


def _entries(folder: Path) -> dict[str, os.DirEntry[str]]:
    """What is in the folder, by name; nothing where it is not there."""
    try:
        with os.scandir(folder) as found:
            return {entry.name: entry for entry in found}
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _inside(path: Path, size: int, entry: os.DirEntry[str] | None) -> Iterator[Finding]:
    """One place inside a volume: a regular file of the right size."""
    try:
        found = entry.stat(follow_symlinks=False) if entry is not None else None
    except FileNotFoundError:
        found = None
    except OSError as error:
        yield Finding("object.unreadable", printable(path), storage_error(path, error).problem, _RESTORE, "error")
        return
    yield from _compare(path, size, found)


def _outside(size: int, place: Place) -> Iterator[Finding]:
    """One place outside: the file that was adopted by reference, unchanged since."""
    path = Path(os.fsdecode(place.path))
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        found = None
    except OSError as error:
        yield Finding("object.unreadable", printable(path), storage_error(path, error).problem, _RESTORE, "error")
        return
    yield from _compare(path, size, found)
    if found is not None and found.st_size == size and found.st_mtime_ns != place.mtime_ns:
        problem = "was changed, or touched, since it was adopted by reference"
        yield Finding("object.changed", printable(path), problem, "Harvest it again, or put it back", "error")


def _compare(path: Path, size: int, found: os.stat_result | None) -> Iterator[Finding]:
    if found is None:
        yield Finding("object.gone", printable(path), "it is not there", _RESTORE, "error")
    elif not stat.S_ISREG(found.st_mode):
        problem = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "something that is not a file"
        yield Finding("object.replaced", printable(path), f"{problem} lies in its place", _RESTORE, "error")
    elif found.st_size != size:
        problem = f"it has {found.st_size:,} bytes instead of {size:,}"
        yield Finding("object.size", printable(path), problem, _RESTORE, "error")
