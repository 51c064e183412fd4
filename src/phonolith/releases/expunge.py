"""Bytes give way to a tombstone: those that were expunged here, and those that the archive they came from withdrew.

The register decides, the ledger follows: an event first, then the tombstone, then the bytes, then their places. Stopped
in between, the next call of :func:`settle` goes on from there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.errors import NotFound, PhonolithError, UsageError
from phonolith.library.catalogue import Catalogue
from phonolith.library.publications import files, publications
from phonolith.model.event import Event
from phonolith.rights.attest import GROUNDS
from phonolith.rights.decisions import Decisions, Withdrawal
from phonolith.store.archive import Archive
from phonolith.store.copies import AccessCopies
from phonolith.store.files import fsync_dir, printable, storage_errors
from phonolith.store.ledger import AWAITED, DROPPED, EXPUNGED, Ledger, Place, Tombstone
from phonolith.store.objects import ObjectStore
from phonolith.store.volumes import Volume

Append = Callable[[str, dict[str, Any]], Event]
_LONGEST = 2_000  # characters of an authority


@dataclass(frozen=True, slots=True)
class Removed:
    """An object whose bytes gave way: ``paths`` were removed, ``left`` could not be or are not ours to remove."""

    sha256: str
    tombstone: Tombstone
    size: int
    paths: tuple[str, ...]
    left: tuple[str, ...]


def expunge(archive: Archive, digest: str, *, ground: str, authority: str, append: Append) -> Removed:
    """Remove an object's bytes for good, on this ground (owner, licence, law) and by this authority.

    ``append`` adds an event to the register; from then on the gate refuses the bytes for ever. Again for the same
    digest it adds nothing and removes what is left. Raises NotFound (never held), UsageError, StorageError.
    """
    body = {**_body(digest, ground, authority), "subjects": _only(archive, digest)}
    with archive.ledger() as ledger:
        if ledger.size(bytes.fromhex(digest)) is None:
            raise NotFound(digest, "no object of this digest was ever held", "Check the digest: phonolith show ID")
    if _decisions(archive).expunged(digest) is None:
        append("bytes.expunged", body)
    done = {one.sha256: one for one in settle(archive)}
    if digest in done:
        return done[digest]
    with archive.ledger() as ledger:  # it was done before
        tombstone, size = ledger.tombstone(bytes.fromhex(digest)), ledger.size(bytes.fromhex(digest))
        assert tombstone is not None
        return Removed(digest, tombstone, size or 0, (), ())


def settle(archive: Archive) -> list[Removed]:
    """Bring ledger and volumes into step with what was decided: the rest of an expunge that was cut off, and more.

    A dropped object that was reinstated where it came from is waited for again. Nothing is dropped here: see
    :func:`drop`. Raises StorageError.
    """
    decisions = _decisions(archive)
    done: list[Removed] = []
    with archive.ledger() as ledger:
        known = {one.sha256: one for one in ledger.tombstones()}
        for digest, why in decisions.all_expunged().items():
            sha256 = bytes.fromhex(digest)
            if sha256 not in known or known[sha256].why != EXPUNGED:
                ledger.bury([_tombstone(sha256, EXPUNGED, why)])
            AccessCopies(archive.access).drop(digest)  # what was made of it goes with it
            done += _clear(ledger, archive.volumes, sha256)
        for one in known.values():
            if one.why == EXPUNGED:
                continue
            elsewhere = decisions.elsewhere(one.sha256.hex())
            if elsewhere and one.why == AWAITED:
                ledger.bury([_tombstone(one.sha256, DROPPED, _first(elsewhere))])
            elif not elsewhere and one.why == DROPPED:
                ledger.bury([Tombstone(one.sha256, AWAITED, one.origin, one.ground, one.event, one.time)])
            else:
                done += _clear(ledger, archive.volumes, one.sha256)
    return done


def drop(archive: Archive, ours: Callable[[Collection[str]], Collection[str]]) -> list[Removed]:
    """Drop what the archives it came from withdrew, unless it is held for another reason too; a tombstone says so.

    ``ours`` gives those of some digests that this archive gathered by itself. What is also in a bundle that was
    published here, or of an archive that did not withdraw it, stays as well. Raises StorageError.
    """
    with archive.register() as register:
        events = list(register.events())
    decisions = Decisions.load(events)
    with archive.objects() as objects:
        refused = {
            name: found for name in decisions.withdrawn if len(name) == 64 and (found := decisions.elsewhere(name))
        }
        wanted = {name: found for name, found in refused.items() if objects.held(name) is not None}
        kept = {*_published_otherwise(objects, events, wanted), *(ours(wanted) if wanted else ())}
    done: list[Removed] = []
    with archive.ledger() as ledger:
        for digest, found in wanted.items():
            if digest not in kept:
                ledger.bury([_tombstone(bytes.fromhex(digest), DROPPED, _first(found))])
                done += _clear(ledger, archive.volumes, bytes.fromhex(digest))
    return done


def tombstones(archive: Archive) -> list[Tombstone]:
    """Everything that has no bytes any more, by digest."""
    with archive.ledger() as ledger:
        return ledger.tombstones()


def refuse_expunged(archive: Archive, names: Iterable[str]) -> None:
    """Raise UsageError where a public id or a digest is of something whose bytes were expunged: that stays so."""
    wanted = {one.rpartition(":")[2] for one in names}
    with archive.register() as register:
        for event in register.events():
            body = event.body if event.kind == "bytes.expunged" else {"digest": ""}
            for one in sorted(wanted & {body["digest"], *body.get("subjects", ())}):
                problem = f"its bytes were expunged by event {event.seq} and are gone for good"
                raise UsageError(one, problem, "It cannot be put back")


def _only(archive: Archive, digest: str) -> list[str]:
    """The tracks that have no other audio, as far as there is a catalogue."""
    with suppress(PhonolithError), closing(Catalogue.open(archive.catalogue)) as catalogue, catalogue.reading() as one:
        rows: Any = one.db.execute(_ONLY, (digest,))
        return sorted(one.public_id("track", row) for (row,) in rows)
    return []


_ONLY = """
SELECT f.subject / 4 FROM object o CROSS JOIN file f ON f.object = o.id
WHERE o.sha256 = unhex(?) AND f.subject % 4 = 0 AND f.role = 'audio' AND NOT EXISTS (
  SELECT 1 FROM file other WHERE other.subject = f.subject AND other.role = 'audio' AND other.object IS NOT NULL
  AND other.object != f.object)"""


def _body(digest: str, ground: str, authority: str) -> dict[str, Any]:
    text = authority.strip()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise UsageError(printable(digest), "is not a SHA-256 digest", "Give 64 hexadecimal digits, lower case")
    if ground not in GROUNDS:
        raise UsageError("--ground", f"{ground!r} is not a ground", f"Say one of {', '.join(GROUNDS)}")
    if not text or len(text) > _LONGEST or not all(one.isprintable() or one == "\n" for one in text):
        problem = f"has to be 1 to {_LONGEST:,} characters of plain text"
        raise UsageError("--authority", problem, "Say who ordered it, and where the order is")
    return {"digest": digest, "ground": ground, "authority": text}


def _decisions(archive: Archive) -> Decisions:
    with archive.register() as register:
        return Decisions.load(register.events())


def _tombstone(sha256: bytes, why: str, by: Withdrawal) -> Tombstone:
    return Tombstone(sha256, why, by.origin, by.ground, by.event, by.time)


def _first(found: Mapping[str, Withdrawal]) -> Withdrawal:
    return min(found.values(), key=lambda one: one.event)


def _clear(ledger: Ledger, volumes: Iterable[Volume], sha256: bytes) -> Iterator[Removed]:
    """Remove the bytes of an object that has a tombstone, then strike their places; nothing where none are left."""
    places, known = ledger.places(sha256), {one.name: one for one in volumes}
    tombstone = ledger.tombstone(sha256)
    if not places or tombstone is None:
        return
    gone: dict[Place, str] = {}
    left = []
    for place in places:
        volume = known.get(place.volume)
        if not place.volume and _is_as_it_was(place, ledger.size(sha256) or 0):
            left.append(printable(os.fsdecode(place.path)))  # adopted by reference: it is somebody's own, and stays
        elif not place.volume:
            gone[place] = ""
        elif volume is None or not volume.present:
            left.append(f"volume {place.volume}, which is not mounted")
        else:
            gone[place] = str(_unlink(volume.object_path(sha256.hex())))
    ledger.forget(sha256, gone)
    paths = tuple(path for path in gone.values() if path)
    yield Removed(sha256.hex(), tombstone, ledger.size(sha256) or 0, paths, tuple(left))


def _is_as_it_was(place: Place, size: int) -> bool:
    """Whether a file outside may have the bytes that were adopted from it."""
    try:
        found = Path(os.fsdecode(place.path)).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # its disk may be away
    return (found.st_size, found.st_mtime_ns) == (size, place.mtime_ns)


def _unlink(path: Path) -> Path:
    """Remove a file, so that it stays removed after a power cut."""
    with storage_errors(path):
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            fsync_dir(path.parent)
    return path


def _published_otherwise(
    objects: ObjectStore, events: Iterable[Event], refused: Mapping[str, Mapping[str, Withdrawal]]
) -> Iterator[str]:
    """Those of some digests that are in a bundle of ours, or of an archive that did not withdraw them."""
    for publication in publications(events):
        for bundle in publication.bundles:
            with suppress(PhonolithError):
                for one in files(objects, bundle):
                    by = refused.get(one.sha256, {})
                    if one.sha256 in refused and publication.origin not in {each.origin for each in by.values()}:
                        yield one.sha256
