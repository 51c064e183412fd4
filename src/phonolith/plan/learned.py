"""What harvests by a plan taught about sizes: state/plan/learned.json. Losing it costs a plan some certainty."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from phonolith.plan.sizes import Sample, sampled
from phonolith.store.files import atomic_write, make_folders

_LISTS = 20  # comparisons that are kept
_LARGEST = 16 << 20


class Group(msgspec.Struct, frozen=True):
    """Bytes per second of what came of one source and codec (``access``: of access copies, of any source)."""

    source: str
    codec: str
    sample: Sample


class Comparison(msgspec.Struct, frozen=True):
    """A list's prediction beside what came of it: ``items`` that came, bytes (low, expected, high) and bytes that came.

    ``inside`` are the items whose own interval had their size. ``sha256`` is the list's.
    """

    time: str
    sha256: str
    listed: int
    items: int
    bytes: tuple[int, int, int]
    came: int
    inside: int
    groups: tuple[Group, ...] = ()


class _Kept(msgspec.Struct):
    comparisons: list[Comparison] = []


def load(path: Path) -> list[Comparison]:
    """What was compared before, oldest first; nothing where there is no such file, or none that can be read."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST), type=_Kept).comparisons
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return []


def keep(path: Path, one: Comparison) -> None:
    """Keep a comparison, in place of an earlier one of the same list. Raises StorageError."""
    rest = [before for before in load(path) if before.sha256 != one.sha256]
    make_folders(path.parent)
    atomic_write(path, msgspec.json.encode(_Kept([*rest, one][-_LISTS:])))


def samples(comparisons: list[Comparison]) -> Mapping[tuple[str, str], Sample]:
    """All that was learned, by source and codec."""
    groups = (group for one in comparisons for group in one.groups)
    rows = ((one.source, one.codec, one.sample.count, one.sample.mean, one.sample.square) for one in groups)
    return sampled(rows)
