"""Every held file that may be put to a use, with what is said of it: what releases are cut from.

Each file is put to the gate by the evidence of its own track or release, as at every other door.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from phonolith.library.access import decision, item_of, standing
from phonolith.library.listing import release_rows, track_rows
from phonolith.library.reading import Library, Reading, Standing
from phonolith.library.tracks import withdrawable
from phonolith.library.views import ReleaseRow, TrackRow
from phonolith.model.rights import Use

_AT_ONCE = 200  # releases

_RELEASES = "SELECT id FROM release WHERE id > ? ORDER BY id LIMIT ?"
_TRACKS = "SELECT id FROM track WHERE release = ? ORDER BY disc, position, id"
_FILES = """
SELECT f.subject, f.role, f.name, lower(hex(o.sha256)), o.size, o.media_type, f.codec, f.problem
FROM json_each(?) j CROSS JOIN file f ON f.subject = j.value CROSS JOIN object o ON o.id = f.object
ORDER BY j.key, f.position"""
_COVER = """
SELECT r.id * 4 + 1, 'cover', 'cover', lower(hex(o.sha256)), o.size, o.media_type, '', NULL
FROM release r CROSS JOIN object o ON o.id = r.cover WHERE r.id = ?"""


@dataclass(frozen=True, slots=True)
class PermittedFile:
    """A held file and whose it is: ``track`` is None for a cover or another file of the release.

    ``rank`` is the release's place by popularity, from 1, and ``of`` how many releases there are. ``standing`` is what
    the gate allowed it by.
    """

    sha256: str
    size: int
    role: str
    name: str
    media_type: str
    release: ReleaseRow
    track: TrackRow | None
    standing: Standing
    rank: int
    of: int


def permitted(library: Library, use: Use) -> Iterator[PermittedFile]:
    """Every held file that the gate allows to be put to ``use``, best release first, in the order of its tracks.

    An object that several things have comes once for each of them that permits it. Audio that cannot be read is left
    out.
    """
    with library.reading() as reading:
        of = int((reading.one("SELECT coalesce(max(id), 0) FROM release") or (0,))[0])
        last = 0
        while rows := [row for (row,) in reading.rows(_RELEASES, (last, _AT_ONCE))]:
            for row in rows:
                for release in release_rows(reading, [row]):
                    yield from _of_release(reading, use, row, release, of)
            last = rows[-1]


def _of_release(reading: Reading, use: Use, row: int, release: ReleaseRow, of: int) -> Iterator[PermittedFile]:
    rows = [track for (track,) in reading.rows(_TRACKS, (row,))]
    shown = reading.shown("track", rows)
    tracks = dict(zip((track * 4 for track in shown), track_rows(reading, shown), strict=True))
    files = reading.rows(_FILES, (json.dumps([*tracks, row * 4 + 1]),))
    if not any(role == "cover" for _, role, *_ in files):
        files += reading.rows(_COVER, (row,))
    own = standing(reading, "release", row) if any(subject % 4 for subject, *_ in files) else None
    for subject, *found in files:
        track = tracks.get(subject)
        if track is None:
            assert own is not None
            stands, reference = own, f"release:{release.id}"
        else:
            stands, reference = _standing(track, release), f"track:{track.id}"
        yield from _asked(reading, use, reference, found, stands, (release, track, row, of))


def _standing(track: TrackRow, release: ReleaseRow) -> Standing:
    return Standing(track.rights, withdrawable(track, release), (track.id, release.id))


def _asked(
    reading: Reading, use: Use, reference: str, found: Sequence[Any], stands: Standing, whose: tuple[Any, ...]
) -> Iterator[PermittedFile]:
    """The file, if the gate allows it."""
    if found[0] == "audio" and found[6]:
        return
    item = item_of(reference, found, stands)
    if decision(reading, use, item).allowed:
        release, track, rank, of = whose
        yield PermittedFile(
            item.sha256, item.size, item.role, item.name, item.media_type, release, track, item.standing, rank, of
        )
