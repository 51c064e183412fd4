"""The pieces: our own transcriptions and simple settings of music that is in the public domain everywhere.

Composers died before 1926 or are not known; nothing here follows anybody's edition or arrangement. ``melody`` and
other voices are in the notation of :mod:`phonolith.demo.score`; so is ``chords``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Piece:
    """A composition: who wrote it, how fast it goes (beats a minute) and its voices by name."""

    composer: str
    tempo: float
    voices: Mapping[str, str]
    chords: str = ""
    entries: Mapping[str, float] = field(default_factory=dict)  # beat at which a voice enters, if not 0


def _prelude() -> Piece:
    """BWV 846: each bar is five pitches, played as two equal halves; the first nineteen bars."""
    bars = """
        C4 E4 G4 C5 E5|C4 D4 A4 D5 F5|B3 D4 G4 D5 F5|C4 E4 G4 C5 E5|C4 E4 A4 E5 A5|C4 D4 F#4 A4 D5
        |B3 D4 G4 D5 G5|B3 C4 E4 G4 C5|A3 C4 E4 G4 C5|D3 A3 D4 F#4 C5|G3 B3 D4 G4 B4|G3 Bb3 E4 G4 C#5|F3 A3 D4 A4 D5
        |F3 Ab3 D4 F4 B4|E3 G3 C4 G4 C5|E3 F3 A3 C4 F4|D3 F3 A3 C4 F4|G2 D3 G3 B3 F4|C3 E3 G3 C4 E4"""
    split = [bar.split() for bar in bars.split("|")]
    upper = [f"| r:.5 {c}:.25 {d} {e} {c} {d} {e} r:.5 {c}:.25 {d} {e} {c} {d} {e}" for _, _, c, d, e in split]
    tenor = [f"| r:.25 {b}:1.75 r:.25 {b}:1.75" for _, b, _, _, _ in split]
    bass = [f"| {a}:2 {a}" for a, _, _, _, _ in split]
    last = {"melody": "| E4+C4+G3:4", "tenor": "| r:4", "bass": "| C2+C3:4"}
    voices = {"melody": " ".join(upper), "tenor": " ".join(tenor), "bass": " ".join(bass)}
    names = "C Dm7 G7 C Am D7 G C Am7 D7 G Edim Dm Bdim C F Dm7 G7 C"
    chords = " ".join(f"{name}:4" for name in names.split()) + " C:4"
    return Piece("Johann Sebastian Bach", 84, {name: f"{voice} {last[name]}" for name, voice in voices.items()}, chords)


def _canon() -> Piece:
    """Three voices over the ground, each two bars behind the one before it, eight beats to a round."""
    rounds = (
        "F#5:1 E5 D5 C#5 | B4 A4 B4 C#5",
        "D5:1 C#5 B4 A4 | G4 F#4 G4 E4",
        "D4:.5 F#4 A4 G4 F#4 D4 F#4 E4 | D4 B3 D4 A4 G4 B4 A4 G4",
        "F#4:.5 D4 E4 C#5 D5 F#5 A5 A4 | B4 G4 A4 F#4 D4 D5 D5:.75 C#5:.25",
        "D5:.25 C#5 D5 D4 C#4 A4 E4 F#4 D4 D5 C#5 B4 C#5 F#5 A5 B5 "
        "| G5 F#5 E5 G5 F#5 E5 D5 C#5 B4 A4 G4 F#4 E4 G4 F#4 E4",
        "A5:.25 F#5:.125 G5 A5:.25 F#5:.125 G5 A5 A4 B4 C#5 D5 E5 F#5 G5 "
        "F#5:.25 D5:.125 E5 F#5:.25 F#4:.125 G4 A4 B4 A4 G4 A4 F#4 G4 A4 "
        "| G4:.25 B4:.125 A4 G4:.25 F#4:.125 E4 F#4 E4 D4 E4 F#4 G4 A4 B4 "
        "G4:.25 B4:.125 A4 B4:.25 C#5:.125 D5 A4 B4 C#5 D5 E5 F#5 G5 A5",
    )
    end = "| {}:4"
    voices = {
        "melody": f"{' | '.join(rounds)} {end.format('F#5')}",
        "second": f"{' | '.join(rounds[:5])} {end.format('D5')}",
        "third": f"{' | '.join(rounds[:4])} {end.format('A4')}",
        "bass": f"{'| D3:1 A2 B2 F#2 | G2 D2 G2 A2 ' * 6} {end.format('D2+D3')}",
    }
    chords = "D:1 A Bm F#m G D G A " * 6 + "D:4"
    return Piece("Johann Pachelbel", 60, voices, chords, {"second": 8.0, "third": 16.0})


_FUR_ELISE_THEME = (
    "E5:.25 D#5 E5 B4 D5 C5 | A4:.5 r:.25 C4 E4 A4 | B4:.5 r:.25 E4 G#4 B4 | C5:.5 r:.25 E4 E5 D#5 "
    "| E5:.25 D#5 E5 B4 D5 C5 | A4:.5 r:.25 C4 E4 A4 | B4:.5 r:.25 E4 C5 B4"
)
_FUR_ELISE_BASS = (
    "r:1.5 | A2:.25 E3 A3 r:.75 | E2:.25 E3 G#3 r:.75 | A2:.25 E3 A3 r:.75 "
    "| r:1.5 | A2:.25 E3 A3 r:.75 | E2:.25 E3 G#3 r:.75"
)
_ODE_FIRST = "E4:1 E4 F4 G4 | G4 F4 E4 D4 | C4 C4 D4 E4"
_JESU = (
    "B4 D5 C5 C5 E5 D5 | D5 G5 F#5 G5 D5 B4 G4 A4 B4 | C5 D5 E5 D5 C5 B4 A4 B4 G4 | F#4 G4 A4 D4 F#4 A4 C5 B4 A4 "
    "| B4 G4 A4 B4 D5 C5 C5 E5 D5 | D5 G5 F#5 G5 D5 B4 G4 A4 B4 | E4 D5 C5 B4 A4 G4 D4 G4 F#4"
)
_SAKURA_FALL = "A4:1 B4 C5 B4 | A4 B4:.5 A4 F4:2 | E4:1 C4 E4 F4 | E4 E4:.5 C4 B3:2"
_GREEN_END = "| D5:1 B4:.5 G4:.75 A4:.25 B4:.5 | C5:.75 B4:.25 A4:.5 G#4:.75 F#4:.25 G#4:.5 | A4:3"
_GREEN_HALF = "| D5:1 B4:.5 G4:.75 A4:.25 B4:.5 | C5:1 A4:.5 A4:.75 G#4:.25 A4:.5 | B4:1 G#4:.5 E4:{}"
_SCARBOROUGH = (
    "| D4:2 D4:1 | A4:2 A4:1 | E4:1.5 F4:.5 E4:1 | D4:3 | r:1 A4 C5 | D5:2 C5:1 | A4 B4 G4 | A4:3 | r:2 D5:1 "
    "| D5:2 D5:1 | C5:2 A4:1 | A4 G4 F4 | E4:1 C4:2 | D4:2 A4:1 | G4:2 F4:1 | E4 D4 C4 | D4:3"
)
_MANTOVANA_END = "| A4:2 A4 | G4 G4 | F#4 F#4 | E4:{}"

PIECES: Mapping[str, Piece] = {
    "prelude": _prelude(),
    "canon": _canon(),
    "gymnopedie": Piece(
        "Erik Satie",
        80,
        {
            "melody": "r:6 | r:1 F#5 A5 | G5 F#5 C#5 | B4 C#5 D5 | A4:3 | F#4:9 | r:1 F#5 A5 | G5 F#5 C#5 | B4 C#5 D5 "
            "| A4:3 | C#5:3 | F#5:3 | E4:9 | A4:1 B4 C5 | E5 D5 B4 | D5 C5 B4 | D5:6",
            "bass": "| G2:3 | D2 | G2 | D2 | G2 | D2 | G2 | D2 | G2 | D2 | G2 | D2 | G2 | F#2 | B2 | E2 | E2 | E2 "
            "| A2 | D2 | G2 | D2:6",
            "middle": "r:1 B3+D4+F#4:2 r:1 A3+C#4+F#4:2 "
            * 6
            + "r:1 B3+D4+F#4:2 r:1 A3+C#4+F#4:2 r:1 A3+D4+F#4:2 r:1 G3+B3+E4:2 r:1 G3+B3+D4:2 r:1 G3+B3+E4:2 "
            "r:1 G3+C4+E4:2 r:1 A3+D4+F#4:2 r:1 B3+D4+F#4:2 r:1 A3+D4+F#4:5",
        },
    ),
    "elise": Piece(
        "Ludwig van Beethoven",
        66,
        {
            "melody": f"E5:.25 D#5 | {_FUR_ELISE_THEME} | A4:.5 r:.25 B4 C5 D5 | E5:.75 G4:.25 F5 E5 "
            "| D5:.75 F4:.25 E5 D5 | C5:.75 E4:.25 D5 C5 | B4:.5 r:.25 E4 E5 E4 | E5 E5 E6 D#5 E5 D#5 "
            f"| {_FUR_ELISE_THEME} | A4:1.5",
            "bass": f"r:.5 | {_FUR_ELISE_BASS} | A2:.25 E3 A3 r:.75 | C3:.25 G3 C4 r:.75 | G2:.25 G3 B3 r:.75 "
            f"| A2:.25 E3 A3 r:.75 | E2:.25 E3 E4 r:.75 | r:1.5 | {_FUR_ELISE_BASS} | A2:.25 E3 A3:1",
        },
    ),
    "moonlight": Piece(
        "Ludwig van Beethoven",
        56,
        {
            "middle": "| "
            + "G#3:1/3 C#4 E4 " * 8
            + "| "
            + "A3 C#4 E4 " * 2
            + "A3 D4 F#4 " * 2
            + "| G#3 C4 F#4 G#3 C#4 E4 G#3 C#4 D#4 F#3 C4 D#4 | "
            + "E3 G#3 C#4 " * 4
            + "| "
            + "G#3 D#4 F#4 " * 4
            + "| "
            + "G#3 C#4 E4 " * 4
            + "| "
            + "A3 C#4 F#4 " * 2
            + "G#3 B3 E4 " * 2
            + "| "
            + "A3 B3 D#4 " * 4
            + "| "
            + "G#3 B3 E4 " * 4
            + "| G#3+B3+E4:4",
            "bass": "| C#2+C#3:4 | B1+B2 | A1+A2:2 F#1+F#2 | G#1+G#2 G#1+G#2 | C#2+C#3:4 | C2+G#2 | C#2+C#3 "
            "| F#1+F#2:2 B1+B2 | B1+B2:4 | E2+E3 | E2:4",
            "melody": "r:16 | r:3 G#4:.75 G#4:.25 | G#4:3 G#4:.75 G#4:.25 | G#4:4 | A4:2 G#4 | F#4:2 B4 | E4:4 | E4:4",
        },
    ),
    "ode": Piece(
        "Ludwig van Beethoven",
        108,
        {
            "melody": f"| {_ODE_FIRST} | E4:1.5 D4:.5 D4:2 | {_ODE_FIRST} | D4:1.5 C4:.5 C4:2 "
            "| D4:1 D4 E4 C4 | D4 E4:.5 F4 E4:1 C4 | D4 E4:.5 F4 E4:1 D4 | C4 D4 G3:2 "
            f"| {_ODE_FIRST} | D4:1.5 C4:.5 C4:4"
        },
        "C:4 G:4 Am:4 C:2 G:2 C:4 G:4 Am:2 C:2 G:2 C:2 G:2 C:2 G:2 C:2 G:2 E7:2 Am:1 D7:1 G:2 C:4 G:4 Am:2 C:2 G:2 C:4",
    ),
    "jesu": Piece(
        "Johann Sebastian Bach",
        72,
        {
            "melody": f"| r:1/3 G4 A4 {_JESU} | G4 B4 A4 {_JESU} | G4:3",
            "third": "| D4:2 E4:1 | D4:2 B3:1 | E4 D4 C4 | A3:2 C4:1 | B3:2 E4:1 | D4:2 B3:1 | C4 B3 A3 " * 2
            + "| B3+D4:3",
        },
        ("G:2 C:1 G G Em C G Am D D D7 G G C G G Em Am G D7 " * 2) + "G:3",
    ),
    "greensleeves": Piece(
        "traditional",
        92,
        {
            "melody": "A4:.5 | C5:1 D5:.5 E5:.75 F5:.25 E5:.5 "
            + _GREEN_HALF.format("1")
            + " A4:.5 | C5:1 D5:.5 E5:.75 F5:.25 E5:.5 "
            + _GREEN_END
            + " | G5:1.5 G5:.75 F#5:.25 E5:.5 "
            + _GREEN_HALF.format("1.5")
            + " | G5:1.5 G5:.75 F#5:.25 E5:.5 "
            + _GREEN_END
        },
        "r:.5 Am:3 G:3 Am:3 E:3 Am:3 G:3 Am:1.5 E7:1.5 Am:3 C:3 G:3 Am:3 E:3 C:3 G:3 Am:1.5 E7:1.5 Am:3",
    ),
    "scarborough": Piece(
        "traditional",
        116,
        {"melody": f"r:6 {_SCARBOROUGH}", "second": f"r:57 {_SCARBOROUGH}"},
        "Dm:6 " + "Dm:6 C:3 Dm:3 F:3 Dm:3 G:3 Am:3 Dm:6 F:6 C:3 Dm:3 C:3 Am:3 Dm:3 " * 2 + "Dm:3",
    ),
    "mantovana": Piece(
        "Giuseppe Cenci",
        120,
        {
            "melody": "B3:1 | E4:1 F#4 G4 A4 | B4:2 B4 | C5 C5 | B4:4 "
            + _MANTOVANA_END.format("3 B3:1")
            + " | E4:1 F#4 G4 A4 | B4:2 B4 | C5 C5 | B4:4 "
            + _MANTOVANA_END.format("3 D4:1")
            + " | G4:1 A4 B4 C5 | D5:2 D5 | E5 E5 | D5:4 | C5:2 C5 | B4 B4 "
            + _MANTOVANA_END.format("4")
        },
        "r:1 " + "Em:8 Am:4 Em:4 D:4 G:4 B7:4 Em:4 " * 2 + "G:8 C:4 G:4 Am:4 Em:4 D:4 G:4 B7:4 Em:4",
    ),
    "syne": Piece(
        "traditional",
        88,
        {
            "melody": "C4:1 | F4:1.5 F4:.5 F4:1 A4 | G4:1.5 F4:.5 G4:1 A4 | F4:1.5 F4:.5 A4:1 C5 | D5:3 D5:1 "
            "| C5:1.5 A4:.5 A4:1 F4 | G4:1.5 F4:.5 G4:1 A4 | F4:1.5 D4:.5 D4:1 C4 | F4:3 D5:1 "
            "| C5:1.5 A4:.5 A4:1 F4 | G4:1.5 F4:.5 G4:1 D5 | C5:1.5 A4:.5 A4:1 C5 | D5:3 D5:1 "
            "| C5:1.5 A4:.5 A4:1 F4 | G4:1.5 F4:.5 G4:1 A4 | F4:1.5 D4:.5 D4:1 C4 | F4:4"
        },
        "r:1 " + "F:4 C:4 F:4 Bb:4 F:4 C:4 Dm:2 C:2 F:4 " * 2,
    ),
    "lullaby": Piece(
        "Johannes Brahms",
        84,
        {
            "melody": "A4:.5 A4 | C5:1.5 A4:.5 A4:1 | C5:2 A4:.5 C5 | F5:1 E5 D5 | D5 C5 G4:.5 A4 | Bb4:1 G4 G4:.5 A4 "
            "| Bb4:2 G4:.5 Bb4 | E5 D5 C5:1 E5 | F5:2 F4:.5 F4 | F5:2 D5:.5 Bb4 | C5:2 A4:.5 F4 | Bb4:1 C5 D5 "
            "| C5:2 F4:.5 F4 | F5:2 D5:.5 Bb4 | C5:2 A4:.5 F4 | Bb4:1 A4 G4 | F4:3"
        },
        "r:1 F:3 F:3 Dm:3 F:3 C7:3 C7:3 C7:3 F:3 Bb:3 F:3 C7:3 F:3 Bb:3 F:3 C7:3 F:3",
    ),
    "maman": Piece(
        "traditional",
        96,
        {
            "melody": ("| C5:1 C5 G5 G5 | A5 A5 G5:2 | F5:1 F5 E5 E5 | D5 D5 C5:2 " * 1)
            + "| G5:1 G5 F5 F5 | E5 E5 D5:2 | G5:1 G5 F5 F5 | E5 E5 D5:2 "
            + "| C5:.5 B4 C5 B4 G5 F#5 G5 F#5 | A5 G#5 A5 C6 G5:2 | F5:.5 E5 F5 D5 E5 D5 E5 C5 | D5 C5 D5 B4 C5:4",
        },
        "C:4 F:2 C:2 F:2 C:2 G:2 C:2 C:2 F:2 C:2 G:2 C:2 F:2 C:2 G:2 C:4 F:2 C:2 F:2 C:2 G:2 C:4",
    ),
    "sakura": Piece(
        "traditional",
        72,
        {
            "melody": f"| A4:1 A4 B4:2 | A4:1 A4 B4:2 | {_SAKURA_FALL} | {_SAKURA_FALL} "
            "| A4:1 A4 B4:2 | A4:1 A4 B4:2 | E4:1 F4 B4:.5 A4 F4:1 | E4:4"
        },
        "Ao:2 Eo:2 Ao:2 Eo:2 Ao:4 Fmaj7:4 Ao:4 Eo:4 Ao:4 Fmaj7:4 Ao:4 Eo:4 Ao:2 Eo:2 Ao:2 Eo:2 Ao:2 Fmaj7:2 Eo:4",
    ),
    "molihua": Piece(
        "traditional",
        84,
        {
            "melody": "| E4:1 E4:.5 G4 A4 C5 C5 A4 | G4:1 G4:.5 A4 G4:2 "
            * 2
            + "| G4:1 G4 G4 E4:.5 G4 | A4:1 A4 G4:2 | E4:1 D4:.5 E4 G4:1 E4:.5 D4 | C4:1 C4:.5 D4 C4:2 "
            "| E4:.5 D4 C4 E4 D4:1.5 E4:.5 | G4:1 A4:.5 C5 G4:2 | D4:1 E4:.5 G4 D4 E4 C4 A3 | G3:2 A3:1 C4 "
            "| D4:1.5 E4:.5 C4 D4 C4 A3 | G3:4"
        },
        "C:2 Am:2 C:4 C:2 Am:2 C:4 C:4 Am:2 C:2 C:2 G:2 C:4 C:2 G:2 C:4 G:2 Am:2 C:4 G:2 Am:2 C:4",
    ),
    "arirang": Piece(
        "traditional",
        104,
        {
            "melody": "| C4:1.5 D4:.5 C4 D4 | F4:1.5 G4:.5 F4 G4 | A4:1 G4:.5 A4 F4 D4 | C4:1.5 D4:.5 C4 D4 "
            "| F4:1.5 G4:.5 F4 G4 | A4 G4 F4 D4 C4 D4 | F4:1.5 G4:.5 F4:1 | F4:3 "
            "| C5:2 C5:1 | C5 A4 G4 | A4:1 G4:.5 A4 F4 D4 | C4:1.5 D4:.5 C4 D4 "
            "| F4:1.5 G4:.5 F4 G4 | A4 G4 F4 D4 C4 D4 | F4:1.5 G4:.5 F4:1 | F4:3"
        },
        "F:6 Dm:3 C:3 F:3 Dm:3 Bb:3 F:3 F:6 Dm:3 C:3 F:3 Dm:3 Bb:3 F:3",
    ),
}
