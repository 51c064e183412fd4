"""Two descriptions of one thing, field by field; and by what a thing is known again under another id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from phonolith.model.change import FieldChange
from phonolith.model.ids import folded_name
from phonolith.model.music import Described, LicenceStatement, ReleaseDescription, TrackDescription
from phonolith.rights.evidence import Evidence, resolve
from phonolith.rights.stricter import compare, territory

_NAMES = {"duration_ms": "duration", "isrcs": "isrc", "credits": "credit", "labels": "label", "remainder": "other"}
_WEIGHED = frozenset({"id", "licences", "composition_by_others"})  # compared by what they amount to, or not at all
_UNIQUE = frozenset({"mbid.recording", "mbid.track", "mbid.release", "isni"})  # schemes that name one thing
_LONGEST = 500  # characters of a value that is told


def compared(was: Described, now: Described) -> tuple[FieldChange, ...]:
    """The fields that differ, licence and territory first."""
    if type(was) is not type(now):
        return (FieldChange("kind", type(was).__name__, type(now).__name__),)
    return (*_rights(was, now), *_plain(was, now))


def keys_of(one: Described) -> Iterator[str]:
    """What tells that a thing under another id is the same: its audio, an MBID, an ISRC or barcode with the title."""
    yield from (f"{scheme}:{value}" for scheme, value in one.identifiers if scheme in _UNIQUE)
    if isinstance(one, TrackDescription):
        yield from (f"sha256:{file.sha256}" for file in one.files if file.sha256 and file.role == "audio")
        yield from (f"isrc:{_plain_code(code)}:{_folded(one.title)}" for code in one.isrcs)
    elif isinstance(one, ReleaseDescription) and one.barcode:
        yield f"barcode:{_plain_code(one.barcode)}:{_folded(one.title)}"


def _rights(was: Described, now: Described) -> Iterator[FieldChange]:
    """What the statements about a licence amount to on both sides, where that differs."""
    before, after = _evidence(was), _evidence(now)
    direction = compare(before, after)
    if direction:
        yield FieldChange("licence", _licence(before), _licence(after), direction)
    reach = territory(before, after)
    if reach:
        yield FieldChange("territory", _places(before), _places(after), reach)


def _evidence(one: Described) -> Evidence:
    statements: tuple[LicenceStatement, ...] = getattr(one, "licences", ())
    return resolve(statements, composition_by_others=bool(getattr(one, "composition_by_others", False)))


def _licence(evidence: Evidence) -> str:
    if evidence.licence is None:
        return "contradictory" if evidence.basis == "conflict" else ""
    return f"{evidence.licence.code}, level {int(evidence.level)}"


def _places(evidence: Evidence) -> str:
    return ", ".join(evidence.licence.territories) or "everywhere" if evidence.licence else ""


def _plain(was: Described, now: Described) -> Iterator[FieldChange]:
    for one in fields(was):
        if one.name in _WEIGHED:
            continue
        before, after = getattr(was, one.name), getattr(now, one.name)
        if before != after:
            yield FieldChange(_NAMES.get(one.name, one.name), _text(before), _text(after))


def _text(value: Any) -> str:
    """A value as a person reads it, in one line."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "; ".join(_text(one) for one in value)[:_LONGEST]
    if is_dataclass(value):
        return " ".join(_text(getattr(value, one.name)) for one in fields(value) if getattr(value, one.name))
    return str(value)[:_LONGEST]


def _plain_code(code: str) -> str:
    return code.replace("-", "").replace(" ", "").upper()


def _folded(text: str) -> str:
    return folded_name(text)
