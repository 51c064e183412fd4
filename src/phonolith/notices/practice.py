"""How an archive deals with notices: what whoever runs it decided once, for all of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Practice:
    """``rules``: whether rules hide and restore where nothing asks for a person. ``calm``: so many notices an hour are
    taken for single ones. ``url``: where the pages are reached, for links in mail. ``sender``: whom mail is from.
    """

    name: str
    url: str
    contact: str = ""
    territory: str = ""
    rules: bool = True
    calm: int = 20
    sender: str = "notices@localhost"
