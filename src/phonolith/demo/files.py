"""Writes what was rendered as files: FLAC or Opus with tags, and the small text files that belong to a collection."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from numpy.random import default_rng
from numpy.typing import NDArray

from phonolith.demo.instruments import RATE
from phonolith.demo.synthesiser import Stereo
from phonolith.errors import StorageError

_CHUNK = RATE // 2  # frames handed to the encoder at once
#: Suffix to container, codec and its options.
_FORMATS: Mapping[str, tuple[str, str, dict[str, str]]] = {
    ".flac": ("flac", "flac", {"compression_level": "5"}),
    ".opus": ("ogg", "libopus", {"b": "112000", "compression_level": "5"}),  # bits per second; effort 0 to 10
}


def write_audio(path: Path, signal: Stereo, tags: Mapping[str, str], *, seed: int) -> Path:
    """Encode ``signal`` (float32, 48 kHz) into ``path``: FLAC of 16 bits, or Opus, by its suffix.

    The same signal, tags and versions of the codecs give the same bytes. Raises StorageError.
    """
    samples = _sixteen_bits(signal, seed)
    muxer, codec, options = _FORMATS[path.suffix]
    try:
        # bitexact: no serial number by chance, no name of a build in the file
        with av.open(str(path), "w", format=muxer, options={"fflags": "+bitexact"}) as file:
            stream = cast(AudioStream, file.add_stream(codec, rate=RATE, options=options))
            stream.layout = "stereo"
            stream.format = "s16"
            stream.codec_context.flags |= Flags.bitexact
            file.metadata.update(tags)  # FLAC keeps tags with the file,
            stream.metadata.update(tags)  # Ogg with the stream
            for start in range(0, samples.shape[1], _CHUNK):
                file.mux(stream.encode(_frame(samples[:, start : start + _CHUNK], start)))
            file.mux(stream.encode(None))
    except OSError as error:
        raise StorageError(
            str(path), f"cannot be written: {error}", "Free some space or choose another folder."
        ) from error
    return path


def _sixteen_bits(signal: Stereo, seed: int) -> NDArray[np.int16]:
    """Samples of 16 bits, with noise of two steps (TPDF dither) so that the quietest sounds fade and do not grind."""
    random = default_rng([seed, 16])
    dither = random.random(signal.shape, np.float32) - random.random(signal.shape, np.float32)
    return np.clip(np.rint(signal * 32767 + dither), -32768, 32767).astype(np.int16)


def _frame(samples: NDArray[np.int16], start: int) -> AudioFrame:
    packed = np.ascontiguousarray(samples.T).reshape(1, -1)
    frame = AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
    frame.sample_rate = RATE
    frame.pts = start
    frame.time_base = Fraction(1, RATE)
    return frame


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> Path:
    """A sidecar table: CSV as RFC 4180 has it, with UTF-8 and line feeds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_text(path: Path, lines: Iterable[str]) -> Path:
    """Lines of text, UTF-8, each ended by a line feed."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return path
