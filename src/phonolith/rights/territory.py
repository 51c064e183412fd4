"""Whether a licence reaches the places where somebody wants to use it."""

from __future__ import annotations

from collections.abc import Sequence

from phonolith.model.licence import Licence


def problem(licence: Licence, places: Sequence[str]) -> str:
    """Why the licence does not reach all of ``places``, as a sentence; "" if it does.

    ``places`` are ISO 3166-1 alpha-2 codes; none means everywhere. A licence without territories is worldwide.
    """
    if not licence.territories:
        return ""
    reach = ", ".join(licence.territories)
    if not places:
        return f"{licence.title} counts in {reach} only, and no territory is set to which the use is limited."
    outside = [place for place in places if place not in licence.territories]
    return f"{licence.title} counts in {reach} only, not in {', '.join(outside)}." if outside else ""
