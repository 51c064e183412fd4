"""The source ``mirror``: what another archive's catalogue says, out of the excerpt in a bundle that it published.

A collection stands for one source of the other archive and *speaks for* it: its descriptions keep that source's name,
so that the same things have the same public ids and permalinks here as there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import msgspec

from phonolith.errors import BadInput
from phonolith.model.music import ArtistDescription, Description, ReleaseDescription, TrackDescription
from phonolith.model.record import Record
from phonolith.sources.base import SETTINGS, Terms
from phonolith.sources.text import clean, holds_mail

_KINDS: Mapping[str, type[Any]] = {
    "artist": ArtistDescription,
    "release": ReleaseDescription,
    "track": TrackDescription,
}

TERMS = Terms(
    metadata_licence="",
    payload_licences="what the other archive's evidence states, in the bundle beside the music",
    publish=("said/**", "source", "kind"),
)


class Settings(msgspec.Struct):
    """The settings record of a collection: which source of which archive it speaks for, and how that is named.

    ``licence`` is a licence code or address of the source's metadata, "" if none is stated.
    """

    speaks_for: str
    origin: str
    title: str = ""
    licence: str = ""
    credit: str = ""
    url: str = ""


class MirrorSource:
    """Interprets lines of excerpts. The one in the registry speaks for nobody; :meth:`prepared` gives one that does."""

    name = "mirror"
    title = "Bundles of another archive"
    terms = TERMS

    def prepared(self, name: str, settings: bytes | None) -> PreparedMirror:
        """The source of the collection ``name``. Raises BadInput where its settings are missing or broken."""
        try:
            told = msgspec.json.decode(settings or b"", type=Settings)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            problem = f"does not say whose words its records are: {error}"
            raise BadInput(f"source {name}", problem, "Take the bundle in again") from error
        return PreparedMirror(name, told)

    def interpret(self, record: Record) -> Iterable[Description]:
        """Refuses: without its settings a line speaks for nobody."""
        raise BadInput(f"record {record.source} {record.item}", "cannot be read without its collection's settings")


@dataclass(frozen=True)
class PreparedMirror:
    """One collection: the lines of one source of one other archive."""

    name: str
    told: Settings

    @property
    def speaks_for(self) -> str:
        """The name of the other archive's source, by which public ids are made."""
        return self.told.speaks_for

    @property
    def title(self) -> str:
        """What the other archive calls its source."""
        return clean(self.told.title) or self.told.speaks_for

    @property
    def _where(self) -> str:
        """Where a statement is found that does not say so itself."""
        return clean(self.told.url or self.told.origin)

    @property
    def terms(self) -> Terms:
        """The terms, with what the other archive says of its source."""
        told = self.told
        return Terms(told.licence, TERMS.payload_licences, TERMS.publish, credit=clean(told.credit), url=told.url)

    def interpret(self, record: Record) -> Iterable[Description]:
        """The one description that a line is. Raises BadInput where it is none."""
        if record.item == SETTINGS:
            return []
        line = _decoded(record)
        cls = _KINDS.get(str(line.get("kind")))
        if cls is None or line.get("source") != self.speaks_for:
            raise BadInput(_subject(record), "is no line of this collection's source")
        try:
            return [_shown_by(record, self._where, msgspec.convert(_cleaned(line.get("said")), cls))]
        except (msgspec.ValidationError, TypeError) as error:
            raise BadInput(_subject(record), f"describes no {line['kind']}: {error}") from error

    def document(self, record: Record) -> Any:
        """What the round trip is measured against."""
        return {} if record.item == SETTINGS else _decoded(record)

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Any:
        """The line again, from descriptions alone."""
        for kind, cls in _KINDS.items():
            for one in descriptions:
                if isinstance(one, cls):
                    return line_of(self.speaks_for, kind, _without(self._where, one))
        return {}


def line_of(source: str, kind: str, said: Any) -> dict[str, Any]:
    """A description, or another value of ours, as a line of an excerpt: the fields that say something."""
    told = {one.name: value for one in fields(said) if (value := getattr(said, one.name)) != one.default}
    return {"source": source, "kind": kind, "said": msgspec.to_builtins(told)}


def _shown_by(record: Record, place: str, said: Any) -> Any:
    """The description, its licence statements and dates with the line as what shows them: it is what is held here."""
    if isinstance(said, ArtistDescription):
        return said

    def held(one: Any) -> Any:
        return one and replace(one, where=one.where or place, date=record.time, digest=record.digest)

    told: dict[str, Any] = {"licences": tuple(map(held, said.licences))}
    return replace(said, **told, **({"origin": held(said.origin)} if isinstance(said, TrackDescription) else {}))


def _without(place: str, said: Any) -> Any:
    """The description without what :func:`_shown_by` added."""
    if isinstance(said, ArtistDescription):
        return said

    def plain(one: Any) -> Any:
        return one and replace(one, where="" if one.where == place else one.where, date="", digest="")

    told: dict[str, Any] = {"licences": tuple(map(plain, said.licences))}
    return replace(said, **told, **({"origin": plain(said.origin)} if isinstance(said, TrackDescription) else {}))


def _decoded(record: Record) -> dict[str, Any]:
    try:
        line = msgspec.json.decode(record.payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(_subject(record), f"is no line of an excerpt: {error}") from error
    return line


def _cleaned(value: Any) -> Any:
    """The value with every text fit to be shown; one with an e-mail address says nothing."""
    if isinstance(value, str):
        return "" if holds_mail(value) else clean(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return {key: _cleaned(one) for key, one in value.items()} if isinstance(value, dict) else value


def _subject(record: Record) -> str:
    return f"record {record.source} {record.item}"


SOURCE = MirrorSource()
