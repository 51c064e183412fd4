"""Known damage: the places of objects that were amiss at the last look at them, out of held/observations.sqlite."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from phonolith.store.database import Closing, database_errors, fetch, open_ro
from phonolith.store.fixity import DAMAGED, GONE, UNREADABLE
from phonolith.store.ledger import Place
from phonolith.store.observations import VERSION

#: Kind of the observations of one place of one object; those of a whole run are of kind RUN.
FIXITY = "fixity"
RUN = "fixity.run"

#: An object's place as a key: SHA-256, volume, path.
Key = tuple[bytes, str, bytes]

_LAST = "SELECT subject, time, value FROM observation WHERE kind = 'fixity'{} ORDER BY subject, id"  # partial index


@dataclass(frozen=True, slots=True)
class Damage:
    """One place that is amiss: SHA-256 in hexadecimal, which place, when it was seen, the result and its sentence."""

    sha256: str
    place: Place
    time: str
    result: str
    problem: str


class KnownDamage(Closing):
    """Reads what looks found. The database may appear later than this; safe to use from several threads."""

    def __init__(self, observations: Path) -> None:
        self._path = observations
        self._lock = threading.Lock()
        self._db: apsw.Connection | None = None

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._db is not None:
            self._db.close()

    def of(self, sha256: bytes) -> list[Damage]:
        """Damaged places of one object."""
        return _told(self._last(" AND subject = :subject", {"subject": sha256}), (DAMAGED,))

    def amiss(self) -> list[Damage]:
        """Places of all objects whose last look was not sound: damaged, unreadable or gone; by digest."""
        return _told(self._last("", {}), (DAMAGED, UNREADABLE, GONE))

    def last_words(self) -> dict[Key, tuple[str, Mapping[str, Any]]]:
        """Time and value of the last observation of every place of which there is one."""
        return self._last("", {})

    def _last(self, where: str, bindings: dict[str, Any]) -> dict[Key, tuple[str, Mapping[str, Any]]]:
        last: dict[Key, tuple[str, Mapping[str, Any]]] = {}
        for subject, time, text in self._rows(where, bindings):
            value = json.loads(text)
            place = place_of(value)
            last[subject, place.volume, place.path] = (time, value)
        return last

    def _rows(self, where: str, bindings: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._lock, database_errors(self._path):
            if self._db is None:
                if not self._path.exists():
                    return []
                connection = open_ro(self._path, VERSION)
                if connection.pragma("user_version") == 0:  # it is being made, or a crash came between
                    connection.close()
                    return []
                self._db = connection
            return fetch(self._db, _LAST.format(where), bindings)


def place_fields(place: Place) -> dict[str, str]:
    """A place as fields of JSON: ``volume``, and ``path`` (or ``path64``, base64) where it is outside the archive."""
    if place.volume:
        return {"volume": place.volume}
    try:
        return {"volume": "", "path": place.path.decode()}
    except UnicodeDecodeError:
        return {"volume": "", "path64": base64.b64encode(place.path).decode("ascii")}


def place_of(fields: Mapping[str, str]) -> Place:
    """The inverse of :func:`place_fields`."""
    if "path64" in fields:
        return Place(fields["volume"], base64.b64decode(fields["path64"]))
    return Place(fields["volume"], os.fsencode(fields.get("path", "")))


def _told(last: Mapping[Key, tuple[str, Mapping[str, Any]]], results: tuple[str, ...]) -> list[Damage]:
    return [
        Damage(subject.hex(), Place(volume, path), time, value["result"], value.get("problem", ""))
        for (subject, volume, path), (time, value) in last.items()
        if value["result"] in results
    ]
