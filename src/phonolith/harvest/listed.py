"""A work list as a harvest takes it: which addresses, in which order and tier, and how many bytes are left for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from phonolith.errors import UsageError
from phonolith.sources.payloads import collection_of, read
from phonolith.store import worklist
from phonolith.store.files import printable
from phonolith.store.records import RecordStore

#: Makes an access copy of the file at a path; gone when the context ends. Raises BadInput where none can be made.
Encode = Callable[[Path], AbstractContextManager[Path]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the list says of one address: its place, whether only an access copy is kept, the most bytes predicted."""

    place: int
    access: bool
    most: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that was found whole: wishes by the name of the source and the address; ``copies`` are left to derive."""

    path: Path
    sha256: str
    budget: int
    by_source: Mapping[str, Mapping[str, Wish]]
    copies: int

    @classmethod
    def open(cls, path: Path, sha256: str = "") -> Listed:
        """Read a list; ``sha256``: it has to be that one. Raises BadInput, StorageError, UsageError."""
        head, end = worklist.check(path)
        if sha256 and end.sha256 != sha256:
            problem = "is another list than the one that is being fetched"
            raise UsageError(printable(path), problem, "Name the new list: phonolith harvest --plan FILE")
        found: dict[str, dict[str, Wish]] = {}
        copies = 0
        for line in worklist.lines(path):
            if line.tier == worklist.COPY:
                copies += 1
            else:
                wish = Wish(line.n, line.tier == worklist.ACCESS, line.bytes[2])
                found.setdefault(line.source, {}).setdefault(line.address, wish)
        return cls(path.absolute(), end.sha256, head.budget, found, copies)

    def of(self, spoken: str) -> Mapping[str, Wish]:
        """The wishes of one source."""
        return self.by_source.get(spoken, {})

    def left(self, store: RecordStore) -> int:
        """Bytes of the budget that what came of this list leaves."""
        wished = {address for mine in self.by_source.values() for address in mine}
        names = [name for name in store.sources() if collection_of(name)]
        came = sum(read(record).size for record in store.scan(names) if record.item in wished) if names else 0
        return max(0, self.budget - came)
