"""Following another archive's list of withdrawals: what it withdrew of what came from it is refused here as well.

The list binds nobody else's bytes: of its lines only those count that name a file of a bundle that this archive mirrors
from that origin. They become events of this archive's own register, so that its gate says no at every door, with or
without a catalogue; a line that reinstates lifts them again. Bytes are dropped by `phonolith verify`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from phonolith.errors import BadInput, Damaged, PhonolithError
from phonolith.library.offered import Pinned
from phonolith.library.publications import files, publications
from phonolith.model.event import Event
from phonolith.releases.expunge import settle
from phonolith.rights.decisions import Decisions
from phonolith.store.archive import Archive
from phonolith.store.bag import EVIDENCE
from phonolith.store.files import printable
from phonolith.store.log import append_line, lines_of
from phonolith.store.objects import ObjectStore
from phonolith.store.withdrawals import Listed, listed, speaks_for
from phonolith.verifier import (
    ListHead,
    ListState,
    Unreadable,
    canonical,
    check_list,
    dump,
    read_list,
    read_list_head,
)

LARGEST = 256 << 20  # bytes of a list, or of its heads
_AT_ONCE = 1000  # files an event names
_REMEDY = "Keep both lists and ask the operator of that archive; nothing was changed here"

Append = Callable[[str, dict[str, Any]], Event]


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of it, digests in hexadecimal: newly ``withdrawn``, newly ``reinstated``; how many lines the list has.

    ``elsewhere`` counts files on the list that are in no bundle mirrored from that origin: nothing is done about them.
    """

    log: str
    lines: int
    withdrawn: tuple[str, ...] = ()
    reinstated: tuple[str, ...] = ()
    elsewhere: int = 0


def follow(
    archive: Archive,
    origin: str,
    lines: bytes,
    heads: bytes,
    append: Append,
    *,
    key: str = "",
    handed_on: bool = False,
) -> Followed:
    """Take over what ``origin`` withdrew and reinstated; again with the same list it changes nothing.

    ``origin``: the archive's name, as in the bundles mirrored from it. ``lines`` and ``heads``: what it answers under
    ``/withdrawn.jsonl`` and ``/withdrawn.heads.jsonl``; heads are to be fetched first. Both empty: it has withdrawn
    nothing yet. ``append`` adds an event to the register. ``key``: the log's name, or a key that signs for it, if known
    from elsewhere. ``handed_on``: the list came by another mirror of that origin, which may be behind: one that is
    older than what was seen changes nothing.

    To be called before bundles are taken in and after, since only files of bundles that are here count. Raises BadInput
    with a code beginning ``withdrawals.`` where the list is not properly signed, or contradicts what was seen of that
    origin before: then nothing is changed. Raises Busy, Damaged, StorageError.
    """
    if max(len(lines), len(heads)) > LARGEST:
        raise BadInput(f"list of {origin}", f"has more than {LARGEST:,} bytes", code="withdrawals.too-large")
    with archive.lock("follow", what=f"following what {origin} withdrew"):
        seen = _seen(archive, origin)
        if not heads and not lines and (handed_on or not seen):
            return Followed("", 0)
        if handed_on and seen and _size(heads) < seen[-1].size:
            return Followed(seen[-1].log, 0)
        state = _checked(origin, lines, heads, seen, key)
        _remember(archive, origin, state, seen)
        archive.withdrawals().followed(state.heads[-1].log).take_over(lines, heads)
        done = _take_over(archive, origin, state, append)
    settle(archive)
    return done


def _checked(origin: str, lines: bytes, heads: bytes, seen: list[ListHead], key: str) -> ListState:
    """The list, after everything that can be checked of it. Raises BadInput."""
    try:
        state = read_list(lines, heads)
        problems = check_list(state, seen[-1:])
        listed(state.lines)
    except Unreadable as error:
        raise BadInput(f"list of {origin}", str(error), _REMEDY, code="withdrawals.line") from error
    if problems:
        words = "; ".join(f"{one.subject}: {one.problem}" for one in problems[:3])
        raise BadInput(f"list of {origin}", words, _REMEDY, code=problems[0].code)
    if key and not speaks_for(state, key):
        problem = f"it is signed by log {state.heads[-1].log}, not by {key}"
        raise BadInput(f"list of {origin}", problem, _REMEDY, code="withdrawals.key")
    return state


def _size(heads: bytes) -> int:
    """How many lines the last head of a file of heads is of; 0 where it cannot be read."""
    with suppress(Unreadable):
        return max((head.size for head in read_list(b"", heads).heads), default=0)
    return 0


def _seen(archive: Archive, origin: str) -> list[ListHead]:
    """The last heads that were seen of an origin's list, oldest first."""
    found = []
    for line in lines_of(archive.withdrawals().folder / "followed.jsonl"):
        try:
            told = json.loads(line)
            if told["origin"] == origin:
                found.append(read_list_head(told["head"]))
        except (ValueError, KeyError, TypeError) as error:
            subject = printable(archive.withdrawals().folder / "followed.jsonl")
            raise Damaged(subject, f"a line is not readable ({error})", "Restore it from a backup") from error
    return found


def _remember(archive: Archive, origin: str, state: ListState, seen: list[ListHead]) -> None:
    """Keep the newest head before anything follows from it, so that no older list passes for a newer one."""
    if not seen or seen[-1] != state.heads[-1]:
        line = {"origin": origin, "head": dump(state.heads[-1]), "rotations": [dump(one) for one in state.rotations]}
        append_line(archive.withdrawals().folder / "followed.jsonl", canonical(line))


def _take_over(archive: Archive, origin: str, state: ListState, append: Append) -> Followed:
    """Bring the register into step with the list."""
    log, now = state.heads[-1].log, listed(state.lines)
    with archive.register() as register:
        events = list(register.events())
    decisions = Decisions.load(events)
    with archive.objects() as objects:
        ours = _from(objects, events, origin)
    before = {name: one for name, one in decisions.withdrawn_by(log).items() if len(name) == 64}
    fresh: dict[tuple[str, bool], list[str]] = defaultdict(list)
    back = []
    for digest, one in now.items():
        if digest in ours and one.event == "reinstated" and digest in before:
            back.append(digest)
        elif digest in ours and one.event != "reinstated" and not _same(one, before.get(digest)):
            fresh[one.ground, one.event == "expunged"].append(digest)
    for (ground, expunged), digests in sorted(fresh.items()):
        more = {"expunged": True} if expunged else {}
        for body in _bodies(origin, log, digests, ours if ground != "licence" else {}):
            append("bytes.withdrawn", {**body, "ground": ground, **more})
    milder = [
        digest for (ground, _), some in fresh.items() for digest in some if ground == "licence" and digest in before
    ]
    for body in _bodies(origin, log, milder, ours):  # whose pages were refused with them, and are not any more
        append("bytes.reinstated", {**body, "digests": []})
    for body in _bodies(origin, log, back, ours):
        append("bytes.reinstated", body)
    withdrawn = tuple(digest for digests in fresh.values() for digest in digests)
    return Followed(log, len(state.lines), withdrawn, tuple(back), sum(digest not in ours for digest in now))


def _same(one: Listed, known: Any) -> bool:
    return known is not None and (known.ground, known.expunged) == (one.ground, one.event == "expunged")


def _bodies(origin: str, log: str, digests: list[str], tracks: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Bodies of events, each for so many files that it stays small."""
    for start in range(0, len(digests), _AT_ONCE):
        some = sorted(digests[start : start + _AT_ONCE])
        subjects = sorted({tracks[one] for one in some if tracks.get(one)})
        yield {"origin": origin, "log": log, "digests": some, "subjects": subjects}


def _from(objects: ObjectStore, events: Iterable[Event], origin: str) -> dict[str, str]:
    """What came from an origin: the payload of its bundles by SHA-256, with the track whose file it is, "" if none."""
    found: dict[str, str] = {}
    for one in publications(events):
        for bundle in one.bundles if one.origin == origin else ():
            with suppress(PhonolithError):  # a bundle whose manifest is damaged has nothing that is offered either
                found |= {file.sha256: "" for file in files(objects, bundle) if file.payload}
            with (
                suppress(PhonolithError, KeyError, OSError, msgspec.MsgspecError),
                objects.open(bundle.tags[EVIDENCE]) as lines,
            ):
                pinned = (msgspec.json.decode(line, type=Pinned) for line in lines)
                found |= {told.sha256: told.track or "" for told in pinned if told.sha256 in found}
    return found
