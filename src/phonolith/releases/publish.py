"""Drafts of a release for people to look at, and its publication: tag files and torrents held, then one event."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from phonolith.errors import PhonolithError, UsageError
from phonolith.library import publications
from phonolith.library.bundled import index_bundles
from phonolith.model.event import Event
from phonolith.model.progress import Progress
from phonolith.model.publication import Bundle, Publication, body_of
from phonolith.releases.choose import Chosen
from phonolith.releases.commit import commit
from phonolith.releases.cut import Made, Recipe
from phonolith.releases.prove import covering
from phonolith.store.archive import Archive
from phonolith.store.files import TEMPORARY, atomic_write, fsync_dir, make_folders, storage_errors
from phonolith.store.log import head_file

_AT_ONCE = 200  # objects made durable together
_MEDIA_TYPES = {"txt": "text/plain", "jsonl": "application/x-ndjson", "toml": "application/toml"}


def drafts(archive: Archive, name: str) -> Path:
    """The folder of a release that was cut and is not published yet."""
    return archive.derived / "releases" / name


def write_drafts(folder: Path, made: Iterable[Made]) -> list[Bundle]:
    """Write tag files and torrents of each bundle into a folder, in place of what is there; returns the bundles.

    What is there stays until all is written. Raises StorageError; then nothing half written is left.
    """
    draft = folder.with_name(f"{TEMPORARY}{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)  # of a cut that was killed
    try:
        with storage_errors(folder):
            make_folders(draft)
        found = [_write_draft(draft, one) for one in made]
        with storage_errors(folder):
            shutil.rmtree(folder, ignore_errors=True)
            if found:
                draft.rename(folder)
                fsync_dir(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return found


def publish(
    archive: Archive,
    made: Iterable[Made],
    recipe: Recipe,
    append: Callable[[str, dict[str, Any]], Event],
    *,
    clock: Callable[[], str],
    progress: Progress,
    anew: bool = False,
) -> Publication:
    """Publish bundles: tag files and torrents become held objects, the log commits to them, then one event says so.

    ``append`` adds an event to the register. ``anew``: the bundles take the place of all that were published here.
    Whatever stops it before the event, nothing is published and nothing is lost; publishing again makes the same
    objects. Raises UsageError where there is nothing to publish or the name is taken, StorageError.
    """
    with archive.lock("release", what=f"phonolith publish {recipe.name}"):
        taken = [one.name for one in published(archive)]
        if recipe.name in taken:
            raise UsageError(f"release {recipe.name}", "is published already", "Choose another name")
        bundles = _hold(archive, made, progress)
        if not bundles:
            problem = "has nothing that is not published yet"
            raise UsageError(f"release {recipe.name}", problem, "See what is missing: phonolith todo")
        commit(archive, (sha256 for one in bundles for sha256 in _made(one)), clock)
        publication = Publication(recipe.name, recipe.about.as_of, settings_digest(recipe), tuple(bundles), anew=anew)
        event = append("release.published", body_of(publication))
        with archive.objects() as objects, suppress(PhonolithError):  # it is published; a build makes the index too
            index_bundles(archive.bundle_index, objects, bundles)
        return publications.publications([event])[0]


def published(archive: Archive) -> list[Publication]:
    """Everything that was published, oldest first."""
    with archive.register() as register:
        return publications.publications(register.events())


def assigned(archive: Archive, past: Sequence[Publication]) -> dict[str, str]:
    """The bundle of every object that is published as payload, by SHA-256."""
    with archive.objects() as objects:
        return dict(publications.assigned(objects, past))


def settings_digest(recipe: Recipe) -> str:
    """SHA-256 of everything a recipe says, but its name: two cuts of one choice are alike if these are."""
    told = {**asdict(recipe), "name": ""}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def commit_to(archive: Archive, chosen: Iterable[Chosen], clock: Callable[[], str]) -> None:
    """Commit to what is about to be cut, so that each bundle can carry a head that covers it."""
    payload = [one.file.sha256 for one in chosen if one.file.size]
    if payload:
        commit(archive, payload, clock)


def heads_of(archive: Archive, sha256s: Sequence[str]) -> bytes:
    """The heads that cover some objects, as a file of them; empty where the log does not have them."""
    return head_file(covering(archive, sha256s))


def _write_draft(folder: Path, one: Made) -> Bundle:
    for path, data in one.tags.items():
        _write(folder / one.bundle.name / path, data)
    for torrent in one.bundle.torrents:
        _write(folder / publications.torrent_name(one.bundle, torrent.kind), one.torrents[torrent.kind])
    return one.bundle


def _made(bundle: Bundle) -> Iterator[str]:
    """SHA-256 of what was made for a bundle: tag files and torrents."""
    yield from bundle.tags.values()
    yield from (torrent.sha256 for torrent in bundle.torrents)


def _hold(archive: Archive, made: Iterable[Made], progress: Progress) -> list[Bundle]:
    """Make tag files and torrents held objects; returns the bundles, all of whose files are durable."""
    found = []
    progress.start("Publishing bundles", None, "bundles")
    with archive.objects() as objects:
        batch = objects.batch()
        try:
            for one in made:
                for path, data in one.tags.items():
                    batch.add_bytes(data, _MEDIA_TYPES[path.rpartition(".")[2]])
                for data in one.torrents.values():
                    batch.add_bytes(data, "application/x-bittorrent")
                if batch.count > _AT_ONCE:
                    batch.keep()
                found.append(one.bundle)
                progress.advance(1)
            batch.keep()
        finally:
            batch.drop()
    progress.finish()
    return found


def _write(path: Path, data: bytes) -> None:
    with storage_errors(path):
        make_folders(path.parent)
        atomic_write(path, data)
