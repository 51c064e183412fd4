"""Saved pages as evidence: HTML, MHTML or text, which show that somebody said something and nothing of its truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Exhibit, Given, Looked, unreadable
from phonolith.audit.extracted import Wanted
from phonolith.audit.extracting import extract
from phonolith.audit.kinds.rows import digest_of
from phonolith.audit.units import UNITS
from phonolith.audit.verdicts import Basis, Fact
from phonolith.model.finding import Finding

_ENDINGS = (".html", ".htm", ".xhtml", ".mhtml", ".mht", ".txt", ".md")
_SPELT = {
    "bytes": {"kilobytes": 1e3, "megabytes": 1e6, "gigabytes": 1e9, "terabytes": 1e12, "petabytes": 1e15, "kb": 1e3},
    "share": {"percent": 0.01},
    "tracks": {"tracks": 1.0, "track": 1.0, "songs": 1.0},
    "releases": {"releases": 1.0, "release": 1.0, "albums": 1.0},
}


def fits(path: Path) -> bool:
    """Whether this is called as a page is."""
    return path.is_file() and path.suffix.lower() in _ENDINGS


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Look for the claims' sentences, else their figures, in a page. Raises StorageError."""
    found = extract(given.path, "page", today=told.today, wanted=[_wanted(claim) for claim in claims])
    if found.problem:
        told.findings.append(unreadable(given, found.problem))
        told.exhibits.append(Exhibit(given, "unreadable"))
        return
    told.exhibits.append(Exhibit(given, "page", digest_of(given.path), given.path.stat().st_size))
    for claim, quote in zip(claims, found.quotes, strict=True):
        if quote is None:
            problem = f"neither the sentence nor the figure of claim {claim.id} is in it"
            told.findings.append(Finding("page.silent", str(given.path), problem, "Look for it by eye", "note"))
            continue
        said = "says so" if quote.exact else "has such a figure"
        how = f"{given.path.name} {said}, which is what somebody said: “{quote.line}”"
        dimension, path = claim.unit.dimension, str(given.path)
        fact = Fact(dimension, quote.low, quote.high, Basis.STATED, path, how, claim.of, claim.definition)
        told.facts[claim.id].append(fact)


def _wanted(claim: Claim) -> Wanted:
    dimension, slack = claim.unit.dimension, float(claim.slack) * claim.unit.scale
    scales = {unit.name: unit.scale for unit in UNITS.values() if unit.dimension == dimension}
    scales |= {name[:-1]: scale for name, scale in scales.items() if scale == 1 and name.endswith("s")}
    return Wanted(claim.sentence, claim.value - slack, claim.value + slack, scales | _SPELT.get(dimension, {}))
