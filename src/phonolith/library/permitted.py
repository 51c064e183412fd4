"""Every held file that may be put to a use, with what is said of it: what releases are cut from.

Each file is put to the gate by the evidence of its own track or release, as at every other door.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phonolith.library.access import decision, item_of, sharing, standing
from phonolith.library.listing import release_rows, track_rows
from phonolith.library.reading import Library, Reading, Standing
from phonolith.library.tracks import withdrawable
from phonolith.library.views import ReleaseRow, TrackRow
from phonolith.model.rights import Use

_AT_ONCE = 500  # releases

#: Releases that have a held file, themselves or on a track: in an archive of metadata these are few among millions.
_RELEASES = """
SELECT t.release FROM file f CROSS JOIN track t ON t.id = f.subject / 4 WHERE f.object IS NOT NULL AND f.subject % 4 = 0
UNION SELECT subject / 4 FROM file WHERE object IS NOT NULL AND subject % 4 = 1
UNION SELECT id FROM release WHERE cover IS NOT NULL ORDER BY 1"""
_TRACKS = """
SELECT t.release, t.id FROM json_each(?) j CROSS JOIN track t ON t.release = j.value
WHERE EXISTS (SELECT 1 FROM file f WHERE f.subject = t.id * 4 AND f.object IS NOT NULL)
ORDER BY j.key, t.disc, t.position, t.id"""
_FILES = """
SELECT f.subject, f.role, f.name, lower(hex(o.sha256)), o.size, o.media_type, f.codec, f.problem
FROM json_each(?) j CROSS JOIN file f ON f.subject = j.value CROSS JOIN object o ON o.id = f.object
ORDER BY j.key, f.position"""
_COVERS = """
SELECT r.id * 4 + 1, 'cover', 'cover', lower(hex(o.sha256)), o.size, o.media_type, '', NULL
FROM json_each(?) j CROSS JOIN release r ON r.id = j.value CROSS JOIN object o ON o.id = r.cover"""


@dataclass(frozen=True, slots=True)
class PermittedFile:
    """A held file and whose it is: ``track`` is None for a cover or another file of the release.

    ``rank`` is the release's place by popularity, from 1, and ``of`` how many releases there are. ``standing`` is what
    the gate allowed it by; ``ids`` are all that a withdrawal of its bytes could name, those of whatever else has the
    same bytes too; ``attestations`` are the events of those in force for it.
    """

    sha256: str
    size: int
    role: str
    name: str
    media_type: str
    release: ReleaseRow
    track: TrackRow | None
    standing: Standing
    ids: tuple[str, ...]
    attestations: tuple[int, ...]
    rank: int
    of: int


def permitted(library: Library, use: Use) -> Iterator[PermittedFile]:
    """Every held file that the gate allows to be put to ``use``, best release first, in the order of its tracks.

    An object that several things have comes once for each of them that permits it. Audio that cannot be read is left
    out.
    """
    with library.reading() as reading:
        of = int((reading.one("SELECT coalesce(max(id), 0) FROM release") or (0,))[0])
        every = [row for (row,) in reading.rows(_RELEASES)]
        for start in range(0, len(every), _AT_ONCE):
            rows = reading.shown("release", every[start : start + _AT_ONCE])
            yield from _of_releases(reading, use, dict(zip(rows, release_rows(reading, rows), strict=True)), of)


def _of_releases(reading: Reading, use: Use, releases: Mapping[int, ReleaseRow], of: int) -> Iterator[PermittedFile]:
    homes = dict(reversed(pair) for pair in reading.rows(_TRACKS, (json.dumps(list(releases)),)))
    shown = reading.shown("track", homes)
    tracks = dict(zip(shown, track_rows(reading, shown), strict=True))
    files = _files(reading, releases, [(homes[track], track) for track in shown])
    own = {row: standing(reading, "release", row) for row in {subject // 4 for subject, *_ in files if subject % 4}}
    for subject, *found in files:
        track = None if subject % 4 else tracks[subject // 4]
        row = subject // 4 if track is None else homes[subject // 4]
        release = releases[row]
        stands = own[row] if track is None else _standing(track, release)
        one = item_of(f"release:{release.id}" if track is None else f"track:{track.id}", found, stands)
        unreadable = one.role == "audio" and found[6]
        if not unreadable and decision(reading, use, one).allowed:
            yield PermittedFile(
                one.sha256,
                one.size,
                one.role,
                one.name,
                one.media_type,
                release,
                track,
                one.standing,
                tuple(dict.fromkeys((*stands.ids, *sharing(reading, one.sha256, besides=subject)))),
                _attestations(reading, stands),
                row,
                of,
            )


def _files(reading: Reading, releases: Iterable[int], tracks: Sequence[tuple[int, int]]) -> list[tuple[Any, ...]]:
    """Held files of (release, track) pairs and of the releases, by release, each release's own after its tracks'."""
    subjects: dict[int, list[int]] = {row: [] for row in releases}
    for row, track in tracks:
        subjects[row].append(track * 4)
    wanted = [subject for row, mine in subjects.items() for subject in (*mine, row * 4 + 1)]
    files = reading.rows(_FILES, (json.dumps(wanted),))
    covered = {subject for subject, role, *_ in files if role == "cover"}
    files += reading.rows(_COVERS, (json.dumps([row for row in subjects if row * 4 + 1 not in covered]),))
    place = {subject: number for number, subject in enumerate(wanted)}
    return sorted(files, key=lambda file: place[file[0]])


def _standing(track: TrackRow, release: ReleaseRow) -> Standing:
    return Standing(track.rights, withdrawable(track, release), (track.id, release.id))


def _attestations(reading: Reading, stands: Standing) -> tuple[int, ...]:
    """The events that the evidence rests on, if it was attested."""
    if stands.rights.basis != "attested":
        return ()
    return tuple(one.event for one in reading.decisions.attestations(*stands.witnesses))
