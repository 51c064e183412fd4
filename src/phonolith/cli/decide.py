"""Writing a person's decision into the register: under a token, while a build or a harvest may be running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phonolith.cli.verb import Place
from phonolith.model.event import Event
from phonolith.store.archive import Archive


def record(archive: Archive, place: Place, decisions: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Event]:
    """Append events ``(kind, body)`` in order; durable on return."""
    with archive.private_store() as private:
        actor = private.actor_token(place.actor)
    with archive.register() as register:
        return [register.append(kind, body, actor=actor, time=place.now()) for kind, body in decisions]


def events_of(archive: Archive) -> list[Event]:
    """All events of the register so far."""
    with archive.register() as register:
        return list(register.events())
