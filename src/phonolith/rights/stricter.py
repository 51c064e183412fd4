"""Whether a licence became stricter: what it allowed before and does not allow now.

A stricter one closes the door at once, a looser one waits for the build (DESIGN section 6: deny by default).
"""

from __future__ import annotations

from phonolith.model.rights import Use
from phonolith.rights.evidence import Evidence
from phonolith.rights.gate import SUFFICIENT

STRICTER, LOOSER, OTHER = "stricter", "looser", "other"
NARROWER, WIDER = "narrower", "wider"

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
