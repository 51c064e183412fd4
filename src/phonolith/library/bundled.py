"""Which published bundles hold the files of a track or a release."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from phonolith.errors import Damaged, NotFound, PhonolithError
from phonolith.library import releases, tracks
from phonolith.library.details import subject
from phonolith.library.listing import raw_tracks, release_row, track_row
from phonolith.library.publications import Objects, files
from phonolith.library.reading import Library, Reading
from phonolith.model.publication import Bundle
from phonolith.store.bag import MANIFEST
from phonolith.store.bundle_index import BundleIndex

_OF_TRACK = """
SELECT lower(hex(o.sha256)) FROM file f CROSS JOIN object o ON o.id = f.object
WHERE f.subject = ? AND f.role = 'audio' """
_TRACKS = "SELECT id FROM track WHERE release = ? LIMIT 1000"


def bundled(
    library: Library, objects: Objects, bundles: Iterable[Bundle], identifier: str, index: Path
) -> tuple[str, list[tuple[Bundle, str]]]:
    """The title of a track or release, and the bundles that hold its audio, each with the digest of one file of it.

    Manifests that ``index`` (derived/bundles.sqlite) tells nothing of are searched as they lie. Raises NotFound,
    Withdrawn, and what reading a manifest raises.
    """
    with library.reading() as reading:
        kind, row = reading.snapshot.find(identifier)
        if kind not in ("track", "release"):
            raise NotFound(f"{kind}:{identifier}", "has no files of its own")
        title, ids = _named(reading, kind, row)
        reading.check(f"{kind}:{identifier}", ids)
        rows = [row] if kind == "track" else [one for (one,) in reading.rows(_TRACKS, (row,))]
        wanted = [sha256 for one in rows for (sha256,) in reading.rows(_OF_TRACK, (subject("track", one),))]
    found = ((one, _first(objects, one, wanted)) for one in _perhaps(index, list(bundles), wanted))
    return title, [(one, sha256) for one, sha256 in found if sha256]


def holders(
    objects: Objects, bundles: Iterable[Bundle], wanted: Collection[str], index: Path
) -> dict[str, tuple[str, ...]]:
    """The names of the bundles whose payload has each of some objects; those in none are left out.

    A bundle whose manifest cannot be read holds nothing that anybody could take.
    """
    found: dict[str, tuple[str, ...]] = {}
    for bundle in _perhaps(index, list(bundles), wanted) if wanted else ():
        with suppress(PhonolithError):
            inside = {one.sha256 for one in files(objects, bundle) if one.payload}
            for sha256 in inside.intersection(wanted):
                found[sha256] = (*found.get(sha256, ()), bundle.name)
    return found


def audio_of(library: Library, identifiers: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The SHA-256 of the audio that is held of each of some tracks; what is none, or not there, is left out."""
    found = {}
    with library.reading() as reading:
        for one in identifiers:
            with suppress(NotFound):
                kind, row = reading.snapshot.find(one)
                if kind == "track":
                    found[one] = tuple(sha256 for (sha256,) in reading.rows(_OF_TRACK, (subject("track", row),)))
    return found


def index_bundles(index: Path, objects: Objects, bundles: Iterable[Bundle]) -> None:
    """Enter bundles that the index lacks; one that is damaged is made anew.

    A manifest that cannot be read is left out. Raises StorageError, NewerFormat, Busy.
    """
    manifests = {one.tags[MANIFEST]: one for one in bundles}
    try:
        _enter(index, objects, manifests)
    except Damaged:
        for end in ("", "-wal", "-shm"):
            index.with_name(index.name + end).unlink(missing_ok=True)
        _enter(index, objects, manifests)


def _enter(index: Path, objects: Objects, manifests: Mapping[str, Bundle]) -> None:
    with BundleIndex(index, writable=True) as known:
        for manifest in known.lacking(manifests):
            try:
                inside = [one.sha256 for one in files(objects, manifests[manifest]) if one.payload]
            except PhonolithError:  # it is looked into at every question, and its trouble is told there
                continue
            known.add(manifest, inside)


def _perhaps(index: Path, bundles: Collection[Bundle], wanted: Collection[str]) -> list[Bundle]:
    """The bundles in which one of some objects may be: all where there is no index that can be read."""
    with suppress(PhonolithError), BundleIndex(index) as known:
        some = known.holding(wanted) | set(known.lacking(one.tags[MANIFEST] for one in bundles))
        return [one for one in bundles if one.tags[MANIFEST] in some]
    return list(bundles)


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
