"""Instruments: one sound for one pitch, mono, 48 kHz, computed from sines, plucked-string loops and a little noise.

Every function takes a frequency in Hz, a length in seconds and a random generator, and returns float32 samples of about
unit peak that decay by themselves or hold until they are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

RATE = 48_000  # Hz; Opus knows no other (RFC 6716, section 2.1.3)

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Instrument:
    """How to sound: ``longest`` seconds are computed once a pitch; ``ring`` means that notes are never damped.

    ``release`` is the seconds in which a note fades after its end, ``pan`` its place from -1 left to 1 right, ``width``
    how far low and high pitches stand apart, ``gain`` its loudness beside the others.
    """

    tone: Callable[[float, float, Generator], Samples]
    longest: float
    release: float
    ring: bool = False
    pan: float = 0.0
    width: float = 0.5
    gain: float = 1.0


def frequency(pitch: int) -> float:
    """Equal temperament on A4 = 440 Hz (MIDI 69)."""
    return float(440.0 * 2.0 ** ((pitch - 69) / 12))


def _time(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * RATE)) / RATE


def _sine(cycles: NDArray[np.float64]) -> Samples:
    """Sine of a phase in cycles; the phase is reduced before it loses precision as float32."""
    turned: Samples = np.sin((cycles % 1.0).astype(np.float32) * np.float32(2 * np.pi))
    return turned


def _decay(time: NDArray[np.float64], seconds: float) -> Samples:
    return np.exp(time * (-1.0 / seconds)).astype(np.float32)


def _attack(sound: Samples, seconds: float) -> Samples:
    """The sound with a rounded beginning."""
    count = min(len(sound), max(2, round(seconds * RATE)))
    sound[:count] *= (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, count))).astype(np.float32)
    return sound


def _soft_noise(count: int, random: Generator, reach: int) -> Samples:
    """Noise with its highs taken off by a running mean over ``reach`` samples."""
    total = np.cumsum(random.standard_normal(count + reach), dtype=np.float64)
    mean: Samples = ((total[reach:] - total[:-reach]) / np.sqrt(reach)).astype(np.float32)
    return mean


def _ringing(hertz: float, count: int, decay: float, phase: float = 0.0) -> Samples:
    """``count`` samples of a sine that loses a factor e every ``decay`` seconds; ``phase`` in cycles.

    A damped sine is a complex exponential, and an exponential of a sum is a product: a few coarse steps times a few
    fine ones give every sample with two multiplications, exactly.
    """
    fine = 1024
    rate = 2j * np.pi * hertz / RATE - 1.0 / (decay * RATE)
    steps = np.exp(rate * fine * np.arange(-(-count // fine)) + 2j * np.pi * phase)[:, None]
    within = np.exp(rate * np.arange(fine))
    real, imaginary = within.real.astype(np.float32), within.imag.astype(np.float32)
    rows: Samples = steps.imag.astype(np.float32) * real
    rows += steps.real.astype(np.float32) * imaginary
    return rows.reshape(-1)[:count]


def _partials(pitch: float, seconds: float, parts: Sequence[tuple[float, float, float]]) -> Samples:
    """Sum of decaying sines up to 18 kHz; each part is ratio to the pitch, strength and seconds of decay."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    for ratio, strength, decay in parts:
        if pitch * ratio < 18_000:
            count = min(len(sound), round(7 * decay * RATE))
            sound[:count] += np.float32(strength) * _ringing(pitch * ratio, count, decay)
    return sound


def _piano(pitch: float, seconds: float, random: Generator) -> Samples:
    """Struck strings: slightly stretched partials, notched where the hammer strikes, two strings a hair apart."""
    base = 3.4 * (261.6 / pitch) ** 0.45
    stretch = 0.00035 * (pitch / 261.6) ** 0.9
    bright = min(1.0, (pitch / 190.0) ** 0.25)
    parts = []
    for number in range(1, 13):
        ratio = number * np.sqrt(1 + stretch * number * number)
        strength = abs(np.sin(np.pi * number / 7.3)) / number ** (0.75 + 0.5 * bright)
        parts += [(ratio * (1 + shift), strength / 2, base / (1 + 0.38 * number)) for shift in (-0.00022, 0.00022)]
    sound = _partials(pitch, seconds, parts)
    knock = round(0.03 * RATE)
    sound[:knock] += 0.18 * _soft_noise(knock, random, 40) * _decay(_time(0.03), 0.006)
    return _attack(sound, 0.003)


def _music_box(pitch: float, seconds: float, random: Generator) -> Samples:
    """A steel tooth: a pure tone with the far overtones of a clamped bar (6.27 and 17.5), and a click of the pin."""
    base = 1.5 * (880.0 / pitch) ** 0.5
    sound = _partials(
        pitch,
        seconds,
        [(1, 1.0, base), (1.0013, 0.35, base * 0.8), (2.0, 0.10, base / 2), (3.01, 0.06, 0.3), (6.27, 0.16, 0.10)],
    )
    click = round(0.004 * RATE)
    sound[:click] += 0.12 * random.standard_normal(click).astype(np.float32) * _decay(_time(0.004), 0.001)
    return _attack(sound, 0.001)


def _organ(pitch: float, seconds: float, random: Generator) -> Samples:
    """Pipes of 8, 4, 2 2/3 and 2 feet that hold, a second rank a little sharp, and the breath of their speech."""
    forever = 1e6
    ranks = [(1, 1.0), (2, 0.55), (3, 0.22), (4, 0.30), (6, 0.07), (8, 0.10)]
    parts: list[tuple[float, float, float]] = [(ratio, strength, forever) for ratio, strength in ranks]
    parts += [(ratio * 1.0016, strength * 0.4, forever) for ratio, strength in ranks[:4]]
    sound = _partials(pitch, seconds, parts) * np.float32(0.5)
    speech = round(0.09 * RATE)
    sound[:speech] += 0.05 * _soft_noise(speech, random, 6) * _decay(_time(0.09), 0.03)
    return _attack(sound, 0.035)


def _flute(pitch: float, seconds: float, random: Generator) -> Samples:
    """Few partials, breath around them, and a vibrato that comes in late."""
    time = _time(seconds)
    depth = 0.0035 * (1 - np.exp(-time / 0.5))
    cycles = pitch * (time - depth * np.cos(2 * np.pi * 5.1 * time) / (2 * np.pi * 5.1))
    sound = np.zeros(len(time), np.float32)
    for number, strength in ((1, 1.0), (2, 0.32), (3, 0.14), (4, 0.05), (5, 0.02)):
        sound += np.float32(strength) * _sine(cycles * number)
    breath = _soft_noise(len(time), random, 16) * np.float32(0.018)
    return _attack((sound * 0.75 + breath) * (1 + 0.06 * _sine(5.1 * time + 0.25)), 0.07)


def _strings(pitch: float, seconds: float, random: Generator) -> Samples:
    """Three players of a soft saw tooth, each a few cents away and with a phase of his own."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    for cents in (-5.0, 0.5, 6.0):
        tuned = pitch * 2 ** (cents / 1200)
        for number in range(1, 10):
            if tuned * number < 9_000:
                sound += np.float32(0.3 / number**1.35) * _ringing(tuned * number, len(sound), 1e6, random.random())
    return _attack(sound, 0.28)


def _plucked(pitch: float, seconds: float, random: Generator, reach: int, loss: float, body: float) -> Samples:
    """Karplus and Strong's string (1983): a burst of noise runs round a loop and loses its highs at each turn.

    The loop has a whole number of samples; the result is stretched to the exact pitch afterwards.
    """
    period = max(8, int(RATE / pitch - 0.5))
    turns = int(seconds * RATE / period) + 2
    loop = _soft_noise(period, random, reach)
    loop -= loop.mean()
    rows = np.empty((turns, period), np.float32)
    for turn in range(turns):
        rows[turn] = loop
        before = np.concatenate((loop[-1:], loop[:-1]))
        loop = np.float32(loss) * ((1 - body) * loop + body * before)
    wound = rows.ravel()
    speed = pitch * (period + body) / RATE
    at = np.arange(round(seconds * RATE)) * speed
    sound = np.interp(at, np.arange(len(wound)), wound).astype(np.float32)
    return _attack(sound / np.float32(np.abs(sound[: RATE // 4]).max() or 1.0), 0.0015)


def _koto(pitch: float, seconds: float, random: Generator) -> Samples:
    return _plucked(pitch, seconds, random, 2, 0.9962, 0.5)


def _harp(pitch: float, seconds: float, random: Generator) -> Samples:
    return _plucked(pitch, seconds, random, 9, 0.9975, 0.35)


def _night_keys(pitch: float, seconds: float, random: Generator) -> Samples:
    """Two sines, one bending the other (Chowning 1973), with a bell on the beginning."""
    time = _time(seconds)
    bend = 1.6 * _decay(time, 0.5) + 0.15
    sound = _sine(time * pitch + bend * _sine(time * pitch) / (2 * np.pi)) * _decay(time, 1.8)
    bell = 0.15 * _sine(time * pitch * 7.0) * _decay(time, 0.09)
    return _attack((sound + bell).astype(np.float32), 0.004)


def _sub(pitch: float, seconds: float, random: Generator) -> Samples:
    return _attack(_partials(pitch, seconds, [(1, 1.0, 3.0), (2, 0.35, 1.2), (3, 0.12, 0.6)]), 0.012)


def _kick(pitch: float, seconds: float, random: Generator) -> Samples:
    """A sine that falls from 150 to 48 Hz."""
    time = _time(seconds)
    return _attack(_sine(48 * time + 102 * 0.035 * (1 - np.exp(-time / 0.035))) * _decay(time, 0.16), 0.002)


def _hat(pitch: float, seconds: float, random: Generator) -> Samples:
    """Noise without lows, gone at once."""
    noise = np.diff(random.standard_normal(round(seconds * RATE) + 1)).astype(np.float32)
    return _attack(noise * _decay(_time(seconds), 0.025) * np.float32(0.5), 0.001)


INSTRUMENTS: Mapping[str, Instrument] = {
    "piano": Instrument(_piano, 4.5, 0.25, width=0.7),
    "music box": Instrument(_music_box, 3.0, 0.4, ring=True, width=0.8, gain=0.8),
    "organ": Instrument(_organ, 8.5, 0.16, width=0.6, gain=0.55),
    "flute": Instrument(_flute, 4.0, 0.12, pan=0.3, width=0.1, gain=0.8),
    "strings": Instrument(_strings, 8.5, 0.5, pan=-0.15, width=0.9, gain=0.5),
    "koto": Instrument(_koto, 3.0, 0.5, ring=True, pan=-0.1, width=0.7, gain=0.9),
    "harp": Instrument(_harp, 3.5, 0.4, ring=True, pan=-0.25, width=0.8, gain=0.9),
    "night keys": Instrument(_night_keys, 4.0, 0.4, width=1.0, gain=0.8),
    "sub": Instrument(_sub, 3.0, 0.1, width=0.0, gain=0.9),
    "kick": Instrument(_kick, 0.7, 0.1, ring=True, width=0.0),
    "hat": Instrument(_hat, 0.15, 0.05, ring=True, pan=0.2, width=0.0, gain=0.35),
}
