"""Turns the files of one release folder into records: pure, so that the same files always give the same records."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from phonolith.harvest.evidence import Evidence
from phonolith.harvest.marks import Mark
from phonolith.harvest.walk import Found, Group
from phonolith.model.finding import Finding
from phonolith.sources import folder_records as records
from phonolith.sources.folder import DISC_IN_ALBUM, RELEASE_TAGS, first
from phonolith.sources.sidecar import words
from phonolith.sources.text import item_of, path_of, visible

_MOST_PICTURES = 60
_FROM_SIDECAR = {
    "album": "release",
    "albumartist": "release_artist",
    "artist": "artist",
    "year": "date",
    "label": "label",
}


@dataclass(frozen=True, slots=True)
class Member:
    """An adopted audio file of a release: its item, where it was found, its disc folder's number, what was read."""

    item: str
    found: Found
    disc: int
    mark: Mark
    media_type: str


def release_item(folder: str, album: str = "") -> str:
    """The item of a release's record: the folder with a slash, and the album where the folder mixes several."""
    base = item_of(folder) + "/" if folder else "./"
    return f"{base}?album={item_of(album)}" if album else base


def folder_of_release(item: str) -> str:
    """The folder part of a release's item, "" if the item is not that of a release."""
    base, mark, _ = item.partition("/?album=")
    return base + "/" if mark else item if item.endswith("/") else ""


def payloads(
    one: Group, members: list[Member], beside: list[records.HeldFile], evidence: Evidence
) -> list[tuple[str, records.Payload, Member | None]]:
    """Records' items and payloads for a release folder: its tracks, then its releases (one, or one per album)."""
    rows = {member.item: evidence.of(member.found.path, member.mark.tags) for member in members}
    said = {member.item: _said(member.mark.tags, rows[member.item][0]) for member in members}
    album_of = _albums(one, members, said)
    found: list[tuple[str, records.Payload, Member | None]] = []
    for member in members:
        row, licences = rows[member.item]
        release = release_item(one.folder, album_of[member.item])
        found.append((member.item, _track(member, release, row, licences), member))
    albums = sorted(set(album_of.values()))
    for album in albums:
        own = [member for member in members if album_of[member.item] == album]
        files = [*(beside if album == albums[0] else ()), *_pictures(own)]
        found.append((release_item(one.folder, album), _release(one, own, said, album, files), None))
    return found


def findings(members: list[Member]) -> list[Finding]:
    """What is wrong with the audio of a release."""
    return [
        Finding(
            "audio.unreadable"
            if member.mark.audio is None or member.mark.audio.duration_ms is None
            else "audio.damaged",
            visible(path_of(member.item)),
            member.mark.problem,
            "It is held as it is; replace it with a sound copy if there is one",
        )
        for member in members
        if member.mark.problem
    ]


def merged(now: records.Release, before: records.Release) -> records.Release:
    """A release some of whose files were moved into the archive earlier: what those said and held stays."""
    files = {file.sha256: file for file in (*before.files, *now.files)}
    counted = {str(sorted(one.tags.items())): one for one in before.said}
    for one in now.said:
        key = str(sorted(one.tags.items()))
        count = one.count + (counted[key].count if key in counted else 0)
        counted[key] = records.Said(one.tags, count)
    discs = sorted({*before.discs, *now.discs})
    return records.Release(now.folder, list(counted.values()), discs, list(files.values()), now.album)


def _track(
    member: Member, release: str, row: records.SidecarRow | None, licences: list[records.Statement]
) -> records.Track:
    mark = member.mark
    name = member.found.name
    shown = unicodedata.normalize("NFC", visible(name)) if not name.isprintable() else name
    file = records.HeldFile("audio", shown, mark.sha256, mark.size, member.media_type, problem=mark.problem)
    path = "" if path_of(member.item) == member.found.path else item_of(member.found.path)
    audio = mark.audio or records.Audio()
    return records.Track(release, file, audio, mark.tags, row, licences, member.disc, path, mark.covers)


def _said(tags: records.Tags, row: records.SidecarRow | None) -> records.Tags:
    """The tags that concern a release, the sidecar's word before the file's."""
    names = sorted(name for some in RELEASE_TAGS.values() for name in some if name in tags)
    found = {name: tags[name] for name in names}
    given = words(row.row) if row else {}
    for tag, word in _FROM_SIDECAR.items():
        if given.get(word):
            found[tag] = [given[word]]
    return found


def _albums(one: Group, members: list[Member], said: dict[str, records.Tags]) -> dict[str, str]:
    """The album by which each file's release is told apart: "" for all, unless the folder mixes albums."""
    named = {member.item: first(said[member.item], ("album",)) for member in members}
    keys = {item: _key(album) for item, album in named.items()}
    spelled: dict[str, str] = {}
    for item, album in named.items():
        spelled.setdefault(keys[item], DISC_IN_ALBUM.sub("", album))
    joined = bool(one.discs) and all(member.disc for member in members)
    if joined or len(spelled.keys() - {""}) < 2:
        return dict.fromkeys(named, "")
    return {item: spelled[key] for item, key in keys.items()}


def _key(album: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", DISC_IN_ALBUM.sub("", album)).casefold().split())


def _release(
    one: Group, members: list[Member], said: dict[str, records.Tags], album: str, files: list[records.HeldFile]
) -> records.Release:
    counted: dict[str, records.Said] = {}
    for member in members:
        tags = said[member.item]
        counted.setdefault(str(sorted(tags.items())), records.Said(tags, 0)).count += 1
    folder = unicodedata.normalize("NFC", visible(one.folder)) if one.folder else ""
    return records.Release(folder, list(counted.values()), one.discs, files, album)


def _pictures(members: list[Member]) -> list[records.HeldFile]:
    """Embedded pictures, each once, front covers first."""
    found = {cover.sha256: cover for member in members for cover in reversed(member.mark.covers)}
    return sorted(found.values(), key=lambda cover: (cover.kind != "front", cover.name))[:_MOST_PICTURES]
