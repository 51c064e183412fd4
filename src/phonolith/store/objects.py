"""Objects: payload bytes by SHA-256, spread over volumes, adopted without a needless copy."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from phonolith.errors import Damaged, NotFound, StorageError, Withdrawn
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.store.batch import Batch, Held
from phonolith.store.damage import KnownDamage
from phonolith.store.database import Closing
from phonolith.store.files import fsync_dir, printable, storage_error, storage_errors
from phonolith.store.intake import can_be_sent
from phonolith.store.ledger import AWAITED, Ledger, Place, Tombstone
from phonolith.store.passport import Passport
from phonolith.store.volumes import Volume, roomiest
from phonolith.store.workers import Workers, processors

_RESTORE = "Restore it from a mirror or a backup, then run: phonolith verify"

#: What is copied to another volume is made durable at latest after so many objects or bytes.
BATCH_OBJECTS = 256
BATCH_BYTES = 256_000_000

_WORTH_WORKERS = 512_000_000  # bytes; worker processes take a fifth of a second to start


class ObjectStore(Closing):
    """Bytes by digest. An object is named by a ledger row only after its bytes and their name are durable."""

    def __init__(
        self,
        ledger: Path,
        volumes: Sequence[Volume],
        *,
        damage: KnownDamage | None = None,
        readonly: bool = False,
    ) -> None:
        self.volumes = tuple(volumes)
        self._damage = damage
        self._ledger = Ledger(ledger, readonly=readonly)
        self._workers: Workers | None = None
        self._hashed = 0

    def close(self) -> None:
        """Close the ledger and what is known of damage, and end workers."""
        if self._workers is not None:
            self._workers.close()
        self._ledger.close()
        if self._damage is not None:
            self._damage.close()

    def adopt(self, path: Path, how: str, media_type: str = "", *, keep_source: bool = False) -> Held:
        """Take a file into the archive; the same bytes again change nothing.

        ``how``: ``reflink`` shares its blocks (btrfs, XFS), ``hardlink`` gives it a second name, ``move`` takes it
        away from where it was once its bytes are durable here, ``copy`` copies, ``reference`` leaves it where it is
        and remembers path, size and modification time, ``auto`` is reflink or else copy. ``keep_source`` makes a
        ``move`` leave the source in place, for a caller that removes it after its own record of it is durable.

        Raises NotFound, BadInput (not a regular file, or it changed while it was read), UsageError, StorageError.
        """
        with self.batch() as batch:
            held = batch.adopt(path, how, media_type)
        if how == "move" and not keep_source:
            self._remove_source(path, held)
        return held

    def add_bytes(self, data: bytes, media_type: str = "") -> Held:
        """Hold bytes that have no file yet."""
        with self.batch() as batch:
            return batch.add_bytes(data, media_type)

    def batch(self) -> Batch:
        """A batch to take in many objects at the cost of few syncs; what is in it is held when it is kept."""
        return Batch(self._ledger, self._volume, self._again, self._where, self._workers_for)

    def copy_to(self, name: str, progress: Progress) -> Iterator[Finding]:
        """Give every object a copy in this volume that has none there; findings are those that had no sound source.

        What is copied is compared with its digest on the way. Up to 256 objects or 256 MB are made durable together; a
        crash costs them and nothing else. Raises NotFound (no such volume), StorageError (not mounted, or full).
        """
        volume = self._named(name)
        if volume is None:
            known = ", ".join(one.name for one in self.volumes)
            raise NotFound(f"volume {name}", "is not in [volumes]", f"Add it to phonolith.toml; there are {known}")
        if not volume.present and not self._ledger.uses_volume(name):
            volume.prepare()
        progress.start("Copying", self._ledger.lacks(name)[1], "bytes")
        with self.batch() as batch:
            for digest, size in self._ledger.lacking(name):
                roomiest([volume], size)  # says what to do where it does not fit
                if not self._copy(batch, digest, volume):
                    problem = f"it has no sound copy that could be copied to {name}"
                    yield Finding("object.damaged", digest.hex(), problem, _RESTORE, "error")
                if batch.count >= BATCH_OBJECTS or batch.size >= BATCH_BYTES:
                    batch.keep()
                progress.advance(size)
        progress.finish()

    def open(self, sha256: str) -> BinaryIO:
        """The object's bytes for reading. Raises NotFound, Damaged, StorageError."""
        path = self.path(sha256)
        with storage_errors(path):
            return path.open("rb")

    def path(self, sha256: str) -> Path:
        """A path at which the object's bytes are, with the right size, and where no look found them damaged.

        Raises NotFound (not held), Withdrawn (expunged, or dropped), StorageError (its volume is not mounted) or
        Damaged (gone, of another size, or found damaged when it was read last).
        """
        digest = _digest(sha256)
        size = self._ledger.size(digest)
        if size is None:
            raise NotFound(sha256, "no object of this digest is held", "Check the digest")
        if (tombstone := self._ledger.tombstone(digest)) is not None:
            raise Withdrawn(sha256, f"is {tombstone}", status=451 if tombstone.ground == "law" else 410)
        faults = []
        damaged = self._damaged(digest)
        for place in self._ledger.places(digest):
            path, fault = self._look(sha256, size, place, damaged)
            if path is not None:
                return path
            faults.append(fault)
        if any("not mounted" in fault for fault in faults):
            raise StorageError(sha256, "; ".join(faults), "Mount the disk, or correct [volumes] in phonolith.toml")
        raise Damaged(sha256, "; ".join(faults) or "no place is known", _RESTORE)

    def has(self, sha256: str) -> bool:
        """Whether the ledger knows the object and nobody waits for its bytes: those of a tombstone are not wanted."""
        digest = _digest(sha256)
        if self._ledger.size(digest) is None:
            return False
        tombstone = self._ledger.tombstone(digest)
        return tombstone is None or tombstone.why != AWAITED

    def tombstone(self, sha256: str) -> Tombstone | None:
        """What stands where the object's bytes were, None where nothing does."""
        return self._ledger.tombstone(_digest(sha256))

    def tombstones(self) -> list[Tombstone]:
        """Every object that has no bytes any more, with why, by digest."""
        return self._ledger.tombstones()

    def held(self, sha256: str) -> Held | None:
        """The object's size and places as the ledger knows them, None if it is not held."""
        digest = _digest(sha256)
        size = self._ledger.size(digest)
        if size is None or self._ledger.tombstone(digest) is not None:
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

    def lacking(self, volume: str) -> tuple[int, int]:
        """Number and bytes of the objects that have no copy in the volume."""
        return self._ledger.lacks(volume)

    def copies(self) -> dict[tuple[str, ...], int]:
        """How many objects lie in exactly these volumes, one name for each copy; '' is outside the archive."""
        return self._ledger.copies()

    def totals(self) -> tuple[int, int]:
        """Number of objects and their bytes, each object counted once."""
        return self._ledger.totals()

    def _again(self, passport: Passport) -> Place | None:
        """A place inside the archive that has these bytes and is sound."""
        places = self._ledger.places(passport.sha256)
        sha256, damaged = passport.sha256.hex(), self._damaged(passport.sha256) if places else {}
        for place in places:
            if place.volume and self._look(sha256, passport.size, place, damaged)[0] is not None:
                return place
        return None

    def _volume(self, size: int) -> Volume:
        """The roomiest volume; one that is new in the settings is prepared, one that has lost its marker is not."""
        for volume in self.volumes:
            if not volume.present and not self._ledger.uses_volume(volume.name):
                volume.prepare()
        return roomiest(self.volumes, size)

    def _workers_for(self, size: int) -> Workers | None:
        """Processes that hash, once so many bytes were brought together that starting them is paid for."""
        self._hashed += size
        if self._workers is None and self._hashed >= _WORTH_WORKERS and processors() > 1 and can_be_sent():
            self._workers = Workers(processors(), "adopt", processes=True)
        return self._workers

    def _copy(self, batch: Batch, digest: bytes, volume: Volume) -> bool:
        """Copy from the first place that has the object's bytes."""
        sha256, size, damaged = digest.hex(), self._ledger.size(digest) or 0, self._damaged(digest)
        for place in self._ledger.places(digest):
            path, _ = self._look(sha256, size, place, damaged)
            if path is not None and batch.copy(path, digest, volume):
                return True
        return False

    def _remove_source(self, path: Path, held: Held) -> None:
        with storage_errors(path):
            if any(Path(place) == path.absolute() for place in held.places):
                return
            path.unlink()
            fsync_dir(path.absolute().parent)

    def _damaged(self, digest: bytes) -> dict[tuple[str, bytes], str]:
        """When which place of the object was found damaged; modification times have no part in which it is."""
        known = self._damage.of(digest) if self._damage is not None else ()
        return {(one.place.volume, one.place.path): one.time for one in known}

    def _look(
        self, sha256: str, size: int, place: Place, damaged: Mapping[tuple[str, bytes], str]
    ) -> tuple[Path | None, str]:
        """The path of a place if a file of the right size is there, else what is wrong with it."""
        path = Path(self._path_of(sha256, place))
        if when := damaged.get((place.volume, place.path)):
            return None, f"{printable(path)} was found damaged at {when}"
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
