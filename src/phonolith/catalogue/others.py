"""Stages what a source says of labels, release groups, works, areas and whatever else is not itself music."""

from __future__ import annotations

from phonolith.catalogue import staging
from phonolith.catalogue.parts import LABEL, THING, Parts, stored_id
from phonolith.model.music import Label, OtherDescription


def add(parts: Parts, said: OtherDescription) -> None:
    """Stage one description. What is said of a label goes to the row that releases point at; it has one in any case."""
    key, kind = parts.key(said.id), THING
    if said.kind == "label":
        kind = LABEL
        parts.label(Label(said.name, said.id))
    parts.writer.add(_row(parts, key, said))
    parts.identifiers(key, kind, said.identifiers)
    parts.links(key, kind, said.links)
    parts.notes(key, kind, "alias", said.aliases)
    parts.notes(key, kind, "remainder", (said.remainder,))
    parts.counts["other things"] += 1


def _row(parts: Parts, key: int, said: OtherDescription) -> staging.Thing:
    uuid, text = stored_id(said.id)
    return staging.Thing(
        key,
        parts.source,
        uuid,
        text,
        said.kind,
        said.name,
        None if said.sort_name == said.name else said.sort_name or None,
        said.type or None,
        said.disambiguation or None,
        said.country or None,
        said.begin or None,
        said.end or None,
        said.language or None,
        parts.credit(said.credits),
    )
