"""Sounds and pictures for tests of what is made of them, and an archive that holds them under chosen licences."""

from __future__ import annotations

import io
import math
import struct
import wave
from collections.abc import Mapping
from pathlib import Path

import msgspec
from PIL import Image

from phonolith.catalogue.build import build
from phonolith.model.progress import Silent
from phonolith.model.record import Record
from phonolith.sources.payloads import Fetched, beside
from phonolith.store.archive import Archive
from tests.harvest.fetching import COLLECTION, NOW, archive_with, release, track

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


def tone(seconds: float = 2.0, *, rate: int = 44_100, channels: int = 2, pitch: float = 440.0) -> bytes:
    """A WAV that grows from silence to full loudness."""
    count = int(seconds * rate)
    values = (int(32_000 * n / count * math.sin(2 * math.pi * pitch * n / rate)) for n in range(count))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", value) * channels for value in values))
    return out.getvalue()


def picture(width: int = 1_500, height: int = 1_000) -> bytes:
    """A PNG."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 40, 40)).save(out, "PNG")
    return out.getvalue()


def holding(folder: Path, sounds: Mapping[str, tuple[bytes, str]], cover: bytes = b"") -> Archive:
    """A built archive that holds each sound as a track under the licence that stands beside it."""
    files = [{"role": "cover", "name": "c.png", "url": "https://x.example/c.png"}] if cover else []
    said = [track(name, f"https://x.example/{name}", licence) for name, (_, licence) in sounds.items()]
    archive = archive_with(folder, release(*files), *said)
    held = {f"https://x.example/{name}": data for name, (data, _) in sounds.items()}
    hold(archive, held | ({"https://x.example/c.png": cover} if cover else {}))
    return archive


def hold(archive: Archive, held: Mapping[str, bytes]) -> None:
    """Take bytes in as if they had come from these addresses, and build."""
    with archive.objects() as objects, archive.records() as store:
        taken = {address: objects.add_bytes(data) for address, data in held.items()}
        records = [
            Record(beside(COLLECTION), address, "", NOW, msgspec.json.encode(Fetched(one.sha256, one.size)))
            for address, one in taken.items()
        ]
        store.put_many(records)
    build(archive, as_of=None, progress=Silent(), workers=1)
