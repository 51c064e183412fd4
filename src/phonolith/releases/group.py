"""Groups what was chosen into bundles: by licence, by popularity, by size of file, and no larger than clients take.

Assignment is sticky: what a bundle has once been published with is never put into another, whatever a chart says later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from phonolith.releases.choose import Chosen, apart
from phonolith.store.passport import LARGE_PIECE, piece_length_for

#: Files of a bundle, tag files included, and bytes of its metainfo: more than these and clients begin to refuse.
MOST_FILES = 10_000
MOST_METAINFO = 8_000_000
_TAG_FILES = 16
_TAG_BYTES = 500_000

#: Popularity tiers: the best hundredth of the catalogue's releases, the rest of the best tenth, the others.
TIERS = ((0.01, "top"), (0.1, "middle"), (1.0, "deep"))


@dataclass(frozen=True, slots=True)
class Group:
    """The files of one bundle to be, in their order, and what they have in common.

    ``replaces`` is the name of the published bundle whose place it takes, "" if none.
    """

    licence: str
    tier: str
    size_class: str
    number: int
    files: tuple[Chosen, ...]
    replaces: str = ""

    @property
    def piece_length(self) -> int:
        """The piece length of all of them, bytes."""
        return piece_length_for(self.files[0].file.size)

    @property
    def name(self) -> str:
        """What tells the group apart within its publication."""
        return f"{self.licence}-{self.tier}-{self.size_class}-{self.number:03}"


def group(
    chosen: Sequence[Chosen],
    published: Collection[str] = frozenset(),
    *,
    most_files: int = MOST_FILES,
    most_metainfo: int = MOST_METAINFO,
) -> list[Group]:
    """Bundles of what is not yet in one; ``published`` are the SHA-256 of what is.

    Releases stay together where they fit. The same choice gives the same groups in whatever order it comes.
    """
    fresh = [one for one in chosen if one.file.sha256 not in published and one.file.size]
    found = []
    for (licence, tier, size_class), files in groupby(sorted(fresh, key=_order), key=_class):
        parts = _parts(list(files), most_files - _TAG_FILES, most_metainfo - _TAG_BYTES)
        for number, part in enumerate(parts, 1):
            found.append(Group(licence, tier, size_class, number, tuple(apart(part))))
    return found


def tier_of(rank: int, of: int) -> str:
    """The popularity tier of a release by its rank, from 1, among so many."""
    return next(name for share, name in TIERS if rank <= max(1, share * of))


def _class(one: Chosen) -> tuple[str, str, str]:
    licence = one.file.standing.rights.licence
    assert licence is not None  # the gate allows nothing without one
    size_class = "large" if one.file.size >= LARGE_PIECE else "small"
    return licence.family, tier_of(one.file.rank, one.file.of), size_class


def _order(one: Chosen) -> tuple[object, ...]:
    return *_class(one), one.file.rank, one.path, one.file.sha256


def _parts(files: list[Chosen], most_files: int, most_metainfo: int) -> Iterator[list[Chosen]]:
    """The files cut so that no part is too large, and no release is cut that would fit into one."""
    part: list[Chosen] = []
    weight = 0
    for _, run in groupby(files, key=lambda one: one.file.release.id):
        release = list(run)
        more = sum(map(_weight, release))
        if part and (len(part) + len(release) > most_files or weight + more > most_metainfo):
            yield part
            part, weight = [], 0
        for one in release:
            if part and (len(part) >= most_files or weight + _weight(one) > most_metainfo):
                yield part
                part, weight = [], 0
            part.append(one)
            weight += _weight(one)
    if part:
        yield part


def _weight(one: Chosen) -> int:
    """About the bytes that a file takes in the metainfo of a hybrid torrent, never fewer."""
    pieces = -(-one.file.size // piece_length_for(one.file.size))
    path = sum(len(part.encode()) + 5 for part in one.path)
    return 52 * pieces + 2 * path + 260
