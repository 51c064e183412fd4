"""Writes the archive's list of withdrawals and signs it, so that a power cut leaves it as before or as after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256

from phonolith.errors import Damaged
from phonolith.releases.commit import signing_key
from phonolith.store.archive import Archive
from phonolith.store.keys import Keys
from phonolith.store.withdrawals import Listed, listed
from phonolith.verifier import (
    GENESIS,
    Head,
    ListHead,
    ListState,
    canonical,
    check_list,
    digest,
    fingerprint,
    signed_bytes,
)


def enter(archive: Archive, changes: Mapping[str, tuple[str, str, str]], now: Callable[[], str]) -> int:
    """Append lines, as far as the list does not say the same already, and sign it; gives their number.

    ``changes``: pieces root, event and ground, by SHA-256. Stopped anywhere, the list is as before or as after. Raises
    Busy, Damaged (the list was set back to an older state), NotFound (the key is not in keys/), StorageError.
    """
    if not changes:
        return 0
    with archive.lock("withdrawals", what="writing to the list of withdrawals"):
        state = mended(archive)
        lines = list(_lines(state, changes, now()))
        if lines:
            archive.withdrawals().append(len(state.lines), lines)
            _sign(archive, state, len(state.lines) + len(lines), sha256(lines[-1]).hexdigest(), now())
        return len(lines)


def mended(archive: Archive) -> ListState:
    """The list, after saying the head that was signed and not said any more, because the power ended there.

    Raises Damaged where the list no longer has what was signed: it was set back then, and signing on from there would
    contradict what others have seen.
    """
    store = archive.withdrawals()
    state, last = store.read(), cut_off(archive)
    if last is not None:
        store.append_heads([*_rotations(archive, state), last])
        state = store.read()
    return state


def cut_off(archive: Archive) -> ListHead | None:
    """The head that was signed and not said; None in health. Raises as :func:`mended`."""
    store, heads = archive.withdrawals(), archive.log().heads()
    state = store.read()
    problems = check_list(state) if state.heads else []
    if problems:
        words = f"{problems[0].subject}: {problems[0].problem}"
        raise Damaged("held/withdrawals", words, "Restore held/withdrawals from a mirror or a backup")
    names = [*(head.next for head in heads[::-1]), *(head.key for head in heads), *(one.key for one in state.heads)]
    signed = map(Keys(archive.keys).last_list, dict.fromkeys(names))
    last = next((head for head in signed if head is not None), None)
    if last is None or digest(last) in {digest(head) for head in state.heads}:
        return None
    written = store.written()
    follows = last.previous == (digest(state.heads[-1]) if state.heads else GENESIS)
    if follows and last.size <= len(written) and sha256(written[last.size - 1]).hexdigest() == last.last:
        return last
    problem = f"it is older than what was signed: the head of {last.size:,} lines at {last.time} is missing"
    remedy = "Bring back the newer held/withdrawals from a mirror or a backup; a list that goes on from here is refuted"
    raise Damaged("held/withdrawals", problem, remedy)


def _lines(state: ListState, changes: Mapping[str, tuple[str, str, str]], now: str) -> Iterator[bytes]:
    known: Mapping[str, Listed] = listed(state.lines)
    previous = sha256(state.lines[-1]).hexdigest() if state.lines else GENESIS
    number = len(state.lines)
    for name, (root, event, ground) in sorted(changes.items()):
        before = known.get(name)
        if before is not None and (before.event == "expunged" or (before.event, before.ground) == (event, ground)):
            continue
        if before is None and event == "reinstated":
            continue
        number += 1
        told = {"number": number, "previous": previous, "root": root, "sha256": name}
        line = canonical({**told, "event": event, "ground": ground, "time": now})
        previous = sha256(line).hexdigest()
        yield line


def _sign(archive: Archive, state: ListState, size: int, last: str, now: str) -> None:
    """Sign so many lines, and say it."""
    heads, keys = archive.log().heads(), Keys(archive.keys)
    if heads:
        key, log = heads[-1].next, heads[0].log
    else:
        with archive.lock("log", what="making the signing key"):
            key = signing_key(archive, now)
        log = fingerprint(key)
    before = state.heads[-1] if state.heads else None
    unsigned = ListHead(
        log=log,
        size=size,
        last=last,
        previous=digest(before) if before else GENESIS,
        time=max(now, before.time) if before else now,
        key=key,
        signature="",
    )
    head = unsigned._replace(signature=keys.sign(key, signed_bytes(unsigned)))
    keys.remember(head)  # first: what may be seen from now on has to be known after any crash
    archive.withdrawals().append_heads([*_rotations(archive, state), head])


def _rotations(archive: Archive, state: ListState) -> list[Head]:
    """The log's heads that changed the key since the list has such: what shows that the new key may sign it."""
    known = {digest(head) for head in state.rotations}
    return [head for head in archive.log().heads() if head.next != head.key and digest(head) not in known]
