"""Takes in a bundle that another archive published: its music by digest, its catalogue's words, and its torrents.

What comes out is a mirror of the bundle: the same bytes and the same pages under the same permalinks, and the same
torrents to seed. The gate decides here anew what may be held, played and passed on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from phonolith.errors import BadInput, PhonolithError, UsageError
from phonolith.harvest.report import HarvestReport, Writer
from phonolith.library import publications
from phonolith.model.event import Event
from phonolith.model.progress import Progress
from phonolith.model.publication import Bundle, Publication, Torrent, body_of
from phonolith.model.record import Record
from phonolith.sources.base import SETTINGS, collection_name
from phonolith.sources.mirror import Settings
from phonolith.sources.text import visible
from phonolith.store import metainfo
from phonolith.store.archive import Archive
from phonolith.store.bag import CATALOGUE, Bag, plain, read_bag
from phonolith.store.batch import Batch
from phonolith.store.files import printable, storage_errors
from phonolith.store.objects import ObjectStore

_BATCH_OBJECTS = 256
_BATCH_BYTES = 256 * 1024 * 1024
_KINDS = {(True, True): "hybrid", (True, False): "v1", (False, True): "v2"}


class Line(msgspec.Struct):
    """A line of an excerpt, as far as it has to be known to be filed."""

    source: str
    kind: str
    said: msgspec.Raw


class _Named(msgspec.Struct):
    id: str


@dataclass(frozen=True, slots=True)
class Options:
    """``origin`` is the archive that published the bundle, by default as its bag says; ``adopt`` how bytes come in.

    ``replaces`` names an older bundle of that archive whose place this one takes. ``left_out`` are paths of files that
    are known not to be there, which is no finding.
    """

    origin: str = ""
    adopt: str = "auto"
    replaces: str = ""
    left_out: frozenset[str] = frozenset()


def harvest_bundle(
    archive: Archive,
    path: Path,
    options: Options,
    append: Callable[[str, dict[str, Any]], Event],
    *,
    progress: Progress,
    clock: Callable[[], str],
) -> HarvestReport:
    """Take in the bundle in the folder ``path``, whose torrents lie beside it as ``<name>.torrent``.

    Each file's digest is taken while it comes in; one that is not what the manifest says is a finding and not held.
    ``append`` adds an event to the register. Run again, it changes nothing. Raises BadInput, StorageError, Busy, and
    UsageError where the collection, or a bundle of that name, belongs to another archive.
    """
    bag = read_bag(path)
    origin = options.origin or bag.info.get("Source-Organization", "")
    replaces = _checked_names(archive, bag.root.absolute().name, origin, options.replaces)
    report = HarvestReport(f"mirror of {origin}")
    with archive.lock("harvest", what=f"harvest bundle {visible(str(path))}"), archive.objects() as objects:
        with archive.records() as store:
            settings, lines = _sorted(bag, origin)
            for source, told in settings.items():
                known = store.get(source, SETTINGS)
                if known and msgspec.json.decode(known.payload, type=Settings).origin != told.origin:
                    raise UsageError(source, f"holds the words of another archive than {origin}", "Mirror it elsewhere")
            _adopt(objects, bag, options, report, progress)
            writer, time = Writer(store, report), clock()
            for source, told in settings.items():
                writer.add(Record(source, SETTINGS, "", time, msgspec.json.encode(told)))
            for source, item, line in lines:
                writer.add(Record(source, item, "", time, line))
            writer.flush()
        _note(archive, _bundle(objects, bag, replaces), bag, origin, append)
    return report


def _checked_names(archive: Archive, name: str, origin: str, replaces: str) -> str:
    """The bundle that this one takes the place of, "" where it is not one of that archive's that is here.

    Raises where a bundle of this name is another archive's, or our own: one would take the place of the other.
    """
    with archive.register() as register:
        known = publications.publications(register.events())
    for one in known:
        if one.origin != origin and any(bundle.name == name for bundle in one.bundles):
            whose = one.origin or "this archive itself"
            raise UsageError(f"bundle {name}", f"is already here, published by {whose}", "Mirror it elsewhere")
    own = (bundle.name for one in known if one.origin == origin for bundle in one.bundles)
    return replaces if replaces in own else ""


def _sorted(bag: Bag, origin: str) -> tuple[dict[str, Settings], list[tuple[str, str, bytes]]]:
    """Settings by collection, and (collection, item, line) of what the excerpt says."""
    settings: dict[str, Settings] = {}
    lines = []
    for number, line in enumerate(bag.tags.get(CATALOGUE, b"").splitlines(), 1):
        subject = f"{printable(bag.root / CATALOGUE)} line {number:,}"
        try:
            found = msgspec.json.decode(line, type=Line)
            if found.kind == "source":
                told = {
                    **msgspec.json.decode(found.said, type=dict[str, Any]),
                    "speaks_for": found.source,
                    "origin": origin,
                }
                settings[_collection(found.source)] = msgspec.convert(told, Settings)
            else:
                identifier = msgspec.json.decode(found.said, type=_Named).id
                lines.append((_collection(found.source), f"{found.kind}:{identifier}", line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadInput(subject, f"is no line of an excerpt: {error}", code="bundle.catalogue") from error
    strange = {source for source, _, _ in lines} - settings.keys()
    if strange:
        raise BadInput(printable(bag.root), f"does not say what {', '.join(strange)} is", code="bundle.catalogue")
    return settings, lines


def _collection(source: str) -> str:
    return collection_name("mirror", re.sub("[^a-z0-9_-]", "-", source.lower()).strip("-_") or "source")


def _adopt(objects: ObjectStore, bag: Bag, options: Options, report: HarvestReport, progress: Progress) -> None:
    """Take in payload and tag files."""
    wanted = {path: digest for path, digest in bag.payload.items() if path not in options.left_out}
    missing = {path: digest for path, digest in wanted.items() if not objects.has(digest)}
    how = options.adopt
    progress.start("Taking in files", len(bag.payload), "files")
    progress.advance(len(bag.payload) - len(missing))
    waiting: dict[str, str] = {}
    size = 0
    for path, digest in missing.items():
        waiting[path] = digest
        with storage_errors(bag.root / path):
            size += (bag.root / path).stat().st_size if (bag.root / path).is_file() else 0
        if len(waiting) >= _BATCH_OBJECTS or size >= _BATCH_BYTES:
            _together(objects, bag, how, waiting, report)
            progress.advance(len(waiting))
            waiting, size = {}, 0
    _together(objects, bag, how, waiting, report)
    progress.advance(len(waiting))
    with objects.batch() as batch:
        for path, data in bag.tags.items():
            batch.add_bytes(data, "text/plain" if path.endswith(".txt") else "application/x-ndjson")
    progress.finish()


def _together(objects: ObjectStore, bag: Bag, how: str, files: dict[str, str], report: HarvestReport) -> None:
    """Take in some files; where some are not what the manifest says, all but those."""
    while files:
        batch = objects.batch()
        try:
            wrong = _wrong(batch, bag, how, files)
            if not wrong:
                report.objects += batch.count
                report.bytes_adopted += batch.size
                batch.keep()
                return
        finally:
            batch.drop()
        for path, problem in wrong.items():
            report.found("bundle.corrupt", visible(path), problem, "Get the file again, or repair the copy", "error")
        files = {path: digest for path, digest in files.items() if path not in wrong}


def _wrong(batch: Batch, bag: Bag, how: str, files: dict[str, str]) -> dict[str, str]:
    """Adopt the files; those that cannot be held as what they should be, and why."""
    usable = [path for path in files if plain(bag.root, path)]
    wrong = dict.fromkeys(files.keys() - set(usable), "is missing, or no plain file in the bundle's folder")
    for path, held in zip(usable, batch.adopt_many([(bag.root / path, "") for path in usable], how), strict=True):
        if isinstance(held, PhonolithError):
            raise held
        if held.sha256 != files[path]:
            wrong[path] = f"has the digest {held.sha256} instead of {files[path]}"
    return {path: wrong[path] for path in files if path in wrong}


def _bundle(objects: ObjectStore, bag: Bag, replaces: str) -> Bundle:
    """The bundle as the register will have it, with the torrents that lie beside it and are of just its files."""
    name = bag.root.absolute().name
    torrents = []
    for path in sorted(bag.root.absolute().parent.glob(f"{name}*.torrent")):
        with storage_errors(path), path.open("rb") as file:
            data = file.read(metainfo.LARGEST + 1)  # one more than may be read
        found = metainfo.read(data, printable(path))
        if _is_of(objects, bag, found):
            held = objects.add_bytes(data, "application/x-bittorrent")
            kind = _KINDS[found.v1 is not None, found.layers is not None]
            one, two = found.infohashes
            torrents.append(Torrent(kind, held.sha256, one.hex(), two.hex()))
    oxum = re.fullmatch(r"([0-9]{1,18})\.([0-9]{1,18})", bag.info.get("Payload-Oxum", ""))
    size, files = (int(oxum[1]), int(oxum[2])) if oxum else (0, len(bag.payload))
    label = bag.info.get
    return Bundle(
        name,
        label("Licence-Family", ""),
        label("Popularity-Tier", ""),
        label("Size-Class", ""),
        files,
        size,
        {path: hashlib.sha256(data).hexdigest() for path, data in bag.tags.items()},
        tuple(torrents),
        replaces,
    )


def _is_of(objects: ObjectStore, bag: Bag, found: metainfo.Metainfo) -> bool:
    """Whether a torrent is of the bag's files, by name and, where it says, by pieces root."""
    names = {"/".join(file.path): file.root for file in found.files}
    if found.folder != bag.root.absolute().name or names.keys() != {*bag.payload, *bag.tags}:
        return False
    held = {path: objects.passport(digest) for path, digest in bag.payload.items()}
    return all(passport is None or names[path] in (b"", passport.root) for path, passport in held.items())


def _note(
    archive: Archive, bundle: Bundle, bag: Bag, origin: str, append: Callable[[str, dict[str, Any]], Event]
) -> None:
    """Say in the register that the bundle is held, unless it says so already."""
    with archive.register() as register:
        known: Iterable[Publication] = publications.publications(register.events())
        if any(bundle in one.bundles for one in known):
            return
    as_of = bag.info.get("Bagging-Date", "")
    append("release.mirrored", body_of(Publication(bundle.name, as_of, "", (bundle,), origin=origin)))
