"""What bounds the interpreting of documents: the same bytes decoded, leaves touched, values made, each alone.

None of these does what interpreting has to: a way of interpreting that decodes into dictionaries cannot be faster than
``touched``, one that decodes into structures of its own not faster than ``typed``, and none that makes descriptions
faster than ``made`` and either of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

from phonolith.model.record import Record
from phonolith.sources.musicbrainz import SOURCE

Work = Callable[[Sequence[Record]], None]


class Named(msgspec.Struct, rename="kebab"):
    """An artist, label, area, work or address, as far as columns take it."""

    id: str | None = None
    name: str | None = None
    sort_name: str | None = None
    title: str | None = None
    resource: str | None = None
    disambiguation: str | None = None
    type: str | None = None
    country: str | None = None


class Credited(msgspec.Struct):
    name: str | None = None
    joinphrase: str | None = None
    artist: Named | None = None


class Relation(msgspec.Struct, rename="kebab"):
    type: str | None = None
    target_type: str | None = None
    direction: str | None = None
    attributes: list[str] | None = None
    artist: Named | None = None
    work: Named | None = None
    url: Named | None = None


class Recording(msgspec.Struct, rename="kebab"):
    id: str | None = None
    title: str | None = None
    length: int | None = None
    disambiguation: str | None = None
    first_release_date: str | None = None
    isrcs: list[str] | None = None
    artist_credit: list[Credited] | None = None
    relations: list[Relation] | None = None


class Track(msgspec.Struct, rename="kebab"):
    id: str | None = None
    title: str | None = None
    number: str | None = None
    position: int | None = None
    recording: Recording | None = None
    length: int | None = None
    artist_credit: list[Credited] | None = None


class Medium(msgspec.Struct):
    format: str | None = None
    title: str | None = None
    tracks: list[Track] | None = None


class LabelInfo(msgspec.Struct, rename="kebab"):
    catalog_number: str | None = None
    label: Named | None = None


class Release(msgspec.Struct, rename="kebab"):
    """The publishable part of a dump's release that columns have a place for."""

    id: str | None = None
    title: str | None = None
    date: str | None = None
    country: str | None = None
    barcode: str | None = None
    status: str | None = None
    disambiguation: str | None = None
    asin: str | None = None
    artist_credit: list[Credited] | None = None
    label_info: list[LabelInfo] | None = None
    media: list[Medium] | None = None
    relations: list[Relation] | None = None


def touched(records: Sequence[Record]) -> None:
    """Decoded, and each leaf looked at once."""
    for record in records:
        _touch(msgspec.json.decode(record.payload))


def _touch(value: Any) -> int:
    kind = type(value)
    if kind is dict:
        return sum(map(_touch, value.values()))
    if kind is list:
        return sum(map(_touch, value))
    return 1 if value else 0


def typed(records: Sequence[Record]) -> None:
    """Decoded into structures of what columns take; all other keys are lost, which interpreting must not do."""
    decode = msgspec.json.Decoder(Release).decode
    for record in records:
        decode(record.payload)


def maker(records: Sequence[Record]) -> Work:
    """Makes the frozen values of the records' descriptions again, from fields that are at hand."""
    values = [one for record in records for said in SOURCE.interpret(record) for one in _frozen(said)]
    parts = [(type(one), [getattr(one, field.name) for field in fields(one)]) for one in values]

    def made(_: Sequence[Record]) -> None:
        for make, arguments in parts:
            make(*arguments)

    return made


def _frozen(value: Any) -> Iterator[Any]:
    """A frozen value and those in it."""
    if isinstance(value, tuple):
        for one in value:
            yield from _frozen(one)
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from _frozen(getattr(value, field.name))
