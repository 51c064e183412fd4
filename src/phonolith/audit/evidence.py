"""Evidence as it is handed over: files and folders of any kind, each put to the reader of its kind.

Nothing here reaches the network, and nothing is taken over into a catalogue: evidence is looked at where it lies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from phonolith.audit.claims import Claim
from phonolith.audit.effort import Effort
from phonolith.audit.exhibits import Exhibit, Given, Looked
from phonolith.audit.kinds import (
    archive,
    catalogue,
    listing,
    magnets,
    page,
    payload,
    proof,
    publication,
    rows,
    swarm,
    torrents,
)
from phonolith.audit.swarms import join
from phonolith.errors import BadInput, NotFound
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress

__all__ = ["READERS", "Exhibit", "Given", "Looked", "look", "of_unnamed"]


_NAMED = 8  # names that claims use, in the sentence on evidence that has none of them


class Reader(NamedTuple):
    """A kind of evidence: its name, what tells it from others (``fits``), and what looks at it."""

    kind: str
    fits: Callable[[Path], bool]
    look: Callable[[Looked, Given, Sequence[Claim]], None]


#: In the order in which they are tried: the first that fits reads it, unless evidence names its kind.
READERS = (
    Reader("archive", archive.fits, archive.look),
    Reader("payload", payload.is_copy, payload.look),
    Reader("torrents", torrents.fits, torrents.look),
    Reader("publication", publication.fits, publication.look),
    Reader("proof", proof.fits, proof.look),
    Reader("magnets", magnets.fits, magnets.look),
    Reader("listing", listing.fits, listing.look),
    Reader("swarm", swarm.fits, swarm.look),
    Reader("catalogue", catalogue.fits, catalogue.look),
    Reader("page", page.fits, page.look),
    Reader("payload", payload.is_folder, payload.look),
    Reader("rows", Path.is_file, rows.look),
)


def look(
    claims: Sequence[Claim],
    evidence: Sequence[Given],
    progress: Progress,
    *,
    now: str,
    effort: Effort | None = None,
) -> Looked:
    """Look at all evidence for what the claims say; ``now`` is ISO 8601: nobody can have looked later than that.

    ``effort`` bounds what is read of bytes. Raises NotFound, BadInput, StorageError; what is unreadable is a finding.
    """
    today = date.fromisoformat(now[:10]).toordinal()
    told = Looked({claim.id: [] for claim in claims}, effort=effort or Effort(), today=today, progress=progress)
    readers = [_reader(given) for given in evidence]
    told.effort.exhibits = sum(reader.kind == "payload" for reader in readers)
    kinds = defaultdict[str, set[str]](set)
    for given, reader in zip(evidence, readers, strict=True):
        kinds[given.of].add(reader.kind)
    progress.start("Looking at evidence", len(evidence), "exhibits")
    for given, reader in zip(evidence, readers, strict=True):
        mine = [claim for claim in claims if claim.of == given.of]
        if not mine:
            told.findings.append(_unused(given, claims))
        if reader.kind == "rows" and kinds[given.of] > {"rows"}:  # what has no procedure is about the other evidence
            mine = [claim for claim in mine if claim.procedure]
        reader.look(told, given, mine)
        progress.advance(1)
    join(told, claims)
    proof.join(told, claims)
    progress.finish()
    return told


def of_unnamed(path: Path, claims: Sequence[Claim]) -> str:
    """What evidence is about that was given without a name: its file's name, where claims use that.

    Else the one name that claims use, "" where they use none. Where they use several it stays the file's name, which
    is a finding then.
    """
    names = {claim.of for claim in claims}
    name = path.resolve().name if path.name in ("", "..") else path.name
    used = names - {""}
    return name if name in names or len(used) > 1 else next(iter(used), "")


def _reader(given: Given) -> Reader:
    """Whatever reads this. Raises NotFound where it is not there, BadInput where nothing reads such a thing."""
    if not given.path.exists():
        raise NotFound(str(given.path), "this evidence is not there", "Check the path")
    for reader in READERS:
        if given.kind == reader.kind or (not given.kind and reader.fits(given.path)):
            return reader
    if given.kind:
        known = ", ".join(reader.kind for reader in READERS)
        raise BadInput(str(given.path), f"there is no kind of evidence {given.kind!r}", f"Kinds are {known}")
    raise BadInput(str(given.path), "there is no evidence in it", "Name a folder with .torrent files, or a file")


def _unused(given: Given, claims: Sequence[Claim]) -> Finding:
    problem = f"no claim is about {given.of!r}, so it shows nothing here"
    names = list(dict.fromkeys(claim.of for claim in claims if claim.of))
    told = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    remedy = f"Say which it is, OF=PATH: {told}" if names else "Leave the name out: no claim here has an of"
    return Finding("evidence.unused", str(given.path), problem, remedy, "note")
