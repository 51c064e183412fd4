"""The catalogue's claims as a file: whoever has the catalogue checks each of them with ``audit``."""

from __future__ import annotations

import hashlib
import re

from phonolith.library.reading import Library
from phonolith.library.stats import ClaimView, stats
from phonolith.model.claim import Claim, Stated
from phonolith.store.claims import dump

OF = "library"  # what the claims are of: --evidence library=catalogue.sqlite

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def claims_file(library: Library, where: str = "") -> bytes:
    """What the catalogue states, each figure with its SQL; ``where`` is the address at which the archive says so."""
    found = stats(library)
    said = tuple(_claim(one) for one in found.claims)
    return dump(Stated(f"What {found.archive} states of its catalogue", found.archive, where, found.as_of, said))


def claim_id(name: str) -> str:
    """The id of a claim in files: its name, or where a source is called otherwise, a digest behind its kind."""
    if _ID.fullmatch(name):
        return name
    series = name.partition(".")[0]
    return f"{series}.{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _claim(one: ClaimView) -> Claim:
    unit, definition = ("tracks", "isrcs") if one.unit == "ISRCs" else (one.unit, "")
    return Claim(claim_id(one.name), one.sentence, int(one.value), unit, OF, one.procedure, definition)
