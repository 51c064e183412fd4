"""The limited child process that reads tags: one path a line in, one answer out.

It is run as ``python -m phonolith.sources.tag_reader``.

Audio files come from strangers and their parsers are large. So they run here, with limits on memory, CPU time and
writing, and whoever asked (:mod:`phonolith.sources.tags`) also has a deadline and a fresh child when this one dies.

A request is one line of base64 (the path's bytes). An answer is four bytes of length, big-endian, and msgpack of
:class:`Reading`. tinytag reads first; what it cannot read goes to PyAV, then to our own reader of ASF headers.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import resource
import sys
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import msgspec

#: Longer is a broken header: a week.
LONGEST_MS = 7 * 24 * 3600 * 1000
MOST_COVERS = 16
LARGEST_COVER = 32 * 1024 * 1024
LONGEST_TEXT = 100_000
MOST_TEXTS = 400

_MEMORY = 2 * 1024**3
_CPU_SECONDS = 20
_NAMES = {
    "track": "track",
    "tracknumber": "track",
    "tracktotal": "track_total",
    "totaltracks": "track_total",
    "disc": "disc",
    "discnumber": "disc",
    "disctotal": "disc_total",
    "totaldiscs": "disc_total",
    "date": "year",
    "album_artist": "albumartist",
    "album artist": "albumartist",
}


class Cover(msgspec.Struct):
    """An embedded picture; ``kind`` is ``front``, ``back``, ``leaflet`` or another word of the format."""

    data: bytes
    media_type: str = ""
    kind: str = ""


class Reading(msgspec.Struct, omit_defaults=True):
    """What a file's header says. Units: milliseconds, bits per second, Hz. ``problem`` names the format where it can.

    ``problem`` with a duration means: readable, but something is wrong (truncated, an absurd value left out).
    """

    format: str = ""
    codec: str = ""
    duration_ms: int | None = None
    bitrate: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    bit_depth: int | None = None
    tags: dict[str, list[str]] = {}
    covers: list[Cover] = []
    problem: str = ""


def read_file(path: str) -> Reading:
    """Read one file in this process. Never raises on what a file contains."""
    found = sniff(path)
    reading = Reading(format=found)
    problems = []
    for reader in (_by_tinytag, _by_pyav, *((_by_asf,) if found == "WMA" else ())):
        try:
            reader(path, reading)
        except Exception as error:  # a parser of foreign bytes may raise anything
            problems.append(_short(error, path))
            continue
        if reading.duration_ms:
            break
    if reading.duration_ms is None and not reading.problem:
        name = found or "a format that is not known"
        reading.problem = f"{name}: no audio can be read from it ({problems[-1] if problems else 'it has no duration'})"
    elif reading.duration_ms and _is_stated(path, reading.format):
        with contextlib.suppress(Exception):
            _check_end(path, reading)
    return _sane(reading)


def sniff(path: str) -> str:
    """The name of the format by the file's first bytes, "" if they are not those of an audio file known here."""
    with open(path, "rb") as file:  # noqa: PTH123
        start = file.read(4096)
    return sniff_bytes(start) if start else "empty file"


def sniff_bytes(start: bytes) -> str:
    """The same by the first bytes themselves, 4096 of them or all there are."""
    for name, at, magic in _MAGIC:
        if start[at : at + len(magic)] == magic:
            return "Opus" if name == "Ogg" and b"OpusHead" in start[:64] else name
    if start[:3] == b"ID3" or re.match(rb"\xff[\xe2-\xff]", start):
        return "MP3"
    return ""


_STATES_DURATION = frozenset({"FLAC", "MPEG-4", "WAV", "AIFF", "WavPack", "Monkey's Audio", "Musepack", "DSF"})
_CODECS = {"mpeg": "mp3", "mp4a.40.2": "aac", "wav": "pcm", "aiff": "pcm", "mp4": "aac", "mp4a": "aac", "55": "mp3"}
_MAGIC = (
    ("FLAC", 0, b"fLaC"),
    ("Ogg", 0, b"OggS"),
    ("Monkey's Audio", 0, b"MAC "),
    ("WavPack", 0, b"wvpk"),
    ("Musepack", 0, b"MP+"),
    ("Musepack", 0, b"MPCK"),
    ("DSF", 0, b"DSD "),
    ("WMA", 0, bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")),
    ("MPEG-4", 4, b"ftyp"),
    ("WAV", 8, b"WAVE"),
    ("AIFF", 8, b"AIFF"),
    ("AIFF", 8, b"AIFC"),
    ("True Audio", 0, b"TTA1"),
    ("TAK", 0, b"tBaK"),
    ("Matroska", 0, b"\x1a\x45\xdf\xa3"),
)


def _by_tinytag(path: str, reading: Reading) -> None:
    from tinytag import TinyTag

    tag = TinyTag.get(path, image=True)
    known = tag.as_dict()
    for key in ("filename", "filesize", "mime_type", "is_lossless", "duration", "channels", "bitrate", "samplerate"):
        known.pop(key, None)
    known.pop("bitdepth", None)
    reading.bit_depth = tag.bitdepth
    _put_tags(reading, known)
    reading.covers = [
        Cover(bytes(image.data), image.mime_type or "", _kind(name))
        for name, images in tag.images.as_dict().items()
        for image in images
        if image.data
    ]
    reading.codec = _codec(str(tag.mime_type or ""))
    reading.bitrate = round(tag.bitrate * 1000) if tag.bitrate else None
    reading.sample_rate, reading.channels = tag.samplerate, tag.channels
    reading.duration_ms = round(tag.duration * 1000) if tag.duration else None


def _by_pyav(path: str, reading: Reading) -> None:
    import av
    import av.logging

    av.logging.set_level(av.logging.PANIC)
    with av.open(path) as container:
        if not container.streams.audio:
            raise ValueError("it has no audio stream")
        stream = container.streams.audio[0]
        context = stream.codec_context
        _put_tags(reading, {**stream.metadata, **container.metadata})
        length = stream.duration * stream.time_base if stream.duration and stream.time_base else None
        seconds = length if length else (container.duration or 0) / av.time_base
        reading.duration_ms = round(float(seconds) * 1000) or None
        reading.codec = "mp3" if context.name.startswith("mp3") else context.name
        reading.bitrate = context.bit_rate or container.bit_rate or None
        reading.sample_rate, reading.channels = context.sample_rate, context.channels
        if not reading.covers:
            reading.covers = _pictures(container)


def _pictures(container: Any) -> list[Cover]:
    """Pictures as PyAV shows them: attachments, or video streams of a single frame."""
    found = [
        Cover(bytes(a.data), a.mimetype or "", "") for a in getattr(container.streams, "attachments", ()) if a.data
    ]
    video = list(container.streams.video)
    for packet in container.demux(video) if video and not found else ():
        if packet.size:
            found.append(Cover(bytes(packet), "", ""))
        if len(found) >= len(video):
            break
    return found


def _by_asf(path: str, reading: Reading) -> None:
    from phonolith.sources.asf import read_header

    with open(path, "rb") as file:  # noqa: PTH123
        header = read_header(file)
    _put_tags(reading, header.tags)
    reading.covers = [Cover(data, media_type, _kind(kind)) for data, media_type, kind in header.covers]
    reading.codec, reading.duration_ms, reading.bitrate = header.codec, header.duration_ms or None, header.bitrate
    reading.sample_rate, reading.channels = header.sample_rate, header.channels


def _is_stated(path: str, format_: str) -> bool:
    """Whether the format states its duration; elsewhere it is an estimate or follows from the end itself."""
    if format_ != "MP3":
        return format_ in _STATES_DURATION
    with open(path, "rb") as file:  # noqa: PTH123
        start = file.read(10)
        tag = start[6:10] if start[:3] == b"ID3" else b"\0\0\0\0"
        file.seek(sum((byte & 0x7F) << shift for byte, shift in zip(tag, (21, 14, 7, 0), strict=True)))
        head = file.read(8192)
    return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))


def _check_end(path: str, reading: Reading) -> None:
    """Find out cheaply whether the file ends before its header says: seek near the end and see what comes."""
    import av
    import av.logging

    av.logging.set_level(av.logging.PANIC)
    assert reading.duration_ms
    length = reading.duration_ms / 1000
    last = 0.0
    with av.open(path) as container:
        stream = container.streams.audio[0]
        if stream.time_base is None:
            return
        begin = float((stream.start_time or 0) * stream.time_base)
        with contextlib.suppress(av.FFmpegError):
            container.seek(int(max(0.0, begin + length - 3) / stream.time_base), stream=stream)
        with contextlib.suppress(av.FFmpegError):
            for packet in container.demux(stream):
                if packet.pts is not None:
                    last = max(last, float((packet.pts + (packet.duration or 0)) * stream.time_base) - begin)
    if last < length - max(1.0, length * 0.02):
        reading.problem = f"{reading.format or 'audio'}: it ends at {last:.1f} s of {length:.1f} s: truncated"


def _put_tags(reading: Reading, tags: Mapping[str, Any]) -> None:
    """Add tags as lists of text under lower-case names; names that mean the same are made one."""
    for name, value in tags.items():
        values = value if isinstance(value, list) else [value]
        key = str(name).lower()
        texts = [text for v in values if (text := str(v)[:LONGEST_TEXT])]
        if texts and len(reading.tags) < MOST_TEXTS:
            reading.tags.setdefault(_NAMES.get(key, key), texts[:MOST_TEXTS])


def _codec(mime_type: str) -> str:
    """``audio/ogg; codecs="vorbis"`` as ``vorbis``, ``audio/mpeg`` as ``mp3``."""
    kind, _, codecs = mime_type.partition(";")
    named = re.search(r'codecs="?([\w.]+)', codecs)
    short = (named[1] if named else kind.removeprefix("audio/").removeprefix("x-")).lower()
    return _CODECS.get(short, "pcm" if short.isdigit() or short == "none" else short)


def _kind(name: str) -> str:
    return name.lower().removesuffix("_cover").replace("_", " ")


def _sane(reading: Reading) -> Reading:
    """Leave out what cannot be: durations over a week, rates and counts that no file has, too many or huge covers."""
    if reading.duration_ms is not None and not 0 < reading.duration_ms <= LONGEST_MS:
        seconds = reading.duration_ms / 1000
        reading.problem = f"{reading.format or 'audio'}: its header claims {seconds:,.0f} s, which cannot be"
        reading.duration_ms = None
    for name, most in (("bitrate", 200_000_000), ("sample_rate", 50_000_000), ("channels", 256), ("bit_depth", 64)):
        value = getattr(reading, name)
        if value is not None and not 0 < value <= most:
            setattr(reading, name, None)
    reading.covers = [c for c in reading.covers if 0 < len(c.data) <= LARGEST_COVER][:MOST_COVERS]
    return reading


def _short(error: Exception, path: str) -> str:
    text = str(error).replace(f": '{path}'", "").replace(path, "the file")
    return re.sub(r"^\[Errno -?\d+\] ", "", text)[:200] or type(error).__name__


def _limit() -> None:
    """No writing, little memory, no core dumps; a CPU limit is set anew for each file."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _rearm() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + _CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _serve(requests: Iterable[bytes], answers: BinaryIO) -> None:
    encode = msgspec.msgpack.Encoder().encode
    for line in requests:
        path = os.fsdecode(base64.b64decode(line))
        _rearm()
        try:
            reading = read_file(path)
        except MemoryError:
            reading = Reading(problem="reading it takes more memory than is allowed")
        except OSError as error:
            reading = Reading(problem=f"cannot be opened: {error.strerror}")
        answer = encode(_encodable(reading))
        answers.write(len(answer).to_bytes(4, "big") + answer)
        answers.flush()


def _encodable(reading: Reading) -> Reading:
    """Lone surrogates, which some tags contain, replaced: msgpack holds UTF-8."""
    reading.tags = {_utf8(k): [_utf8(v) for v in values] for k, values in reading.tags.items()}
    reading.problem = _utf8(reading.problem)
    return reading


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


if __name__ == "__main__":
    _limit()
    _serve(sys.stdin.buffer, sys.stdout.buffer)
