"""Magnet links as evidence: they name torrents, and what they say of these is what somebody wrote."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Given, Looked
from phonolith.audit.extracted import Listed
from phonolith.audit.extracting import extract
from phonolith.audit.kinds.listing import take
from phonolith.audit.verdicts import Basis, Fact
from phonolith.store.files import storage_errors

_HEAD = 64 << 10


def fits(path: Path) -> bool:
    """Whether this is a text that begins with a magnet link, or has one in its first lines and is called .magnet."""
    if not path.is_file():
        return False
    with storage_errors(path), path.open("rb") as file:
        head = file.read(_HEAD)
    named = path.suffix.lower() in (".magnet", ".magnets", ".txt", ".list", "")
    return head.lstrip().startswith(b"magnet:?") or (named and b"magnet:?" in head)


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Take up what magnet links say: torrents, and bytes where they state a length. Raises StorageError."""
    found = extract(given.path, "magnets", today=told.today)
    take(told, given, "magnets", found)
    if found.problem or not found.listed:
        return
    most = 1.0 if given.whole else math.inf
    count, sized = len(found.listed), [one for one in found.listed if one.sizes]
    how = f"{count:,} magnet link{'s' if count != 1 else ''} in {given.path.name} name it"
    amounts = [("torrents", float(count), count * most, how)]
    if sized:
        least, highest = _lengths(sized)
        written = f"{how}; the length is what somebody wrote into {len(sized):,} of them"
        amounts.append(("bytes", least, highest * most if len(sized) == count else math.inf, written))
    for claim in claims:
        for dimension, low, high, said in amounts:
            told.facts[claim.id].append(Fact(dimension, low, high, Basis.STATED, str(given.path), said, given.of))


def _lengths(sized: Sequence[Listed]) -> tuple[float, float]:
    return float(sum(one.sizes[0] for one in sized)), float(sum(one.sizes[1] for one in sized))
