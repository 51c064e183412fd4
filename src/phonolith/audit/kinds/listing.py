"""Listings as evidence: torrents with sizes and with how many peers were counted, at one time or at several.

What they show together with metainfo and with other listings is told by :mod:`phonolith.audit.swarms`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from phonolith.audit.claims import Claim
from phonolith.audit.counted import Unreadable
from phonolith.audit.counting import kind_of
from phonolith.audit.exhibits import Exhibit, Given, Looked, Seen, unreadable
from phonolith.audit.extracted import Extracted, Listed
from phonolith.audit.extracting import extract
from phonolith.audit.in_listing import is_listing
from phonolith.audit.kinds import rows
from phonolith.audit.procedures import METAINFO
from phonolith.errors import StorageError
from phonolith.model.finding import Finding

_MOST_DAYS = 4000  # that a report has of one listing
_REFUSED = {
    "infohash": ("listing.infohash", "have no infohash: what they list is not known"),
    "size": ("listing.size-unread", "have a size that is none"),
    "files": ("listing.files-unread", "have a number of files that is none"),
    "seeders": ("listing.seeders-unread", "have a number of seeders that cannot be"),
    "time": ("listing.time", "are of a day on which nobody can have looked: their seeders count for nothing"),
    "undated": ("listing.undated", "do not say when somebody looked: their seeders count for nothing"),
    "value": ("listing.value", "are no look at a swarm"),
}


def fits(path: Path) -> bool:
    """Whether this is a file whose columns are those of a listing of torrents."""
    try:
        return path.is_file() and is_listing(path)
    except OSError as error:
        raise StorageError(str(path), f"it cannot be read: {error.strerror}", "Check the file") from error


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Take up what a listing says; claims with a procedure are counted in its rows. Raises StorageError."""
    counted = [claim for claim in claims if claim.procedure not in ("", METAINFO)]
    found = extract(given.path, "listing", today=told.today, day=day_in(given.path.name))
    take(told, given, "listing", found)
    if counted and not found.problem:
        try:
            rows.count(told, given, kind_of(str(given.path)), counted)
        except Unreadable as error:
            told.findings.append(unreadable(given, str(error)))


def take(told: Looked, given: Given, kind: str, found: Extracted) -> None:
    """Add a listing that was read to what is known, with what is odd about it. Raises StorageError."""
    if found.problem:
        told.findings.append(unreadable(given, found.problem))
        told.exhibits.append(Exhibit(given, "unreadable"))
        return
    size = given.path.stat().st_size
    told.exhibits.append(Exhibit(given, kind, rows.digest_of(given.path), size, offered=offered_by_day(found.listed)))
    told.seen.append(Seen(given, found.listed, kind, bool(found.refused.get("infohash"))))
    if found.columns:
        told.findings.append(_columns(given, found))
    for reason, count in sorted(found.refused.items()):
        code, problem = _REFUSED[reason]
        told.findings.append(_warning(given, code, f"{count:,} of {found.rows:,} rows {problem}"))


def offered_by_day(listed: Sequence[Listed]) -> Mapping[str, Any] | None:
    """Of how many torrents somebody had all on each day of a look, of many days the newest; None without any look.

    That a look found nobody is known of the last look at a torrent alone.
    """
    days = Counter(day for one in listed for day in one.seeded)
    for one in listed:
        days[one.last] += 0
    told = sorted((day, count) for day, count in days.items() if day)[-_MOST_DAYS:]
    if not told:
        return None
    return {"torrents": len(listed), "days": [[date.fromordinal(day).isoformat(), count] for day, count in told]}


def day_in(name: str) -> int:
    """The day that a listing's name has, for rows that do not say when; 0 if it has none."""
    match = re.search(r"(?<![0-9])(20[0-9]{2})-?([01][0-9])-?([0-3][0-9])(?![0-9])", name)
    try:
        return date(*map(int, match.groups())).toordinal() if match else 0
    except ValueError:
        return 0


def _columns(given: Given, found: Extracted) -> Finding:
    taken = ", ".join(
        name if name.lower() == meaning else f"{name} as {meaning}" for meaning, name in found.columns.items()
    )
    unused = f"; not used: {', '.join(found.unused)}" if found.unused else ""
    remedy = "If one is something else, rename it in a copy"
    return Finding("listing.columns", str(given.path), f"its columns were taken as {taken}{unused}", remedy, "note")


def _warning(given: Given, code: str, problem: str) -> Finding:
    return Finding(code, str(given.path), problem, "Ask who made it; what is left counts", "warning")
