"""Objects on their way in: many written under temporary names, then all made durable together, then their rows."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self, TypeVar

from phonolith.errors import BadInput, PhonolithError, RefusedByRights, UsageError
from phonolith.store.files import fsync_dir, fsync_file, printable, storage_errors, temporary
from phonolith.store.intake import HOWS, Errand, Fetched, brought, descriptors, fetch, laid, left, open_regular, run
from phonolith.store.ledger import EXPUNGED, Entry, Ledger, Place
from phonolith.store.passport import Passport, passport_of
from phonolith.store.volumes import Volume
from phonolith.store.workers import Workers

#: Syncs that wait at the same time. A journal commits once for all that wait, so more of them cost fewer commits.
_THREADS = 16
#: A worker takes at a time so many files or bytes, whichever is less: few messages, and none waits long for another.
_ORDERS = 64
_ORDER_BYTES = 4 << 20

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Held:
    """An object that is held. ``places`` are the paths of its bytes, those inside the archive first."""

    sha256: str
    size: int
    places: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    """Bytes under a temporary name; ``file`` is what to sync, ``close`` lets go of it and removes what is left."""

    path: Path
    file: BinaryIO
    volume: Volume
    close: ExitStack


class _Prepared(NamedTuple):
    """A file that is open to be read; ``draft`` and ``volume`` where it becomes one, ``close`` lets go of it all."""

    errand: Errand
    close: ExitStack
    draft: Path | None = None
    volume: Volume | None = None


class Batch:
    """Takes in objects; they are held when :meth:`keep` returns, or when its ``with`` block ends without an error.

    The order is that of every write here: bytes under temporary names, fsync of each, rename of all, fsync of each
    folder, and then one transaction with all the rows. A crash or an error at any moment costs the batch and nothing
    else. Each object that waits keeps a file open: some hundreds are a batch, not more. Not for several threads.

    ``choose`` gives the volume for so many bytes, ``again`` a sound place inside the archive where bytes are held
    already, ``where`` the path of a place, ``workers`` what hashes so many bytes side by side, None if that is not
    worth while; they are the object store's.
    """

    def __init__(
        self,
        ledger: Ledger,
        choose: Callable[[int], Volume],
        again: Callable[[Passport], Place | None],
        where: Callable[[str, Place], str],
        workers: Callable[[int], Workers | None],
    ) -> None:
        self._ledger = ledger
        self._choose = choose
        self._again = again
        self._where = where
        self._workers = workers
        self._drafts: dict[bytes, _Draft] = {}
        self._entries: list[Entry] = []
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.keep()
        else:
            self.drop()

    @property
    def count(self) -> int:
        """How many objects wait."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes that wait to be synced."""
        return self._size

    def adopt(self, path: Path, how: str, media_type: str = "") -> Held:
        """Take in a file; ``how`` as :meth:`ObjectStore.adopt` has it, but a ``move`` leaves the source to the caller.

        Raises NotFound, BadInput, UsageError, StorageError, RefusedByRights (these bytes were expunged); then the
        batch is as it was before.
        """
        return self._finish(self._prepare(path, how), media_type, run)

    def adopt_many(self, files: Sequence[tuple[Path, str]], how: str) -> list[Held | PhonolithError]:
        """Take in files, each with its media type, hashed side by side where they are many; all of them are open.

        What :meth:`adopt` would raise for one of them stands in its place. Raises StorageError where workers are
        killed; then the batch is as it was before.
        """
        done: dict[int, Held | PhonolithError] = {}
        ready: dict[int, _Prepared] = {}
        with ExitStack() as closing:
            for number, (path, _) in enumerate(files):
                try:
                    ready[number] = self._prepare(path, how)
                    closing.push(ready[number].close)
                except PhonolithError as error:
                    done[number] = error
            read = self._read_many([one.errand for one in ready.values()])
            for number, one in ready.items():
                try:
                    done[number] = self._finish(one, files[number][1], read)
                except PhonolithError as error:
                    done[number] = error
        return [done[number] for number in range(len(files))]

    def _read_many(self, errands: Sequence[Errand]) -> Callable[[Errand], Passport]:
        """What gives the passport of each: from workers if the store has some, else by reading it when it is asked."""
        sizes = [os.fstat(one.file.fileno()).st_size for one in errands]
        workers = self._workers(sum(sizes)) if len(errands) > 1 else None
        if workers is None:
            return run
        found: dict[int, Fetched] = {}
        workers.run(fetch, _shared_out(errands, sizes), lambda orders, got: found.update(_by_file(orders, got)))
        return lambda errand: brought(errand, found[errand.file.fileno()])

    def _prepare(self, path: Path, how: str) -> _Prepared:
        """Open a file, and what it is to become."""
        if how not in HOWS:
            raise UsageError(f"adopt {how}", f"it is none of {', '.join(HOWS)}", "Choose one of them")
        with ExitStack() as closing:
            source = closing.enter_context(open_regular(path))
            if how == "reference":
                return _Prepared(left(path, source), closing.pop_all())
            size = os.fstat(source.fileno()).st_size
            volume = self._choose(0 if how in ("hardlink", "reflink", "move") else size)
            closing.enter_context(storage_errors(volume.path))
            draft, file = closing.enter_context(temporary(volume.path))
            return _Prepared(laid(path, source, how, draft, file), closing.pop_all(), draft, volume)

    def _finish(self, one: _Prepared, media_type: str, read: Callable[[Errand], Passport]) -> Held:
        """Read what was prepared, and let it wait."""
        with one.close as closing:
            passport = read(one.errand)
            if one.volume is None or one.draft is None:
                mtime_ns = os.fstat(one.errand.file.fileno()).st_mtime_ns
                return self._enter(passport, media_type, Place("", os.fsencode(one.errand.path.absolute()), mtime_ns))
            return self._wait(passport, media_type, _Draft(one.draft, one.errand.sync, one.volume, closing))

    def receive(self, path: Path, passport: Passport, volume: Volume, media_type: str = "") -> Held:
        """Take in a file that lies in ``volume`` under a temporary name and was digested as it was written there.

        It is this batch's from now on, whatever becomes of it. Raises NotFound, BadInput (it has another size than its
        passport), StorageError; then the batch is as it was before.
        """
        with ExitStack() as closing:
            closing.enter_context(storage_errors(volume.path))
            closing.callback(path.unlink, missing_ok=True)
            file = closing.enter_context(open_regular(path))
            with suppress(OSError):  # as its writer did until now: so that a sweep leaves it alone
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_size != passport.size:
                raise BadInput(printable(path), "it changed after it was written", "Fetch it again")
            return self._wait(passport, media_type, _Draft(path, file, volume, closing))

    def add_bytes(self, data: bytes, media_type: str = "") -> Held:
        """Take in bytes that have no file yet."""
        passport = passport_of(data)
        if place := self._known(passport):
            return self._enter(passport, media_type, place)
        volume = self._choose(len(data))
        with ExitStack() as closing:
            closing.enter_context(storage_errors(volume.path))
            draft, file = closing.enter_context(temporary(volume.path))
            file.write(data)
            file.flush()
            return self._wait(passport, media_type, _Draft(draft, file, volume, closing))

    def copy(self, path: Path, sha256: bytes, volume: Volume) -> bool:
        """Take in one more copy of a held object, into this volume. False if the bytes at ``path`` are not it.

        Raises NotFound, BadInput, StorageError; then, and when it is False, the batch is as it was before.
        """
        with ExitStack() as closing:
            source = closing.enter_context(open_regular(path))
            closing.enter_context(storage_errors(volume.path))
            draft, file = closing.enter_context(temporary(volume.path))
            passport = run(laid(path, source, "copy", draft, file))
            if passport.sha256 != sha256:
                return False
            self._keep_open(passport, _Draft(draft, file, volume, closing))
            self._entries.append(Entry(passport, "", Place(volume.name)))
            return True

    def keep(self) -> None:
        """Make all that waits durable and enter it. Raises StorageError; then nothing of it is held."""
        entries, drafts = self._entries, self._drafts
        with self._closing():
            _publish(drafts)
            self._ledger.add_many(entries)

    def drop(self) -> None:
        """Forget what waits; nothing of it is left."""
        self._closing().close()

    def _closing(self) -> ExitStack:
        """What lets go of all that waits now; a new batch begins."""
        drafts, self._drafts, self._entries, self._size = self._drafts, {}, [], 0
        closing = ExitStack()
        for draft in drafts.values():
            closing.push(draft.close)
        return closing

    def _wait(self, passport: Passport, media_type: str, draft: _Draft) -> Held:
        """Let the draft wait for :meth:`keep`, unless its bytes are here already."""
        self._refuse_expunged(passport)
        if place := self._known(passport):
            return self._enter(passport, media_type, place)
        self._keep_open(passport, draft)
        return self._enter(passport, media_type, Place(draft.volume.name))

    def _refuse_expunged(self, passport: Passport) -> None:
        """The door: bytes that were removed for good do not come in again."""
        tombstone = self._ledger.tombstone(passport.sha256)
        if tombstone is not None and tombstone.why == EXPUNGED:
            problem = f"these bytes are {tombstone}, and are not taken in again"
            raise RefusedByRights(passport.sha256.hex(), problem, "Leave them out")

    def _keep_open(self, passport: Passport, draft: _Draft) -> None:
        draft.close = draft.close.pop_all()
        self._drafts[passport.sha256] = draft
        self._size += passport.size

    def _known(self, passport: Passport) -> Place | None:
        waiting = self._drafts.get(passport.sha256)
        return Place(waiting.volume.name) if waiting else self._again(passport)

    def _enter(self, passport: Passport, media_type: str, place: Place) -> Held:
        self._refuse_expunged(passport)
        self._entries.append(Entry(passport, media_type, place))
        sha256 = passport.sha256.hex()
        known = {*self._ledger.places(passport.sha256), place}
        paths = (
            self._where(sha256, one) for one in sorted(known, key=lambda one: (not one.volume, one.volume, one.path))
        )
        return Held(sha256, passport.size, tuple(dict.fromkeys(paths)))


def _shared_out(errands: Sequence[Errand], sizes: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    """Errands as orders for workers, some together."""
    orders: list[tuple[int, int]] = []
    total = 0
    for errand, size in zip(errands, sizes, strict=True):
        orders.append(descriptors(errand))
        total += size
        if len(orders) >= _ORDERS or total >= _ORDER_BYTES:
            yield orders
            orders, total = [], 0
    if orders:
        yield orders


def _by_file(orders: Sequence[tuple[int, int]], fetched: Sequence[Fetched]) -> dict[int, Fetched]:
    return {file: one for (file, _), one in zip(orders, fetched, strict=True)}


def _publish(drafts: dict[bytes, _Draft]) -> None:
    """Bytes durable, then names, then the folders of the names and the volumes those folders are in."""
    _at_once(_sync_draft, drafts.values())
    folders: set[Path] = set()
    for sha256, draft in drafts.items():
        target = draft.volume.object_path(sha256.hex())
        with storage_errors(draft.volume.path):
            if target.parent not in folders and not target.parent.is_dir():
                target.parent.mkdir(exist_ok=True)
            draft.path.rename(target)
        folders |= {target.parent, draft.volume.path}  # whoever made a folder may have died before it was durable
    _at_once(_sync_folder, folders)


def _sync_draft(draft: _Draft) -> None:
    with storage_errors(draft.volume.path):
        fsync_file(draft.file.fileno())


def _sync_folder(folder: Path) -> None:
    with storage_errors(folder):
        fsync_dir(folder)


def _at_once(work: Callable[[_T], None], things: Iterable[_T]) -> None:
    """Do the work on all things, several at a time; the first error is raised when all are done."""
    waiting = list(things)
    if len(waiting) < 2:
        for one in waiting:
            work(one)
        return
    with ThreadPoolExecutor(min(_THREADS, len(waiting)), "sync") as pool:
        for done in [pool.submit(work, one) for one in waiting]:
            done.result()
