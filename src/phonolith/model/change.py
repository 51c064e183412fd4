"""What changed between two snapshots of a source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    """How a thing differs. ``MOVED``: it is there under another id now; ``MERGED``: it and another are one now."""

    APPEARED = "appeared"
    CHANGED = "changed"
    VANISHED = "vanished"
    MOVED = "moved"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after, as text ("" for nothing).

    ``direction``: of ``licence`` stricter, looser or other; of ``territory`` narrower or wider; "" of others.
    """

    field: str
    was: str
    now: str
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was.

    ``source`` names the collection and ``item`` the record that says so, at ``time`` (ISO 8601, UTC). ``kind`` is
    ``track``, ``release``, ``artist``, ``label`` …, ``id`` the public id, ``artist`` the credit as text, ``release``
    the public id of a track's release. ``about`` are the public ids of the artists and labels named, ``words`` what a
    search may find it by. ``heir`` is the id of what moved or merged ones are now; ``copies`` are the SHA-256 of held
    files of a vanished thing that, as far as the catalogue knows, nothing else offers.
    """

    what: What
    source: str
    item: str
    time: str
    kind: str
    id: str
    title: str
    artist: str = ""
    release: str = ""
    fields: tuple[FieldChange, ...] = ()
    heir: str = ""
    copies: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    words: str = ""

    @property
    def stricter(self) -> bool:
        """Whether it may be used for less, or in fewer places, than before."""
        return any(one.direction in ("stricter", "narrower") for one in self.fields)
