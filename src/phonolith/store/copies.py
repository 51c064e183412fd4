"""Access copies: what derived/access/ holds beside an object, and what made it; all of it can be made again.

``derived/access/ab/cdef….json`` is the word on the object ``abcdef…``; the copies lie beside it under the same name,
with ``.opus``, ``.m4a``, ``.peaks`` or ``.webp`` at its end. A copy that this word does not name is not there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from phonolith.store.files import TEMPORARY, atomic_write, fsync_dir, fsync_file, make_folders, storage_errors

#: The end of a copy's name, by its form.
FORMS = {"opus": ".opus", "aac": ".m4a", "peaks": ".peaks", "thumbnail": ".webp"}

_LARGEST_WORD = 1 << 16


class Copy(msgspec.Struct, frozen=True, omit_defaults=True):
    """One copy: its bytes, and what made it. ``bitrate`` in bits per second, 0 where there is none."""

    sha256: str
    size: int
    media_type: str
    encoder: str
    version: str
    bitrate: int = 0


class Copies(msgspec.Struct, frozen=True, omit_defaults=True):
    """The copies of one object by form. ``recipe`` numbers how they were made, ``time`` is when (ISO 8601, UTC).

    ``problem`` says why there are none, and that nobody need try again under this recipe.
    """

    parent: str
    recipe: int
    time: str
    forms: dict[str, Copy] = {}
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AccessCopies:
    """The folder derived/access. One process writes (lock ``derive``); any number read."""

    root: Path

    def of(self, parent: str) -> Copies | None:
        """What there is of an object; None if nobody made anything of it, or the word on it cannot be read."""
        try:
            with self._word(parent).open("rb") as file:
                told = msgspec.json.decode(file.read(_LARGEST_WORD), type=Copies)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return told if told.parent == parent and told.forms.keys() <= FORMS.keys() else None

    def path(self, parent: str, form: str) -> Path:
        """Where the copy of this form lies, if there is one."""
        return self._word(parent).with_suffix(FORMS[form])

    def put(self, told: Copies, made: dict[str, Path]) -> None:
        """Move files into place, durably, and then say that they are there. Raises StorageError."""
        word = self._word(told.parent)
        with storage_errors(word):
            make_folders(word.parent)
            for form, path in made.items():
                with path.open("rb") as file:
                    fsync_file(file.fileno())
                path.rename(self.path(told.parent, form))
            fsync_dir(word.parent)
        atomic_write(word, msgspec.json.encode(told))

    def drop(self, parent: str) -> None:
        """Remove everything that was made of an object, the word on it first. Raises StorageError."""
        word = self._word(parent)
        with storage_errors(word):
            word.unlink(missing_ok=True)
            for form in FORMS:
                self.path(parent, form).unlink(missing_ok=True)

    def parents(self) -> Iterator[str]:
        """SHA-256 of every object of which there is a word, in order."""
        for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            yield from (folder.name + path.stem for path in sorted(folder.glob("*.json")))

    @contextlib.contextmanager
    def workshop(self) -> Iterator[Path]:
        """An empty folder on the same disk, removed at the end of the block. Raises StorageError."""
        folder = self.root / f"{TEMPORARY}{secrets.token_hex(8)}"
        with storage_errors(folder):
            make_folders(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what killed runs left behind; to be called under the lock."""
        for folder in self.root.glob(f"{TEMPORARY}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def free(self) -> int:
        """Bytes free where copies lie."""
        with storage_errors(self.root):
            make_folders(self.root)
            room = os.statvfs(self.root)
        return room.f_bavail * room.f_frsize

    def _word(self, parent: str) -> Path:
        return self.root / parent[:2] / f"{parent[2:]}.json"
