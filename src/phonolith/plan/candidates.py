"""Streams what could be fetched out of the catalogue: for each track that is not held the first address of its audio.

In order of the track's row and in portions, so that memory does not grow with the catalogue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from phonolith.library.reading import Reading
from phonolith.model.progress import Progress
from phonolith.plan.sizes import CODEC

#: What is known of a candidate. ``popularity`` is NaN and ``ms`` 0 where it is not known, ``rights`` 0 where nothing
#: is stated; ``offers`` counts the addresses of its audio; ``held``: its audio is here and lacks an access copy.
KNOWN = np.dtype(
    [
        ("track", "u4"),
        ("release", "u4"),
        ("source", "u4"),
        ("rights", "u4"),
        ("offers", "u4"),
        ("codec", "u1"),
        ("held", "?"),
        ("ms", "f8"),
        ("bitrate", "f8"),
        ("popularity", "f8"),
    ]
)
#: Rows that are worked on at once.
PORTION = 1 << 18

#: Statuses of tracks whose audio is not here and may be offered: not fetched, no licence, not permitted, for later.
_OPEN = "(0, 2, 3, 7)"
_IS_ADDRESS = "((f.url >= 'http://' AND f.url < 'http:0') OR (f.url >= 'https://' AND f.url < 'https:0'))"
_ROW = f"""
t.release, r.source, coalesce(t.rights, r.rights, 0), 1, {CODEC}, {{held}}, coalesce(t.duration, 0),
coalesce(f.bitrate, 0), coalesce(t.popularity, -1)"""
_OFFERED = f"""
SELECT f.subject / 4, {_ROW.format(held=0)}
FROM file f CROSS JOIN track t ON t.id = f.subject / 4 CROSS JOIN release r ON r.id = t.release
WHERE f.subject >= 0 AND f.subject % 4 = 0 AND f.object IS NULL AND f.role = 'audio' AND {_IS_ADDRESS}
  AND t.status IN {_OPEN}
ORDER BY f.subject, f.position"""
_HELD = f"""
SELECT t.id, {_ROW.format(held=1)}, lower(hex(o.sha256))
FROM file f CROSS JOIN object o ON o.id = f.object CROSS JOIN track t ON t.id = f.subject / 4
CROSS JOIN release r ON r.id = t.release
WHERE f.object IS NOT NULL AND f.subject >= 0 AND f.subject % 4 = 0 AND f.role = 'audio' AND f.problem IS NULL
ORDER BY f.subject, f.position"""
_ABSENT = """
SELECT DISTINCT f.subject / 4 FROM file f WHERE f.subject >= 0 AND f.subject % 4 = 0 AND f.object IS NULL
  AND f.url IN (SELECT value FROM json_each(?))"""

Known = NDArray[np.void]


def offered(reading: Reading, progress: Progress) -> Iterator[Known]:
    """What is not held and has an address, in portions; hidden tracks are left out."""
    total = reading.one("SELECT coalesce(max(id), 0) FROM track")
    progress.start("Reading what could be fetched", int(total[0]) if total else 0, "tracks")
    rest, seen = np.empty(0, KNOWN), 0
    rows = reading.db.execute(_OFFERED)
    while True:
        found = np.fromiter(islice(rows, PORTION), KNOWN)
        whole = np.concatenate([rest, found]) if len(rest) else found
        if not len(whole):
            break
        starts = np.flatnonzero(np.append(True, whole["track"][1:] != whole["track"][:-1]))
        ended = len(found) < PORTION
        complete = starts if ended else starts[:-1]
        if ended:
            ends = np.append(starts[1:], len(whole))
            rest = np.empty(0, KNOWN)
        else:
            ends, rest = starts[1:], whole[starts[-1] :]
        if len(complete):
            first = whole[complete]
            first["offers"] = ends - complete
            progress.advance(int(first["track"][-1]) - seen)
            seen = int(first["track"][-1])
            yield _plain(first, reading.hidden.tracks)
        if ended:
            break
    progress.finish()


def lacking_copies(reading: Reading, copied: Collection[str]) -> Iterator[Known]:
    """What is held and has no access copy: ``copied`` are the digests of the objects that have one."""
    hidden = reading.hidden.tracks | reading.hidden.silenced
    rows = iter(reading.db.execute(_HELD))
    last = 0
    while portion := list(islice(rows, PORTION)):
        lacking = []
        for *row, sha256 in portion:
            if row[0] != last:  # one copy of a track is enough
                last = row[0]
                if sha256 not in copied:
                    lacking.append(tuple(row))
        if lacking:
            yield _plain(np.array(lacking, KNOWN), hidden)


def absent_rows(reading: Reading, addresses: str) -> list[int]:
    """Rows of tracks of which an address is one of ``addresses`` (a JSON list): nothing was there lately."""
    return [row for (row,) in reading.rows(_ABSENT, (addresses,))]


def _plain(found: Known, hidden: BitMap) -> Known:
    unknown = found["popularity"] < 0
    found["popularity"][unknown] = np.nan
    if hidden:
        found = found[np.fromiter((int(row) not in hidden for row in found["track"]), bool, len(found))]
    return found
