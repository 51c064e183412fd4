"""What searches of one build have read and decoded, kept for the next ones: words and filters come again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_MOST_BYTES = 24_000_000

T = TypeVar("T")


class Kept:
    """Values by key, up to about ``most_bytes``; safe to use from any number of threads.

    There are two halves. What is used goes to the young one; when that is full it becomes the old one, whose values
    nobody has used since are given up.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes // 2
        self._young: dict[Hashable, tuple[Any, int]] = {}
        self._old: dict[Hashable, tuple[Any, int]] = {}
        self._size = 0

    def get(self, key: Hashable) -> Any:
        """The value of a key; None where there is none."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is None:
                return None
            self.put(key, *found)
        return found[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value of ``size`` bytes, which must not change any more."""
        self._young[key] = value, size
        self._size += size
        if self._size > self._most:
            self._old, self._young, self._size = self._young, {}, 0

    def once(self, key: Hashable, make: Callable[[], T], size: int = 1_000) -> T:
        """The value of a key, made where there is none."""
        value: T | None = self.get(key)
        if value is None:
            value = make()
            self.put(key, value, size)
        return value
