"""The way back from descriptions to a folder's payload: what its round trip is measured with, never used in a build."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from phonolith.model.music import Credit, Description, File, ReleaseDescription, TrackDescription


def payload_of(descriptions: Iterable[Description]) -> dict[str, Any]:
    """What the columns and the remainder hold of a payload; tags under the names of :data:`folder.TRACK_TAGS`."""
    found: dict[str, Any] = {}
    for said in descriptions:
        if isinstance(said, TrackDescription):
            found.update(_track(said))
        elif isinstance(said, ReleaseDescription):
            found.update(_release(said))
    return found


def _track(said: TrackDescription) -> dict[str, Any]:
    file = said.files[0]
    found: dict[str, Any] = {
        "kind": "track",
        "release": said.release,
        "disc": said.disc,
        "file": _file(file),
        "audio": {
            "codec": file.codec,
            "duration_ms": said.duration_ms,
            "bitrate": file.bitrate,
            "sample_rate": file.sample_rate,
            "channels": file.channels,
            "bit_depth": file.bit_depth,
        },
        "licences": [
            {"uri": s.uri, "level": int(s.level), "by": s.by, "where": s.where, "digest": s.digest}
            for s in said.licences
        ],
        "values": _track_values(said),
    }
    return _with_remainder(found, said.remainder)


def _track_values(said: TrackDescription) -> dict[str, list[str]]:
    """What columns hold of tags and sidecar cells, by word: equal values count for either."""
    values = {
        "title": [said.title],
        "artist": [credit.name for credit in said.credits if not credit.role],
        "track": [str(said.position)],
        "disc": [str(said.disc)],
        "year": [said.date],
        "genre": list(said.genres),
        "isrc": list(said.isrcs),
        "explicit": {True: ["1", "4"], False: ["2"], None: []}[said.explicit],
        "source": [link.url for link in said.links],
        "licence": [statement.uri for statement in said.licences],
        "path": [said.id],
        **dict(said_by_scheme(said.identifiers)),
        **{role: _of_role(said.credits, role) for role in ("composer", "lyricist", "remixer")},
    }
    return {word: some for word, some in values.items() if some}


def said_by_scheme(identifiers: tuple[tuple[str, str], ...]) -> list[tuple[str, list[str]]]:
    """Identifiers as one list per scheme."""
    return [(scheme, [value for other, value in identifiers if other == scheme]) for scheme, _ in identifiers]


def _of_role(credits: tuple[Credit, ...], role: str) -> list[str]:
    return [credit.name for credit in credits if credit.role == role]


def _release(said: ReleaseDescription) -> dict[str, Any]:
    found = {
        "kind": "release",
        "discs": [[medium.position, medium.title] for medium in said.media],
        "files": [_file(file) for file in said.files],
        "values": {
            "album": [said.title],
            "artist": [credit.name for credit in said.credits],
            "albumartist": [credit.name for credit in said.credits],
            "year": [said.date],
            "label": [label.name for label in said.labels],
            "catalogue_number": [label.catalogue_number for label in said.labels],
            "barcode": [said.barcode],
            "country": [said.country],
            "kind": [said.kind],
            "compilation": ["1", "true"] if said.kind == "compilation" else [],
            "group": [said.group],
            "mbid": [value for scheme, value in said.identifiers if scheme == "mbid.release"],
            "folder": [said.id.partition("/?album=")[0].removesuffix("/")],
        },
    }
    return _with_remainder(found, said.remainder)


def _file(file: File) -> dict[str, Any]:
    return {
        "role": file.role,
        "name": file.name,
        "sha256": file.sha256,
        "size": file.size,
        "media_type": file.media_type,
        "problem": file.problem,
    }


def _with_remainder(found: dict[str, Any], remainder: str) -> dict[str, Any]:
    if remainder:
        found["remainder"] = msgspec.json.decode(remainder)
    return found
