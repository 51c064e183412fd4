"""The closed list of what can be the matter with an item; coverage is a GROUP BY over it."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What is held of a track. The numbers are part of the catalogue format; 0 and 1 cost no bytes there."""

    NOT_FETCHED = 0  # known, allowed or undecided, not fetched yet
    HELD = 1  # its audio is held
    NO_LICENCE = 2  # metadata only: no licence evidence strong enough to hold it
    NOT_PERMITTED = 3  # metadata only: its licence or its source does not permit it
    NO_SOURCE = 4  # metadata only: nobody we know of offers the audio
    UNAVAILABLE = 5  # the source no longer has it
    WITHDRAWN = 6  # taken down by a decision
    LOWER_PRIORITY = 7  # left for later by the plan
    UNREADABLE = 8  # held, and its audio cannot be decoded
    FAILED = 9  # fetched, and its digest or size was wrong
    EXPUNGED = 10  # removed by order; a tombstone stands for it

    @property
    def sentence(self) -> str:
        """What a person reads."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.NOT_FETCHED: "metadata only: not fetched yet",
    Status.HELD: "held",
    Status.NO_LICENCE: "metadata only: no licence evidence",
    Status.NOT_PERMITTED: "metadata only: its licence or its source does not permit it",
    Status.NO_SOURCE: "metadata only: no source offers the audio",
    Status.UNAVAILABLE: "metadata only: no longer available at its source",
    Status.WITHDRAWN: "withdrawn",
    Status.LOWER_PRIORITY: "metadata only: lower priority",
    Status.UNREADABLE: "held, but the audio cannot be read",
    Status.FAILED: "failed: the bytes did not match their digest",
    Status.EXPUNGED: "expunged",
}
