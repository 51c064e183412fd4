"""Whether a licence reaches the places where somebody wants to use it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from phonolith.errors import SettingError
from phonolith.model.licence import Licence

_CODE = re.compile("[A-Z]{2}")


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


def checked(setting: str, codes: Sequence[str]) -> tuple[str, ...]:
    """The codes in upper case, in order. Raises SettingError if one is no ISO 3166-1 alpha-2 code by its form."""
    for code in codes:
        if not _CODE.fullmatch(code.strip().upper()):
            remedy = "Write two letters, such as DE or US (ISO 3166-1)."
            raise SettingError(setting, f"{code!r} is not a country code", remedy)
    return tuple(code.strip().upper() for code in codes)
