"""Whether a licence became stricter: what it allowed before and does not allow now.

A stricter one closes the door at once, a looser one waits for the build (DESIGN section 6: deny by default).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phonolith.model.rights import Use
from phonolith.rights.evidence import Evidence
from phonolith.rights.gate import SUFFICIENT

STRICTER, LOOSER, OTHER = "stricter", "looser", "other"
NARROWER, WIDER = "narrower", "wider"

#: Of a track whose own record states nothing (any more): that of its release counts, which another record describes.
INHERITED = Evidence(None, 0, "", "", "none", False, "Its source does not state a licence of its own for it any more.")

_USES = tuple(use for use in Use if use is not Use.LIST)


def compare(was: Evidence, now: Evidence) -> str:
    """``stricter`` if any use or place is lost, else ``looser`` if one is won, else ``other``; "" where nothing is new.

    A licence that asks for the same work to be shared alike, or for a credit, where none was asked for, is ``other``:
    it closes no door of ours.
    """
    before, after = permitted(was), permitted(now)
    reach = territory(was, now)
    if before - after or (reach == NARROWER and after):
        return STRICTER
    if after - before or reach == WIDER:
        return LOOSER
    return "" if _code(was) == _code(now) else OTHER


def restate(built: Evidence, now: Evidence | None) -> Evidence:
    """What a build concluded, or what its source says since where that is stricter.

    Where one use is lost and another won (BY-ND to BY-NC), it is what the source says now that counts. What the
    operator attested stands above what a source states, and stays.
    """
    if now is None or built.basis == "attested":
        return built
    return now if compare(built, now) == STRICTER else built


def restate_pinned(built: Evidence, restated: Mapping[str, Evidence], witnesses: Sequence[str]) -> Evidence:
    """The same of evidence that was pinned, where no catalogue tells whether a track's was its own or its release's.

    The first of ``witnesses``, public ids, of which anything is known counts. A release of which nothing is stated
    says nothing about its tracks.
    """
    for place, one in enumerate(witnesses):
        now = restated.get(one)
        if now is not None and (place == 0 or now.basis != "none"):
            return restate(built, now)
    return built


def is_open(evidence: Evidence) -> bool:
    """Whether everything is allowed everywhere, so that it is stricter than nothing."""
    reaches = evidence.licence is not None and not evidence.licence.territories
    return reaches and len(permitted(evidence)) == len(_USES)


def permitted(evidence: Evidence) -> frozenset[Use]:
    """What the evidence allows, wherever that may be."""
    one = evidence.licence
    if one is None or evidence.level < SUFFICIENT or not evidence.composition:
        return frozenset()
    return frozenset(use for use in _USES if getattr(one, use.value) is True)


def territory(was: Evidence, now: Evidence) -> str:
    """``narrower`` if a place is lost, else ``wider`` if one is won; "" where neither, or one names no licence."""
    if was.licence is None or now.licence is None or was.licence.territories == now.licence.territories:
        return ""
    before, after = set(was.licence.territories), set(now.licence.territories)
    if after and (not before or before - after):
        return NARROWER
    return WIDER


def _code(evidence: Evidence) -> str:
    return evidence.licence.code if evidence.licence else ""
