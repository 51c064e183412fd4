"""Committing: objects become leaves of the log and a signed head says so, before anything of them is published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from phonolith.errors import Damaged, NotFound, UsageError
from phonolith.store.archive import Archive
from phonolith.store.keys import Keys
from phonolith.store.locks import utc_now
from phonolith.store.log import leaf_from
from phonolith.store.log_index import CHUNK
from phonolith.store.objects import ObjectStore
from phonolith.verifier import GENESIS, Head, digest, fingerprint, roots_at, signed_bytes

Clock = Callable[[], str]


def commit(archive: Archive, sha256s: Iterable[str], clock: Clock = utc_now) -> Head:
    """Commit to held objects; the head that covers them all, durable on return.

    ``sha256s``: digests in the order in which they become leaves; those that are leaves already are passed over, and
    where all are, the last head there is comes back. ``clock`` gives ISO 8601 UTC in whole seconds. Memory stays the
    same however many come. Stopped anywhere, the log is as before or as after, and the same again finishes.

    Raises NotFound (an object is not held, the signing key is not in keys/), UsageError (nothing to commit to), Busy,
    Damaged (the log lost what was signed), StorageError.
    """
    with archive.lock("log", what="a commit"):
        return _commit(archive, sha256s, clock)


def rotate(archive: Archive, because: str, clock: Clock = utc_now) -> Head:
    """Give way to a new key: an event in the register, then a head of the old key that names the new one.

    Stopped in between, the next commit or rotation signs that head. Raises UsageError where there is no log or no
    reason, and what :func:`commit` raises.
    """
    if not because.strip():
        raise UsageError("--because", "it is empty", "Say why the key changes; the register keeps it")
    with archive.lock("log", what="a change of the signing key"):
        heads = _heads(archive)
        if not heads:
            raise UsageError("the log", "it has no head yet, so no key to give way", "Commit to something first")
        if _following(archive, heads) == heads[-1].next:  # else a change that was stopped halfway is finished now
            body = {"key": heads[-1].next, "next": Keys(archive.keys).make(), "because": because}
            _tell(archive, "key.rotated", body, clock())
        return _commit(archive, [], clock)


def signing_key(archive: Archive, now: str) -> str:
    """The key that signs next, its public half; made and told in the register where there is none yet."""
    heads = archive.log().heads()
    return heads[-1].next if heads else _first_key(archive, now)


def cut_off(archive: Archive, heads: list[Head]) -> Head | None:
    """The head that was signed and not said any more, because the process or the power ended there; None in health.

    Raises Damaged where the log no longer has the last head that was signed and it cannot come next: the log was
    restored from an older backup then, and signing on from there would contradict what others have seen.
    """
    signed = map(Keys(archive.keys).last_signed, [heads[-1].next] if heads else _told_keys(archive))
    last = next((head for head in signed if head is not None), None)
    if last is None or digest(last) in {digest(head) for head in heads}:
        return None
    follows = last.previous == (digest(heads[-1]) if heads else GENESIS)
    if follows and roots_at(archive.log().leaves_file, {last.size}).get(last.size) == last.root:
        return last
    problem = f"it is older than what was signed: the head of size {last.size:,} at {last.time} is missing"
    remedy = "Bring back the newer held/log from a mirror or a backup; a log that goes on from here is refuted"
    raise Damaged("held/log", problem, remedy)


def _heads(archive: Archive) -> list[Head]:
    """The heads, after saying the one that was cut off: somebody may have seen it, so no other may take its place."""
    heads = archive.log().heads()
    if (last := cut_off(archive, heads)) is not None:
        archive.log().append_head(last)
        heads.append(last)
    return heads


def _commit(archive: Archive, sha256s: Iterable[str], clock: Clock) -> Head:
    log, heads = archive.log(), _heads(archive)
    with archive.log_index() as index, archive.objects() as objects:
        index.follow(log, heads)
        size = heads[-1].size if heads else 0
        with index.adding(size) as adding:
            with log.adding(size) as writer:
                for some in _chunks(sha256s):
                    leaves = [_leaf(objects, one) for one in adding.fresh(some)]
                    writer.write(leaves)
                    adding.add(leaves)
            return _sign(archive, heads, adding.tree.size, adding.tree.root().hex(), clock())


def _sign(archive: Archive, heads: list[Head], size: int, root: str, now: str) -> Head:
    """The next head, said in the log; the last one where there is nothing new to say."""
    if not size:
        raise UsageError("commit", "there is nothing to commit to", "Name objects that are held")
    last = heads[-1] if heads else None
    following = _following(archive, heads) if last else _first_key(archive, now)
    if last and last.size == size and last.next == following:
        return last
    key = last.next if last else following
    unsigned = Head(
        log=last.log if last else fingerprint(key),
        size=size,
        root=root,
        previous=digest(last) if last else GENESIS,
        time=max(now, last.time) if last else now,
        key=key,
        next=following,
        signature="",
    )
    keys = Keys(archive.keys)
    head = unsigned._replace(signature=keys.sign(key, signed_bytes(unsigned)))
    keys.remember(head)  # first: what may be seen from now on has to be known after any crash
    archive.log().append_head(head)
    return head


def _first_key(archive: Archive, now: str) -> str:
    """The key that the register tells; a new one, told there, where it tells none or its file was lost unused."""
    keys, told = Keys(archive.keys), _told_key(archive)
    if told and keys.path(told).exists():
        return told
    made = keys.make()
    _tell(archive, "key.made", {"key": made}, now)
    return made


def _following(archive: Archive, heads: list[Head]) -> str:
    """The key for the head after the next: what the register tells, unless that gave way already."""
    told = _told_key(archive)
    return told if told and told not in {head.key for head in heads} else heads[-1].next


def _told_key(archive: Archive) -> str:
    """The signing key as the register has it, "" if it has none."""
    return next(iter(_told_keys(archive)), "")


def _told_keys(archive: Archive) -> list[str]:
    """All signing keys that the register tells of, the latest first."""
    names = {"key.made": "key", "key.rotated": "next"}
    with archive.register() as register:
        return [str(event.body[names[event.kind]]) for event in register.events() if event.kind in names][::-1]


def _tell(archive: Archive, kind: str, body: dict[str, str], now: str) -> None:
    with archive.private_store() as private:
        actor = private.actor_token("operator")
    with archive.register() as register:
        register.append(kind, body, actor=actor, time=now)


def _leaf(objects: ObjectStore, sha256: bytes) -> bytes:
    passport = objects.passport(sha256.hex())
    if passport is None:
        raise NotFound(sha256.hex(), "no object of this digest is held", "Check the digest, or hold the file first")
    return leaf_from(passport)


def _chunks(sha256s: Iterable[str]) -> Iterator[list[bytes]]:
    remaining = iter(sha256s)
    while some := [_digest(one) for one in islice(remaining, CHUNK)]:
        yield some


def _digest(sha256: str) -> bytes:
    try:
        found = bytes.fromhex(sha256)
    except ValueError:
        found = b""
    if found.hex() != sha256 or len(found) != 32:
        raise NotFound(sha256, "it is not a SHA-256 digest", "Give 64 hexadecimal digits, lower case")
    return found
