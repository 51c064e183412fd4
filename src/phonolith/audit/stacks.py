"""A stack of strangers' torrents, read by limited children: as many as there are processors, many torrents each.

A torrent that ends its child, or takes too long, loses nobody but itself: it is a finding, and the next one has a
fresh child.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec

from phonolith.audit.reading import UNREADABLE, Read, too_much
from phonolith.audit.torrents import Torrent, is_sound
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.store.limited import Child, ChildLost
from phonolith.store.workers import processors

_COMMAND = (sys.executable, "-m", "phonolith.audit.reading")
_SECONDS = 60.0  # by the clock, on a machine that has much else to do; the child's own limit is processor time
_LARGEST_ANSWER = 64 << 20
_TORRENTS_A_CHILD = 1_000
_AHEAD = 4  # torrents for each child that are read or wait to be taken
_decode = msgspec.msgpack.Decoder(Read).decode


def read_stack(
    paths: Sequence[Path],
    findings: list[Finding],
    progress: Progress,
    *,
    command: Sequence[str] = _COMMAND,
    seconds: float = _SECONDS,
    children: int = 0,
) -> Iterator[Torrent]:
    """The torrents at these paths, in their order; those that cannot be read become findings.

    ``command`` starts a child (tests put their own), ``seconds`` is how long one is waited for, ``children`` how many
    there are (0: one a processor).
    """
    progress.start("Reading torrents", len(paths), "torrents")
    count = children or processors()
    own, started = threading.local(), list[Child]()

    def read(path: Path) -> Read:
        if not hasattr(own, "child"):
            own.child = Child(command, largest=_LARGEST_ANSWER)
            started.append(own.child)
        return _read(own.child, path, seconds)

    waiting = iter(paths)
    try:
        with ThreadPoolExecutor(min(count, len(paths)) or 1, "torrents") as pool:
            try:
                ahead: list[Future[Read]] = [pool.submit(read, path) for path in islice(waiting, count * _AHEAD)]
                while ahead:
                    found = ahead.pop(0).result()
                    ahead += [pool.submit(read, path) for path in islice(waiting, 1)]
                    progress.advance(1)
                    if found.finding is not None:
                        findings.append(found.finding)
                    if found.torrent is not None:
                        yield found.torrent
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        for child in started:
            child.close()
    progress.finish()


def _read(child: Child, path: Path, seconds: float) -> Read:
    """The child's answer; once more from a fresh one where it was lost or short of memory, as one worn by others is."""
    request = os.fsencode(path.absolute())
    told = Read()
    for _ in range(2):
        if child.asked >= _TORRENTS_A_CHILD:
            child.close()
        fresh = not child.asked
        try:
            told = _checked(_decode(child.ask(request, seconds)), path)
            if told.finding is None or told.finding.code != UNREADABLE:
                return told
        except ChildLost as lost:
            told = Read(finding=too_much(str(path), f"whoever read it {lost}"))
            fresh = fresh or lost.late
        except (msgspec.MsgspecError, UnicodeDecodeError):
            told = Read(finding=too_much(str(path), "whoever read it gave an answer that is none"))
        child.close()
        if fresh:
            break
    return told


def _checked(told: Read, path: Path) -> Read:
    """The answer, about this path, if it is one."""
    if told.finding is not None:
        return Read(finding=replace(told.finding, subject=str(path)))
    if told.torrent is None or not is_sound(told.torrent):
        raise msgspec.ValidationError
    return told
