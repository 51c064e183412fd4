"""Which published bundles hold the files of a track or a release."""

from __future__ import annotations

from collections.abc import Iterable

from phonolith.errors import NotFound
from phonolith.library import releases, tracks
from phonolith.library.details import subject
from phonolith.library.listing import raw_tracks, release_row, track_row
from phonolith.library.publications import Objects
from phonolith.library.reading import Library, Reading
from phonolith.model.publication import Bundle
from phonolith.store.bag import MANIFEST

_OF_TRACK = """
SELECT lower(hex(o.sha256)) FROM file f CROSS JOIN object o ON o.id = f.object
WHERE f.subject = ? AND f.role = 'audio' """
_TRACKS = "SELECT id FROM track WHERE release = ? LIMIT 1000"


def bundled(
    library: Library, objects: Objects, bundles: Iterable[Bundle], identifier: str
) -> tuple[str, list[tuple[Bundle, str]]]:
    """The title of a track or release, and the bundles that hold its audio, each with the digest of one file of it.

    Manifests are searched as they lie, without being taken apart: a hundred megabytes of them are a million files.
    Raises NotFound, Withdrawn, and what reading a manifest raises.
    """
    with library.reading() as reading:
        kind, row = reading.snapshot.find(identifier)
        if kind not in ("track", "release"):
            raise NotFound(f"{kind}:{identifier}", "has no files of its own")
        title, ids = _named(reading, kind, row)
        reading.check(f"{kind}:{identifier}", ids)
        rows = [row] if kind == "track" else [one for (one,) in reading.rows(_TRACKS, (row,))]
        wanted = [sha256 for one in rows for (sha256,) in reading.rows(_OF_TRACK, (subject("track", one),))]
    found = ((one, _first(objects, one, wanted)) for one in bundles)
    return title, [(one, sha256) for one, sha256 in found if sha256]


def _named(reading: Reading, kind: str, row: int) -> tuple[str, tuple[str, ...]]:
    """The title, and the ids that a withdrawal of it could name."""
    if kind == "release":
        release = release_row(reading, row)
        return release.title, releases.withdrawable(release)
    track, raw = track_row(reading, row), raw_tracks(reading, [row])[0]
    return track.title, tracks.withdrawable(track, release_row(reading, raw.release))


def _first(objects: Objects, bundle: Bundle, wanted: Iterable[str]) -> str:
    """The first of the digests that the bundle's manifest has; "" where it has none."""
    with objects.open(bundle.tags[MANIFEST]) as file:
        manifest = file.read()
    return next((sha256 for sha256 in wanted if f"{sha256}  data/".encode() in manifest), "")
