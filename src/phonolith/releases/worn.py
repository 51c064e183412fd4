"""Finds bundles that have lost more than they may, and what is left of each: these are cut again under a new name.

A refused file leaves a running torrent while all others seed on; but a torrent that can never be complete again is a
burden, so where more than a hundredth of a bundle's files is gone, a new one takes its place. The others keep their
paths, so that a mirror has to move nothing but tag files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from phonolith.library.publications import Objects, files
from phonolith.model.publication import Bundle
from phonolith.releases.choose import Chosen
from phonolith.releases.group import Group

#: The share of a bundle's files that may be gone before it is cut again.
TOLERATED = 0.01


def worn(objects: Objects, current: Iterable[Bundle], chosen: Sequence[Chosen]) -> Iterator[Group]:
    """What is left of each bundle that is worn, as a group that replaces it.

    ``chosen`` is everything that may be passed on now. A bundle of which nothing is left comes to an end by itself.
    """
    permitted = {one.file.sha256: one for one in chosen}
    for bundle in current:
        payload = [one for one in files(objects, bundle) if one.payload]
        left = [
            replace(permitted[one.sha256], path=tuple(one.path.split("/")))
            for one in payload
            if one.sha256 in permitted
        ]
        if left and len(payload) - len(left) > TOLERATED * len(payload):
            yield Group(bundle.licence, bundle.tier, bundle.size_class, 0, tuple(left), bundle.name)


def next_name(name: str) -> str:
    """The name of the bundle that takes another's place: ``x`` becomes ``x-r2``, ``x-r2`` becomes ``x-r3``."""
    match = re.fullmatch(r"(.+)-r(\d+)", name)
    return f"{match[1]}-r{int(match[2]) + 1}" if match else f"{name}-r2"
