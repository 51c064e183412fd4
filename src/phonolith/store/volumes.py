"""Volumes: the folders, on one or more disks, over which object bytes are spread."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phonolith.errors import SettingError, StorageError
from phonolith.store.files import atomic_write, make_folders, printable, storage_errors

#: A volume's marker file. Where it is missing, the disk is not mounted (or it is somebody else's folder).
MARKER = "VOLUME"


@dataclass(frozen=True, slots=True)
class Volume:
    """A named folder for objects: ``<path>/ab/cdef…`` by SHA-256."""

    name: str
    path: Path

    def object_path(self, sha256: str) -> Path:
        """Where an object of this digest lies, or would lie."""
        return self.path / sha256[:2] / sha256[2:]

    @property
    def present(self) -> bool:
        """Whether the volume is there: its marker is."""
        return (self.path / MARKER).is_file()

    def free(self) -> int:
        """Bytes free for this user; 0 where the volume is not there."""
        try:
            room = os.statvfs(self.path)
        except OSError:
            return 0
        return room.f_bavail * room.f_frsize

    def prepare(self) -> None:
        """Create the folder and its marker, durably. Raises StorageError."""
        with storage_errors(self.path):
            make_folders(self.path)
            if not self.present:
                atomic_write(self.path / MARKER, f"Phonolith object volume {self.name}\n".encode())


def volumes_from(settings: Mapping[str, object], root: Path) -> tuple[Volume, ...]:
    """The volumes of the ``[volumes]`` table: name = folder, relative to the archive or absolute.

    Raises SettingError where a name or a folder cannot be one.
    """
    volumes = []
    for name, folder in settings.items():
        if not name.replace("-", "").replace("_", "").isalnum():
            raise SettingError(f"volumes.{name}", "a volume's name is letters, digits, - and _", "Rename it")
        if not isinstance(folder, str) or not folder or "\0" in folder:
            raise SettingError(f"volumes.{name}", "its value is not the path of a folder", 'Write e.g. main = "/disk2"')
        volumes.append(Volume(name, root / folder))
    if not volumes:
        raise SettingError("volumes", "no volume is named", 'Write main = "held/objects/main" under [volumes]')
    return tuple(volumes)


def roomiest(volumes: Sequence[Volume], size: int) -> Volume:
    """The volume with the most free space, if ``size`` bytes fit. Raises StorageError where they fit nowhere."""
    present = [volume for volume in volumes if volume.present]
    if not present:
        raise StorageError(
            ", ".join(printable(volume.path) for volume in volumes),
            "no volume of the archive is there",
            "Mount its disk, or correct [volumes] in phonolith.toml",
        )
    best = max(present, key=Volume.free)
    if best.free() < size:
        raise StorageError(
            printable(best.path),
            f"the disk is full: {size:,} bytes are needed and {best.free():,} are free on the roomiest volume",
            "Free some space or add a volume in phonolith.toml, then run the same again",
        )
    return best
