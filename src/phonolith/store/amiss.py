"""What a reading found amiss: as findings that say how to mend it, and as observations."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from phonolith.model.finding import Finding
from phonolith.store.damage import place_fields
from phonolith.store.files import printable
from phonolith.store.fixity import SOUND, Look
from phonolith.store.ledger import Ledger, Place
from phonolith.store.schedule import SEGMENTS, Item, Schedule
from phonolith.store.volumes import Volume

_AGAIN = "then run phonolith verify again: what was amiss is read first"
_MOST_PIECES = 1000  # numbers of pieces that one observation tells; more of them say no more


def path_of(item: Item, volumes: Mapping[str, Volume], folder: Path) -> str:
    """Where an item's bytes are; ``folder`` is held/records. The item's volume is one of ``volumes``."""
    if item.volume == SEGMENTS:
        return str(folder / os.fsdecode(item.path))
    if not item.volume:
        return os.fsdecode(item.path)
    name = item.sha256.hex()
    return f"{volumes[item.volume].path}/{name[:2]}/{name[2:]}"


def observed(item: Item, seen: Look) -> dict[str, Any]:
    """The value of an observation of kind ``fixity``, as docs/on-disk-format.md has it."""
    value: dict[str, Any] = {"result": seen.result, **place_fields(Place(item.volume, item.path))}
    if seen.problem:
        value["problem"] = seen.problem
    if seen.found:
        value["found"] = seen.found
    if seen.pieces:
        value["pieces"] = list(seen.pieces[:_MOST_PIECES])
    if seen.row:
        value["row"] = list(seen.row)
    return value


def found_amiss(
    amiss: Sequence[tuple[Item, Look]],
    ledger: Ledger,
    schedule: Schedule,
    volumes: Mapping[str, Volume],
    folder: Path,
) -> Iterator[Finding]:
    """A finding for each: which file, what is wrong, and a sound copy to mend it from where there is one."""
    for item, seen in amiss:
        path = path_of(item, volumes, folder)
        if seen.result == SOUND:
            problem = f"its bytes are sound, but the ledger's row contradicts them in {', '.join(seen.row)}"
            remedy = "Restore held/ledger.sqlite from a backup; torrents made of this row would be wrong"
            yield Finding("ledger.row", item.sha256.hex(), problem, remedy, "error")
        elif item.volume == SEGMENTS:
            remedy = f"Restore it from a backup, {_AGAIN}"
            yield Finding(f"segment.{seen.result}", printable(path), seen.problem, remedy, "error")
        else:
            remedy = _remedy(item, path, ledger, schedule, volumes, folder)
            yield Finding(f"object.{seen.result}", printable(path), seen.problem, remedy, "error")


def absent(name: str, volume: Volume | None, count: int) -> Finding:
    """A volume whose disk is not there, so that what lies on it was not read."""
    where = printable(volume.path) if volume else "it is not in [volumes]"
    problem = f"is not mounted ({where}); {count:,} files on it that are due were not read"
    return Finding("volume.absent", f"volume {name}", problem, "Mount its disk, or correct [volumes]", "error")


def _remedy(
    item: Item, path: str, ledger: Ledger, schedule: Schedule, volumes: Mapping[str, Volume], folder: Path
) -> str:
    unread = ""
    for place in ledger.places(item.sha256):
        other = Item(item.sha256, item.size, place.volume, place.path)
        if other == item or (place.volume and place.volume not in volumes):
            continue
        last, there = schedule.last(other), path_of(other, volumes, folder)
        if last is not None and last[0] == SOUND:
            words = shlex.join(["cp", "--remove-destination", printable(there), printable(path)])
            return f"Another copy of it was sound at {last[1]}: {words}, {_AGAIN}"
        unread = unread or (f"Another copy lies at {printable(there)}, not read yet. " if last is None else "")
    return f"{unread}Restore it from a backup or a mirror, {_AGAIN}"
