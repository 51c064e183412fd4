"""Verifies what is at a path, and repairs it where that is asked for: the one way in for the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from phonolith.model.progress import Progress
from phonolith.releases.verify.check import Checked, Wish, check
from phonolith.releases.verify.drop import Dropped
from phonolith.releases.verify.drop import drop as drop_from
from phonolith.releases.verify.memory import Memory
from phonolith.releases.verify.others import others
from phonolith.releases.verify.peers import Peers, Reach, is_swarm
from phonolith.releases.verify.recognise import recognise
from phonolith.releases.verify.repair import Mended, repair
from phonolith.releases.verify.verdicts import MENDABLE, Verdict
from phonolith.store.files import storage_errors


@dataclass(frozen=True, slots=True)
class Done:
    """The copies as they are in the end, what was repaired on the way, and bytes that were read."""

    copies: tuple[Checked, ...]
    mended: tuple[Mended, ...]
    read: int
    dropped: tuple[Dropped, ...] = ()


def verify(
    path: Path, torrents: Sequence[Path], wish: Wish, memory: Memory, progress: Progress, *, drop: bool = False
) -> Done:
    """Verify all that is at a path; ``drop`` deletes what was withdrawn of it, and tells of it as it is then.

    Raises StorageError, NotFound, UsageError where it is nothing that is known.
    """
    with storage_errors(path):
        found = recognise(path, torrents)
    copies = tuple(check(copy, wish, memory, progress) for copy in found)
    read = sum(one.read for one in copies)
    dropped = tuple(gone for one in copies for gone in drop_from(one, wish.withdrawals)) if drop else ()
    if not dropped:
        return Done(copies, (), read)
    again = verify(path, torrents, replace(wish, again=False), memory, progress)
    return replace(again, read=read + again.read, dropped=dropped)


def verify_and_repair(
    path: Path,
    torrents: Sequence[Path],
    wish: Wish,
    memory: Memory,
    progress: Progress,
    sources: list[str],
    now: str,
    reach: Reach | None = None,
    *,
    drop: bool = False,
) -> Done:
    """Verify, repair from the other copies what is bad, and verify again what was changed.

    In this order: lists, since they say what the rest should be; what is bad; then what could not be proved while its
    neighbours were bad. Peers among the sources, for whom ``reach`` has to be given, are asked for what no other source
    could mend.
    """
    swarm = [one for one in sources if is_swarm(one)]
    near = [one for one in sources if one not in swarm]
    done = verify(path, torrents, wish, memory, progress, drop=drop)
    dropped = done.dropped
    mended: list[Mended] = []
    read = done.read
    for stage in _STAGES:
        here = [(one, [verdict for verdict in one.verdicts if stage(verdict)]) for one in done.copies]
        if not any(bad for _, bad in here):
            continue
        for one, bad in here:
            known = others(near, one.copy.name) if bad else []
            if bad and (known or not swarm):
                found = repair(one.copy, bad, known, _doubted(one), now, progress)
                mended += found
                bad = [verdict for verdict, item in zip(bad, found, strict=True) if item.problem]
            if bad and swarm and reach:
                with Peers(one.copy, swarm, reach) as peers:
                    peers.fetch(bad, progress)
                    mended += repair(one.copy, bad, [*known, peers], _doubted(one), now, progress)
        done = verify(path, torrents, replace(wish, again=False), memory, progress)
        read += done.read
    return replace(done, mended=_last(mended), read=read, dropped=dropped)


def _is_list(one: Verdict) -> bool:
    return one.verdict in MENDABLE and one.path.startswith(("manifest-", "tagmanifest-"))


def _is_bad(one: Verdict) -> bool:
    return one.verdict in MENDABLE and one.verdict != "unproven"


def _is_unproven(one: Verdict) -> bool:
    return one.verdict == "unproven"


_STAGES: tuple[Callable[[Verdict], bool], ...] = (_is_list, _is_bad, _is_unproven)


def _doubted(checked: Checked) -> frozenset[str]:
    """Lists that are damaged themselves."""
    lists = {digest.by for one in checked.copy.expected.values() for digest in one.digests}
    return frozenset(one.path for one in checked.verdicts if one.path in lists and one.verdict != "ok")


def _last(mended: Sequence[Mended]) -> tuple[Mended, ...]:
    """The last thing that came of each file."""
    return tuple({one.path: one for one in mended}.values())
