"""How much was given of each torrent, since ever and today, kept in state/ from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from phonolith.store.files import atomic_write


class Tally:
    """Bytes given, by torrent. A day begins at midnight UTC with what was given by then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._total: dict[str, int] = {}
        self._morning: dict[str, int] = {}
        self._day = ""
        with suppress(OSError, ValueError, TypeError, KeyError):  # what cannot be read is begun anew
            told = json.loads(path.read_bytes())
            self._total = {str(key): int(value) for key, value in told["total"].items()}
            self._morning = {str(key): int(value) for key, value in told["morning"].items()}
            self._day = str(told["day"])

    def take(self, totals: Mapping[str, int], day: str) -> None:
        """What was given by now, since ever; ``day`` is today, ISO 8601."""
        if day != self._day:
            self._morning, self._day = dict(self._total), day
        self._total.update(totals)

    def total(self, key: str) -> int:
        """Bytes given of a torrent since ever."""
        return self._total.get(key, 0)

    def today(self, key: str) -> int:
        """Bytes given of a torrent today."""
        return self.total(key) - self._morning.get(key, 0)

    def keep(self, status: Mapping[str, Any]) -> None:
        """Write it, and beside it what is told of the running seeder to whoever asks. Raises StorageError."""
        told = {"day": self._day, "total": self._total, "morning": self._morning, "status": dict(status)}
        atomic_write(self._path, json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))


def last_status(path: Path) -> dict[str, Any] | None:
    """What the seeder said of itself when it last did; None where it never did."""
    try:
        found = json.loads(path.read_bytes())["status"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None
