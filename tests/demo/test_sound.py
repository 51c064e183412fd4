"""Instruments are in tune, rooms keep to their loudness, and nothing clips or wanders off."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from phonolith.demo.instruments import INSTRUMENTS, RATE, frequency
from phonolith.demo.room import CEILING, LOUDNESS, ROOMS, finish, loudness
from phonolith.demo.score import notes
from phonolith.demo.synthesiser import Part, Synthesiser

_PITCHED = [name for name in INSTRUMENTS if name not in ("kick", "hat")]


@pytest.mark.parametrize("name", _PITCHED)
@pytest.mark.parametrize("pitch", [43, 60, 79])
def test_an_instrument_is_in_tune(name: str, pitch: int) -> None:
    """The strongest partial near the pitch is within 10 cents of it (the strings beat 6 cents about it on purpose)."""
    sound = INSTRUMENTS[name].tone(frequency(pitch), 1.5, default_rng(1))[RATE // 20 :]
    size = 1 << 18
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size))
    low, high = (int(frequency(pitch) * factor * size / RATE) for factor in (0.92, 1.08))
    found = (low + int(spectrum[low:high].argmax())) * RATE / size
    assert abs(1200 * np.log2(found / frequency(pitch))) < 10


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_sound_is_finite_begins_softly_and_has_about_unit_peak(name: str) -> None:
    sound = INSTRUMENTS[name].tone(frequency(60), 1.0, default_rng(1))
    assert sound.dtype == np.float32
    assert len(sound) == RATE
    assert np.isfinite(sound).all()
    assert abs(sound[0]) < 0.05
    assert 0.1 < np.abs(sound).max() < 2.5


def test_a_sine_in_one_channel_has_the_loudness_the_standard_says() -> None:
    """ITU-R BS.1770-4, annex 1: 0 dBFS at 997 Hz in one front channel reads -3.01 LUFS."""
    tone = np.sin(2 * np.pi * 997 * np.arange(5 * RATE) / RATE).astype(np.float32)
    signal = np.stack((tone, np.zeros_like(tone)))
    assert loudness(signal) == pytest.approx(-3.01, abs=0.05)
    assert loudness(signal * np.float32(0.1)) == pytest.approx(-23.01, abs=0.05)


def test_silence_has_the_lowest_loudness() -> None:
    assert loudness(np.zeros((2, RATE), np.float32)) == -70.0


def _phrase(seed: int = 1) -> np.ndarray:
    part = Part("piano", notes("C4:1 E4 G4 C5 G4 E4 C4:4"))
    return Synthesiser(seed).play([part], 120, seed=3)


@pytest.mark.parametrize("name", ROOMS)
def test_what_leaves_a_room_is_loud_enough_and_never_clips(name: str) -> None:
    signal = finish(_phrase(), ROOMS[name], seed=1)
    assert loudness(signal) == pytest.approx(LOUDNESS, abs=0.6)
    assert np.abs(signal).max() <= CEILING + 1e-6
    assert np.abs(signal.mean(axis=1)).max() < 1e-4
    assert np.abs(signal[:, -10:]).max() < 1e-4
    assert np.abs(signal[:, 0]).max() < 1e-4


def test_playing_is_repeatable_and_the_seed_changes_it() -> None:
    assert np.array_equal(_phrase(), _phrase())
    assert not np.array_equal(_phrase(1), _phrase(2))


def test_a_sound_does_not_depend_on_what_was_played_before() -> None:
    synthesiser = Synthesiser(1)
    synthesiser.play([Part("koto", notes("C4 D4 E4"))], 120, seed=9)
    part = Part("koto", notes("E4"))
    assert np.array_equal(synthesiser.play([part], 120, seed=3), Synthesiser(1).play([part], 120, seed=3))
