"""The limited child process that decodes sound to its end: one path a line in, what was heard out.

It is run as ``python -m phonolith.audit.payload.hearing`` and speaks as :mod:`phonolith.sources.tag_reader` does, so
whoever asks is a :class:`phonolith.sources.tags.TagReader` with another command. Its tags are not those of the file:
they are what was :class:`Heard`.
"""

from __future__ import annotations

import base64
import hashlib
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from phonolith.sources.tag_reader import LONGEST_MS, Reading, read_file

COMMAND = (sys.executable, "-m", "phonolith.audit.payload.hearing")
DEADLINE = 900.0  # seconds of wall time for one file

_MEMORY = 2 << 30
_CPU_SECONDS = 600
_LEAST_SECONDS, _BYTES_A_SECOND = 10.0, 200_000  # of a processor's time for a file: decoding takes a twentieth of that
_SILENCE = 1e-4  # of full scale, -80 dB: what codecs make of nothing stays below, music does not
_ESTIMATED = ("MP3", "", "unknown")  # formats whose header need not state a duration
_RARE = ("Monkey's Audio", "Musepack", "DSF", "True Audio", "TAK", "WMA", "Matroska")  # not every variant is decoded
_WHOLE = 0.98  # of what is stated has to come, less a second


@dataclass(frozen=True, slots=True)
class Heard:
    """What decoding a file gave: how it ended, seconds that came, and seconds and bits a second that it states.

    ``ends``: ``plays``; ``truncated`` (it ends before its header says); ``silent``; ``video``; ``not decoded`` (a
    format that is known to be sound and has no decoder here); ``no sound``. ``digest``: of the samples as decoded.
    """

    ends: str
    seconds: float = 0.0
    stated: float = 0.0
    bitrate: int = 0
    digest: str = ""
    problem: str = ""
    lossless: bool = False


#: Decodes a file; tests pass functions.
Hear = Callable[[Path], Heard]


def heard_of(reading: Reading) -> Heard:
    """What the child's answer says."""
    told = {name: values[0] for name, values in reading.tags.items() if values}
    stated = (reading.duration_ms or 0) / 1000
    if "seconds" not in told:  # it ended before it answered
        return Heard("not decoded" if reading.problem else "no sound", 0.0, stated, problem=reading.problem)
    seconds = float(told["seconds"])
    lossless = reading.codec in ("flac", "alac", "pcm", "ape", "wavpack", "tta", "tak", "dsd")
    rest = (seconds, stated, reading.bitrate or 0, told.get("digest", ""), reading.problem, lossless)
    if told.get("video"):
        return Heard("video", *rest)
    if not seconds:
        return Heard("not decoded" if told.get("known") or reading.format in _RARE else "no sound", *rest)
    if float(told.get("loudest", "0")) < _SILENCE:
        return Heard("silent", *rest)
    short = reading.format not in _ESTIMATED and seconds + 1 < _WHOLE * stated
    return Heard("truncated" if short or reading.problem.endswith("truncated") else "plays", *rest)


class _TooLong(Exception):
    """Decoding takes more time than a file of this size may, or gives more than a recording has."""


def hear(path: str) -> Reading:
    """Read and decode one file in this process. Never raises on what it contains, but MemoryError."""
    reading = read_file(path)
    reading.covers, reading.tags = [], {}
    try:
        _decode(path, reading)
    except MemoryError:
        raise
    except _TooLong:
        reading.tags, reading.problem = {}, "it goes on for longer than music of its size does"
    except Exception as error:  # a decoder of foreign bytes may raise anything
        reading.problem = reading.problem or f"it is not decoded: {str(error).replace(path, 'the file')[:200]}"
        reading.tags.setdefault("seconds", ["0"])
    return reading


def _decode(path: str, reading: Reading) -> None:
    import av
    import av.logging
    import numpy

    av.logging.set_level(av.logging.PANIC)
    digest, seconds, loudest = hashlib.sha256(), 0.0, 0.0
    until = time.process_time() + _LEAST_SECONDS + Path(path).stat().st_size / _BYTES_A_SECOND
    with av.open(path, options={"protocol_whitelist": "file"}, metadata_errors="replace") as source:
        if any(not stream.disposition & av.stream.Disposition.attached_pic for stream in source.streams.video):
            reading.tags["video"] = ["1"]
        if not source.streams.audio:
            reading.tags["seconds"] = ["0"]
            return
        stream = source.streams.audio[0]
        stream.codec_context.thread_count = 1
        reading.tags["known"] = ["1"] if stream.codec_context.codec is None else []
        for frame in _frames(source, stream):
            seconds += frame.samples / max(frame.sample_rate, 1)
            samples = frame.to_ndarray()
            digest.update(samples.tobytes())
            if loudest < _SILENCE and samples.size:
                loudest = max(loudest, float(numpy.abs(samples.astype("f8") - _middle(samples)).max()) / _full(samples))
            if seconds * 1000 > LONGEST_MS or time.process_time() > until:
                raise _TooLong
    reading.tags |= {"seconds": [f"{seconds:.6f}"], "loudest": [f"{loudest:.9f}"], "digest": [digest.hexdigest()]}


def _frames(source: Any, stream: Any) -> Iterable[Any]:
    """What can be decoded; a packet that cannot be is passed over, as players do."""
    import av

    for packet in source.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def _full(samples: Any) -> float:
    """The loudest a sample can be."""
    return 1.0 if samples.dtype.kind == "f" else float(2 ** (8 * samples.dtype.itemsize - 1))


def _middle(samples: Any) -> float:
    """The value of silence."""
    return 128.0 if samples.dtype.kind == "u" else 0.0


def _serve(requests: Iterable[bytes], answers: BinaryIO) -> None:
    encode = msgspec.msgpack.Encoder().encode
    for line in requests:
        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime) + _CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        try:
            reading = hear(os.fsdecode(base64.b64decode(line)))
        except MemoryError:
            reading = Reading(problem="decoding it takes more memory than is allowed")
        except OSError as error:
            reading = Reading(problem=f"cannot be opened: {error.strerror}")
        reading.problem = reading.problem.encode("utf-8", "replace").decode()
        answer = encode(reading)
        answers.write(len(answer).to_bytes(4, "big") + answer)
        answers.flush()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _serve(sys.stdin.buffer, sys.stdout.buffer)
