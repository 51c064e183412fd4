"""Brings rows together torrent by torrent; reads infohashes, magnet links, moments and sizes as they are written."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl

from phonolith.audit.counted import Unreadable
from phonolith.audit.extracted import Listed
from phonolith.audit.units import UNITS

MOST_TORRENTS = 500_000
MOST_DAYS = 5_000_000  # on which some torrent had a seeder, of all torrents together
MOST_PEERS = 10_000_000  # of one torrent: more were never counted
LARGEST = 1 << 50  # bytes of one torrent
_FIRST = date(2001, 7, 2).toordinal()  # BitTorrent's first release: nobody saw a swarm before
_HEX = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|1220[0-9a-fA-F]{64}")
_BASE32 = re.compile(r"[A-Za-z2-7]{32}")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KkMGTPE]?i?B|bytes)?", re.ASCII)
_URN = {"urn:btih:": (40, 32), "urn:btmh:": (68,)}


class Collector:
    """Rows that come one by one; each torrent's are one at the end. What cannot be is counted in ``refused``."""

    def __init__(self, today: int) -> None:
        self._today = today
        self._known: dict[str, dict[str, Any]] = {}
        self._days = 0
        self.rows = 0
        self.refused: Counter[str] = Counter()

    def add(
        self,
        infohash: str,
        *,
        other: str = "",
        name: str = "",
        sizes: tuple[int, ...] = (),
        files: int | None = None,
        seeders: int | None = None,
        day: int | None = None,
    ) -> None:
        """One row. ``day`` is the ordinal of the look, None where it is not known. Raises Unreadable: too many."""
        one = self._known.setdefault(infohash, {"sizes": (), "files": (), "seeded": set(), "last": 0, "seeders": 0})
        if len(self._known) > MOST_TORRENTS:
            raise Unreadable(f"it lists more than {MOST_TORRENTS:,} torrents")
        one["name"], one["other"] = one.get("name") or name[:300], one.get("other") or other
        one["sizes"] = _reach(one["sizes"], sizes)
        one["files"] = _reach(one["files"], () if files is None else (files, files))
        if seeders is None:
            return
        if day is None:
            self.refused["undated"] += 1
        elif not _FIRST <= day <= self._today:
            self.refused["time"] += 1
        else:
            self._look(one, seeders, day)

    def _look(self, one: dict[str, Any], seeders: int, day: int) -> None:
        if seeders and day not in one["seeded"]:
            one["seeded"].add(day)
            self._days += 1
        if self._days > MOST_DAYS:
            raise Unreadable(f"it has more than {MOST_DAYS:,} days on which torrents had seeders")
        if day >= one["last"]:
            one["seeders"] = max(seeders, one["seeders"]) if day == one["last"] else seeders
            one["last"] = day

    def listed(self) -> tuple[Listed, ...]:
        """All torrents, by infohash."""
        return tuple(
            Listed(
                infohash,
                one["other"],
                one["name"],
                one["sizes"],
                one["files"],
                tuple(sorted(one["seeded"])),
                one["last"],
                one["seeders"],
            )
            for infohash, one in sorted(self._known.items())
        )


def infohash_of(text: str) -> str:
    """An infohash as it is written, in hexadecimal or base32, as hexadecimal; "" if it is none."""
    told = text.strip()
    if _HEX.fullmatch(told):
        return told.lower()[-64:] if len(told) == 68 else told.lower()
    if _BASE32.fullmatch(told):
        try:
            return base64.b32decode(told.upper()).hex()
        except binascii.Error:
            return ""
    return ""


def magnet_of(text: str) -> tuple[list[str], str, int | None]:
    """Infohashes, name (dn) and exact length (xl) of a magnet link; no infohash where it is none (BEP 9, BEP 53)."""
    if not text.startswith("magnet:?"):
        return [], "", None
    try:
        pairs = parse_qsl(text[len("magnet:?") :], max_num_fields=500)
    except ValueError:
        return [], "", None
    found = []
    for key, value in pairs:
        lengths = _URN.get(value[:9].lower(), ())
        if re.fullmatch(r"xt(\.[0-9]+)?", key) and len(value) - 9 in lengths and (one := infohash_of(value[9:])):
            found.append(one)
    told = dict(reversed(pairs))
    length = told.get("xl", "")
    exact = int(length) if re.fullmatch("[0-9]{1,16}", length, re.ASCII) and int(length) <= LARGEST else None
    return list(dict.fromkeys(found)), told.get("dn", ""), exact


def day_of(told: Any) -> int | None:
    """The ordinal of the day, in UTC, of a moment as written: ISO 8601, or seconds or milliseconds since 1970.

    None where it is nothing of that; 0 for a date that no calendar has.
    """
    text = str(told).strip()
    if re.fullmatch(r"-?[0-9]{9,14}(\.[0-9]{1,9})?", text, re.ASCII):
        number = float(text)
        try:
            return datetime.fromtimestamp(number / 1000 if abs(number) > 1e11 else number, UTC).toordinal()
        except (ValueError, OverflowError, OSError):
            return 0
    try:
        moment = datetime.fromisoformat(text[:40])
        return (moment.astimezone(UTC) if moment.tzinfo else moment).toordinal()
    except (ValueError, OverflowError):
        return 0 if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII) else None


def size_of(told: Any) -> tuple[int, int] | None:
    """The least and the most bytes that a size as written can be: of ``1.2 GiB`` what its rounding leaves.

    None where it is no size.
    """
    text = str(told).strip().replace(",", "") if not isinstance(told, (bool, dict, list)) else ""
    match = _SIZE.fullmatch(text)
    if match is None or len(match[1]) > 20:
        return None
    name = "kB" if match[2] == "KB" else match[2] or "bytes"
    scale = 1 if name == "B" else UNITS[name].scale if name in UNITS else 0
    digits = len(match[1].partition(".")[2])
    slack = scale / 10**digits / 2 if scale > 1 else 0
    amount = float(match[1]) * scale
    if not scale or amount > LARGEST or (scale == 1 and digits and not amount.is_integer()):
        return None
    return int(max(0.0, amount - slack)), int(amount + slack)


def count_of(told: Any, most: int = MOST_PEERS) -> int | None:
    """A count as written; None where it is none, or cannot be."""
    text = str(told).strip() if not isinstance(told, bool) else ""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) and int(text) <= most else None


def _reach(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    both = one + other
    return (min(both), max(both)) if both else ()
