"""The way back from descriptions to a folder's payload: what its round trip is measured with, never used in a build."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from phonolith.model.music import Description, File, ReleaseDescription, TrackDescription
from phonolith.sources.folder import RELEASE_TAGS, TRACK_TAGS
from phonolith.sources.sidecar import COLUMNS

_WORDS = {name: word for some in (RELEASE_TAGS, TRACK_TAGS) for word, names in some.items() for name in names}
_CELLS = {name: word for word, names in COLUMNS.items() for name in names}
_CELL_WORDS = {"release": "album", "position": "track", "date": "year", "release_artist": "albumartist"}
_TEXTS = {"track_total": "track", "disc_total": "disc", "ufid": "mbid.recording"}


def payload_of(shape: Any, descriptions: Iterable[Description]) -> Any:
    """A tree of the payload's shape: each leaf is there if a column or the remainder holds it.

    Of the payload the shape is used, and each tag or cell as the question: is it among the values that columns hold for
    this word? (``3`` is, of ``3/12``; the columns do not say which of two tags a value was in.)
    """
    said = next(iter(descriptions), None)
    if isinstance(said, TrackDescription):
        fixed, values = _track(said)
    elif isinstance(said, ReleaseDescription):
        fixed, values = _release(said)
    else:
        return {}
    left = msgspec.json.decode(said.remainder) if said.remainder else {}
    held = {**fixed, "tags": _asked(shape.get("tags", {}), values, left.get("tags", {}), _WORDS)}
    row = shape.get("sidecar", {}).get("row", {})
    held["sidecar"] = {"row": {name: _cell(name, value, values, left) for name, value in row.items()}}
    held["said"] = [
        {"tags": _asked(one["tags"], values, _beside(left, one["tags"]), _WORDS), "count": one["count"]}
        for one in shape.get("said", ())
    ]
    return held


def _asked(tags: Any, values: dict[str, list[str]], left: Any, words: dict[str, str]) -> dict[str, list[Any]]:
    """Of each tag the values that are held, at their places."""
    found = {}
    for name, some in tags.items():
        known = [*values.get(words.get(name, _TEXTS.get(name, "")), ()), *left.get(name, ())]
        found[name] = [value if _is_held(value, known) else None for value in some]
    return found


def _is_held(value: str, known: list[str]) -> bool:
    folded = {one.casefold() for one in known}
    parts = [part.strip().casefold() for part in value.split(";")]
    head = value.partition("/")[0].lstrip("0").casefold()
    return value.casefold() in folded or head in folded or all(part in folded for part in parts)


def _cell(name: str, value: str, values: dict[str, list[str]], left: Any) -> str | None:
    word = _CELLS.get(name.lower(), "")
    known = [*values.get(_CELL_WORDS.get(word, word), ()), left.get("sidecar", {}).get(name, "")]
    if word == "path":
        return value if any(one.endswith(value) for one in known) else None
    return value if _is_held(value, known) else None


def _beside(left: Any, tags: Any) -> dict[str, list[str]]:
    """The remainder's word on one of several things that were said."""
    found: dict[str, list[str]] = {}
    for one in left.get("said", ()):
        found.update({name: some for name, some in one["tags"].items() if tags.get(name) == some})
    return found


def _track(said: TrackDescription) -> tuple[dict[str, Any], dict[str, list[str]]]:
    file = said.files[0]
    fixed = {
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
            {
                "uri": s.uri,
                "level": int(s.level),
                "by": s.by,
                "where": s.where,
                "digest": "" if s.by == "tag" else s.digest,
            }
            for s in said.licences
        ],
    }
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
        "popularity": [] if said.popularity is None else [str(said.popularity), f"{said.popularity:g}"],
        "licence": [statement.uri for statement in said.licences],
        "path": [said.id],
        "album": [said.release.partition("?album=")[2]],
    }
    for role in ("composer", "lyricist", "remixer"):
        values[role] = [credit.name for credit in said.credits if credit.role == role]
    for scheme, value in said.identifiers:
        values.setdefault(scheme, []).append(value)
    return fixed, values


def _release(said: ReleaseDescription) -> tuple[dict[str, Any], dict[str, list[str]]]:
    fixed = {
        "kind": "release",
        "folder": said.id.partition("?album=")[0].removesuffix("/"),
        "discs": [[medium.position, medium.title] for medium in said.media],
        "files": [_file(file) for file in said.files],
        "album": said.title,
    }
    names = [credit.name for credit in said.credits]
    values = {
        "album": [said.title],
        "artist": names,
        "albumartist": names,
        "year": [said.date],
        "label": [label.name for label in said.labels],
        "catalogue_number": [label.catalogue_number for label in said.labels],
        "barcode": [said.barcode],
        "country": [said.country],
        "kind": [said.kind],
        "compilation": ["1", "true"] if said.kind == "compilation" else [],
        "group": [said.group],
        "mbid": [value for scheme, value in said.identifiers if scheme == "mbid.release"],
    }
    return fixed, values


def _file(file: File) -> dict[str, Any]:
    return {
        "role": file.role,
        "name": file.name,
        "sha256": file.sha256,
        "size": file.size,
        "media_type": file.media_type,
        "problem": file.problem,
    }
