"""The notation of scores and the pieces written in it."""

from __future__ import annotations

import pytest

from phonolith.demo.accompaniment import STYLES, accompany
from phonolith.demo.pieces import PIECES
from phonolith.demo.score import Chord, Note, chords, length, notes


def test_a_voice_is_a_row_of_timed_pitches() -> None:
    assert notes("| C4:1 r:.5 F#4+A4 | Bb3:2") == [
        Note(0.0, 1.0, 60, 1.12),
        Note(1.5, 0.5, 66),
        Note(1.5, 0.5, 69),
        Note(2.0, 2.0, 58, 1.12),
    ]


def test_fractions_of_a_beat_are_exact() -> None:
    assert length("C4:1/3 " * 3000) == 1000.0


def test_a_voice_may_enter_later() -> None:
    assert [note.start for note in notes("C4 D4", 8.0)] == [8.0, 9.0]


def test_chords_have_a_bass_and_close_tones() -> None:
    assert chords("Am:2 G7/D Do:1")[0] == Chord(0.0, 2.0, 45, (57, 60, 64))
    assert chords("G7/D")[0] == Chord(0.0, 1.0, 38, (55, 59, 62, 65))
    assert chords("Do")[0].tones == (62, 69, 74)


@pytest.mark.parametrize("wrong", ["H4", "C", "c4", "C4-", "C##4"])
def test_what_is_no_pitch_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no pitch"):
        notes(wrong)


def test_what_is_no_chord_is_refused() -> None:
    with pytest.raises(ValueError, match="no chord"):
        chords("Xm")


@pytest.mark.parametrize("name", PIECES)
def test_the_voices_of_a_piece_end_together(name: str) -> None:
    piece = PIECES[name]
    ends = {voice: length(text) + piece.entries.get(voice, 0.0) for voice, text in piece.voices.items()}
    whole = max(ends.values())
    if piece.chords:
        assert length(piece.chords) == pytest.approx(whole, abs=3.01)
    if name != "scarborough":  # its second voice is the second verse
        assert set(ends.values()) == {whole}


@pytest.mark.parametrize("name", [name for name, piece in PIECES.items() if piece.chords])
def test_the_melody_agrees_with_the_chords(name: str) -> None:
    """Most notes on a beat belong to the chord below them: a slipped bar would show at once."""
    piece = PIECES[name]
    below = chords(piece.chords)
    fits = []
    for note in notes(piece.voices["melody"]):
        here = [chord for chord in below if chord.start <= note.start < chord.start + chord.beats]
        if note.start.is_integer() and here:
            fits.append(note.pitch % 12 in {tone % 12 for tone in (here[0].bass, *here[0].tones)})
    assert sum(fits) / len(fits) >= 0.65


@pytest.mark.parametrize("style", STYLES)
def test_every_style_plays_within_the_chords(style: str) -> None:
    played = accompany(style, chords("Am:3 F:3 C:4 G7:.5"))
    assert played
    for note in played:
        assert 30 <= note.pitch <= 84
        assert note.beats > 0
        assert 0 <= note.start < 10.5
