"""What sources made stricter since the build and is refused for that, as findings for whoever harvested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from phonolith.errors import NotFound
from phonolith.library.access import standing
from phonolith.library.reading import Library, as_rights
from phonolith.model.finding import Finding

_MOST = 100_000  # things that sources spoke of since the build and that are looked up


def closed(library: Library) -> Iterator[Finding]:
    """A finding ``licence.stricter`` for each track and release that stands on a newer, stricter word of its source."""
    with library.reading() as reading:
        for identifier, evidence in islice(reading.decisions.restated.items(), _MOST):
            with suppress(NotFound):
                kind, row = reading.snapshot.find(identifier)
                now = standing(reading, kind, row).rights if kind in ("track", "release") else None
                if now is not None and now == as_rights(evidence):
                    reference = f"{kind}:{identifier}"
                    remedy = f"It is obeyed already, without a build: phonolith why {reference}"
                    yield Finding("licence.stricter", reference, f"its licence became stricter. {now.note}", remedy)
