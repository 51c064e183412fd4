"""Watches the log of another archive: what was seen of it is kept here, and it has to keep all of that.

A mirror calls :func:`watch` whenever it looks at its origin, and :func:`compare` to hold what another mirror saw of the
same logs against its own: an archive that shows two people two lists is caught once these two meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from phonolith.errors import BadInput, Busy, NotFound
from phonolith.releases.commit import Clock
from phonolith.releases.witness import countersign
from phonolith.store.archive import Archive
from phonolith.store.files import atomic_write, make_folders
from phonolith.store.locks import utc_now
from phonolith.store.log import excerpt, head_file
from phonolith.verifier import (
    Comparison,
    Countersignature,
    Head,
    Problem,
    State,
    Unreadable,
    check_heads,
    check_log,
    check_state,
    digest,
    read_head,
    read_json,
    read_link,
)

if TYPE_CHECKING:
    from phonolith.releases.elsewhere import Read

_LARGEST_STATE = 1 << 20  # bytes
_LARGEST_HEADS = 32 << 20  # some 50,000 heads, whose signatures take two minutes to check
_LATER = "Try again later; if it stays so, ask its operator, and other mirrors of it"


@dataclass(frozen=True, slots=True)
class Watched:
    """``head``: the newest of the log, None where the archive has none. ``new``: it was not seen before.

    ``countersignature``: what this archive signed about it, if it was to.
    """

    head: Head | None
    new: bool
    countersignature: Countersignature | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A log that two archives watch: how many of its heads each has seen, all alike as far as both go."""

    log: str
    here: int
    there: int


def watch(
    archive: Archive,
    origin_url: str,
    get: Read,
    *,
    key: str | None = None,
    countersigns: bool = False,
    clock: Clock = utc_now,
) -> Watched:
    """Look at the log of the archive at an address; what it shows is kept durably in held/log/seen.

    At first contact the address is pinned to the name of its log, so to the log's first key. From then on the newest
    head has to come with all heads since the one seen last, each chained to the one before and signed by the key that
    this one named, and with a consistency proof (RFC 9162 section 2.1.4). ``key``: a key of the log, or its name, as
    learnt elsewhere; the log must be that one, and the address is pinned to it anew. ``countersigns``: sign with this
    archive's own key that the head was seen.

    Raises BadInput where what is shown contradicts what was seen (code ``log.refuted``: two heads prove it to anybody),
    takes something back (``log.shrank``), is another log (``log.other``, ``log.key``), is not properly signed
    (``log.signature``, ``log.chain``, ``log.order``) or not shown to keep what was seen (``log.undecided``): then
    nothing is taken over, and the heads of both sides are kept in held/log/evidence. ``log.unreadable`` and
    ``log.withheld`` say that it shows no log at all. Raises also what ``get`` raises, Busy, Damaged and StorageError.
    """
    url, log = origin_url.rstrip("/"), archive.log()
    before = log.origin(url)
    pin = before if key is None else None
    first = None if pin else _state(get, url, None)
    if first is None and pin is None:
        if before is None and key is None:
            return Watched(None, new=False)
        raise _withheld(url)
    name = pin or (first.heads[-1].log if first else "")
    seen = log.seen(name)
    shown = first if first and not seen else _state(get, url, seen[-1].size if seen else None)
    heads: Sequence[Head] = seen
    if not seen or shown is None or digest(shown.heads[-1]) != digest(seen[-1]):
        heads = _taken(archive, url, name, seen, shown, _listed(get, url))
    if key is not None and key not in (name, *(one for head in heads for one in (head.key, head.next))):
        raise BadInput(url, f"it has log {name}, in which key {key} never signed", "Check the key", code="log.key")
    _keep(archive, seen, heads)
    if before != name:
        with archive.lock("log", what="pinning the log of another archive"):
            log.append_origin(url, name, clock())
    made = countersign(archive, State(excerpt(heads)), clock, kept=heads) if countersigns else None
    return Watched(heads[-1], len(heads) > len(seen), made)


def compare(archive: Archive, url: str, get: Read) -> list[Compared]:
    """Hold what the archive at an address saw of other logs against what was seen of them here.

    One may have seen more than the other; where their heads differ, BadInput with the same codes and evidence as in
    :func:`watch`. What it does not watch is left out.
    """
    found = []
    for name in archive.log().watched():
        here = archive.log().seen(name)
        try:
            there = _heads(get, f"{url.rstrip('/')}/log/seen/{name}")
        except NotFound:
            continue
        if there[0].log != name:
            raise _unreadable(url, f"it has log {there[0].log} under the name of {name}")
        _raise_if(archive, url, *_alike(here, there))
        found.append(Compared(name, len(here), len(there)))
    return found


def _taken(
    archive: Archive, url: str, name: str, seen: Sequence[Head], shown: State | None, every: Sequence[Head]
) -> Sequence[Head]:
    """The heads seen before and the new ones, up to the newest that is shown. Raises BadInput."""
    if every[0].log != name:
        _raise_if(archive, url, _wrong("log.other", name, f"it shows log {every[0].log} in its place"), seen, every)
    _raise_if(archive, url, *_alike(seen, every))
    newest = digest(shown.heads[-1]) if shown else ""
    there = next((at for at, one in enumerate(every, 1) if digest(one) == newest), 0)
    if len(every) < len(seen) or 0 < there < len(seen):
        problem = f"its newest head is number {there or len(every)}, and number {len(seen)} was seen"
        _raise_if(archive, url, _wrong("log.shrank", name, problem), seen, every[: there or len(every)])
    if shown is None or not there:
        problem = "it does not show that its newest head keeps everything of the one seen last"
        _raise_if(archive, url, _wrong("log.undecided", name, problem), seen, every)
    assert shown is not None
    new = every[len(seen) : there]
    _raise_if(archive, url, Comparison("undecided", _unsound(seen, new), []), seen, every)
    found = check_log(State(excerpt(seen)), shown) if seen else Comparison("undecided", check_state(shown), [])
    _raise_if(archive, url, found, seen, _telling(found, shown))
    return [*seen, *new]


def _alike(seen: Sequence[Head], every: Sequence[Head]) -> tuple[Comparison, Sequence[Head], Sequence[Head]]:
    """Whether two lists of all heads of a log are the same as far as both go, and the parts that tell."""
    if not seen:
        return Comparison("consistent", [], []), seen, every
    pairs = enumerate(zip(seen, every, strict=False))
    fork = next((at + 1 for at, (one, other) in pairs if digest(one) != digest(other)), None)
    if fork is None:
        return Comparison("consistent", [], []), seen, every
    found = check_log(State(excerpt(seen[:fork])), State(excerpt(every[:fork])))
    if not found.problems:
        found = _wrong("log.chain", seen[0].log, f"its head {fork} is another one than was seen, of the same list")
    return found, seen[:fork], every[:fork]


def _unsound(seen: Sequence[Head], new: Sequence[Head]) -> list[Problem]:
    """What is wrong with heads that come after those seen; the latter were looked at when they were new."""
    if not seen:
        return check_heads(new, whole=True)
    problems = check_heads([*excerpt(seen), *new], whole=False)
    loose = [after for before, after in pairwise([seen[-1], *new]) if after.previous != digest(before)]
    return problems + [
        Problem("log.chain", f"head of size {one.size}", f"the head before it is not {one.previous}") for one in loose
    ]


def _telling(found: Comparison, shown: State) -> Sequence[Head]:
    """The heads of a state that tell what was found: those up to the old one of its link, where it refutes."""
    if shown.link is None or shown.link[0] not in found.evidence:
        return shown.heads
    old, rotations = shown.link[0], shown.heads[:-1]
    until = next((at for at, one in enumerate(rotations, 1) if one.next == old.key), 0)
    return [*rotations[:until], old]


def _wrong(code: str, subject: str, problem: str) -> Comparison:
    return Comparison("undecided", [Problem(code, f"log {subject}", problem)], [])


def _raise_if(archive: Archive, url: str, found: Comparison, seen: Sequence[Head], shown: Sequence[Head]) -> None:
    """Raise what was found, after keeping the heads of both sides where a verifier finds them: seen and shown."""
    if not found.problems:
        return
    names = [digest(heads[-1])[:16] if heads else "nothing" for heads in (seen, shown)]
    folder = archive.log().folder / "evidence" / "-".join(names)
    for name, heads in (("seen", seen), ("shown", shown)):
        if heads:
            make_folders(folder)
            atomic_write(folder / f"{name}.jsonl", head_file(excerpt(heads)))
    said = "; ".join(f"{one.subject}: {one.problem}" for one in found.problems[:3])
    remedy = _LATER
    if found.verdict == "refuted":
        remedy = "Show both to whoever mirrors it: they prove that this log was rewritten"
    remedy = f"{remedy}. What it showed and what was seen before is in {folder}"
    raise BadInput(url, said, remedy, code=found.problems[0].code)


def _keep(archive: Archive, seen: Sequence[Head], heads: Sequence[Head]) -> None:
    if len(heads) == len(seen):
        return
    with archive.lock("log", what="keeping heads of another archive"):
        if len(archive.log().seen(heads[0].log)) != len(seen):
            raise Busy(f"log {heads[0].log}", "another process has just looked at it too", "Run the same again")
        archive.log().keep_seen(heads)


def _state(get: Read, url: str, since: int | None) -> State | None:
    """The newest head, linked to the one of that size; None where there is nothing there."""
    address = f"{url}/log/state" + ("" if since is None else f"?since={since}")
    try:
        return read_link(read_json(get(address, _LARGEST_STATE)))
    except NotFound:
        return None
    except Unreadable as error:
        raise _unreadable(address, str(error)) from error


def _listed(get: Read, url: str) -> list[Head]:
    try:
        return _heads(get, f"{url}/log/heads")
    except NotFound as error:
        raise _withheld(url) from error


def _heads(get: Read, address: str) -> list[Head]:
    """All heads that an address has, none empty."""
    try:
        heads = [read_head(read_json(line)) for line in get(address, _LARGEST_HEADS).splitlines()]
    except Unreadable as error:
        raise _unreadable(address, str(error)) from error
    if not heads:
        raise _unreadable(address, "there is no head in it")
    return heads


def _withheld(url: str) -> BadInput:
    return BadInput(url, "it shows no log, although it should have one", _LATER, code="log.withheld")


def _unreadable(subject: str, problem: str) -> BadInput:
    return BadInput(subject, problem, "Is it a Phonolith archive that publishes its log?", code="log.unreadable")
