"""Plays parts on instruments into a stereo signal; each sound is computed once and placed as often as it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from phonolith.demo.instruments import INSTRUMENTS, RATE, Instrument, Samples, frequency
from phonolith.demo.score import Note

Stereo = NDArray[np.float32]  # shape (2, frames)

_LEAD = 0.2  # seconds of silence before the first beat, so that no beginning is cut


@dataclass(frozen=True, slots=True)
class Part:
    """Notes on one instrument; ``gain`` is linear, ``shift`` in semitones, ``pan`` -1 to 1 beside the instrument's."""

    instrument: str
    notes: Sequence[Note]
    gain: float = 1.0
    shift: int = 0
    pan: float = 0.0


class Synthesiser:
    """Keeps the sounds it has computed; one serves a whole collection."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._sounds: dict[tuple[str, int], Samples] = {}

    def play(self, parts: Sequence[Part], tempo: float, *, seed: int, loose: float = 0.006) -> Stereo:
        """The parts at ``tempo`` beats a minute, until the last sound is gone.

        ``loose`` is the standard deviation in seconds with which players miss the beat.
        """
        random = default_rng([self._seed, seed])
        placed = [self._placed(part, note, 60.0 / tempo, random, loose) for part in parts for note in part.notes]
        signal = np.zeros((2, max((at + len(sound) for at, sound, _, _ in placed), default=1)), np.float32)
        for at, sound, left, right in placed:
            signal[0, at : at + len(sound)] += sound * left
            signal[1, at : at + len(sound)] += sound * right
        return signal

    def _placed(
        self, part: Part, note: Note, beat: float, random: Generator, loose: float
    ) -> tuple[int, Samples, np.float32, np.float32]:
        """Where a note begins (frame), its sound, and its strength left and right."""
        instrument = INSTRUMENTS[part.instrument]
        pitch = note.pitch + part.shift
        start = max(0.0, _LEAD + note.start * beat + loose * random.standard_normal())
        strength = instrument.gain * part.gain * note.weight * (1 + 0.05 * random.standard_normal())
        pan = np.clip(instrument.pan + part.pan + instrument.width * (pitch - 64) / 40, -0.9, 0.9)
        angle = (pan + 1) * np.pi / 4
        sound = _cut(self._sound(part.instrument, pitch), note.beats * beat, instrument)
        return round(start * RATE), sound, np.float32(strength * np.cos(angle)), np.float32(strength * np.sin(angle))

    def _sound(self, name: str, pitch: int) -> Samples:
        """The whole sound of a pitch; it depends on seed, instrument and pitch, never on what was played before."""
        key = (name, pitch)
        if key not in self._sounds:
            instrument = INSTRUMENTS[name]
            random = default_rng([self._seed, pitch, *name.encode()])
            self._sounds[key] = instrument.tone(frequency(pitch), instrument.longest, random)
        return self._sounds[key]


def _cut(sound: Samples, seconds: float, instrument: Instrument) -> Samples:
    """The sound as long as a note lasts, faded at its end."""
    fade = round(instrument.release * RATE)
    count = len(sound) if instrument.ring else min(len(sound), round(seconds * RATE) + fade)
    part = sound[:count].copy()
    fade = min(fade, count)
    part[count - fade :] *= np.linspace(1, 0, fade, dtype=np.float32) ** 2
    return part
