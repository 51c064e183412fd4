"""Scores as short strings: notes and chords in, timed pitches out.

A voice is a row of tokens. ``F#4`` is a pitch (middle C is C4, MIDI 60), ``C4+E4`` several at once, ``r`` a rest,
``x`` an unpitched stroke. ``:1.5`` after a token sets its length in beats for it and all that follow; fractions such as
``:1/3`` are exact. ``|`` is for the eye. A row of chords has names (``Am``, ``G7``, ``D/A``, ``Do`` for an open fifth).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"#": 1, "b": -1, "": 0}
_PITCH = re.compile(r"([A-G])([#b]?)(-?\d)")
_CHORD = re.compile(r"([A-G])([#b]?)(maj7|m7|m|7|o|sus4|dim)?(?:/([A-G])([#b]?))?")
_QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "o": (0, 7, 12),
    "sus4": (0, 5, 7),
    "dim": (0, 3, 6),
}


@dataclass(frozen=True, slots=True)
class Note:
    """One pitch (MIDI number) sounding from ``start`` for ``beats``; ``weight`` 1 is a plain note."""

    start: float
    beats: float
    pitch: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord sounding from ``start`` for ``beats``: its bass, and its tones upwards from the root near C4."""

    start: float
    beats: float
    bass: int
    tones: tuple[int, ...]


def notes(voice: str, start: float = 0.0) -> list[Note]:
    """The notes of a voice that begins at beat ``start``; bars are accented lightly where ``|`` stands."""
    found = []
    for begin, beats, name, first in _timed(voice, start):
        weight = 1.12 if first else 1.0
        if name == "x":
            found.append(Note(begin, beats, 60, weight))
        elif name != "r":
            found += [Note(begin, beats, _pitch(one), weight) for one in name.split("+")]
    return found


def chords(progression: str, start: float = 0.0) -> list[Chord]:
    """The chords of a progression; rests leave a gap."""
    return [_chord(name, begin, beats) for begin, beats, name, _ in _timed(progression, start) if name != "r"]


def length(voice: str) -> float:
    """Beats from the start of a voice or progression to its end."""
    return max((begin + beats for begin, beats, _, _ in _timed(voice, 0.0)), default=0.0)


def _timed(voice: str, start: float) -> Iterator[tuple[float, float, str, bool]]:
    """Start, length, name and whether it begins a bar, for each token."""
    at, beats, first = Fraction(start), Fraction(1), True
    for token in voice.split():
        if token == "|":  # noqa: S105 - a bar line
            first = True
            continue
        name, _, value = token.partition(":")
        beats = Fraction(value) if value else beats
        yield float(at), float(beats), name, first
        at, first = at + beats, False


def _pitch(name: str) -> int:
    match = _PITCH.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no pitch")
    return 12 * (int(match[3]) + 1) + _STEPS[match[1]] + _SIGNS[match[2]]


def _chord(name: str, start: float, beats: float) -> Chord:
    match = _CHORD.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no chord")
    root = _STEPS[match[1]] + _SIGNS[match[2]]
    bass = _STEPS[match[4]] + _SIGNS[match[5]] if match[4] else root
    low = 60 + root if root <= 5 else 48 + root  # roots from G down, so that chords lie close together
    return Chord(start, beats, 36 + bass % 12, tuple(low + step for step in _QUALITIES[match[3] or ""]))
