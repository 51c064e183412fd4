"""A licence as a value: its kind, version and what it permits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Licence:
    """A recognised licence.

    ``code`` is our short name and stable key: ``CC0-1.0``, ``CC-BY-SA-3.0-DE``, ``PDM-1.0``, ``LAL-1.3``. ``family`` is
    the class that lists and torrents group by: ``cc0``, ``pd``, ``by``, ``by-sa``, ``by-nd``, ``by-nc``, ``by-nc-sa``,
    ``by-nc-nd``, ``sampling``, ``other-open``, ``restricted``. ``spdx`` is "" where SPDX has no identifier.
    ``territories`` empty means worldwide.
    """

    code: str
    family: str
    uri: str
    title: str
    version: str = ""
    jurisdiction: str = ""
    spdx: str = ""
    hold: bool = False
    stream: bool = False
    redistribute: bool = False
    reencode: bool = False
    commercial: bool = False
    attribution: bool = False
    share_alike: bool = False
    territories: tuple[str, ...] = ()
