"""Objects: payload bytes by SHA-256, spread over volumes, adopted without a needless copy."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from phonolith.errors import BadInput, Damaged, NotFound, StorageError, UsageError
from phonolith.store.database import Closing
from phonolith.store.files import fsync_dir, fsync_file, printable, storage_error, storage_errors, temporary
from phonolith.store.ledger import Ledger, Place
from phonolith.store.passport import Passport, Passporter, passport_of
from phonolith.store.volumes import Volume, roomiest

#: How a file may be adopted. ``auto`` is reflink where the file system can, else copy.
HOWS = ("auto", "reflink", "hardlink", "move", "copy", "reference")

_FICLONE = 0x40049409  # ioctl(2) FICLONE: share the extents of another file, Linux
_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Held:
    """An object that is held. ``places`` are the paths of its bytes, those inside the archive first."""

    sha256: str
    size: int
    places: tuple[str, ...]


class ObjectStore(Closing):
    """Bytes by digest. An object is named by a ledger row only after its bytes and their name are durable."""

    def __init__(self, ledger: Path, volumes: Sequence[Volume], *, readonly: bool = False) -> None:
        self.volumes = tuple(volumes)
        self._ledger = Ledger(ledger, readonly=readonly)

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def adopt(self, path: Path, how: str, media_type: str = "", *, keep_source: bool = False) -> Held:
        """Take a file into the archive; the same bytes again change nothing.

        ``how``: ``reflink`` shares its blocks (btrfs, XFS), ``hardlink`` gives it a second name, ``move`` takes it
        away from where it was once its bytes are durable here, ``copy`` copies, ``reference`` leaves it where it is
        and remembers path, size and modification time, ``auto`` is reflink or else copy. ``keep_source`` makes a
        ``move`` leave the source in place, for a caller that removes it after its own record of it is durable.

        Raises NotFound, BadInput (not a regular file, or it changed while it was read), UsageError, StorageError.
        """
        if how not in HOWS:
            raise UsageError(f"adopt {how}", f"it is none of {', '.join(HOWS)}", "Choose one of them")
        with _open_regular(path) as source:
            if how == "reference":
                return self._refer(path, source, media_type)
            held = self._take(path, source, how, media_type)
        if how == "move" and not keep_source:
            self._remove_source(path, held)
        return held

    def add_bytes(self, data: bytes, media_type: str = "") -> Held:
        """Hold bytes that have no file yet."""
        passport = passport_of(data)
        if held := self._again(passport, media_type):
            return held
        volume = self._volume(len(data))
        with storage_errors(volume.path), temporary(volume.path) as (draft, file):
            file.write(data)
            file.flush()
            return self._keep(volume, draft, file.fileno(), passport, media_type)

    def open(self, sha256: str) -> BinaryIO:
        """The object's bytes for reading. Raises NotFound, Damaged, StorageError."""
        path = self.path(sha256)
        with storage_errors(path):
            return path.open("rb")

    def path(self, sha256: str) -> Path:
        """A path at which the object's bytes are, with the right size.

        Raises NotFound (not held), StorageError (its volume is not mounted) or Damaged (gone or of another size).
        """
        digest = _digest(sha256)
        size = self._ledger.size(digest)
        if size is None:
            raise NotFound(sha256, "no object of this digest is held", "Check the digest")
        faults = []
        for place in self._ledger.places(digest):
            path, fault = self._look(sha256, size, place)
            if path is not None:
                return path
            faults.append(fault)
        if any("not mounted" in fault for fault in faults):
            raise StorageError(sha256, "; ".join(faults), "Mount the disk, or correct [volumes] in phonolith.toml")
        raise Damaged(sha256, "; ".join(faults) or "no place is known", "Restore it from a mirror or a backup")

    def has(self, sha256: str) -> bool:
        """Whether the ledger knows the object."""
        return self._ledger.size(_digest(sha256)) is not None

    def held(self, sha256: str) -> Held | None:
        """The object's size and places as the ledger knows them, None if it is not held."""
        digest = _digest(sha256)
        size = self._ledger.size(digest)
        if size is None:
            return None
        return Held(sha256, size, tuple(self._where(sha256, place) for place in self._ledger.places(digest)))

    def media_type(self, sha256: str) -> str:
        """What the object was said to be when it came, "" where nobody said."""
        return self._ledger.media_type(_digest(sha256))

    def passport(self, sha256: str) -> Passport | None:
        """The object's passport, None if it is not held."""
        return self._ledger.passport(_digest(sha256))

    def all(self) -> Iterator[Held]:
        """Every object, by digest."""
        for digest, size, places in self._ledger.all():
            sha256 = digest.hex()
            yield Held(sha256, size, tuple(self._where(sha256, place) for place in places))

    def totals(self) -> tuple[int, int]:
        """Number of objects and their bytes, each object counted once."""
        return self._ledger.totals()

    def _take(self, path: Path, source: BinaryIO, how: str, media_type: str) -> Held:
        size = os.fstat(source.fileno()).st_size
        volume = self._volume(0 if how in ("hardlink", "reflink", "move") else size)
        with storage_errors(volume.path), temporary(volume.path) as (draft, file):
            if how in ("hardlink", "move") and self._link(path, source, draft, strict=how == "hardlink"):
                passport = _read(path, source, None)
                _same_file(path, source, size)
                descriptor = source.fileno()
            elif how in ("auto", "reflink") and _reflink(path, source, file, strict=how == "reflink"):
                passport = _read(path, file, None)
                descriptor = file.fileno()
            else:
                passport = _read(path, source, file)
                descriptor = file.fileno()
            if held := self._again(passport, media_type):
                return held
            return self._keep(volume, draft, descriptor, passport, media_type)

    def _refer(self, path: Path, source: BinaryIO, media_type: str) -> Held:
        before = os.fstat(source.fileno())
        passport = _read(path, source, None)
        _same_file(path, source, before.st_size, before.st_mtime_ns)
        place = Place("", os.fsencode(path.absolute()), before.st_mtime_ns)
        self._ledger.add(passport, media_type, place)
        return self._held(passport)

    def _keep(self, volume: Volume, draft: Path, descriptor: int, passport: Passport, media_type: str) -> Held:
        """Bytes durable, then their name, then the row: the order that makes every crash harmless."""
        sha256 = passport.sha256.hex()
        fsync_file(descriptor)
        folder = volume.folder_of(sha256)
        draft.rename(volume.object_path(sha256))
        fsync_dir(folder)
        self._ledger.add(passport, media_type, Place(volume.name))
        return self._held(passport)

    def _again(self, passport: Passport, media_type: str) -> Held | None:
        """The held object of these bytes, if one of its places inside the archive is sound."""
        sha256 = passport.sha256.hex()
        for place in self._ledger.places(passport.sha256):
            if place.volume and self._look(sha256, passport.size, place)[0] is not None:
                self._ledger.add(passport, media_type, place)
                return self._held(passport)
        return None

    def _held(self, passport: Passport) -> Held:
        held = self.held(passport.sha256.hex())
        assert held is not None
        return held

    def _volume(self, size: int) -> Volume:
        """The roomiest volume; one that is new in the settings is prepared, one that has lost its marker is not."""
        for volume in self.volumes:
            if not volume.present and not self._ledger.uses_volume(volume.name):
                volume.prepare()
        return roomiest(self.volumes, size)

    def _link(self, path: Path, source: BinaryIO, draft: Path, *, strict: bool) -> bool:
        """Give the file a second name in place of the draft. A move that cannot link falls back to copying."""
        second = draft.with_name(draft.name + ".link")
        try:
            os.link(os.path.realpath(path), second)
        except OSError as error:
            if not strict and error.errno in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                return False
            raise _refused(path, "hard link", error) from error
        with contextlib.suppress(OSError):  # as the draft was: so that a sweep leaves it alone
            fcntl.flock(source, fcntl.LOCK_SH | fcntl.LOCK_NB)
        second.rename(draft)
        if not os.path.samestat(draft.stat(), os.fstat(source.fileno())):
            raise BadInput(
                printable(path), "it was replaced while it was read", "Let its writer finish, then try again"
            )
        return True

    def _remove_source(self, path: Path, held: Held) -> None:
        with storage_errors(path):
            if any(Path(place) == path.absolute() for place in held.places):
                return
            path.unlink()
            fsync_dir(path.absolute().parent)

    def _look(self, sha256: str, size: int, place: Place) -> tuple[Path | None, str]:
        """The path of a place if a file of the right size is there, else what is wrong with it."""
        path = Path(self._path_of(sha256, place))
        volume = self._named(place.volume)
        if place.volume and (volume is None or not volume.present):
            return None, f"volume {place.volume} is not mounted"
        try:
            found = path.stat()
        except FileNotFoundError:
            return None, f"{printable(path)} is gone"
        except OSError as error:
            return None, str(storage_error(path, error))
        if found.st_size != size:
            return None, f"{printable(path)} has {found.st_size:,} bytes instead of {size:,}"
        if not place.volume and found.st_mtime_ns != place.mtime_ns:
            return None, f"{printable(path)} was changed since it was adopted by reference"
        return path, ""

    def _path_of(self, sha256: str, place: Place) -> str:
        if not place.volume:
            return os.fsdecode(place.path)
        volume = self._named(place.volume)
        return str(volume.object_path(sha256)) if volume else ""

    def _where(self, sha256: str, place: Place) -> str:
        return self._path_of(sha256, place) or f"volume {place.volume}"

    def _named(self, name: str) -> Volume | None:
        return next((volume for volume in self.volumes if volume.name == name), None)


def _digest(sha256: str) -> bytes:
    try:
        digest = bytes.fromhex(sha256)
    except ValueError:
        digest = b""
    if len(digest) != 32 or sha256 != digest.hex():
        raise NotFound(printable(sha256), "it is not a SHA-256 digest", "Give 64 hexadecimal digits, lower case")
    return digest


def _open_regular(path: Path) -> BinaryIO:
    """Open without blocking on pipes and devices; only regular files pass."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(printable(path), "the file is not there", "Check the path") from None
    except ValueError as error:
        raise BadInput(printable(path), f"it cannot be a path ({error})", "Check the path") from None
    except OSError as error:
        raise storage_error(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInput(printable(path), "it is not a regular file", "Name a file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _read(path: Path, source: BinaryIO, copy: BinaryIO | None) -> Passport:
    """One pass over the source: passport, and a copy where one is wanted. Errors name the file that has them."""
    passporter = Passporter()
    descriptor = source.fileno()
    view = memoryview(bytearray(min(os.fstat(descriptor).st_size + 1, _CHUNK)))  # clearing 4 MiB takes its time
    offset = 0
    while True:
        with storage_errors(path):
            count = os.preadv(descriptor, [view], offset)
        if not count:
            break
        passporter.update(view[:count])
        if copy is not None:
            _copy_out(copy, view[:count])
        offset += count
    if copy is not None:
        copy.flush()
    return passporter.finish()


def _copy_out(copy: BinaryIO, data: memoryview) -> None:
    copy.write(data)


def _same_file(path: Path, source: BinaryIO, size: int, mtime_ns: int | None = None) -> None:
    now = os.fstat(source.fileno())
    if now.st_size != size or (mtime_ns is not None and now.st_mtime_ns != mtime_ns):
        raise BadInput(printable(path), "it changed while it was read", "Let its writer finish, then try again")


def _reflink(path: Path, source: BinaryIO, file: BinaryIO, *, strict: bool) -> bool:
    try:
        fcntl.ioctl(file.fileno(), _FICLONE, source.fileno())
    except OSError as error:
        if not strict and error.errno in (errno.EXDEV, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSYS):
            return False
        raise _refused(path, "reflink", error) from error
    return True


def _refused(path: Path, what: str, error: OSError) -> StorageError:
    if error.errno == errno.EXDEV:
        return StorageError(
            printable(path), f"no {what} is possible: it lies on another disk than the volume", "Choose --adopt copy"
        )
    if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EPERM, errno.ENOSYS):
        return StorageError(printable(path), f"this file system cannot make a {what}", "Choose --adopt copy")
    return storage_error(path, error)
