"""A moment as Phonolith writes it: ISO 8601, UTC, whole seconds, as in 2026-11-30T12:00:00Z."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def written(moment: datetime) -> str:
    """A moment in UTC as text."""
    return moment.strftime(_FORM)


def read(text: str) -> datetime:
    """The moment that a text names, in UTC. Raises ValueError."""
    return datetime.strptime(text, _FORM).replace(tzinfo=UTC)


def later(text: str, by: timedelta) -> str:
    """The moment so much later, or earlier. Raises ValueError."""
    return written(read(text) + by)
