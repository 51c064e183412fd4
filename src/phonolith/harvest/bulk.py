"""Fetches and keeps files for sources that read them by themselves: dumps become objects, what is private does not."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from phonolith.errors import StorageError
from phonolith.model.progress import Progress
from phonolith.sources.client.answers import Expected, Manners
from phonolith.sources.gathering import HeldFile
from phonolith.sources.text import visible
from phonolith.store.archive import Archive
from phonolith.store.files import fsync_dir, make_folders, storage_errors, sweep
from phonolith.store.objects import ObjectStore

_TYPES = {".xz": "application/x-xz", ".zst": "application/zstd"}
_NOTHING: Mapping[str, str] = {}
_SCRATCH = "counting-"
_EVERY = 1.0  # seconds between two words on how far a download is


class Keeper:
    """A :class:`phonolith.sources.gathering.Bulk` of one run. An async context manager; ``client`` downloads."""

    def __init__(self, archive: Archive, client: Any, progress: Progress) -> None:
        self._archive = archive
        self._client = client
        self._progress = progress
        self._objects: ObjectStore | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._objects is not None:
            self._objects.close()

    async def fetch(
        self,
        url: str,
        *,
        cap: int,
        sha256: str = "",
        manners: Manners = Manners(),  # noqa: B008 - frozen
        headers: Mapping[str, str] = _NOTHING,
    ) -> HeldFile:
        """The file at ``url`` as an object. Where its digest is known and held, nothing is fetched."""
        held = self.held(sha256) if sha256 else None
        if held is not None:
            return held
        folder = self._archive.state / "downloads"
        make_folders(folder)
        sweep(folder)  # a file that was whole when a run was killed, before it was held
        async with self._telling(url):
            got = await self._client.download(
                url, folder, cap=cap, expect=Expected(sha256=sha256), manners=manners, headers=headers
            )
        try:
            return await asyncio.to_thread(self._adopt, got.path, "move", url)
        finally:
            got.path.unlink(missing_ok=True)

    async def adopt(self, path: Path) -> HeldFile:
        """A file of this machine as an object: shared with the original where the disk can, else copied."""
        self._progress.note(f"taking in {visible(path.name)}")
        return await asyncio.to_thread(self._adopt, path, "auto", path.name)

    def reserve(self, sentence: str, needed: int) -> None:
        """Say what is to come. Raises StorageError where it does not fit on the disk."""
        self._progress.say(sentence)
        free = max(one.free() for one in self._archive.volumes)
        if needed > free:
            problem = f"{needed:,} bytes are needed, and {free:,} are free"
            raise StorageError(str(self._archive.root), problem, "Free some, add a volume, or ask for fewer entities")

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder in ``private/`` that is gone afterwards; those that killed runs left are removed first."""
        with storage_errors(self._archive.private):
            for left in self._archive.private.glob(f"{_SCRATCH}*"):
                shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self._archive.private))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            fsync_dir(self._archive.private)

    def held(self, sha256: str) -> HeldFile | None:
        """What is held under this digest."""
        held = self._store().held(sha256)
        return HeldFile(sha256, held.size, self._store().path(sha256)) if held else None

    def _adopt(self, path: Path, how: str, name: str) -> HeldFile:
        kind = _TYPES.get(Path(name).suffix, "application/octet-stream")
        held = self._store().adopt(path, how, kind)
        return HeldFile(held.sha256, held.size, self._store().path(held.sha256))

    def _store(self) -> ObjectStore:
        if self._objects is None:
            self._objects = self._archive.objects()
        return self._objects

    @contextlib.asynccontextmanager
    async def _telling(self, url: str) -> AsyncIterator[None]:
        """Tell how far a download is while it runs."""
        name = visible(url.rpartition("/")[2])

        async def tell() -> None:
            before = self._client.live().bytes
            while True:
                await asyncio.sleep(_EVERY)
                self._progress.note(f"{name}: {(self._client.live().bytes - before) / 1e6:,.0f} MB fetched")

        telling = asyncio.create_task(tell()) if hasattr(self._client, "live") else None
        try:
            yield
        finally:
            if telling is not None:
                telling.cancel()
