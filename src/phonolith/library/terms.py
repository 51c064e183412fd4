"""Names of facets and their buckets, as the build writes them and a query asks for them."""

from __future__ import annotations

from zlib import crc32

from phonolith.model.ids import KINDS

#: The number of each kind in the postings: track 0, release 1, artist 2, label 3.
KIND = {name: number for number, name in enumerate(KINDS)}

#: Rows of up to this many seconds fall into buckets of 15 s, up to the next into buckets of a minute, then of ten.
_FINE, _MEDIUM = 600, 3_600
_COARSE_BUCKETS = 100
LAST_DURATION = _FINE // 15 + (_MEDIUM - _FINE) // 60 + _COARSE_BUCKETS

#: Bits of a title's CRC that choose its list, and those kept beside each row in it.
EXACT_LISTS = 4_096

#: In so many tiers of each kind, letters that very many words begin with have a list of their own: /starts/lo.
CROWD_TIERS = {"track": 2, "release": 1, "artist": 1, "label": 1}

#: Up to this many matches are all looked at and ordered by closeness. Titles that can be among more are in exact_title.
FEW = 100


def facet(name: str, value: object) -> str:
    """The term of a facet: ``/year/2004``; numbers have four digits at least, so that terms sort as numbers do."""
    return f"/{name}/{value:04d}" if isinstance(value, int) else f"/{name}/{value}"


def duration_bucket(milliseconds: int) -> int:
    """The bucket of a duration, 0 to LAST_DURATION."""
    seconds = max(0, milliseconds) // 1000
    if seconds < _FINE:
        return seconds // 15
    if seconds < _MEDIUM:
        return _FINE // 15 + (seconds - _FINE) // 60
    return _FINE // 15 + (_MEDIUM - _FINE) // 60 + min(_COARSE_BUCKETS, (seconds - _MEDIUM) // 600)


def duration_start(bucket: int) -> int:
    """The shortest duration of a bucket in milliseconds; of LAST_DURATION + 1 as well, though it has none."""
    medium = bucket - _FINE // 15
    if medium <= 0:
        return bucket * 15_000
    coarse = medium - (_MEDIUM - _FINE) // 60
    return (_FINE + medium * 60) * 1000 if coarse <= 0 else (_MEDIUM + coarse * 600) * 1000


def title_key(runs: list[str]) -> int:
    """What rows of the same folded title share: 20 bits of the CRC-32 of its runs."""
    return crc32(" ".join(runs).encode()) & 0xFFFFF
