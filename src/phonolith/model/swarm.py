"""What a look at a torrent's swarm found, from outside: who was asked, what each said, and who said nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: Kind of the observations; their subject is the SHA-256 of the metainfo file, their value that of :func:`body_of`.
SWARM = "swarm"
#: Who is named as ``by`` where the DHT was asked and no tracker.
DHT = "dht"
#: With fewer complete copies elsewhere than so many a bundle is at risk, unless something else is said.
FEW_COPIES = 3
#: More peers of one torrent than anybody ever counted: who says so lies.
MOST_PEERS = 10_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """What one tracker (its address) or the DHT (``dht``) said of one infohash (hexadecimal) of a torrent.

    ``complete``, ``incomplete`` and ``downloaded`` are as BEP 48 has them; of the DHT the first two are estimates by
    BEP 33, and where no node gives its filters they are None and ``peers`` counts those that were named, complete or
    not. ``ours``: how many of ``complete`` are the seeder of the archive that asked. ``nodes`` of the DHT answered.
    ``problem``: why there is no answer, a sentence without its stop; then nothing is counted, and that is not zero.
    """

    by: str
    infohash: str
    complete: int | None = None
    incomplete: int | None = None
    downloaded: int | None = None
    ours: int = 0
    peers: int | None = None
    nodes: int | None = None
    problem: str = ""

    @property
    def elsewhere(self) -> int | None:
        """Complete copies beside our own; None where nobody said how many are complete."""
        return None if self.complete is None else max(self.complete - self.ours, 0)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one torrent of a bundle: when (ISO 8601 UTC), and what was said of each of its infohashes."""

    time: str
    bundle: str
    said: tuple[Said, ...]

    @property
    def elsewhere(self) -> int | None:
        """The largest number that somebody counted: a lower bound, as two trackers may tell of the same peer."""
        return most(one.elsewhere for one in self.said)

    @property
    def ours(self) -> bool:
        """Whether our own seeder is known to have been among those that were counted."""
        return any(one.ours for one in self.said)


def most(numbers: Iterable[int | None]) -> int | None:
    """The largest of those that are known; None where none is."""
    return max((one for one in numbers if one is not None), default=None)


def body_of(bundle: str, said: Iterable[Said]) -> dict[str, Any]:
    """The value of an observation; what is not known is left out."""
    return {"bundle": bundle, "said": [_body(one) for one in said]}


def look_of(time: str, value: Any) -> Look | None:
    """The look of an observation's time and value; None where the value is of no such form."""
    try:
        said = tuple(_said(one) for one in value["said"])
        return Look(time, str(value["bundle"]), said)
    except (KeyError, TypeError, ValueError):
        return None


def _body(one: Said) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if value not in (None, "") and (name, value) != _NONE}


_NONE = ("ours", 0)
_NUMBERS = ("complete", "incomplete", "downloaded", "peers", "nodes")


def _said(told: Mapping[str, Any]) -> Said:
    numbers = {name: int(told[name]) for name in _NUMBERS if name in told}
    return Said(
        by=str(told["by"]),
        infohash=str(told["infohash"]),
        ours=int(told.get("ours", 0)),
        problem=str(told.get("problem", "")),
        **numbers,
    )
