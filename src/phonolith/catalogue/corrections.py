"""Fields that a person may correct, and how a correction changes a description before it is staged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from phonolith.errors import UsageError
from phonolith.model.ids import pack_isrc
from phonolith.model.music import ArtistDescription, Credit, Label, ReleaseDescription, TrackDescription
from phonolith.rights.decisions import FieldSet

Corrected = ArtistDescription | ReleaseDescription | TrackDescription | Label


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is read from text (ValueError if it cannot be) and shown as text; None is "there is none"."""

    attribute: str
    read: Callable[[str], Any]
    show: Callable[[Any], str | None]
    empty: Any = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """A correction that was applied: the value before and after, as text."""

    field: str
    was: str | None
    now: str | None
    decision: FieldSet


def check(kind: str, field: str, value: str | None) -> None:
    """Raise UsageError unless ``value`` can be the ``field`` of a thing of this kind."""
    known = FIELDS.get(kind, {})
    if field not in known:
        raise UsageError(f"field {field!r}", f"a {kind} has no such field to set", f"Use one of {', '.join(known)}")
    how = known[field]
    if value is None:
        if how.required:
            raise UsageError(f"field {field!r}", f"a {kind} cannot be without it", "Give a value")
        return
    try:
        how.read(value)
    except ValueError as error:
        raise UsageError(f"{field} {value!r}", str(error), "Correct the value") from error


def apply(description: Corrected, sets: Mapping[str, FieldSet]) -> tuple[Corrected, list[Applied]]:
    """The description with the decisions applied, and what changed. What cannot be applied is left as it was."""
    known = FIELDS[kind_of(description)]
    applied = []
    for name, decision in sorted(sets.items()):
        how = known.get(name)
        if how is None or (decision.value is None and how.required):
            continue
        try:
            new = how.empty if decision.value is None else how.read(decision.value)
        except ValueError:
            continue
        was = how.show(getattr(description, how.attribute))
        changes: dict[str, Any] = {how.attribute: new}
        description = replace(description, **changes)
        applied.append(Applied(name, was, how.show(new), decision))
    return description, applied


def kind_of(description: Corrected) -> str:
    """``track``, ``release``, ``artist`` or ``label``."""
    if isinstance(description, Label):
        return "label"
    if isinstance(description, TrackDescription):
        return "track"
    return "release" if isinstance(description, ReleaseDescription) else "artist"


def _text(value: str) -> str:
    text = value.strip()
    if not text:
        raise ValueError("the value is empty")
    return text


def _shown(value: str) -> str | None:
    return value or None


def _number(value: str) -> int:
    if not value.strip().isdecimal():
        raise ValueError("it is not a whole number of 0 or more")
    return int(value)


def _show_number(value: float | None) -> str | None:
    return None if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _popularity(value: str) -> float:
    number = float(value)
    if not 0 <= number < 1e15:
        raise ValueError("it is not a number of 0 or more")
    return number


def _yes_no(value: str) -> bool:
    answer = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}.get(value.strip().lower())
    if answer is None:
        raise ValueError("it is neither yes nor no")
    return answer


def _show_yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _genres(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in value.split(";") if name.strip()))


def _show_genres(value: tuple[str, ...]) -> str | None:
    return "; ".join(value) or None


def _isrcs(value: str) -> tuple[str, ...]:
    codes = tuple(code.replace("-", "").strip().upper() for code in value.split(";") if code.strip())
    if not codes or any(pack_isrc(code) is None for code in codes):
        raise ValueError("it is not an ISRC (ISO 3901: two letters, three letters or digits, seven digits)")
    return codes


def _credits(value: str) -> tuple[Credit, ...]:
    """One name, or JSON: ``[{"name": "A", "artist": "id", "join": " & ", "role": ""}, …]``."""
    text = _text(value)
    if not text.startswith("["):
        return (Credit(text),)
    try:
        rows = json.loads(text)
        made = tuple(Credit(**{str(key): str(part) for key, part in row.items()}) for row in rows)
    except (TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError('it is not a list such as [{"name": "A", "join": " & "}, {"name": "B"}]') from error
    if not made or not all(credit.name for credit in made):
        raise ValueError("a credit has no name")
    return made


def _show_credits(value: tuple[Credit, ...]) -> str | None:
    return "".join(f"{credit.name}{credit.join}" for credit in value) or None


def _label(value: str) -> tuple[Label, ...]:
    return (Label(_text(value)),)


def _show_label(value: tuple[Label, ...]) -> str | None:
    return "; ".join(label.name for label in value) or None


def _string(attribute: str, *, required: bool = False) -> Field:
    return Field(attribute, _text, _shown, "", required)


_GENRES = Field("genres", _genres, _show_genres, ())
_CREDIT = Field("credits", _credits, _show_credits, ())
_POPULARITY = Field("popularity", _popularity, _show_number, None)

#: What can be corrected, by kind. The names are those of the catalogue's columns and views.
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "track": {
        "title": _string("title", required=True),
        "credit": _CREDIT,
        "date": _string("date"),
        "disc": Field("disc", _number, _show_number, 1),
        "position": Field("position", _number, _show_number, 0),
        "number": _string("number"),
        "duration": Field("duration_ms", _number, _show_number, None),
        "isrc": Field("isrcs", _isrcs, lambda codes: "; ".join(codes) or None, ()),
        "explicit": Field("explicit", _yes_no, _show_yes_no, None),
        "genres": _GENRES,
        "popularity": _POPULARITY,
        "disambiguation": _string("disambiguation"),
    },
    "release": {
        "title": _string("title", required=True),
        "credit": _CREDIT,
        "date": _string("date"),
        "label": Field("labels", _label, _show_label, ()),
        "barcode": _string("barcode"),
        "kind": _string("kind"),
        "country": _string("country"),
        "release_group": _string("group"),
        "genres": _GENRES,
        "popularity": _POPULARITY,
        "disambiguation": _string("disambiguation"),
    },
    "artist": {
        "name": _string("name", required=True),
        "sort_name": _string("sort_name"),
        "disambiguation": _string("disambiguation"),
        "kind": _string("kind"),
        "country": _string("country"),
        "begin_date": _string("begin"),
        "end_date": _string("end"),
        "genres": _GENRES,
        "popularity": _POPULARITY,
    },
    "label": {"name": _string("name", required=True)},
}
