"""What a plan needs beside the catalogue: what has access copies, what was not there lately, what harvests taught."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from phonolith.library.reading import Reading
from phonolith.plan.sizes import CODEC, CODECS, LONG, LONG_OFF, Sample, Sizes, joined, sampled
from phonolith.sources.payloads import beside, collection_of
from phonolith.store.archive import Archive
from phonolith.store.copies import AccessCopies

_SAMPLED = 300_000  # objects, by digest, so drawn without regard to what they are
_COPIES = 2_000
_HELD = f"""
SELECT s.name, {CODEC} AS codec, count(*), avg(o.size * 1000.0 / t.duration),
       avg((o.size * 1000.0 / t.duration) * (o.size * 1000.0 / t.duration))
FROM object o CROSS JOIN file f ON f.object = o.id CROSS JOIN track t ON t.id = f.subject / 4
CROSS JOIN release r ON r.id = t.release CROSS JOIN source s ON s.id = r.source
WHERE o.id <= {_SAMPLED} AND f.subject >= 0 AND f.subject % 4 = 0 AND f.role = 'audio' AND f.problem IS NULL
  AND t.duration > 1000
GROUP BY s.name, codec"""
_LASTS = """
SELECT max(t.duration) FROM object o CROSS JOIN file f ON f.object = o.id CROSS JOIN track t ON t.id = f.subject / 4
WHERE o.sha256 = unhex(?) AND f.subject >= 0 AND f.subject % 4 = 0"""
_DURATIONS = "SELECT duration FROM track WHERE duration > 0 AND id % :every = 0 LIMIT 100000"


@dataclass(frozen=True)
class Surroundings:
    """``copied``: digests of objects with an access copy; ``absent``: addresses that had nothing lately; ``learned``:
    bytes per second of what harvests by a plan brought; ``flagged``: public ids of what is at risk."""

    copied: Mapping[str, int | None] = field(default_factory=dict)
    absent: Set[str] = frozenset()
    learned: Mapping[tuple[str, str], Sample] = field(default_factory=dict)
    flagged: Set[str] = frozenset()

    def sizes(self, reading: Reading) -> Sizes:
        """The sizes to reckon with: fitted to what is held, and to what was learned since."""
        rows = [(source, CODECS[code], *rest) for source, code, *rest in reading.rows(_HELD)]
        fitted = sampled(rows)
        fitted.update(_of_copies(reading, self.copied))
        return Sizes(joined(fitted, self.learned), *_durations(reading))


def surroundings(
    archive: Archive, *, learned: Mapping[tuple[str, str], Sample], flagged: Set[str], now: str
) -> Surroundings:
    """Those of an archive."""
    copies = AccessCopies(archive.access)
    told = {parent: copies.of(parent) for parent in copies.parents()}
    sizes = {parent: one.forms["opus"].size if one and "opus" in one.forms else None for parent, one in told.items()}
    with archive.records() as store:
        names = [beside(name) for name in store.sources() if not collection_of(name)]
        keys = {key for name in names for key in store.frontier(name).absent(now)}
    return Surroundings(sizes, {key.partition(":")[2] for key in keys}, learned, flagged)


def _of_copies(reading: Reading, copied: Mapping[str, int | None]) -> dict[tuple[str, str], Sample]:
    """Bytes per second of access copies, under no source's name: the encoder does not know where it is from."""
    rates = []
    for parent, size in sorted(copied.items())[:_COPIES]:
        ms = (reading.one(_LASTS, (parent,)) or (None,))[0]
        if size and ms and ms > 1000:
            rates.append(size * 1000 / ms)
    if not rates:
        return {}
    count = len(rates)
    return {("", "access"): Sample(count, sum(rates) / count, sum(rate * rate for rate in rates) / count)}


def _durations(reading: Reading) -> tuple[float, float]:
    """Mean and deviation of what the catalogue says of durations, in milliseconds."""
    rows = (reading.one("SELECT max(id) FROM track") or (0,))[0] or 0
    found = [ms for (ms,) in reading.db.execute(_DURATIONS, {"every": max(1, rows // 100_000)})]
    if len(found) < 2:
        return LONG, LONG_OFF
    mean = sum(found) / len(found)
    return mean, (sum((one - mean) ** 2 for one in found) / (len(found) - 1)) ** 0.5
