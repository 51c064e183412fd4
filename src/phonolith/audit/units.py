"""Units of what is claimed, and the one scale on which claims of the same dimension are compared.

Decimal and binary prefixes are different units (IEC 80000-13): 300 TB are 300 x 10^12 bytes, 300 TiB are a tenth more.
A unit that a person wrote loosely is not repaired here; that another unit would fit is for the lint to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phonolith.errors import BadInput


@dataclass(frozen=True, slots=True)
class Unit:
    """``scale``: how many of the base unit of its dimension one of it is."""

    name: str
    dimension: str
    scale: float


#: What is counted by itself: two counts are compared only if they are of the same things.
COUNTED = (
    "tracks", "releases", "artists", "labels", "genres", "recordings", "works", "files", "torrents", "objects",
    "records", "images", "ISRCs", "listens", "users",
)  # fmt: skip

#: What nothing that an archive holds shows: who listens, and to what.
UNSEEN = frozenset({"listens", "users"})

_BINARY = {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGTPE", 1)}
_DECIMAL = {f"{prefix}B": 1000**power for power, prefix in enumerate("kMGTPE", 1)}
_TIMES = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "years": 31_556_952}
_RATES = {"bit/s": 1.0, "kbit/s": 1e3, "Mbit/s": 1e6}

UNITS: dict[str, Unit] = {
    **{name: Unit(name, name, 1) for name in COUNTED},
    "bytes": Unit("bytes", "bytes", 1),
    **{name: Unit(name, "bytes", scale) for name, scale in (_DECIMAL | _BINARY).items()},
    **{name: Unit(name, "seconds", scale) for name, scale in _TIMES.items()},
    **{name: Unit(name, "bit/s", scale) for name, scale in _RATES.items()},
    "%": Unit("%", "share", 0.01),
    "share": Unit("share", "share", 1),
}


def unit(name: str, subject: str) -> Unit:
    """The unit of this name. Raises BadInput, which lists all of them."""
    if name not in UNITS:
        known = ", ".join(UNITS)
        raise BadInput(subject, f"there is no unit {name!r}", f"Use one of {known}", code="claims.unit")
    return UNITS[name]


def mistaken_for(one: Unit) -> Iterator[Unit]:
    """Units that this one is often written for: GB for GiB and the other way round."""
    other = f"{one.name[0].upper()}iB" if one.name in _DECIMAL else f"{one.name[0]}B" if one.name in _BINARY else ""
    if other in UNITS:
        yield UNITS[other]
    elif other == "KB":
        yield UNITS["kB"]
