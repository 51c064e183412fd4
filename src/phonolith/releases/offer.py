"""What of a published bundle is given to peers now: where each file's bytes are, and why the others are kept back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from phonolith.errors import PhonolithError
from phonolith.library.offered import offered
from phonolith.library.overlay import EventLog
from phonolith.library.publications import PublishedFile, files
from phonolith.library.reading import Library
from phonolith.model.publication import Bundle
from phonolith.rights.decisions import Decisions
from phonolith.rights.gate import Policy
from phonolith.store.bag import EVIDENCE
from phonolith.store.objects import ObjectStore

REFUSED = "refused"  # the gate said no
DAMAGED = "damaged"  # the bytes on the disk are not what their digest says
MISSING = "missing"  # there are no bytes to read

_ID = re.compile(rb'"([a-z2-7]{16}|[0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Withheld:
    """A file that is not given: ``code`` is one of those above, ``reason`` a sentence."""

    path: str
    sha256: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A bundle as peers get it now: every path of it in the order of its torrents, where it is, or why it is not."""

    bundle: Bundle
    order: tuple[str, ...]
    places: Mapping[str, Path]
    withheld: Mapping[str, Withheld]
    digests: Mapping[str, str]


def offer(
    library: Library | None,
    objects: ObjectStore,
    decisions: Decisions,
    bundle: Bundle,
    *,
    policy: Policy,
    known: Mapping[str, Path],
    damaged: Callable[[str, Path], bool],
) -> Offer:
    """Put every file of a bundle to the gate and look where its bytes are.

    ``known`` are places that need not be looked for again, ``damaged`` says whether bytes that were found wrong before
    still lie at a place. Raises Damaged, NotFound or StorageError where the bundle's manifest cannot be read: then
    nothing of it may be given.
    """
    answers = offered(library, objects, decisions, bundle, policy=policy)
    inside = sorted(files(objects, bundle), key=_order)
    places: dict[str, Path] = {}
    withheld: dict[str, Withheld] = {}
    for one in inside:
        answer = answers.get(one.path)
        if answer is None or not answer.allowed:
            reasons = " ".join(answer.reasons) if answer else "Nobody said that it may be passed on."
            withheld[one.path] = Withheld(one.path, one.sha256, REFUSED, reasons)
            continue
        found = known.get(one.path) or _place(objects, one, damaged)
        if isinstance(found, Withheld):
            withheld[one.path] = found
        else:
            places[one.path] = found
    return Offer(bundle, tuple(one.path for one in inside), places, withheld, {one.path: one.sha256 for one in inside})


def mentions(objects: ObjectStore, bundle: Bundle, ids: frozenset[str]) -> bool:
    """Whether the evidence of a bundle names any of these ids or digests; True where it cannot be read."""
    try:
        with objects.open(bundle.tags[EVIDENCE]) as file:
            wanted = {one.encode() for one in ids}
            return any(not wanted.isdisjoint(_ID.findall(line)) for line in file)
    except (PhonolithError, KeyError, OSError):
        return True


def named_since(register: EventLog, after: int) -> Iterator[str]:
    """The ids and digests that decisions since an event name; one that undoes another names what that did."""
    for event in register.events(after):
        body = event.body
        if isinstance(body.get("event"), int):
            body = next((one.body for one in register.events(body["event"] - 1)), body)
        yield from body.get("subjects", ())
        yield from body.get("digests", ())
        yield from [body["digest"]] if "digest" in body else ()


def _order(one: PublishedFile) -> list[bytes]:
    """The order of files in a torrent, as :func:`phonolith.releases.compose.compose` lays them out."""
    return [part.encode() for part in one.path.split("/")]


def _place(objects: ObjectStore, one: PublishedFile, damaged: Callable[[str, Path], bool]) -> Path | Withheld:
    try:
        path = objects.path(one.sha256)
    except PhonolithError as error:
        return Withheld(one.path, one.sha256, MISSING, str(error))
    if damaged(one.sha256, path):
        reason = f"{path} is not what its digest says. Restore it from a mirror or a backup."
        return Withheld(one.path, one.sha256, DAMAGED, reason)
    return path.absolute()
