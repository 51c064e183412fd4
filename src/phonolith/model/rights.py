"""Uses, decisions and the reasons a person reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """What somebody wants to do with bytes. Each is asked for by itself."""

    LIST = "list"  # show metadata
    HOLD = "hold"
    STREAM = "stream"
    REDISTRIBUTE = "redistribute"  # verbatim
    REENCODE = "reencode"
    COMMERCIAL = "commercial"


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer: allowed or denied, with reasons as sentences (never empty)."""

    use: Use
    allowed: bool
    reasons: tuple[str, ...]
    status: int = 200  # HTTP: 200 allowed, 403 not permitted, 410 owner or licence, 451 law, 404 no bytes
    ground: str = ""  # of a denial: law, owner or licence
