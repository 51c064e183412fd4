"""A published bundle's tag files as evidence, without its payload: what a release says that it is made of.

Manifests name each file with its SHA-256, so that equal ones are known; the number of bytes is the bag's own word.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Exhibit, Given, Looked
from phonolith.audit.torrents import AUDIO, kind_of
from phonolith.audit.verdicts import Basis, Fact
from phonolith.errors import BadInput
from phonolith.model.finding import Finding
from phonolith.store.bag import EVIDENCE, TAG_MANIFEST, Bag, read_bag

_MOST = 10_000  # bundles in a folder
_OXUM = re.compile(r"([0-9]{1,16})\.([0-9]{1,9})", re.ASCII)


def fits(path: Path) -> bool:
    """Whether this is a bundle's folder, or a folder of them, with tag files alone."""
    return path.is_dir() and next(_bags(path), None) is not None


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Add what manifests describe; a bag that is not sound is a finding. Raises StorageError."""
    bags, whole = [], given.whole
    for place in sorted(_bags(given.path))[:_MOST]:
        try:
            bags.append(read_bag(place))
        except BadInput as error:
            told.findings.append(Finding(error.code, error.subject, error.problem, error.remedy, "error"))
            whole = False
    digests = sorted(hashlib.sha256(bag.tags[TAG_MANIFEST]).digest() for bag in bags)
    told.exhibits.append(Exhibit(given, "publication", hashlib.sha256(b"".join(digests)).hexdigest()))
    shown = list(_facts(told, given, bags, whole=whole))
    for claim in claims:
        told.facts[claim.id] += shown


def _bags(path: Path) -> Iterator[Path]:
    for one in (path, *(sub for sub in path.iterdir() if sub.is_dir())):
        if (one / "bagit.txt").is_file() and (one / EVIDENCE).is_file() and not (one / "data").exists():
            yield one


def _facts(told: Looked, given: Given, bags: Sequence[Bag], *, whole: bool) -> Iterator[Fact]:
    files = [(path, sha256) for bag in bags for path, sha256 in bag.payload.items()]
    kinds = [kind_of(path) for path, _ in files]
    how = f"The manifest{'s' if len(bags) != 1 else ''} of {len(bags):,} bundle{'s' if len(bags) != 1 else ''} list it"
    amounts = [
        ("files", len(files), ""),
        ("files", len({sha256 for _, sha256 in files}), "files"),
        ("tracks", sum(kind in AUDIO for kind in kinds), ""),
        ("images", kinds.count("images"), ""),
    ]
    sizes = [_size(told, bag) for bag in bags]
    for dimension, amount, definition in amounts:
        high = amount if whole else math.inf
        yield Fact(dimension, amount, high, Basis.DESCRIBED, str(given.path), how, given.of, definition)
    size, known = sum(one for one in sizes if one is not None), None not in sizes
    high = size if whole and known else math.inf
    yield Fact("bytes", size, high, Basis.DESCRIBED, str(given.path), f"{how}, bytes by its own word", given.of)


def _size(told: Looked, bag: Bag) -> int | None:
    """The bytes of the payload as bag-info.txt has them (RFC 8493, section 2.2.2), None where it says nothing."""
    match = _OXUM.fullmatch(bag.info.get("Payload-Oxum", ""))
    if match and int(match[2]) != len(bag.payload):
        problem = f"its Payload-Oxum says {int(match[2]):,} files, and its manifest lists {len(bag.payload):,}"
        told.findings.append(Finding("bag.oxum", str(bag.root), problem, "Ask who made it", "warning"))
    return int(match[1]) if match else None
