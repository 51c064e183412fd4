"""Chooses what a release may hold: each object once, under a readable path, with the track or release it belongs to."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from phonolith.library.permitted import PermittedFile
from phonolith.library.values import credit_text
from phonolith.library.views import TrackRow
from phonolith.model.paths import fitted, folded

_LONGEST_SUFFIX = 8


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file of a release to be: what it is, and its path below a bundle's folder."""

    file: PermittedFile
    path: tuple[str, ...]


def choose(permitted: Iterable[PermittedFile], wanted: frozenset[str] | None = None) -> list[Chosen]:
    """Each permitted object once, for the best thing that has it.

    ``wanted`` are public ids of tracks and releases; None is everything.
    """
    found: dict[str, Chosen] = {}
    for file in permitted:
        if file.sha256 in found or not _wanted(file, wanted):
            continue
        found[file.sha256] = Chosen(file, path_of(file))
    return list(found.values())


def path_of(file: PermittedFile) -> tuple[str, ...]:
    """``data/Artist/2004 - Release/1-03 Title.flac``; other files of a release keep their own names."""
    release = file.release
    year = f"{release.date.year} - " if release.date and release.date.year else ""
    folder = fitted(f"{year}{release.title}", release.id)
    artist = fitted(credit_text(release.credit), "Unknown artist")
    suffix = _suffix(file)
    stem = _title(file.track, release.discs) if file.track else file.name.removesuffix(suffix)
    return "data", artist, folder, fitted(stem, file.role) + suffix


def apart(chosen: Sequence[Chosen]) -> list[Chosen]:
    """The same files with paths that no disk takes for one another's: of those alike all but the first get a mark."""
    seen: set[tuple[str, ...]] = set()
    found = []
    for one in chosen:
        if folded(one.path) in seen:
            name = PurePosixPath(one.path[-1])
            stem = one.path[-1].removesuffix(name.suffix)
            one = replace(one, path=(*one.path[:-1], f"{stem} [{one.file.sha256[:12]}]{name.suffix}"))
        seen.add(folded(one.path))
        found.append(one)
    return found


def _wanted(file: PermittedFile, wanted: frozenset[str] | None) -> bool:
    return wanted is None or file.release.id in wanted or (file.track is not None and file.track.id in wanted)


def _title(track: TrackRow, discs: int) -> str:
    place = f"{track.position:02}" if track.position else ""
    if place and discs > 1:
        place = f"{track.disc}-{place}"
    return f"{place} {track.title}".strip()


def _suffix(file: PermittedFile) -> str:
    """The file's own suffix where it is a plain one, else that of its media type."""
    own = PurePosixPath(file.name).suffix
    if 1 < len(own) <= _LONGEST_SUFFIX and own[1:].isascii() and own[1:].isalnum():
        return own
    return mimetypes.guess_extension(file.media_type.partition(";")[0]) or ""
