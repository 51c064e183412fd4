"""Whether a licence reaches the places where somebody wants to use it."""

from __future__ import annotations

from collections.abc import Sequence

from phonolith.model.licence import Licence

_MOST_NAMED = 5  # more than that stand in the licence's title, where a sentence can do without them


def problem(licence: Licence, places: Sequence[str]) -> str:
    """Why the licence does not reach all of ``places``, as a sentence; "" if it does.

    ``places`` are ISO 3166-1 alpha-2 codes; none means everywhere. A licence without territories is worldwide.
    """
    if not licence.territories:
        return ""
    several = len(licence.territories)
    reach = ", ".join(licence.territories) if several <= _MOST_NAMED else f"{several} territories"
    if not places:
        return f"{licence.title} counts in {reach} only, and no territory is set to which the use is limited."
    outside = [place for place in places if place not in licence.territories]
    return f"{licence.title} counts in {reach} only, not in {', '.join(outside)}." if outside else ""
