"""Reads a Phonolith archive as a statement of what its volumes hold: the ledger's objects. Nothing in it is written."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from phonolith.errors import PhonolithError, SettingError
from phonolith.model.finding import Finding
from phonolith.releases.verify.copies import Copy, Digest, Expected, Tree
from phonolith.releases.verify.listing import Listing, listing, read_small, seen
from phonolith.store.files import printable, storage_errors
from phonolith.store.ledger import Tombstone
from phonolith.store.objects import ObjectStore
from phonolith.store.passport import Passport
from phonolith.store.volumes import MARKER, Volume, volumes_from

SETTINGS = "phonolith.toml"
_LEDGER = Path("held", "ledger.sqlite")
_LARGEST = 1 << 20


def archive(root: Path) -> Copy:
    """The objects that an archive's ledger names, each at its places. Raises SettingError, NotFound, Damaged."""
    volumes = _volumes(root)
    findings = [
        Finding("archive.volume", one.name, "is not there", "Mount its disk, or copy it too", "error")
        for one in volumes
        if not one.present
    ]
    found = Listing()
    for one in volumes:
        _list(one, root, found)
    markers = frozenset(_below(one.path / MARKER, root) for one in volumes)
    expected = {}
    if (root / _LEDGER).exists() or found.files.keys() - markers:  # a new archive that holds nothing has no ledger yet
        with ObjectStore(root / _LEDGER, volumes, readonly=True) as objects:
            expected = {one.path: one for one in _expected(objects, root, found)}
            findings += [_gone(one) for one in objects.tombstones()]
    name = root.absolute().name
    trees = _Trees(root / _LEDGER, volumes)
    return Copy("archive", name, root, expected, found, tuple(findings), tree_of=trees, own=markers)


def _gone(one: Tombstone) -> Finding:
    return Finding(f"archive.{one.why}", one.sha256.hex(), f"is {one}", severity="note")


class _Trees:
    """The tree of an object, from its passport; the ledger is opened when the first one is asked for."""

    def __init__(self, ledger: Path, volumes: tuple[Volume, ...]) -> None:
        self._ledger, self._volumes = ledger, volumes
        self._objects: ObjectStore | None = None

    def __call__(self, one: Expected) -> Tree | None:
        if self._objects is None:
            self._objects = ObjectStore(self._ledger, self._volumes, readonly=True)
        told = self._objects.passport(one.digests[0].value)
        return tree_of(told) if told else None


def tree_of(told: Passport) -> Tree | None:
    """The tree in a passport, None of an empty object."""
    return Tree(told.root, told.layer or told.root, told.piece_length) if told.root else None


def _volumes(root: Path) -> tuple[Volume, ...]:
    path = root / SETTINGS
    try:
        with storage_errors(path):
            settings: dict[str, Any] = tomllib.loads(read_small(path, _LARGEST, "archive.settings").decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(printable(path), f"it is not TOML in UTF-8 ({error})", "Correct that line") from error
    volumes = settings.get("volumes", {"main": "held/objects/main"})
    if not isinstance(volumes, dict):
        raise SettingError("volumes", "it is not a table", "Write [volumes] in phonolith.toml")
    return volumes_from(volumes, root)


def _list(volume: Volume, root: Path, into: Listing) -> None:
    """Add what is in a volume to a listing of the archive."""
    if not volume.present:
        return
    found = listing(volume.path)
    into.files.update({_below(volume.path / path, root): one for path, one in found.files.items()})
    into.odd.update({_below(volume.path / path, root): odd for path, odd in found.odd.items()})


def _expected(objects: ObjectStore, root: Path, found: Listing) -> Iterator[Expected]:
    for held in objects.all():
        told = objects.passport(held.sha256)
        inside = [path for one in objects.volumes if (path := str(one.object_path(held.sha256))) in held.places]
        for place in inside or held.places:
            path = _below(Path(place), root)
            if not inside:
                _list_outside(Path(place), path, found)
            digest = Digest("sha256", held.sha256)
            yield Expected(path, held.size, (digest,), told.root if told else b"")


def _list_outside(place: Path, path: str, into: Listing) -> None:
    """A file that was adopted by reference is looked at where the ledger says it is."""
    try:
        status = place.stat(follow_symlinks=False)
    except OSError:
        return
    if place.is_file() and not place.is_symlink():
        into.files[path] = seen(status)


def _below(path: Path, root: Path) -> str:
    """A path as a copy names it: below the archive, or absolute where it is elsewhere."""
    return os.fspath(path.relative_to(root)) if path.is_relative_to(root) else os.fspath(path.absolute())


def broken(root: Path, error: PhonolithError) -> Copy:
    """An archive whose ledger or settings cannot be read: nothing is expected, and the finding says why."""
    finding = Finding(
        "archive.unreadable", printable(root), str(error), "Restore it from a backup or a mirror", "error"
    )
    return Copy("archive", root.absolute().name, root, {}, Listing(), (finding,))
