"""Planted bytes: folders, a bag and a torrent's copy that are made here, and sentences about them of known truth.

Each sentence has the verdicts that are right where all is read, as in :mod:`tests.audit.planted`.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
import struct
import wave
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from phonolith.releases.compose import Entry, Kind, compose
from phonolith.store.passport import passport_of
from tests.audit.planted import CLAIMED, Planted, lie, truth

RATE = 8_000
TONES = 12  # files of ten seconds in each honest set
SECONDS = 10
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(range(256)) * 20


@cache
def tone(number: int, seconds: float = SECONDS) -> bytes:
    """A WAV of this length, of its own pitch."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        count = int(RATE * seconds)
        step = 2 * math.pi * (220 + 10 * number) / RATE
        file.writeframes(struct.pack(f"<{count}h", *(int(8000 * math.sin(step * at)) for at in range(count))))
    return out.getvalue()


@cache
def coded(number: int, codec: str, seconds: float = SECONDS, title: str = "") -> bytes:
    """The same in another codec: ``flac`` or ``mp3``."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=codec) as to, av.open(io.BytesIO(tone(number, seconds))) as source:
        to.metadata["title"] = title or f"Tone {number}"
        stream = to.add_stream("libmp3lame" if codec == "mp3" else codec, rate=RATE)
        for frame in source.decode(audio=0):
            frame.pts = None
            for packet in stream.encode(frame):
                to.mux(packet)
        for packet in stream.encode(None):
            to.mux(packet)
    return out.getvalue()


def silence(seconds: float = SECONDS) -> bytes:
    """A WAV of nothing."""
    sound = tone(0, seconds)
    return sound[:44] + bytes(len(sound) - 44)


def write(root: Path, files: dict[str, bytes]) -> Path:
    """The files, below a folder."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def honest() -> dict[str, bytes]:
    """Twelve files of sound in three formats, two pictures, a text."""
    files = {f"Artist/{number:02}.flac": coded(number, "flac") for number in range(6)}
    files |= {f"Artist/{number:02}.mp3": coded(number, "mp3") for number in range(6, 10)}
    files |= {f"Artist/{number:02}.wav": tone(number) for number in range(10, TONES)}
    return files | {"cover.jpg": JPEG, "back.jpg": JPEG + b"back", "notes.txt": b"notes\n"}


def doctored() -> dict[str, bytes]:
    """What is called twenty files of sound: eight are, of which two are the same and two the same sound."""
    files = {f"{number:02}.flac": coded(number, "flac") for number in range(6)}
    files |= {"06 renamed.flac": coded(0, "flac"), "07 retagged.flac": coded(1, "flac", title="Another")}
    files |= {f"{number:02}.flac": bytes(len(coded(number, "flac"))) for number in (8, 9)}
    files |= {f"{number:02}.mp3": b"<!DOCTYPE html><html><body>Not found</body></html>" * 40 for number in (10, 11)}
    files |= {f"{number:02}.flac": coded(number, "flac")[: len(coded(number, "flac")) // 3] for number in (12, 13)}
    files |= {"14.wav": silence(), "15.mp3": JPEG, "16.mp3": b"", "17.flac": b"fLaC" + bytes(40_000)}
    files |= {"18.mp3": random.Random(5).randbytes(30_000), "19.mp3.part": coded(19, "mp3")[:5_000]}
    return files | {".pad/1-4000": bytes(4_000)}


def bag_of(root: Path, files: dict[str, bytes]) -> Path:
    """A bag of these files (RFC 8493)."""
    payload = {f"data/{name}": data for name, data in files.items()}
    tags = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "manifest-sha256.txt": _manifest(payload),
    }
    return write(root, payload | tags | {"tagmanifest-sha256.txt": _manifest(tags)})


def _manifest(files: dict[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())).encode()


def copy_of(root: Path, files: dict[str, bytes], name: str = "music", kind: Kind = Kind.HYBRID) -> Path:
    """A torrent and a whole copy of it beside it; ``kind`` is one of compose's."""
    entries = [Entry(tuple(path.split("/")), passport_of(data, 1 << 16)) for path, data in sorted(files.items())]
    write(root, {f"{name}.torrent": compose(name, entries, kind=kind).data})
    return write(root / name, files).parent


def make_bytes(folder: Path) -> None:
    """All sets that the sentences are about."""
    write(folder / "honest", honest())
    write(folder / "doctored", doctored())
    bag_of(folder / "bag", honest())
    bag_of(folder / "short-bag", honest())
    for number in (0, 1):
        (folder / "short-bag/data" / f"Artist/{number:02}.flac").unlink()
    copy_of(folder / "copy", honest())
    copy_of(folder / "pages", honest() | {"Artist/20.mp3": b"<html>404</html>" * 100})
    copy_of(folder / "filled", honest())
    filled = folder / "filled/music/Artist/03.flac"
    filled.write_bytes(bytes(filled.stat().st_size))  # as a client leaves what has not come yet
    copy_of(folder / "old", honest(), kind=Kind.V1)


def _of(name: str, quantity: object, unit: str, **more: object) -> str:
    told = {"of": name, "quantity": quantity, "unit": unit, **more}
    return "\n".join(f"{key} = {value!r}" for key, value in told.items())


def planted_bytes(sizes: dict[str, int]) -> Sequence[Planted]:
    """All of them; ``sizes`` are the bytes of each set."""
    size = sizes["honest"]
    return (
        # a folder that is what it is said to be
        truth(_of("honest", TONES, "tracks")),
        lie(_of("honest", 15, "tracks")),
        lie(_of("honest", 13, "tracks")),
        truth(_of("honest", 15, "files")),
        lie(_of("honest", 16, "files")),
        truth(_of("honest", 2, "images")),
        lie(_of("honest", 12, "images")),
        truth(_of("honest", size, "bytes")),
        lie(_of("honest", size * 1000, "bytes")),
        truth(_of("honest", 2, "minutes", bound="about")),
        truth(_of("honest", 120, "seconds", tolerance=1)),
        lie(_of("honest", 2, "hours", bound="about")),
        lie(_of("honest", 3, "minutes", bound="at least")),
        lie(_of("honest", 320, "kbit/s", bound="about")),
        lie(_of("honest", 4, "Mbit/s", bound="at least")),
        truth(_of("honest", TONES, "tracks", definition="files")),
        lie(_of("honest", 1000, "recordings")),
        truth(_of("honest", TONES, "recordings", bound="at most")),
        # one in which hardly anything is what it is called
        lie(_of("doctored", 20, "tracks")),
        lie(_of("doctored", 12, "tracks", bound="at least")),
        truth(_of("doctored", 8, "tracks")),
        truth(_of("doctored", 7, "tracks", definition="files")),
        lie(_of("doctored", 8, "tracks", definition="files")),
        lie(_of("doctored", 8, "recordings")),
        lie(_of("doctored", 8, "tracks", definition="recordings")),
        truth(_of("doctored", 20, "files")),
        lie(_of("doctored", 21, "files")),  # padding is no file
        lie(_of("doctored", 20, "files", definition="files")),
        lie(_of("doctored", 200, "seconds", bound="at least")),
        truth(_of("doctored", 80, "seconds", bound="at least")),
        lie(_of("doctored", 0, "images")),
        # a bag, and one of which two files are missing
        truth(_of("bag", TONES, "tracks")),
        truth(_of("bag", 15, "files", definition="files")),
        lie(_of("bag", 14, "tracks", bound="at least")),
        truth(_of("bag", size, "bytes")),
        truth(_of("short-bag", TONES, "tracks"), CLAIMED),
        truth(_of("short-bag", 10, "tracks", bound="at least")),
        lie(_of("short-bag", 13, "tracks", bound="at least")),
        lie(_of("short-bag", 10, "tracks"), CLAIMED),  # that two are missing here is no proof that they are nowhere
        # copies of torrents
        truth(_of("copy", TONES, "tracks")),
        truth(_of("copy", 1, "torrents")),
        truth(_of("copy", 15, "files", procedure="metainfo")),
        lie(_of("copy", 16, "files")),
        truth(_of("copy", 2, "minutes", bound="about")),
        lie(_of("pages", 13, "tracks")),
        truth(_of("pages", 13, "tracks", procedure="metainfo")),  # it lists them, which is all this one says
        truth(_of("pages", TONES, "tracks")),
        truth(_of("filled", TONES, "tracks"), CLAIMED),
        truth(_of("filled", 11, "tracks", bound="at least")),
        lie(_of("filled", 20, "tracks")),
        truth(_of("old", TONES, "tracks")),
        lie(_of("old", 3, "torrents")),
    )
