"""The exact licence parser: an address or an identifier in, a licence with its permissions out, prose never.

What is recognised, and nothing else:

* addresses on creativecommons.org in any usual spelling: http, https or no scheme, ``www.``, upper case, with or
  without the last slash, ``/deed``, ``/deed.de``, ``/legalcode``, ``/legalcode.fr``, ports (``/3.0/de/``), ``%2B`` for
  ``+``;
* the addresses of other licences listed in :mod:`phonolith.rights.other`;
* SPDX identifiers and our own codes (``cc-by-sa-4.0``, ``CC-BY-SA-3.0-DE``), in any case, as the whole text.

A query, a fragment, a port number, user info, another host, a percent sign that is not ``%2B``, a character outside
ASCII, an expression of several licences and every text that merely talks about a licence give None: an artist is called
HoliznaCC0. Combinations of licence, version and jurisdiction that never existed give None too
(:mod:`phonolith.rights.creative_commons` has the list of those that do).
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from phonolith.rights import creative_commons, other, public_domain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phonolith.model.licence import Licence

_LONGEST = 200  # no address above is longer than half of this; anything longer is something else
_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)/([^?#@:\\\s]+)", re.IGNORECASE)
_LANGUAGE = r"[a-z]{2,3}(?:[_-](?:hans|hant|latn|cyrl))?(?:[_-][a-z]{2})?"
_PAGE = re.compile(rf"/(?:deed|legalcode)(?:\.(?:txt|{_LANGUAGE}))?$")


@lru_cache(maxsize=4096)  # a catalogue repeats a few hundred statements millions of times
def parse(uri: str) -> Licence | None:
    """The licence that ``uri`` names, or None if it does not name exactly one.

    ``uri`` is a statement as found. White space around it is ignored, nothing else is repaired. Never raises.
    """
    text = uri.strip(" \t\r\n")
    if not text or len(text) > _LONGEST or not text.isascii():
        return None
    by_identifier = _BY_IDENTIFIER.get(text.lower())
    if by_identifier is not None:
        return by_identifier
    address = _ADDRESS.fullmatch(text)
    return _at(address[1].lower(), address[2]) if address else None


def known(code: str) -> Licence | None:
    """The licence with this exact code, e.g. ``CC-BY-SA-3.0-DE``, also those of the public domain by dates, or None."""
    return LICENCES.get(code) or public_domain.by_code(code)


def by_code(code: str) -> Licence:
    """The licence with this exact code. Raises KeyError."""
    licence = known(code)
    if licence is None:
        raise KeyError(code)
    return licence


def _at(host: str, path: str) -> Licence | None:
    """The licence at a host and a path without leading slash."""
    place = re.sub("%2b", "+", path, flags=re.IGNORECASE).lower().removesuffix("/")
    if "%" in place or place.endswith("/"):
        return None
    if host == "creativecommons.org":
        place = _PAGE.sub("", place)
    return _BY_ADDRESS.get(f"{host}/{place}")


def _addresses() -> dict[str, Licence]:
    """Host and path, in lower case and without last slash, to licence."""
    found = dict(other.ADDRESSES)
    for licence in creative_commons.LICENCES:
        found.update(dict.fromkeys(creative_commons.addresses(licence), licence))
    return {address.lower(): licence for address, licence in found.items()}


def _identifiers() -> dict[str, Licence]:
    """Codes and SPDX identifiers in lower case to licence."""
    found: dict[str, Licence] = {}
    for licence in LICENCES.values():
        found[licence.code.lower()] = licence
        if licence.spdx:
            found[licence.spdx.lower()] = licence
    for spdx, code in other.SPDX_ALIASES.items():
        found[spdx.lower()] = LICENCES[code]
    return found


#: Every licence there is here, by its code.
LICENCES: Mapping[str, Licence] = MappingProxyType(
    {licence.code: licence for licence in (*creative_commons.LICENCES, *other.LICENCES)}
)
_BY_ADDRESS = _addresses()
_BY_IDENTIFIER = _identifiers()
