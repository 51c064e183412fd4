"""Countersignatures: what this archive signs about the logs of others, and what others sign about ours."""

from __future__ import annotations

from collections.abc import Sequence

from phonolith.errors import BadInput, UsageError
from phonolith.releases.commit import Clock, signing_key
from phonolith.store.archive import Archive
from phonolith.store.keys import Keys
from phonolith.store.locks import utc_now
from phonolith.store.log import excerpt
from phonolith.verifier import (
    Countersignature,
    Head,
    Problem,
    State,
    check_log,
    check_state,
    digest,
    is_signed,
    signed_bytes,
)


def countersign(
    archive: Archive, state: State, clock: Clock = utc_now, *, kept: Sequence[Head] = ()
) -> Countersignature:
    """Sign that the newest head of somebody's log was seen, and keeps all that this archive saw of that log before.

    ``state``: what :func:`phonolith.verifier.read_state` read: a head, and from the second time on a link from the head
    that was signed last, or a copy of the log. ``kept``: heads of which this archive was shown already that the newest
    keeps them. The same head again gives the same countersignature.

    Raises BadInput where it is not properly signed, is not shown to keep what was seen before, or contradicts it;
    UsageError for this archive's own log.
    """
    with archive.lock("log", what="a countersignature"):
        head, seen = state.heads[-1], archive.log().witnessed()
        if any(one.log == head.log for one in archive.log().heads()):
            raise UsageError(f"log {head.log}", "it is this archive's own", "Have another archive countersign it")
        for heads, made in seen:
            if digest(heads[-1]) == digest(head) and made.log == head.log:
                return made
        _check(state, [heads for heads, made in seen if made.log == head.log], {digest(one) for one in kept})
        key = signing_key(archive, clock())
        unsigned = Countersignature(log=head.log, head=digest(head), time=clock(), key=key, signature="")
        made = unsigned._replace(signature=Keys(archive.keys).sign(key, signed_bytes(unsigned)))
        archive.log().append_witnessed(excerpt(state.heads), made)
        return made


def accept(archive: Archive, made: Countersignature) -> Head:
    """Keep what another key signed about a head of this archive's log; gives that head.

    Raises BadInput where it is about no head of this log or its signature is wrong, UsageError where it is our own.
    """
    with archive.lock("log", what="taking in a countersignature"):
        log = archive.log()
        heads = {digest(head): head for head in log.heads()}
        if made.head not in heads or made.log != heads[made.head].log:
            problem = f"it is about head {made.head}, which this log does not have"
            raise BadInput("the countersignature", problem, "Have the present head countersigned: phonolith log heads")
        if not is_signed(made):
            raise BadInput("the countersignature", f"it was not made by key {made.key}", "Ask for it again")
        if made.key in {head.key for head in heads.values()}:
            raise UsageError("the countersignature", "it is by this archive's own key", "Have another archive sign")
        if made not in log.countersignatures():
            log.append_countersignature(made)
        return heads[made.head]


def _check(state: State, before: list[list[Head]], kept: set[str]) -> None:
    if not before or digest(before[-1][-1]) in kept:
        problems, verdict = check_state(state), "undecided"
    else:
        found = check_log(State(before[-1]), state)
        problems, verdict = found.problems, found.verdict
    if problems:
        raise BadInput(f"log {state.heads[-1].log}", _said(problems), _REMEDIES[verdict])


_REMEDIES = {
    "undecided": "Ask for a link from the head that was countersigned last, or use a copy of the log",
    "refuted": "Keep both heads and show them: they prove that this log was rewritten",
}


def _said(problems: list[Problem]) -> str:
    return "; ".join(f"{one.subject}: {one.problem}" for one in problems)
