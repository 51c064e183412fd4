"""The limited child process that makes an access copy, a waveform or a thumbnail of one file, and ends.

It is run as ``python -m phonolith.measure.encoder``: one JSON object of :class:`Request` on its standard input, one of
:class:`Made` on its output. Sound and pictures come from strangers and their decoders are large; so whoever asks
(:mod:`phonolith.measure.child`) has a deadline, and the child may take so much memory, time and disk and no more.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

#: How each form is made. The number goes up when the same file would come out otherwise.
RECIPE = 1

#: Bits per second of the access copies.
OPUS_RATE, AAC_RATE = 75_000, 96_000
#: Values in a waveform: enough for a line across a wide screen.
PEAKS = 1_000
#: The shorter edge of a thumbnail in pixels, unless the picture is smaller.
EDGE = 640

_MEMORY = 2 << 30
_CPU_SECONDS = 900
_LARGEST = 2 << 30
_LONGEST = 24 * 3600  # seconds of sound; more is no recording, or a header that lies
_MOST_PIXELS = 60_000_000
_MOST_CHANNELS = 32
_PICTURES = ("JPEG", "PNG", "GIF", "WEBP")
#: Containers of sound. Playlists are none: they lead the decoder to other files and addresses.
_CONTAINERS = "aac,ac3,aiff,ape,asf,au,caf,dsf,flac,matroska,mov,mp3,mpc,mpc8,ogg,tak,tta,w64,wav,webm,wv"


class Request(msgspec.Struct):
    """Make the ``forms`` (``opus``, ``aac``, ``peaks``, ``thumbnail``) of the file at ``path`` in ``folder``."""

    path: str
    folder: str
    forms: list[str]


class Form(msgspec.Struct):
    """One file that was made: its name in the folder, what made it, and how. ``bitrate`` in bits per second, or 0."""

    name: str
    media_type: str
    encoder: str
    version: str
    bitrate: int = 0


class Made(msgspec.Struct, omit_defaults=True):
    """What was made, by form. ``problem`` says why not, "" if all was. ``duration_ms`` of what was decoded."""

    forms: dict[str, Form] = {}
    duration_ms: int = 0
    problem: str = ""


def make(request: Request) -> Made:
    """Make what is asked, in this process. Never raises on what a file contains."""
    try:
        if request.forms == ["thumbnail"]:
            return _thumbnail(request)
        return _sound(request)
    except MemoryError:
        return Made(problem="decoding it takes more memory than is allowed")
    except Exception as error:  # a decoder of foreign bytes may raise anything
        return Made(problem=_words(error, request.path))


def _words(error: Exception, path: str) -> str:
    """What a decoder said, without our path and its numbers."""
    text = re.sub(r"^\[Errno -?\d+\] ", "", str(error).replace(f": '{path}'", "").replace(path, "the file"))
    return text[:200] or type(error).__name__


def _sound(request: Request) -> Made:
    """Decode once, and feed all that is made of it."""
    import av
    import av.logging

    av.logging.set_level(av.logging.PANIC)
    made = Made()
    only = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    with av.open(request.path, options=only, metadata_errors="replace") as source, contextlib.ExitStack() as closing:
        if not source.streams.audio:
            return Made(problem="it has no sound")
        stream = source.streams.audio[0]
        stream.codec_context.thread_count = 1  # memory is limited, and other files keep the other processors busy
        channels = stream.codec_context.channels
        if not 0 < channels <= _MOST_CHANNELS:
            return Made(problem=f"it claims {channels} channels")
        layout = "mono" if channels == 1 else "stereo"
        sinks: list[Any] = []
        for form in request.forms:
            sink = _Peaks() if form == "peaks" else closing.enter_context(_encoder(form, request.folder, layout))
            sinks.append(sink)
        seconds = 0.0
        for frame in source.decode(stream):
            seconds += frame.samples / max(frame.sample_rate, 1)
            if seconds > _LONGEST:
                return Made(problem=f"it goes on for more than {_LONGEST // 3600} hours")
            for sink in sinks:
                sink.take(frame)
        if not seconds:
            return Made(problem="no sound can be decoded from it")
        for form, sink in zip(request.forms, sinks, strict=True):
            made.forms[form] = sink.finish(Path(request.folder))
        made.duration_ms = round(seconds * 1000)
    return made


class _Encoder:
    """One access copy on its way to the disk; bit-exact, so that the same version makes the same bytes."""

    def __init__(self, form: str, folder: str, layout: str) -> None:
        import av

        self._name, container, codec, self._rate, self._media_type, options, more = _COPIES[form]
        self._codec = codec
        settings = {"fflags": "+bitexact", **more}
        self._out = av.open(str(Path(folder) / self._name), "w", format=container, options=settings)
        stream: Any = self._out.add_stream(codec, rate=48_000, layout=layout, options=options)
        stream.bit_rate = self._rate
        self._stream = stream
        self._stream.codec_context.flags |= _BITEXACT

    def __enter__(self) -> _Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    def take(self, frame: Any) -> None:
        frame.pts = None  # times that lie would leave holes; what is decoded follows on itself
        self._mux(frame)

    def finish(self, _: Path) -> Form:
        import av

        self._mux(None)
        self._out.close()
        libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
        version = f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}, libavcodec {libavcodec}"
        return Form(self._name, self._media_type, self._codec, version, self._rate)

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._out.mux(packet)


class _Peaks:
    """The loudest sample of each stretch of 20 ms, made :data:`PEAKS` values from 0 to 255 at the end."""

    def __init__(self) -> None:
        import av

        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=8_000)
        self._loudest = bytearray()
        self._rest = b""

    def take(self, frame: Any) -> None:
        frame.pts = None
        self._look(frame)

    def finish(self, folder: Path) -> Form:
        import numpy

        self._look(None)
        values = numpy.frombuffer(bytes(self._loudest), dtype=numpy.uint8)
        cuts = numpy.linspace(0, len(values), PEAKS + 1).astype(int)
        peaks = [int(values[a : max(b, a + 1)].max(initial=0)) for a, b in itertools.pairwise(cuts)]
        name = "peaks.json"
        (folder / name).write_bytes(msgspec.json.encode({"peaks": peaks, "of": 255}))
        return Form(name, "application/json", "phonolith peaks", str(RECIPE))

    def _look(self, frame: Any) -> None:
        import numpy

        for part in self._resampler.resample(frame):
            samples = self._rest + part.to_ndarray().tobytes()
            whole = len(samples) - len(samples) % _STRETCH
            self._rest = samples[whole:]
            wave = numpy.abs(numpy.frombuffer(samples[:whole], dtype=numpy.int16).astype(numpy.int32))
            loudest = wave.reshape(-1, _STRETCH // 2).max(axis=1, initial=0) >> 7
            self._loudest += loudest.clip(0, 255).astype("u1").tobytes()


def _thumbnail(request: Request) -> Made:
    import PIL
    from PIL import Image, ImageOps

    with Image.open(request.path, formats=_PICTURES) as picture:
        if picture.width * picture.height > _MOST_PIXELS:
            return Made(problem=f"it has {picture.width:,} x {picture.height:,} pixels")
        picture.draft("RGB", (EDGE, EDGE))
        upright = ImageOps.exif_transpose(picture).convert("RGB")
        scale = EDGE / min(upright.size)
        if scale < 1:  # its shorter edge, so that a square can be cut from it
            size = max(1, round(upright.width * scale)), max(1, round(upright.height * scale))
            upright = upright.resize(size, Image.Resampling.LANCZOS)
        out = io.BytesIO()
        upright.save(out, "WEBP", quality=75, method=4)
    name = "thumbnail.webp"
    (Path(request.folder) / name).write_bytes(out.getvalue())
    return Made({"thumbnail": Form(name, "image/webp", "Pillow", PIL.__version__)})


@contextlib.contextmanager
def _encoder(form: str, folder: str, layout: str) -> Iterator[_Encoder]:
    with _Encoder(form, folder, layout) as encoder:
        yield encoder


_STRETCH = 2 * 8_000 // 50  # bytes of 20 ms
_BITEXACT = 1 << 23  # AV_CODEC_FLAG_BITEXACT
_COPIES: dict[str, tuple[str, str, str, int, str, dict[str, str], dict[str, str]]] = {
    "opus": (
        "access.opus",
        "opus",
        "libopus",
        OPUS_RATE,
        'audio/ogg; codecs="opus"',
        # Plain VBR takes what it needs; a budget is reckoned with what was asked for.
        {"vbr": "constrained", "application": "audio"},
        {},
    ),
    "aac": (
        "access.m4a",
        "mp4",
        "aac",
        AAC_RATE,
        'audio/mp4; codecs="mp4a.40.2"',
        {},
        {"movflags": "+faststart"},  # the index before the sound, so that it plays while it comes
    ),
}


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST, _LARGEST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit()
    answer = make(msgspec.json.decode(sys.stdin.buffer.read(), type=Request))
    sys.stdout.buffer.write(msgspec.json.encode(answer))
