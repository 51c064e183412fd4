"""How many whole copies of each bundle the seeder of this archive saw in its swarm, as it wrote that down."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path


class Copies:
    """Reads what the seeder writes whenever that is new. Safe to use from any number of threads."""

    def __init__(self, status: Path) -> None:
        """``status``: the file in state/ that the seeder writes; there may be none."""
        self._status = status
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._found: Mapping[str, tuple[int | None, str]] = {}

    def of(self, bundle: str) -> tuple[int | None, str]:
        """Copies of a bundle and when they were seen (ISO 8601 UTC); (None, "") where nobody looked."""
        with self._lock:
            stamp = _stamp(self._status)
            if stamp != self._stamp:
                self._found, self._stamp = _read(self._status), stamp
            return self._found.get(bundle, (None, ""))


def _read(path: Path) -> Mapping[str, tuple[int | None, str]]:
    """What cannot be read is not known: the file may be lost at any moment."""
    try:
        told = json.loads(path.read_bytes())["status"]
        return {str(one["name"]): (int(one["copies"]), str(told["now"])) for one in told["bundles"] if one["copies"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
