"""Commitment logs and proofs from them as evidence (RFC 9162): that something was committed to by then, not that it is.

A proof shows that whoever has the log's key named these bytes at the latest when the head was signed, by that signer's
own clock. It does not show that anybody has them. Whose key it is has to be said by whoever gives the evidence.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Committed, Exhibit, Given, Looked, unreadable
from phonolith.audit.kinds.rows import digest_of
from phonolith.audit.procedures import COMMITTED
from phonolith.audit.verdicts import Basis, Fact
from phonolith.model.finding import Finding
from phonolith.store.files import storage_errors
from phonolith.verifier import (
    HEAD,
    PROOF,
    Head,
    Problem,
    Proof,
    State,
    Unreadable,
    check_proof,
    check_state,
    fingerprint,
    leaves_in,
    read_json,
    read_proof,
    read_state,
    unpack_leaf,
)

_LARGEST = 16 << 20
_MOST_PROOFS, _MOST_HEADS = 10_000, 1_000
_HEAD = 4096


def fits(path: Path) -> bool:
    """Whether this is the folder of a log, or a file that begins with a proof or a head."""
    if path.is_dir():
        return (path / "heads.jsonl").is_file() and not (path / "bagit.txt").exists()
    with storage_errors(path), path.open("rb") as file:
        head = file.read(_HEAD)
    return head.lstrip().startswith(b"{") and any(kind.encode() in head for kind in (HEAD, PROOF))


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Check a log or proofs, and take up what they show to be committed to. Raises StorageError."""
    try:
        committed, problems, digest = _log(told, given) if given.path.is_dir() else _file(told, given)
    except (Unreadable, OSError, RecursionError) as error:
        told.findings.append(unreadable(given, str(error)))
        told.exhibits.append(Exhibit(given, "unreadable"))
        return
    told.exhibits.append(Exhibit(given, "log" if given.path.is_dir() else "proof", digest))
    for one in problems:
        remedy = "Get it again from whoever keeps the log"
        told.findings.append(Finding(one.code, f"{given.path}: {one.subject}", one.problem, remedy, "error"))
    told.committed += committed
    if committed and not given.log:
        problem = f"it is of log {committed[0].log}, and nobody said whose that is: it shows what somebody signed"
        told.findings.append(Finding("log.unnamed", str(given.path), problem, "Name the log: --log LOG", "warning"))


def join(told: Looked, claims: Sequence[Claim]) -> None:
    """Add to the claims what all logs and proofs of their set show together."""
    for claim in claims:
        own = [one for one in told.committed if one.given.of == claim.of]
        if own:
            told.facts[claim.id] += _facts(claim, own)


def _facts(claim: Claim, own: Sequence[Committed]) -> list[Fact]:
    """What was committed to by the claim's day: read, if the claim is about that; else it is said and no more."""
    until = claim.when or "9999"
    before = [one for one in own if one.time[:10] <= until]
    leaves = {leaf: size for one in before for leaf, size in one.leaves}
    whole = any(one.whole and one.given.whole for one in own) and len({one.log for one in own}) == 1
    if not leaves and not whole:
        return []
    by_name = all(one.given.log for one in own)
    basis = Basis.READ if claim.procedure == COMMITTED and by_name else Basis.STATED
    log = f"Log {own[0].log[:16]}…"
    how = (
        f"{log} had it by {max(one.time for one in before)}, by its signer's clock: it was committed to by then,"
        " which does not say that anybody has it"
        if leaves
        else f"{log} had nothing by {until}; its first head is of {min(one.time for one in own)}"
    )
    source = ", ".join(dict.fromkeys(str(one.given.path) for one in own))
    files, size = len(leaves), sum(leaves.values())
    return [
        Fact(dimension, amount, amount if whole else math.inf, basis, source, how, claim.of, definition)
        for dimension, amount, definition in (
            ("objects", files, ""),
            ("files", files, ""),
            ("files", files, "files"),
            ("bytes", size, ""),
        )
    ]


def _file(told: Looked, given: Given) -> tuple[list[Committed], list[Problem], str]:
    """A proof, several of them, one a line, or heads of a log, which show nothing of its leaves."""
    size = given.path.stat().st_size
    if size > _LARGEST:
        raise Unreadable(f"it has {size:,} bytes, and proofs of more than {_LARGEST:,} are not read")
    data = given.path.read_bytes()
    if PROOF.encode() not in data:
        state = read_state(given.path)
        return (
            [],
            _problems(told, given, state.heads, check_state(state) if len(state.heads) <= _MOST_HEADS else []),
            "",
        )
    proofs = [read_proof(value) for value in _values(data)]
    found, problems = [], []
    for proof in proofs:
        wrong = _problems(told, given, proof.heads, check_proof(proof) if len(proof.heads) <= _MOST_HEADS else [])
        problems += wrong
        if not wrong:
            found.append(_committed(given, proof))
    return found, problems, digest_of(given.path)


def _values(data: bytes) -> list[object]:
    try:
        return [read_json(data)]
    except Unreadable:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) > _MOST_PROOFS:
            raise Unreadable(f"it has more than {_MOST_PROOFS:,} proofs") from None
        return [read_json(line) for line in lines]


def _committed(given: Given, proof: Proof) -> Committed:
    head = proof.heads[-1]
    return Committed(given, head.log, head.time, ((proof.leaf.sha256, proof.leaf.size),), False)


def _log(told: Looked, given: Given) -> tuple[list[Committed], list[Problem], str]:
    """All leaves of a log, by the heads that cover them."""
    if given.path.joinpath("heads.jsonl").stat().st_size > _LARGEST:
        raise Unreadable(f"it has heads of more than {_LARGEST:,} bytes")
    state = read_state(given.path)
    if not state.heads or state.leaves is None or not state.leaves.is_file():
        raise Unreadable("it has no signed head, or no leaves")
    problems = _problems(told, given, state.heads, check_state(State(state.heads, state.leaves)))
    if problems:
        return [], problems, ""
    found, done = [], 0
    for head in state.heads:
        leaves = tuple((leaf.sha256, leaf.size) for leaf in map(unpack_leaf, leaves_in(state.leaves, head.size, done)))
        found.append(Committed(given, head.log, head.time, leaves, True))
        done = head.size
    return found, [], hashlib.sha256(state.heads[-1].root.encode()).hexdigest()


def _problems(told: Looked, given: Given, heads: Sequence[Head], problems: Sequence[Problem]) -> list[Problem]:
    """What is wrong with it by itself, and that it is of another log than it has to be of."""
    if len(heads) > _MOST_HEADS:
        raise Unreadable(f"it has more than {_MOST_HEADS:,} heads")
    found = list(problems)
    today = date.fromordinal(told.today).isoformat()
    late = [head.time for head in heads if head.time[:10] > today]
    if late:
        found.append(Problem("log.time", "the log", f"a head is of {max(late)}, which is yet to come"))
    keys = {one.key for one in heads}
    if given.log and heads and given.log not in {heads[-1].log, *keys, *map(fingerprint, keys)}:
        found.append(Problem("log.other", "the log", f"it is log {heads[-1].log}, which is not {given.log}"))
    return found
