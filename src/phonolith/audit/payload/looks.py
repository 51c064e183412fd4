"""What was looked at of an exhibit's bytes, and a figure that follows from it, from the least to the most."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from phonolith.audit.payload.reading import Seen


@dataclass(slots=True)
class Looks:
    """What was looked at: kinds by both ends, stated seconds, digests alone, and files that were read, by their ids."""

    kinds: dict[str, str] = field(default_factory=dict)
    stated: dict[str, float] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """From the least to the most, told and surely; ``read`` of ``drawable`` files it rests on."""

    low: float = 0.0
    high: float = 0.0
    sure_low: float = 0.0
    sure_high: float = 0.0
    read: int = 0
    drawable: int = 0
    missing: int = 0

    def __add__(self, other: Span) -> Span:
        return Span(
            self.low + other.low,
            self.high + other.high,
            self.sure_low + other.sure_low,
            self.sure_high + other.sure_high,
            self.read + other.read,
            self.drawable + other.drawable,
            self.missing + other.missing,
        )

    def less(self, low: float, high: float) -> Span:
        """With so much taken off either end; never below nothing."""
        ends = (self.low - low, self.high - high, self.sure_low - low, self.sure_high - high)
        low, high, sure_low, sure_high = (max(0.0, end) for end in ends)
        return replace(self, low=low, high=high, sure_low=sure_low, sure_high=sure_high)
