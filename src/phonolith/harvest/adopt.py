"""Takes single files of a harvest into the archive: bytes, tags, pictures; nothing that is known is read again."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from phonolith.errors import BadInput, NotFound, PhonolithError, RefusedByRights, StorageError
from phonolith.harvest.folder_group import Member
from phonolith.harvest.marks import Mark, Marks
from phonolith.harvest.media_types import media_type_of, picture_type
from phonolith.harvest.report import HarvestReport
from phonolith.harvest.walk import Found, extension
from phonolith.sources import folder_records as records
from phonolith.sources.tag_reader import Cover, Reading
from phonolith.sources.tags import Read
from phonolith.sources.text import visible
from phonolith.store.batch import Held
from phonolith.store.files import printable
from phonolith.store.objects import ObjectStore
from phonolith.store.records import RecordStore

#: So many objects, or bytes of them, are made durable together. A kill costs at most so much of the work.
BATCH_OBJECTS = 256
BATCH_BYTES = 256 * 1024 * 1024

#: So many files, or bytes of them, are hashed side by side, by processes where there is enough to do.
_TOGETHER = 64
_TOGETHER_BYTES = 128 * 1024 * 1024

_OF_THE_FILE = (errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT, errno.ESTALE, errno.EISDIR, errno.ELOOP)


@dataclass
class Adopter:
    """Adopts files found under ``root``; ``how`` as :meth:`phonolith.store.objects.ObjectStore.adopt` takes it.

    Files are taken in together: what was adopted is held, marked and counted after :meth:`settle`, and no record may
    be stored before that. ``refused`` are the items of files that could not be read this time.
    """

    root: Path
    objects: ObjectStore
    marks: Marks
    store: RecordStore
    source: str
    read: Read
    how: str
    report: HarvestReport
    refused: set[str] = field(default_factory=set)
    _moved: list[Path] = field(default_factory=list)
    _waiting: list[tuple[Mark, Path | None]] = field(default_factory=list)
    _order: list[Found] = field(default_factory=list)
    _place: dict[str, int] = field(default_factory=dict)
    _adopted: dict[str, Held | PhonolithError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._batch = self.objects.batch()

    def knows(self, item: str, found: Found) -> bool:
        """Whether the file was adopted before and is as it was then."""
        return self.marks.get(item, found.validator) is not None or self._recorded(item, found)

    def expect(self, files: Iterable[Found]) -> None:
        """Say in what order files will be adopted, so that those to come are taken in together with the first."""
        self._order = list(files)
        self._place = {found.path: number for number, found in enumerate(self._order)}

    def audio(self, item: str, found: Found, disc: int) -> Member | None:
        """Adopt and read an audio file.

        Where the file itself cannot be read there is a finding, :attr:`refused` has its item, and what an earlier run
        recorded of it stands; None if there is no such record.
        """
        mark = self.marks.get(item, found.validator) or (
            self._from_record(item, found) if self._recorded(item, found) else None
        )
        if mark is None or not self.objects.has(mark.sha256):
            mark = self._adopt(item, found, audio=True)
        if mark is None:
            self.refused.add(item)
            mark = self._from_record(item, found)
        if mark is None:
            return None
        format_ = mark.audio.format if mark.audio else ""
        return Member(item, found, disc, mark, media_type_of(extension(found), format_))

    def beside(self, item: str, found: Found, role: str) -> records.HeldFile | None:
        """Adopt a cover, a log or the like; None, with a finding, where the file itself cannot be read."""
        mark = self.marks.get(item, found.validator)
        if mark is None or not self.objects.has(mark.sha256):
            mark = self._adopt(item, found, audio=False)
        if mark is None:
            return None
        return records.HeldFile(role, visible(found.name), mark.sha256, mark.size, media_type_of(extension(found)))

    def settle(self) -> None:
        """Make durable what waits. After it those files are held. Raises StorageError; then none of them is."""
        waiting, self._waiting = self._waiting, []
        self._batch.keep()
        for mark, moved in waiting:
            self.marks.add(mark)
            self.report.objects += 1
            self.report.bytes_adopted += mark.size
            self._moved += [moved] if moved else []

    def remove_moved(self) -> None:
        """Take away the sources of moved files; to be called when their records are durable."""
        for path in self._moved:
            try:
                path.unlink()
            except OSError as error:
                problem = f"is held now, but its source could not be removed: {error.strerror}"
                self.report.found("file.stays", visible(str(path)), problem, "Remove it by hand")
        self._moved.clear()

    def _adopt(self, item: str, found: Found, *, audio: bool) -> Mark | None:
        path = self.root / found.path
        try:
            held = self._take_in(found)
        except RefusedByRights as error:
            self.report.found("file.expunged", visible(found.path), error.problem, error.remedy, "error")
            return None
        except (NotFound, BadInput, StorageError) as error:
            if isinstance(error, StorageError) and not _is_of_the_file(error, path):
                raise
            self.report.found("file.unreadable", visible(found.path), error.problem, error.remedy, "error")
            return None
        mark = Mark(item, found.validator, held.sha256, held.size)
        if audio:
            self._describe(mark, self.read(path), visible(found.name))
        gone = self.how == "move" and path.absolute() not in {Path(place) for place in held.places}
        self._waiting.append((mark, path if gone else None))
        if max(self._batch.count, len(self._waiting)) >= BATCH_OBJECTS or self._batch.size >= BATCH_BYTES:
            self.settle()
        return mark

    def _take_in(self, found: Found) -> Held:
        """Adopt the file, and with it those that come next."""
        if found.path not in self._adopted:
            place = self._place.get(found.path, len(self._order))
            together = list(_first(self._order[place : place + _TOGETHER])) or [found]
            wanted = [(self.root / one.path, media_type_of(extension(one))) for one in together]
            got = self._batch.adopt_many(wanted, self.how)
            self._adopted = {one.path: held for one, held in zip(together, got, strict=True)}
        held = self._adopted.pop(found.path)
        if isinstance(held, PhonolithError):
            raise held
        return held

    def _describe(self, mark: Mark, reading: Reading, name: str) -> None:
        mark.audio = records.Audio(
            format=reading.format,
            codec=reading.codec,
            duration_ms=reading.duration_ms,
            bitrate=reading.bitrate,
            sample_rate=reading.sample_rate,
            channels=reading.channels,
            bit_depth=reading.bit_depth,
        )
        mark.tags = reading.tags
        mark.problem = reading.problem
        mark.covers = [held for cover in reading.covers if (held := self._picture(cover, name))]

    def _picture(self, cover: Cover, name: str) -> records.HeldFile | None:
        media_type = picture_type(cover.data)
        if not media_type:
            return None
        try:
            held = self._batch.add_bytes(cover.data, media_type)
        except RefusedByRights as error:
            self.report.found("picture.expunged", name, error.problem, error.remedy, "error")
            return None
        role = "cover" if cover.kind in ("", "front", "other", "unknown", "media") else "booklet"
        shown = f"{cover.kind or 'cover'} in {name}"
        return records.HeldFile(role, shown, held.sha256, held.size, media_type, cover.kind)

    def _recorded(self, item: str, found: Found) -> bool:
        head = self.store.head(self.source, item)
        return head is not None and head.validator.removeprefix("moved:").startswith(found.validator + ":")

    def _from_record(self, item: str, found: Found) -> Mark | None:
        """What an earlier run recorded of a file."""
        record = self.store.get(self.source, item)
        payload = records.decode(record.payload) if record else None
        if not isinstance(payload, records.Track):
            return None
        file = payload.file
        return Mark(
            item, found.validator, file.sha256, file.size, payload.audio, payload.tags, payload.covers, file.problem
        )


def _first(files: Iterable[Found]) -> Iterator[Found]:
    """As many as are taken in together: the first, and others while they are not too much."""
    size = 0
    for one in files:
        size += one.size
        if size > max(one.size, _TOGETHER_BYTES):
            return
        yield one


def _is_of_the_file(error: PhonolithError, path: Path) -> bool:
    """Whether this one file is at fault and not the archive's disk."""
    cause = error.__cause__
    return error.subject == printable(path) and isinstance(cause, OSError) and cause.errno in _OF_THE_FILE
