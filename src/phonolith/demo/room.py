"""Puts a dry signal into a room and brings it to its final loudness, without a peak that clips or a constant offset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from phonolith.demo.instruments import RATE
from phonolith.demo.synthesiser import Stereo

LOUDNESS = -17.0  # LUFS, ITU-R BS.1770-4
CEILING = 10 ** (-1.3 / 20)  # of the samples, so that what lies between them stays below -1 dBFS

_LOWEST = 24.0  # Hz; whatever is below is offset and rumble


@dataclass(frozen=True, slots=True)
class Room:
    """``seconds`` until an echo has lost 60 dB, its strength beside the dry signal, and where highs are lost (Hz)."""

    seconds: float
    wet: float
    dark: float
    audience: bool = False


ROOMS: Mapping[str, Room] = {
    "close": Room(0.7, 0.10, 7_000),
    "chamber": Room(1.3, 0.16, 6_000),
    "hall": Room(2.6, 0.24, 4_500),
    "night": Room(4.2, 0.42, 3_500),
    "cistern": Room(5.5, 0.55, 2_800, audience=True),
}


def finish(dry: Stereo, room: Room, *, seed: int) -> Stereo:
    """The signal in the room, about :data:`LOUDNESS` loud, at most :data:`CEILING` high, faded out at its end."""
    random = default_rng([seed, 77])
    tail = np.zeros((2, round(min(room.seconds, 3.0) * RATE)), np.float32)
    signal = _filtered(np.concatenate((dry, tail), axis=1), _impulse(room))
    signal /= np.abs(signal).max() or 1.0
    if room.audience:
        signal = _with_audience(signal, random)
    _fade(signal)
    signal *= np.float32(10 ** ((LOUDNESS - loudness(signal)) / 20))
    limited = _limited(signal)
    limited *= np.float32(min(10 ** ((LOUDNESS - loudness(limited)) / 20), CEILING / (np.abs(limited).max() or 1.0)))
    return limited


def loudness(signal: Stereo) -> float:
    """Integrated loudness in LUFS with both gates (ITU-R BS.1770-4, annex 1); -70 for silence.

    The energy of each tenth of a second is summed over its spectrum, weighted, which spares the filters.
    """
    step = RATE // 10
    tenths = signal[:, : signal.shape[1] // step * step].reshape(2, -1, step)
    weight = _k_weight(np.fft.rfftfreq(step, 1 / RATE)) ** 2
    weight[1:-1] *= 2  # the other half of the spectrum
    power = (np.abs(np.fft.rfft(tenths)) ** 2).sum(axis=0) @ (weight.astype(np.float32) / np.float32(step) ** 2)
    blocks = np.convolve(power, np.full(4, 0.25), "valid") if len(power) >= 4 else power
    loud = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    loud = loud[loud > loud.mean() / 10] if len(loud) else loud
    return float(-0.691 + 10 * np.log10(loud.mean())) if len(loud) else -70.0


def _k_weight(hertz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Magnitude of the two filters of BS.1770 at 48 kHz, from the coefficients in its tables 1 and 2."""
    turn = np.exp(-2j * np.pi * hertz / RATE)
    shelf = (1.53512485958697 - 2.69169618940638 * turn + 1.19839281085285 * turn**2) / (
        1 - 1.69065929318241 * turn + 0.73248077421585 * turn**2
    )
    high = (1 - 2 * turn + turn**2) / (1 - 1.99004745483398 * turn + 0.99007225036621 * turn**2)
    return np.asarray(np.abs(shelf * high), np.float64)


@lru_cache(maxsize=8)
def _impulse(room: Room) -> Stereo:
    """What a clap sounds like in the room: itself, a few walls, and noise that dies away, its highs first."""
    random = default_rng([round(room.seconds * 1000), round(room.dark)])
    count = round(room.seconds * RATE)
    time = (np.arange(count) / RATE).astype(np.float32)
    noise = random.standard_normal((2, count), np.float32)
    size = _size(count)
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    dark = np.fft.irfft(np.fft.rfft(noise, size) / (1 + (hertz / room.dark) ** 2), size)[:, :count]
    bright = (noise - dark) * 10 ** (-3 * time / np.float32(room.seconds * 0.35))
    echo = dark * 10 ** (-3 * time / np.float32(room.seconds)) + 0.4 * bright
    echo[:, : round(0.018 * RATE)] = 0
    echo *= room.wet / np.sqrt((echo**2).sum(axis=1, keepdims=True))
    for wall in range(6):
        echo[wall % 2, round((0.007 + 0.006 * wall + 0.004 * random.random()) * RATE)] += room.wet * 0.35 / (wall + 1)
    echo[:, 0] += 1.0
    return echo.astype(np.float32)


def _filtered(signal: Stereo, impulse: Stereo) -> Stereo:
    """The signal through the room, without what is below hearing; in blocks that are transformed and overlapped."""
    size = 1 << 19
    step = size - impulse.shape[1]
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    response = np.fft.rfft(impulse, size) * (hertz**4 / (hertz**4 + _LOWEST**4)).astype(np.float32)
    whole = np.zeros((2, signal.shape[1] + size), np.float32)
    for start in range(0, signal.shape[1], step):
        block = np.fft.irfft(np.fft.rfft(signal[:, start : start + step], size) * response, size)
        whole[:, start : start + size] += block
    return whole[:, : signal.shape[1]]


def _size(least: int) -> int:
    """The smallest of 2^a, 3·2^a and 5·2^a that is not less, for which transforms are quick."""
    power = 1 << (least - 1).bit_length()
    return min(size for size in (power, power * 3 // 4, power * 5 // 8) if size >= least)


def _limited(signal: Stereo) -> Stereo:
    """The signal with its highest peaks turned down smoothly, over blocks of 4 ms, to the ceiling."""
    block = RATE // 250
    frames = signal.shape[1]
    padded = np.pad(np.abs(signal).max(axis=0), (0, -frames % block))
    if padded.max() <= CEILING:
        return signal
    peak = padded.reshape(-1, block).max(axis=1)
    need = np.minimum(1.0, CEILING / np.maximum(peak, 1e-9))
    edges = np.pad(need, 2, mode="edge")
    reach = np.lib.stride_tricks.sliding_window_view(edges, 4).min(axis=1)  # at each block's edge: its neighbours' need
    gain = np.interp(np.arange(frames), np.arange(len(reach)) * block, reach)
    limited: Stereo = (signal * gain).astype(np.float32)
    return limited


def _fade(signal: Stereo) -> None:
    """Silence at both ends, in place: 5 ms at the beginning, the last 1.5 s."""
    start, end = round(0.005 * RATE), min(signal.shape[1], round(1.5 * RATE))
    signal[:, :start] *= np.linspace(0, 1, start, dtype=np.float32)
    signal[:, -end:] *= np.linspace(1, 0, end, dtype=np.float32) ** 2


def _with_audience(signal: Stereo, random: Generator) -> Stereo:
    """The signal with the hush of a full room and applause after the last note."""
    before, clapping = signal.shape[1] - round(1.0 * RATE), round(5.0 * RATE)
    whole = np.zeros((2, before + clapping), np.float32)
    whole[:, : signal.shape[1]] = signal
    hush = np.cumsum(random.standard_normal(whole.shape), axis=1)
    hush -= np.concatenate((np.zeros((2, 64)), hush[:, :-64]), axis=1)
    whole += (hush * 0.00006).astype(np.float32)
    whole[:, before:] += _applause(clapping, random)
    return whole


def _applause(frames: int, random: Generator) -> Stereo:
    """Some forty people who clap about four times a second, each somewhere in the room."""
    length = round(0.012 * RATE)
    shape = np.exp(-np.arange(length) / (0.0028 * RATE)).astype(np.float32)
    sound = np.zeros((2, frames), np.float32)
    for _ in range(42):
        place, pace, at = random.random(), 0.2 + 0.1 * random.random(), 0.2 + 0.9 * random.random()
        while at < frames / RATE - 0.05:
            clap = np.convolve(random.standard_normal(length), np.ones(5) / 5, "same").astype(np.float32) * shape
            start = round(at * RATE)
            sound[0, start : start + length] += clap * np.float32(1 - place)
            sound[1, start : start + length] += clap * np.float32(place)
            at += pace * (0.9 + 0.2 * random.random())
    swell = np.interp(np.arange(frames) / frames, (0, 0.2, 0.6, 1), (0.15, 1, 0.8, 0.05))
    return (sound * swell * 0.10).astype(np.float32)
