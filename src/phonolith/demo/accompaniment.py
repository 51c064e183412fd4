"""Turns a row of chords into an accompaniment in one of a few styles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from phonolith.demo.score import Chord, Note


def accompany(style: str, chords: Iterable[Chord]) -> list[Note]:
    """Notes for the chords; ``style`` is one of the keys of :data:`STYLES`. Raises KeyError."""
    return [note for chord in chords for note in STYLES[style](chord)]


def _held(chord: Chord) -> Iterator[Note]:
    """The whole chord with its bass for its whole length, as an organ or strings hold it."""
    yield Note(chord.start, chord.beats, chord.bass + 12, 0.9)
    for tone in chord.tones:
        yield Note(chord.start, chord.beats, tone, 0.7)


def _bass(chord: Chord) -> Iterator[Note]:
    """The bass alone, held."""
    yield Note(chord.start, chord.beats, chord.bass)


def _broken(chord: Chord, step: float = 0.5) -> Iterator[Note]:
    """Up and down through the chord, each tone ringing on."""
    ladder = (chord.bass + 12, *chord.tones, chord.tones[0] + 12)
    order = [*range(len(ladder)), *range(len(ladder) - 2, 0, -1)]
    for count in range(max(1, round(chord.beats / step))):
        place = order[count % len(order)]
        ring = min(2.0, chord.beats - count * step + 0.5)
        yield Note(chord.start + count * step, ring, ladder[place], 0.9 if place == 0 else 0.62)


def _rippling(chord: Chord) -> Iterator[Note]:
    """Broken chords twice as fast, for drifting textures."""
    return _broken(chord, 0.25)


def _waltz(chord: Chord) -> Iterator[Note]:
    """Bass on the first beat of three, the chord on the second and, softer, on the third."""
    for bar in range(max(1, round(chord.beats / 3))):
        start = chord.start + 3 * bar
        yield Note(start, min(3.0, chord.beats), chord.bass + 12, 0.9)
        for beat, weight in ((1, 0.6), (2, 0.5)):
            if beat < chord.beats:
                yield from (Note(start + beat, 1.0, tone, weight) for tone in chord.tones)


def _pulse(chord: Chord) -> Iterator[Note]:
    """The chord struck on every off-beat, short."""
    for count in range(int(chord.beats)):
        yield from (Note(chord.start + count + 0.5, 0.4, tone, 0.6) for tone in chord.tones)


def _rolled(chord: Chord) -> Iterator[Note]:
    """Bass and chord spread quickly upwards once, as on a zither."""
    for place, tone in enumerate((chord.bass + 12, *chord.tones)):
        yield Note(chord.start + 0.07 * place, chord.beats + 1.0, tone, 0.85 - 0.08 * place)


STYLES: Mapping[str, Callable[[Chord], Iterator[Note]]] = {
    "held": _held,
    "bass": _bass,
    "broken": _broken,
    "rippling": _rippling,
    "waltz": _waltz,
    "pulse": _pulse,
    "rolled": _rolled,
}
