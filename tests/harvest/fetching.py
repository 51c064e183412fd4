"""What tests of fetching need: an archive whose records name files, and an origin that has them, in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec

from phonolith.harvest.fetch import Fetches, Means
from phonolith.model.progress import Progress, Silent
from phonolith.model.record import Record
from phonolith.rights.gate import Policy
from phonolith.sources.base import SETTINGS
from phonolith.sources.client.answers import Downloaded, Manners
from phonolith.sources.client.client import Client
from phonolith.store.archive import Archive
from tests.lying import Handler, Origin

NOW = "2026-01-01T00:00:00Z"
COLLECTION = "mirror.label"
BY = "https://creativecommons.org/licenses/by/4.0/"
ND = "https://creativecommons.org/licenses/by-nd/4.0/"


class Hasty(Client):
    """The real client, at a pace that only an origin of one's own would like."""

    async def download(self, url: str, folder: Path, **more: Any) -> Downloaded:
        return await super().download(url, folder, **{**more, "manners": Manners(1000.0)})


def archive_with(folder: Path, *said: Mapping[str, Any]) -> Archive:
    """An archive in which a collection says these descriptions, each with its kind under ``kind``."""
    archive = Archive.create(folder / "archive", name="test", contact="a@example.org", now=NOW)
    say(archive, *said)
    return archive


def say(archive: Archive, *said: Mapping[str, Any]) -> None:
    """Store descriptions as records."""
    told = {"speaks_for": "folder.label", "origin": "A label", "title": "Music", "licence": "CC0-1.0"}
    records = [Record(COLLECTION, SETTINGS, "", NOW, msgspec.json.encode(told))]
    for one in said:
        rest = {name: value for name, value in one.items() if name != "kind"}
        payload = msgspec.json.encode({"source": "folder.label", "kind": one["kind"], "said": rest})
        records.append(Record(COLLECTION, one["id"], "", NOW, payload))
    with archive.records() as store:
        store.put_many(records)


def track(name: str, url: str, licence: str = BY, *, level: int = 2, **more: Any) -> dict[str, Any]:
    """A track with one audio file at ``url``."""
    licences = [{"uri": licence, "level": level, "by": "label"}] if licence else []
    audio = {"role": "audio", "name": f"{name}.flac", "url": url, "media_type": "audio/flac", **more}
    return {"kind": "track", "id": name, "title": name, "release": "r", "licences": licences, "files": [audio]}


def release(*files: Mapping[str, Any], licence: str = BY) -> dict[str, Any]:
    """The release of the tracks, with its own files."""
    licences = [{"uri": licence, "level": 2, "by": "label"}] if licence else []
    credits = [{"name": "Ann"}]
    return {"kind": "release", "id": "r", "title": "Hav", "credits": credits, "licences": licences, "files": files}


@contextlib.contextmanager
def serving(handlers: Mapping[str, Handler]) -> Iterator[Origin]:
    """An origin with its own loop in a thread."""
    origin, ready, loop = Origin(handlers), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with origin:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(10)
    try:
        yield origin
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def means(origin: Origin, *, policy: Policy | None = None, progress: Progress | None = None, **instead: str) -> Means:
    """The real client, without a pace, told that the origin may be on loopback."""

    def connect() -> AbstractAsyncContextManager[Fetches]:
        return Hasty("a@example.org", trusted=[origin.base])

    return Means(connect, instead, policy or Policy(), progress or Silent(), lambda: NOW)
