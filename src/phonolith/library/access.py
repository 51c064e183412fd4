"""The door to bytes: whether somebody may have a file, asked of the gate each time, and where the file is.

A track's audio goes by the track's evidence, artwork and other files of a release by the release's; a denied cover
denies the cover only. Bytes that are shared with a withdrawn item are withdrawn with it, under whatever name they are
asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from phonolith.errors import NotFound, PhonolithError, RefusedByRights, Withdrawn
from phonolith.library.details import subject
from phonolith.library.listing import raw_tracks, release_row, track_row
from phonolith.library.parts import rights
from phonolith.library.reading import NO_RIGHTS, Library, Reading, Standing
from phonolith.library.tracks import withdrawable
from phonolith.library.views import Rights
from phonolith.model.ids import KINDS, public_id, unpack_source_id
from phonolith.model.rights import Decision, Use


class Objects(Protocol):
    """What is needed of the store of objects."""

    def path(self, sha256: str) -> Path:
        """Where the bytes are. Raises NotFound, Damaged."""


@dataclass(frozen=True, slots=True)
class Item:
    """A held file of a track or a release, with what the gate needs to know."""

    reference: str
    role: str
    name: str
    sha256: str
    size: int
    media_type: str
    codec: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to read one file: the gate's decision, what the file is, and where."""

    decision: Decision
    item: Item
    path: Path


_HELD = """
SELECT f.role, f.name, lower(hex(o.sha256)), o.size, o.media_type, f.codec, f.problem
FROM file f CROSS JOIN object o ON o.id = f.object WHERE f.subject = ? ORDER BY f.position"""
_SOUNDS = """
SELECT j.value, lower(hex(o.sha256)) FROM json_each(?) j CROSS JOIN file f ON f.subject = j.value * 4
CROSS JOIN object o ON o.id = f.object WHERE f.role = 'audio' AND f.problem IS NULL"""
_COVER = """
SELECT 'cover', 'cover', lower(hex(o.sha256)), o.size, o.media_type, '', NULL
FROM release r CROSS JOIN object o ON o.id = r.cover WHERE r.id = ?"""
_PICTURE = """
SELECT f.subject, f.role, f.name, lower(hex(o.sha256)), o.size, o.media_type, f.codec, f.problem
FROM object o CROSS JOIN file f ON f.object = o.id
WHERE o.sha256 = unhex(:sha256) AND o.media_type LIKE 'image/%' AND (f.subject = :about
  OR (f.subject % 4 = 0 AND f.subject / 4 IN (SELECT id FROM track WHERE release = :release)))
ORDER BY f.subject <> :about, f.subject LIMIT 1"""
_SHARING = """
SELECT DISTINCT f.subject FROM object o CROSS JOIN file f ON f.object = o.id WHERE o.sha256 = ? LIMIT 1000"""
_TRACKS = "SELECT source_id, rights FROM track WHERE release = ?"


def may(library: Library, use: Use, identifier: str, sha256: str = "") -> Decision:
    """The gate's answer for a track's audio, a release's cover, or the file of either with that digest.

    Raises NotFound only for an id or a digest that the catalogue does not have there.
    """
    with library.reading() as reading:
        kind, row = reading.snapshot.find(identifier)
        item = door(reading, kind, row, sha256)
        if item is not None:
            return decision(reading, use, item)
        return reading.decide(use, standing(reading, kind, row), held=False)


def grant(library: Library, objects: Objects, use: Use, identifier: str, sha256: str = "") -> Grant:
    """Permission to read a track's audio, a release's cover, or the file of either with that digest.

    Raises RefusedByRights where the gate says no, Withdrawn (with 410 or 451) where a decision does, NotFound where no
    such bytes are held, Damaged where the held bytes are not what they were.
    """
    with library.reading() as reading:
        kind, row = reading.snapshot.find(identifier)
        item = door(reading, kind, row, sha256)
        if item is None:
            refuse(f"{kind}:{identifier}", reading.decide(use, standing(reading, kind, row), held=False))
            raise NotFound(f"{kind}:{identifier}", "no bytes of it are held here")
        answer = decision(reading, use, item)
    refuse(item.reference, answer)
    return Grant(answer, item, objects.path(item.sha256))


def playable(library: Library, identifier: str) -> tuple[Item, ...]:
    """The audio files of a track that may be streamed, as the catalogue orders them; empty where none may."""
    with library.reading() as reading:
        row = reading.row("track", identifier)
        own = standing(reading, "track", row)
        items = [item_of(f"track:{identifier}", found, own) for found in _audio(reading, row)]
        return tuple(one for one in items if decision(reading, Use.STREAM, one).allowed)


def sounds(library: Library, identifiers: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """The digests of the held audio of tracks that can be read, by track; the gate is not asked. Raises NotFound."""
    with library.reading() as reading:
        rows = {reading.row("track", one): one for one in identifiers}
        found: dict[str, list[str]] = {one: [] for one in rows.values()}
        for row, sha256 in reading.rows(_SOUNDS, (json.dumps(list(rows)),)):
            found[rows[row]].append(sha256)
    return found


def decision(reading: Reading, use: Use, item: Item) -> Decision:
    """The gate's answer for one file: a withdrawal of its bytes, or of anything that has the same bytes, counts.

    Dates that put a recording and its composition into the public domain say nothing of a cover or a booklet.
    """
    own = replace(item.standing, ids=(*item.standing.ids, item.sha256))
    if item.role != "audio" and own.rights.basis == "public-domain":
        own = replace(own, rights=_DATES_ARE_OF_THE_AUDIO)
    if reading.hidden.tracks or reading.hidden.releases:
        own = replace(own, ids=tuple(dict.fromkeys((*own.ids, *sharing(reading, item.sha256, hidden=True)))))
    return reading.decide(use, own, held=True)


_DATES_ARE_OF_THE_AUDIO = replace(NO_RIGHTS, note="The dates that are known are those of the audio.")


def sharing(reading: Reading, sha256: str, *, hidden: bool = False, besides: int = -1) -> Iterator[str]:
    """Ids of everything that has these bytes, and of what it belongs to; with ``hidden``, of what is hidden only.

    ``besides`` is a subject that is left out: row * 4 + kind.
    """
    for (about,) in reading.rows(_SHARING, (bytes.fromhex(sha256),)):
        kind, row = KINDS[about % 4], about // 4
        if about != besides and (not hidden or row in reading.hidden.of(kind)):
            yield from standing(reading, kind, row).ids


def refuse(reference: str, answer: Decision) -> None:
    """Raise what a denial asks for; do nothing for a permission."""
    if answer.allowed:
        return
    reasons = " ".join(answer.reasons)
    if answer.status in (410, 451):
        raise Withdrawn(reference, reasons, status=answer.status)
    error: type[PhonolithError] = NotFound if answer.status == 404 else RefusedByRights
    raise error(reference, reasons, f"See: phonolith why {reference}" if error is RefusedByRights else "")


def door(reading: Reading, kind: str, row: int, sha256: str = "") -> Item | None:
    """The file asked for; None where it is not held. Raises NotFound for a digest that is not one of the item's."""
    if kind not in ("track", "release"):
        raise NotFound(kind, "has no bytes of its own")
    identifier = reading.snapshot.public_id(kind, row)
    reference = f"{kind}:{identifier}"
    chosen = reading.decisions.cover(identifier) if kind == "release" else ""
    if chosen and sha256 in ("", chosen):
        found = _chosen(reading, row, chosen)
        if found is not None:
            return found
    held = reading.rows(_HELD, (subject(kind, row),))
    if sha256:
        held = [found for found in held if found[2] == sha256]
        if kind == "release" and not held:
            held = [found for found in reading.rows(_COVER, (row,)) if found[2] == sha256]
        if not held:
            raise NotFound(reference, f"has no file with the digest {sha256}")
    else:
        held = _audio(reading, row) if kind == "track" else reading.rows(_COVER, (row,))
    if not held:
        return None
    return item_of(reference, held[0], standing(reading, kind, row))


def _chosen(reading: Reading, row: int, sha256: str) -> Item | None:
    """The cover that was chosen for a release by the artist's door, if it is a held picture of it or of its tracks."""
    if rows := [found for found in reading.rows(_COVER, (row,)) if found[2] == sha256]:
        about, file = subject("release", row), rows[0]
    else:
        known = reading.rows(_PICTURE, {"release": row, "about": subject("release", row), "sha256": sha256})
        if not known:
            return None
        about, file = known[0][0], known[0][1:]
    kind, number = KINDS[about % 4], about // 4
    reference = f"{kind}:{reading.snapshot.public_id(kind, number)}"
    return item_of(reference, ("cover", *file[1:]), standing(reading, kind, number))


def _audio(reading: Reading, row: int) -> list[tuple[object, ...]]:
    """Held audio that can be read."""
    return [found for found in reading.rows(_HELD, (subject("track", row),)) if found[0] == "audio" and not found[6]]


def item_of(reference: str, found: Sequence[object], own: Standing) -> Item:
    """A held file; ``found`` is its role, name, SHA-256, size, media type, codec and problem."""
    role, name, sha256, size, media_type, codec, _ = found
    if role == "cover":  # a picture has no composition
        own = replace(own, rights=replace(own.rights, composition=own.rights.licence is not None))
    return Item(reference, str(role), str(name), str(sha256), int(str(size)), str(media_type), str(codec or ""), own)


def standing(reading: Reading, kind: str, row: int) -> Standing:
    """The evidence a track or release stands on, and the ids a decision about it could name."""
    if kind == "track":
        one, raw = track_row(reading, row), raw_tracks(reading, [row])[0]
        ids = withdrawable(one, release_row(reading, raw.release))
        return Standing(one.rights, ids, (one.id, one.release.id))
    release = release_row(reading, row)
    own = release.rights
    tracks: tuple[tuple[str, int | None], ...] = ()
    if own.basis in ("none", "attested"):
        tracks = _tracks(reading, row, release.source)
    if own.basis == "none":
        own = replace(_of_tracks(reading, tracks, release.id), limits=own.limits)
    ids = (release.id, *(name.id for name in release.credit))
    return Standing(own, ids, (release.id, *(identifier for identifier, _ in tracks)))


def _tracks(reading: Reading, release: int, source: str) -> tuple[tuple[str, int | None], ...]:
    """Public id and row of evidence of a release's tracks."""
    found = reading.rows(_TRACKS, (release,))
    return tuple((public_id(source, unpack_source_id(name)), number) for name, number in found)


def _of_tracks(reading: Reading, tracks: Sequence[tuple[str, int | None]], release: str) -> Rights:
    """What a release without evidence of its own stands on: the weakest of its tracks'."""
    found = rights(reading, [number for _, number in tracks])
    current = [reading.current(found[number], (identifier, release)) for identifier, number in tracks]
    return min(current, key=_strength, default=NO_RIGHTS)


def _strength(one: Rights) -> tuple[bool, bool, bool, int]:
    """Dates are weaker than any licence: they are of the tracks alone."""
    dated = one.basis == "public-domain"
    return one.licence is not None, not dated, bool(one.licence and one.licence.stream), one.level
