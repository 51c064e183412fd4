"""Checks that a bundle of another archive carries a head of the log that is known of that archive."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from phonolith.errors import BadInput
from phonolith.model.publication import Publication
from phonolith.store.bag import HEADS, Bag
from phonolith.store.objects import ObjectStore
from phonolith.verifier import State, Unreadable, check_log, check_state, digest, read_head, read_json

_SHOW = "Show both heads to whoever mirrors that archive"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of logs before a bundle is looked at.

    ``log`` names the log of the archive that is mirrored, "" where it has none, and ``heads`` are the digests of all of
    its heads. ``seen`` gives the files of heads in bundles that are held already, by the name of their archive.
    """

    log: str
    heads: Collection[str]
    seen: Callable[[str], Sequence[bytes]] = lambda _: ()

    def check_name(self, archive: str) -> None:
        """Raise BadInput where bundles here that carry this archive's name are of another log: it is another one."""
        for lines in self.seen(archive):
            log = _state(lines, archive).heads[-1].log
            if log != self.log:
                words = f"bundles of that name that are here are of log {log}, and it has {self.log or 'none'}"
                raise BadInput(archive, words, "Mirror it elsewhere, if it is another archive", code="mirror.log")

    def check(self, bag: Bag, *, own: bool) -> None:
        """Raise BadInput where the bag's heads are not what they have to be. ``own``: it is of the mirrored archive.

        The last head of an own bundle is one of the log's. A bundle that the other archive mirrors itself is of another
        log, which must be that of its archive's earlier bundles; heads of one log must not exclude each other.
        """
        subject = f"{bag.root.name}/{HEADS}"
        before = [_state(one, subject) for one in self.seen(bag.info.get("Source-Organization", ""))]
        told = bag.tags.get(HEADS)
        if told is None:
            if before or (own and self.log):
                raise _wrong(subject, "is missing, although that archive signs what it publishes")
            return
        state = _state(told, subject)
        problems = [f"{one.subject}: {one.problem}" for one in check_state(state)]
        if own and self.log and not problems and state.heads[-1].log != self.log:
            raise _wrong(subject, f"is of log {state.heads[-1].log}, and that archive's is {self.log}")
        if own and self.log and not problems and digest(state.heads[-1]) not in self.heads:
            raise _wrong(subject, f"ends with head {digest(state.heads[-1])}, which is not in that archive's log")
        for seen in before:
            if seen.heads[-1].log != state.heads[-1].log:
                raise _wrong(subject, "is of another log than that archive's earlier bundles")
            found = check_log(seen, state)
            if found.verdict == "refuted":
                problems += [f"{one.subject}: {one.problem}" for one in found.problems]
        if problems:
            raise _wrong(subject, "; ".join(dict.fromkeys(problems)))


def heads_seen(objects: ObjectStore, past: Sequence[Publication], origin: str) -> list[bytes]:
    """The files of signed heads in bundles of an archive that are held here already."""
    tags = [bundle.tags.get(HEADS) for one in past if one.origin == origin for bundle in one.bundles]
    return [objects.path(digest).read_bytes() for digest in dict.fromkeys(tags) if digest]


def log_of(objects: ObjectStore, past: Sequence[Publication], origin: str) -> str:
    """The log that signs what is held of an archive, "" where nothing is signed. Raises BadInput."""
    return next((_state(lines, origin).heads[-1].log for lines in heads_seen(objects, past, origin)), "")


def _state(lines: bytes, subject: str) -> State:
    try:
        heads = [read_head(read_json(line)) for line in lines.splitlines()]
    except Unreadable as error:
        raise _wrong(subject, f"has a line that is no head: {error}") from error
    if not heads:
        raise _wrong(subject, "has no head in it")
    return State(heads)


def _wrong(subject: str, problem: str) -> BadInput:
    return BadInput(subject, problem, _SHOW, code="mirror.log")
