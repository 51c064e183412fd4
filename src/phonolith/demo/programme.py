"""The programme: which releases there are, who plays what on them, how it is set and where it sounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phonolith.demo.accompaniment import accompany
from phonolith.demo.pieces import PIECES
from phonolith.demo.score import Note, chords, length, notes
from phonolith.demo.synthesiser import Part


@dataclass(frozen=True, slots=True)
class Line:
    """A voice of the piece, or its chords in a style (``~broken``), on an instrument; ``shift`` in semitones."""

    voice: str
    instrument: str
    gain: float = 1.0
    shift: int = 0
    pan: float = 0.0


@dataclass(frozen=True, slots=True)
class Take:
    """A track: a piece set for instruments in a room. ``pace`` multiplies its tempo, ``until`` cuts it at a beat."""

    title: str
    piece: str
    lines: tuple[Line, ...]
    room: str = "chamber"
    pace: float = 1.0
    until: float = 0.0
    transpose: int = 0
    guest: str = ""  # who plays along, beside the release's artist
    disc: int = 1
    popularity: int = 1
    genre: str = ""  # "": the release's
    beat: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """A release; ``disc_titles`` by disc number if it has several; ``suffix`` of its files is ``flac`` or ``opus``."""

    title: str
    artist: str
    folder: str
    date: str
    genre: str
    label: str
    catalogue_number: str
    suffix: str
    art: str
    takes: tuple[Take, ...]
    disc_titles: Mapping[int, str] | None = None
    booklet: bool = False


def parts(take: Take) -> list[Part]:
    """The take's lines as parts to play."""
    piece = PIECES[take.piece]
    found = []
    for line in take.lines:
        if line.voice.startswith("~"):
            played = accompany(line.voice[1:], chords(piece.chords))
        else:
            played = notes(piece.voices[line.voice], piece.entries.get(line.voice, 0.0))
        until = take.until or float("inf")
        kept = [note for note in played if note.start < until]
        found.append(Part(line.instrument, kept, line.gain, line.shift + take.transpose, line.pan))
    return found + (_drums(take) if take.beat else [])


def tempo(take: Take) -> float:
    """Beats a minute."""
    return PIECES[take.piece].tempo * take.pace


def _drums(take: Take) -> list[Part]:
    """A soft kick on every beat from the ninth on, and a hat between them from the seventeenth."""
    end = take.until or length(PIECES[take.piece].voices["melody"])
    kicks = [Note(float(beat), 1.0, 60) for beat in range(8, int(end) - 4)]
    hats = [Note(beat + 0.5, 0.5, 60, 0.8 + 0.4 * (beat % 2)) for beat in range(16, int(end) - 4)]
    return [Part("kick", kicks, 0.55), Part("hat", hats, 0.5)]


_TRIO, _BOX, _ORGAN, _STONE, _DRIFT = (
    "Clinkstone Trio",
    "Tephra Music Box",
    "Basalt Organ",
    "石の声アンサンブル",
    "Obsidian Drift",
)
_LABEL, _EAST = "Columnar Records", "Six-Sided Sounds"


def _organ_canon(room: str) -> tuple[Line, ...]:
    return (
        Line("melody", "organ", 0.9, pan=-0.5),
        Line("second", "organ", 0.8),
        Line("third", "organ", 0.75, pan=0.5),
        Line("bass", "organ", 0.9, -12),
        *((Line("~held", "strings", 0.35),) if room == "hall" else ()),
    )


_ODE = (Line("melody", "organ", 1.0, 12), Line("~held", "organ", 0.5), Line("~bass", "organ", 0.7))

RELEASES: tuple[Release, ...] = (
    Release(
        "Preludes for a Stone Room", _TRIO, "Clinkstone Trio - Preludes for a Stone Room", "2021-03-14", "Classical",
        _LABEL, "COL-001", "flac", "columns",
        (
            Take("Prelude in C major, BWV 846", "prelude",
                 (Line("melody", "piano", 0.72), Line("tenor", "piano", 0.7), Line("bass", "piano", 0.9)),
                 popularity=960),
            Take("Gymnopédie No. 1", "gymnopedie",
                 (Line("melody", "piano", 1.0), Line("middle", "piano", 0.45), Line("bass", "piano", 0.75)), "hall",
                 popularity=1000),
            Take("Für Elise", "elise", (Line("melody", "piano", 0.95), Line("bass", "piano", 0.7)), popularity=900),
            Take("Moonlight Sonata: first bars", "moonlight",
                 (Line("melody", "piano", 1.05), Line("middle", "piano", 0.5), Line("bass", "piano", 0.75)), "hall",
                 popularity=720),
        ),
        booklet=True,
    ),
    Release(
        "Clockwork Lullabies", _BOX, "Tephra Music Box - Clockwork Lullabies", "2022", "Lullaby",
        _LABEL, "COL-004", "flac", "gears",
        (
            Take("Für Elise (Music Box)", "elise",
                 (Line("melody", "music box", 1.0, 12), Line("bass", "music box", 0.6, 24)), "close", 0.92,
                 popularity=540),
            Take("Wiegenlied (Brahms’s Lullaby)", "lullaby",
                 (Line("melody", "music box", 1.0, 12), Line("~waltz", "music box", 0.5, 12)), "close",
                 popularity=610),
            Take("Ah ! vous dirai-je, maman", "maman",
                 (Line("melody", "music box", 1.0), Line("~broken", "music box", 0.5, 12)), "close",
                 popularity=380),
            Take("さくらさくら (Music Box)", "sakura",
                 (Line("melody", "music box", 1.0, 12), Line("~rolled", "music box", 0.5, 12)), "close", 1.1,
                 popularity=330),
        ),
    ),
    Release(
        "Canons & Chorales", _ORGAN, "Basalt Organ - Canons & Chorales", "2020-11-08", "Baroque",
        _LABEL, "COL-002", "flac", "pipes",
        (
            Take("Canon in D", "canon", _organ_canon("hall"), "hall", popularity=880),
            Take("Jesus bleibet meine Freude", "jesu",
                 (Line("melody", "flute", 0.9), Line("third", "organ", 0.8), Line("~bass", "organ", 0.6)), "hall",
                 popularity=590),
            Take("Ode to Joy", "ode", _ODE, "hall", popularity=640),
            Take("Canon in D (Live in the Cistern)", "canon", _organ_canon("cistern"), "cistern", 0.97, 32, disc=2,
                 popularity=270),
            Take("Ode to Joy (Live in the Cistern)", "ode", _ODE, "cistern", 1.06, disc=2, popularity=160),
        ),
        {1: "In the Hall", 2: "In the Cistern"},
    ),
    Release(
        "石の声 / Voices of Stone", _STONE, "石の声アンサンブル - 石の声", "2023-04", "Folk",
        _EAST, "SIX-07", "opus", "petals",
        (
            Take("さくらさくら", "sakura",
                 (Line("melody", "koto", 1.0), Line("~rolled", "koto", 0.55, -12), Line("melody", "flute", 0.35, 12)),
                 popularity=500),
            Take("茉莉花", "molihua",
                 (Line("melody", "flute", 0.85, 12), Line("~broken", "koto", 0.55), Line("~bass", "sub", 0.3)), "hall",
                 popularity=420),
            Take("아리랑", "arirang",
                 (Line("melody", "koto", 1.0), Line("melody", "flute", 0.45), Line("~waltz", "koto", 0.4, -12)), "hall",
                 popularity=450),
        ),
    ),
    Release(
        "Northern Lanterns", _TRIO, "Clinkstone Trio - Northern Lanterns", "2022-12-01", "Folk",
        _LABEL, "COL-005", "flac", "lanterns",
        (
            Take("Greensleeves", "greensleeves",
                 (Line("melody", "flute", 0.9), Line("~broken", "harp", 0.6), Line("~bass", "sub", 0.25)), "hall",
                 popularity=690),
            Take("Scarborough Fair", "scarborough",
                 (Line("melody", "harp", 1.0), Line("second", "flute", 0.7, 12), Line("~waltz", "harp", 0.45),
                  Line("~held", "strings", 0.18)), "hall", popularity=520),
            Take("La Mantovana", "mantovana",
                 (Line("melody", "harp", 1.0), Line("~broken", "harp", 0.5, -12), Line("melody", "strings", 0.25)),
                 popularity=210),
            Take("Auld Lang Syne", "syne",
                 (Line("melody", "flute", 0.8, 12), Line("melody", "piano", 0.6), Line("~held", "organ", 0.35)),
                 "hall", guest=_ORGAN, popularity=570),
        ),
    ),
    Release(
        "Canon in D (Edits)", _DRIFT, "Obsidian Drift - Canon in D (Edits)", "2024-02-29", "Electronic",
        _EAST, "SIX-11", "opus", "waves",
        (
            Take("Canon in D (Radio Edit)", "canon",
                 (Line("melody", "night keys", 0.8), Line("second", "night keys", 0.5, pan=0.5),
                  Line("bass", "sub", 0.8), Line("~pulse", "night keys", 0.28), Line("~held", "strings", 0.25)),
                 "close", 1.6, 40, beat=True, popularity=810),
            Take("Canon in D (Slow Drift)", "canon",
                 (Line("melody", "strings", 0.7), Line("second", "strings", 0.6), Line("~rippling", "night keys", 0.22),
                  Line("bass", "sub", 0.6)), "night", 0.62, 24, popularity=300, genre="Ambient"),
            Take("Canon in D (Clockwork Version)", "canon",
                 (Line("melody", "music box", 0.9, 12), Line("second", "music box", 0.6, 12, 0.4),
                  Line("~held", "strings", 0.25), Line("bass", "sub", 0.5)), "night", 0.95, 32,
                 guest=_BOX, popularity=360),
            Take("Prelude in C (Night Version)", "prelude",
                 (Line("melody", "night keys", 0.7), Line("tenor", "night keys", 0.6), Line("bass", "sub", 0.6),
                  Line("~held", "strings", 0.2)), "night", 0.9, 60, -3, popularity=240, genre="Ambient"),
        ),
    ),
)  # fmt: skip
