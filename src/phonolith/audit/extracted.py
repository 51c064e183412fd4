"""What is asked of a stranger's listing, page or magnet links, and what is answered, between an audit and its child."""

from __future__ import annotations

import msgspec


class Wanted(msgspec.Struct, frozen=True):
    """What a page is searched for: a sentence, or a figure in one of some units (``scales``: name to base scale)."""

    sentence: str
    low: float
    high: float
    scales: dict[str, float]


class Extract(msgspec.Struct, frozen=True):
    """A file, what it is to be read as, the seconds that may take, and until when looks can have been (ordinal day)."""

    path: str
    kind: str
    seconds: float
    today: int
    day: int = 0
    wanted: tuple[Wanted, ...] = ()


class Listed(msgspec.Struct, frozen=True):
    """One torrent as listings have it, all their rows about it together.

    ``infohash`` is hexadecimal, 40 digits (v1, or v2 cut off as trackers do) or 64 (v2); ``other`` that of its other
    version. ``sizes`` and ``files`` are the least and the most that was said, empty where nothing was. Days are
    ordinals (``date.fromordinal``): those on which somebody was counted with all of it, and the last look with a count.
    """

    infohash: str
    other: str = ""
    name: str = ""
    sizes: tuple[int, ...] = ()
    files: tuple[int, ...] = ()
    seeded: tuple[int, ...] = ()
    last: int = 0
    last_seeders: int = 0


class Quote(msgspec.Struct, frozen=True):
    """A line of a page that says what was looked for: word for word (``exact``), or its figure, between two values."""

    line: str
    exact: bool
    low: float
    high: float


class Extracted(msgspec.Struct, frozen=True):
    """What was found. ``rows`` were read and ``refused`` of them, by the reason; ``problem``: it cannot be read at all.

    ``columns`` says which column was taken for what, ``unused`` which were for nothing.
    """

    listed: tuple[Listed, ...] = ()
    quotes: tuple[Quote | None, ...] = ()
    rows: int = 0
    refused: dict[str, int] = {}
    columns: dict[str, str] = {}
    unused: tuple[str, ...] = ()
    problem: str = ""
