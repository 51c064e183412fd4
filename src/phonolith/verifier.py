"""Checks what a Phonolith archive committed to: one file on the standard library alone, to be copied out and read.

    python3 verifier.py check-proof PROOF [FILE]    was this file committed to, by whom and when?
    python3 verifier.py check-log OLD NEW           does the newer state of a log keep everything of the older one?
    python3 verifier.py check-withdrawals LIST HEADS [OLD-HEADS]    is a list of withdrawals signed, whole and kept?

Exit codes: 0 proven, 1 something is wrong or not shown, 2 usage, 4 no such file, 9 not readable as what it should be.
The format is in docs/on-disk-format.md of the project. The rules are those of RFC 9162 (the tree: sections 2.1.1 to
2.1.4) and of RFC 8032 (Ed25519: section 5.1.7).
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

HEAD, COUNTERSIGNATURE = "phonolith.head.1", "phonolith.countersignature.1"
PROOF, LINK = "phonolith.proof.1", "phonolith.link.1"
LIST_HEAD = "phonolith.withdrawals.1"
LEAF_BYTES = 144
#: Where the SHA-256 of the object stands in its leaf.
DIGEST = slice(16, 48)
#: What stands before the first head.
GENESIS = "0" * 64


class Unreadable(ValueError):
    """It is not what it claims to be: a field is missing, strange or of the wrong form."""


class Problem(NamedTuple):
    """Something that is wrong or not shown: a stable code, what it is about, and a sentence."""

    code: str
    subject: str
    problem: str


class Leaf(NamedTuple):
    """What a log says of one object: its ledger row without what somebody told of it. Digests are 32 raw bytes.

    ``root``: BEP 52 pieces root, zeros for an empty object. ``bare`` and ``padded``: SHA-256 of all its BitTorrent v1
    piece digests in a row, the last piece as it is and filled with zeros to the piece length.
    """

    size: int
    piece_length: int
    sha256: bytes
    root: bytes
    bare: bytes
    padded: bytes


class Head(NamedTuple):
    """A signed state of a log. All but ``size`` are texts; digests, keys and signatures are lower-case hexadecimal.

    ``log``: SHA-256 of the log's first key. ``root``: tree hash of the first ``size`` leaves. ``previous``: digest of
    the head before, GENESIS for the first. ``next``: the key that signs the head after this one, ``key`` unless the
    key changes. ``signature``: Ed25519 by ``key`` over the head's canonical JSON without ``signature``.
    """

    log: str
    size: int
    root: str
    previous: str
    time: str
    key: str
    next: str
    signature: str


class Countersignature(NamedTuple):
    """What another key says of a head: seen at this time, and it keeps all that was seen of the log before."""

    log: str
    head: str
    time: str
    key: str
    signature: str


class ListHead(NamedTuple):
    """A signed state of a list of withdrawals; fields are those of :class:`Head`, for lines instead of leaves.

    ``log``: the log whose keys sign the list. ``size``: how many lines. ``last``: digest of the last of them, which
    names the one before. ``previous``: digest of the list's head before, GENESIS for the first.
    """

    log: str
    size: int
    last: str
    previous: str
    time: str
    key: str
    signature: str


Signed = Head | Countersignature | ListHead

# Signatures: Ed25519, RFC 8032. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z (section 5.1.4).

Point = tuple[int, int, int, int]

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ZERO: Point = (0, 1, 1, 0)


@functools.lru_cache(maxsize=4096)  # copies of a log share most of their heads
def signed_by(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature (64 bytes) over the message is by the key (32 bytes): RFC 8032 section 5.1.7.

    The equation without cofactor, S below the group's order, points in their one encoding. A key of small order, under
    which others could sign too, is nobody's: it would let a signer disown what it signed.
    """
    public, first = _point(key), _point(signature[:32])
    second = int.from_bytes(signature[32:], "little")
    if public is None or first is None or len(signature) != 64 or second >= _L or _same(_eightfold(public), _ZERO):
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _L
    return _same(_combine(second, _BASE, challenge, _negative(public)), first)


def _point(data: bytes) -> Point | None:
    """Section 5.1.3; None where the bytes are no point or not its canonical encoding."""
    if len(data) != 32:
        return None
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x + u) % _P == 0:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (v * x * x - u) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _add(one: Point, two: Point) -> Point:
    a, b = (one[1] - one[0]) * (two[1] - two[0]) % _P, (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _combine(s: int, one: Point, k: int, two: Point) -> Point:
    """[s]one + [k]two, both at a time."""
    table, result = (_ZERO, one, two, _add(one, two)), _ZERO
    for bit in range(max(s.bit_length(), k.bit_length()) - 1, -1, -1):
        result = _add(result, result)
        result = _add(result, table[(s >> bit & 1) | (k >> bit & 1) << 1])
    return result


def _eightfold(point: Point) -> Point:
    for _ in range(3):
        point = _add(point, point)
    return point


def _negative(point: Point) -> Point:
    return -point[0] % _P, point[1], point[2], -point[3] % _P


def _same(one: Point, two: Point) -> bool:
    return not ((one[0] * two[2] - two[0] * one[2]) % _P or (one[1] * two[2] - two[1] * one[2]) % _P)


_base = _point(bytes.fromhex("58" + "66" * 31))
assert _base is not None
_BASE: Point = _base


# The tree: RFC 9162 section 2.1.


def leaf_hash(leaf: bytes) -> bytes:
    """Section 2.1.1: the hash of one leaf."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Section 2.1.1: the hash over two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The tree over a growing list; memory is one hash a level. ``peaks`` are its whole subtrees, largest first."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)

    def add(self, leaf: bytes) -> list[bytes]:
        """Take the next leaf; gives the hashes of the subtrees that it completes, smallest first."""
        done, size = [leaf_hash(leaf)], self.size
        while size & 1:
            done.append(node_hash(self._peaks.pop(), done[-1]))
            size >>= 1
        self._peaks.append(done[-1])
        self.size += 1
        return done

    def root(self) -> bytes:
        """The tree hash; SHA-256 of nothing while there is no leaf."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            root = node_hash(peak, root)
        return root


def included_root(hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Section 2.1.3.2: the root of a tree of ``size`` leaves that has ``hash`` as leaf ``index``, None if none can."""
    if not 0 <= index < size:
        return None
    fn, sn = index, size - 1
    for other in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            hash = node_hash(other, hash)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            hash = node_hash(hash, other)
        fn, sn = fn >> 1, sn >> 1
    return hash if sn == 0 else None


def extends(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Section 2.1.4.2: whether the path shows that the second tree begins with the ``first`` leaves of the first."""
    if not 0 < first < second:
        return 0 < first == second and first_root == second_root and not path
    hashes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not path or not hashes:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = hashes[0]
    for other in hashes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node_hash(other, old), node_hash(other, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, other)
        fn, sn = fn >> 1, sn >> 1
    return old == first_root and new == second_root and sn == 0


# Leaves.

_LEAF = struct.Struct(">4sIQ32s32s32s32s")
_BLOCK, _SMALL, _LARGE = 16 * 1024, 64 * 1024, 1024 * 1024


def pack_leaf(leaf: Leaf) -> bytes:
    """A leaf as its 144 bytes: ``PhL1``, piece length (4), size (8), both big-endian, and the four digests."""
    return _LEAF.pack(b"PhL1", leaf.piece_length, leaf.size, *leaf[2:])


def unpack_leaf(data: bytes) -> Leaf:
    """The leaf again. Raises Unreadable."""
    if len(data) != LEAF_BYTES or data[:4] != b"PhL1":
        raise Unreadable("it is no leaf of a log")
    _, piece_length, size, *digests = _LEAF.unpack(data)
    return Leaf(size, piece_length, *digests)


def leaf_of(file: BinaryIO) -> Leaf:
    """The leaf of a file's bytes, from reading them once: what an archive must have said of them."""
    whole, size, short, layer, pieces = hashlib.sha256(), 0, b"", [], []
    while data := _read(file, _LARGE):
        whole.update(data)
        size += len(data)
        if len(data) < _LARGE:
            short = data  # an object of 1 MiB and more has pieces of 1 MiB, a smaller one of 64 KiB
            break
        layer.append(_piece_root(data, _LARGE // _BLOCK))
        pieces.append(hashlib.sha1(data, usedforsecurity=False).digest())
    length = _LARGE if size >= _LARGE else _SMALL
    tail = b""
    for start in range(0, len(short), length):
        tail = short[start : start + length]
        layer.append(_piece_root(tail, length // _BLOCK if size > length else _power(-(-len(tail) // _BLOCK))))
        pieces.append(hashlib.sha1(tail, usedforsecurity=False).digest())
    root = _merkle(layer, _power(len(layer)), _piece_root(b"", length // _BLOCK)) if size else bytes(32)
    last = hashlib.sha1(tail.ljust(length, b"\0"), usedforsecurity=False).digest() if tail else b"".join(pieces[-1:])
    bare = hashlib.sha256(b"".join(pieces)).digest()
    return Leaf(size, length, whole.digest(), root, bare, hashlib.sha256(b"".join([*pieces[:-1], last])).digest())


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    while data and len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data


def _piece_root(piece: bytes, width: int) -> bytes:
    blocks = range(0, len(piece), _BLOCK)
    return _merkle([hashlib.sha256(piece[start : start + _BLOCK]).digest() for start in blocks], width, bytes(32))


def _merkle(hashes: list[bytes], width: int, filler: bytes) -> bytes:
    """BEP 52: the binary tree over the hashes, filled up to ``width``, a power of two."""
    hashes = hashes or [filler]
    while width > 1:
        hashes = hashes + [filler] * (len(hashes) & 1)
        hashes = [hashlib.sha256(one + two).digest() for one, two in zip(hashes[::2], hashes[1::2], strict=True)]
        filler, width = hashlib.sha256(filler + filler).digest(), width // 2
    return hashes[0]


def _power(count: int) -> int:
    return 1 << max(count - 1, 0).bit_length()


# Heads and what is said about them, as JSON.

_FORMS = {
    "digest": re.compile("[0-9a-f]{64}"),
    "signature": re.compile("[0-9a-f]{128}"),
    "time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"),
}


def canonical(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON: keys sorted, no spaces, UTF-8, no escapes but those JSON demands."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def dump(said: Signed) -> dict[str, Any]:
    """A head or countersignature as the object that stands in files."""
    kind = {Head: HEAD, Countersignature: COUNTERSIGNATURE, ListHead: LIST_HEAD}[type(said)]
    return {"type": kind, **said._asdict()}


def signed_bytes(said: Signed) -> bytes:
    """What the signature is over: canonical JSON of all fields but ``signature``."""
    return canonical({name: value for name, value in dump(said).items() if name != "signature"})


def digest(head: Head | ListHead) -> str:
    """What names a head: SHA-256 of its signed bytes."""
    return hashlib.sha256(signed_bytes(head)).hexdigest()


def fingerprint(key: str) -> str:
    """What names a key, and the log that it begins: SHA-256 of its 32 bytes."""
    return hashlib.sha256(bytes.fromhex(key)).hexdigest()


def is_signed(said: Signed) -> bool:
    """Whether the signature is that of the key it names."""
    return signed_by(bytes.fromhex(said.key), signed_bytes(said), bytes.fromhex(said.signature))


def read_head(value: Any) -> Head:
    """The head in a JSON object; anything more or less than its fields raises Unreadable."""
    return Head(**_sized(_fields(value, HEAD, Head._fields)))


def read_list_head(value: Any) -> ListHead:
    """The head of a list of withdrawals in a JSON object. Raises Unreadable."""
    return ListHead(**_sized(_fields(value, LIST_HEAD, ListHead._fields)))


def read_countersignature(value: Any) -> Countersignature:
    """The countersignature in a JSON object. Raises Unreadable."""
    return Countersignature(**_fields(value, COUNTERSIGNATURE, Countersignature._fields))


def _sized(fields: dict[str, Any]) -> dict[str, Any]:
    if type(fields["size"]) is not int or not 0 < fields["size"] < 2**63:
        raise Unreadable("the size of a head is no positive number")
    return fields


def _fields(value: Any, kind: str, names: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.get("type") != kind:
        raise Unreadable(f"it is no {kind}")
    if value.keys() != {"type", *names}:
        raise Unreadable(f"a {kind} has exactly the fields type, {', '.join(names)}")
    for name in names:
        if name != "size":
            _text(value[name], name if name in _FORMS else "digest", name)
    return {name: value[name] for name in names}


def _text(value: Any, form: str, name: str) -> str:
    if not isinstance(value, str) or not _FORMS[form].fullmatch(value):
        raise Unreadable(f"{name} is no {form}")
    return value


def _hashes(value: Any) -> list[bytes]:
    if not isinstance(value, list) or len(value) > 128:
        raise Unreadable("a path is no list of at most 128 hashes")
    return [bytes.fromhex(_text(one, "digest", "a hash in a path")) for one in value]


def check_heads(heads: Sequence[Head], *, whole: bool) -> list[Problem]:
    """Whether each head is signed by a key that the log's first key leads to, and follows from those before it.

    ``whole``: they are all heads from the first on. Else some are left out; those that change the key must not be.
    """
    problems, key, before = [], "", None
    for head in heads:
        name = f"head of size {head.size}"
        if head.log != heads[0].log:
            problems.append(Problem("log.other", name, f"it is of log {head.log}, others are of {heads[0].log}"))
        if head.key != key and fingerprint(head.key) != head.log:
            problems.append(Problem("log.key", name, f"nothing shows that log {head.log} gave way to key {head.key}"))
        if not is_signed(head):
            problems.append(Problem("log.signature", name, f"its signature is not that of key {head.key}"))
        expected = digest(before) if before else GENESIS
        if whole and head.previous != expected:
            problems.append(Problem("log.chain", name, f"the head before it is not {head.previous}"))
        if before and (head.size < before.size or head.time < before.time or (key and head.key != key)):
            problems.append(Problem("log.order", name, "it has less, is older or has another key than it must have"))
        key, before = head.next, head
    return problems


# Proofs.


class Proof(NamedTuple):
    """That a leaf is in a log: ``heads`` end with the one that ``path`` leads to, before it those that change keys."""

    leaf: Leaf
    number: int
    path: list[bytes]
    heads: list[Head]
    countersignatures: list[Countersignature]


def read_proof(value: Any) -> Proof:
    """The proof in a JSON object. Raises Unreadable."""
    try:
        said = value["leaf"]
        digests = [bytes.fromhex(_text(said[name], "digest", name)) for name in ("sha256", "root", "bare", "padded")]
        numbers = [said["size"], said["piece_length"], value["index"]]
        if value["type"] != PROOF or not all(type(one) is int and 0 <= one < 2**63 for one in numbers):
            raise Unreadable("it is no proof")
        if numbers[1] not in (_SMALL, _LARGE):
            raise Unreadable("piece_length is neither 65536 nor 1048576")
        heads = [read_head(one) for one in [*value["rotations"], value["head"]]]
        signed = [read_countersignature(one) for one in value["countersignatures"]]
        return Proof(Leaf(*numbers[:2], *digests), numbers[2], _hashes(value["path"]), heads, signed)
    except (KeyError, TypeError) as error:
        raise Unreadable(f"it is no proof ({error})") from error


def check_proof(proof: Proof, file: BinaryIO | None = None) -> list[Problem]:
    """What keeps the proof from showing that its leaf, and a file if given, was committed to; empty if nothing does."""
    problems, head = check_heads(proof.heads, whole=False), proof.heads[-1]
    root = included_root(leaf_hash(pack_leaf(proof.leaf)), proof.number, head.size, proof.path)
    if root is None or root.hex() != head.root:
        problems.append(Problem("proof.path", f"leaf {proof.number}", "its path does not lead to the signed root"))
    for one in proof.countersignatures:
        if one.log != head.log or one.head != digest(head) or not is_signed(one):
            problems.append(Problem("proof.countersignature", one.key, "it did not sign this head"))
    if file is not None:
        seen = leaf_of(file)
        wrong = [name for name, one, other in zip(Leaf._fields, seen, proof.leaf, strict=True) if one != other]
        if wrong:
            problems.append(Problem("proof.file", seen.sha256.hex(), f"the file differs in {', '.join(wrong)}"))
    return problems


# Two states of a log.


class State(NamedTuple):
    """What somebody has of a log: a head or more, or all with the leaves, or a link from an old one to a new one.

    ``countersignatures`` are what came with it, not looked at yet.
    """

    heads: list[Head]
    leaves: Path | None = None
    link: tuple[Head, list[bytes]] | None = None
    countersignatures: Sequence[Countersignature] = ()


class Comparison(NamedTuple):
    """``verdict``: consistent, refuted or undecided. ``evidence``: the two heads that refute the log, if any do."""

    verdict: str
    problems: list[Problem]
    evidence: list[Head]


def read_state(path: Path) -> State:
    """A log's folder (or an archive, or its held/), a file of heads (one a line), a proof or a link.

    Raises Unreadable, OSError.
    """
    if path.is_dir():
        here = next((path / name for name in ("held/log", "log", ".") if (path / name / "heads.jsonl").is_file()), None)
        if here is None:
            raise Unreadable("there is no log in that folder")
        lines, signed = ((here / f"{name}.jsonl") for name in ("heads", "countersignatures"))
        seen = read_countersignatures(signed.read_bytes()) if signed.exists() else ()
        return State(_read_heads(whole_lines(lines.read_bytes())), here / "leaves", None, seen)
    text = path.read_bytes()
    try:
        value = read_json(text)
    except Unreadable:
        return State(_read_heads(text.splitlines()))
    if isinstance(value, dict) and value.get("type") == PROOF:
        proof = read_proof(value)
        return State(proof.heads, countersignatures=proof.countersignatures)
    if isinstance(value, dict) and value.get("type") == LINK:
        return read_link(value)
    return State([read_head(value)])


def _read_heads(lines: list[bytes]) -> list[Head]:
    if not lines:
        raise Unreadable("there is no head in it")
    return [read_head(read_json(line)) for line in lines]


def read_countersignatures(text: bytes) -> list[Countersignature]:
    """The countersignatures in a file of them, one a line. Raises Unreadable."""
    return [read_countersignature(read_json(line)) for line in whole_lines(text)]


def whole_lines(text: bytes) -> list[bytes]:
    """The lines that are ended: what a crash cut off in the middle was never said to anybody."""
    return text.split(b"\n")[:-1]


def read_link(value: Any) -> State:
    """The link in a JSON object, as the state that it leads to. Raises Unreadable."""
    try:
        heads = [read_head(one) for one in [*value["rotations"], value["new"]]]
        signed = tuple(read_countersignature(one) for one in value["countersignatures"])
        return State(heads, None, (read_head(value["old"]), _hashes(value["path"])), signed)
    except (KeyError, TypeError) as error:
        raise Unreadable(f"it is no link ({error})") from error


def read_json(text: bytes) -> Any:
    """The JSON value. Raises Unreadable."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not JSON ({error})") from error


def check_log(old: State, new: State) -> Comparison:
    """Whether the new state of a log keeps everything of the old one.

    Refuted: two heads, both properly signed, that cannot belong to one growing list; whoever signs such a pair is
    caught by it for ever. Undecided: nothing contradicts and nothing shows it either.
    """
    last, newest = old.heads[-1], new.heads[-1]
    if last.log != newest.log:
        return Comparison("undecided", [Problem("log.other", last.log, f"the other one is log {newest.log}")], [])
    problems, pair = _look(old, new)
    if pair is not None:
        return Comparison("refuted", [_refuted(*pair), *problems], list(pair))
    if not problems and newest.size < last.size:
        lost = f"the new one has {newest.size} leaves, the old one {last.size}"
        problems = [Problem("log.shrank", last.log, lost)]
    elif not problems and not _is_kept(last, newest, new):
        open_question = "heads of two sizes alone do not tell; it takes the leaves of the new one, or a link"
        problems = [Problem("log.undecided", last.log, open_question)]
    return Comparison("undecided" if problems else "consistent", problems, [])


def seen_by(state: State) -> dict[str, Countersignature]:
    """Who else signed about heads of a state: the latest word of each key. The log's own keys do not count."""
    heads = _told(state)
    digests, own = {digest(head) for head in heads}, {key for head in heads for key in (head.key, head.next)}
    found = {}
    for one in sorted(state.countersignatures, key=lambda one: one.time):
        if one.log == heads[-1].log and one.head in digests and one.key not in own and is_signed(one):
            found[one.key] = one
    return found


def check_state(state: State) -> list[Problem]:
    """What is wrong with a state by itself: its heads, and whether its leaves have the roots that were signed."""
    problems, pair = _look(state)
    return problems if pair is None else [_refuted(*pair), *problems]


def _look(*states: State) -> tuple[list[Problem], tuple[Head, Head] | None]:
    """What is wrong with states of one log, and two of their heads that exclude each other, if there are any.

    Leaves count as those of a log where they give the root of the newest head; else they are damaged.
    """
    heads = [head for state in states for head in _told(state)]
    problems = [one for state in states for one in check_heads(state.heads, whole=state.leaves is not None)]
    if problems:
        return problems, None
    pair = _clash(heads)
    for last, leaves in [(state.heads[-1], state.leaves) for state in states if state.leaves is not None]:
        roots = roots_at(leaves, {head.size for head in heads if head.size <= last.size})
        if roots.get(last.size) != last.root:
            what = "does not give the root that was signed" if last.size in roots else "is cut off"
            problems.append(Problem("log.leaves", str(leaves), f"the list of {last.size} leaves {what}"))
        elif pair is None:
            others = (head for head in heads if roots.get(head.size, head.root) != head.root)
            pair = next(((head, last) for head in others), None)
    return problems, pair


def _told(state: State) -> list[Head]:
    """Its heads, and before them the old one of its link where a key of the log signed that."""
    if state.link is None:
        return state.heads
    old, keys = state.link[0], {head.next for head in state.heads}
    ours = old.log == state.heads[-1].log and (old.key in keys or fingerprint(old.key) == old.log)
    return [old, *state.heads] if ours and is_signed(old) else state.heads


def _clash(heads: list[Head]) -> tuple[Head, Head] | None:
    """Two heads that exclude each other by themselves: two successors of one head, or two roots at one size."""
    followers: dict[str, Head] = {}
    roots: dict[int, Head] = {}
    for head in heads:
        other = followers.setdefault(head.previous, head)
        if digest(other) != digest(head):
            return other, head
        other = roots.setdefault(head.size, head)
        if other.root != head.root:
            return other, head
    return None


def _refuted(one: Head, two: Head) -> Problem:
    names = " and ".join(f"{digest(head)} of size {head.size}" for head in (one, two))
    return Problem("log.refuted", one.log, f"it signed two heads that contradict each other: {names}")


def _is_kept(last: Head, newest: Head, new: State) -> bool:
    if last.size == newest.size or new.leaves is not None:
        return True  # then no contradiction was found between roots that were all looked at
    if new.link is None or (new.link[0].size, new.link[0].root) != (last.size, last.root):
        return False  # which of the heads over that one list it begins with does not matter
    return extends(last.size, bytes.fromhex(last.root), newest.size, bytes.fromhex(newest.root), new.link[1])


def roots_at(leaves: Path, sizes: set[int]) -> dict[int, str]:
    """The roots of the tree over a file of leaves at these sizes, as far as the file goes; reads it once."""
    tree, found, last = Tree(), {}, max(sizes, default=0)
    for leaf in leaves_in(leaves, last):
        tree.add(leaf)
        if tree.size in sizes:
            found[tree.size] = tree.root().hex()
    return found


def leaves_in(path: Path, count: int, first: int = 0) -> Iterator[bytes]:
    """Leaves number ``first`` to ``count`` - 1 of a file of them; those that are not there are left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(first * LEAF_BYTES)
        while first < count and (data := file.read(min(4096, count - first) * LEAF_BYTES)):
            for start in range(0, len(data) - LEAF_BYTES + 1, LEAF_BYTES):
                yield data[start : start + LEAF_BYTES]
            first += 4096


# Lists of withdrawals.

LIST_EVENTS, LIST_GROUNDS = ("withdrawn", "reinstated", "expunged"), ("owner", "licence", "law")


class ListState(NamedTuple):
    """What somebody has of a list: its lines as bytes, its heads, and the log's heads that changed the key."""

    lines: list[bytes]
    rotations: list[Head]
    heads: list[ListHead]


def read_list(lines: bytes, heads: bytes) -> ListState:
    """The list in its two files. Lines that no head covers were never said and are left out. Raises Unreadable."""
    rotations, signed = [], []
    for line in heads.splitlines():
        value = read_json(line)
        if isinstance(value, dict) and value.get("type") == HEAD:
            rotations.append(read_head(value))
        else:
            signed.append(read_list_head(value))
    covered = signed[-1].size if signed else 0
    return ListState(lines.split(b"\n")[:-1][:covered], rotations, signed)


def check_list(state: ListState, seen: Sequence[ListHead] = ()) -> list[Problem]:
    """What keeps a list from being what its signer said, and all that he said before; empty if nothing does.

    ``seen`` are heads that somebody has from earlier: a list that was shortened or rewritten since contradicts them.
    """
    if not state.heads:
        return [Problem("withdrawals.unsigned", "the list", "no head signs it")]
    digests, problems = _list_chain(state.lines)
    problems += check_heads(state.rotations, whole=False) if state.rotations else []
    keys, before = _list_keys(state), None
    for head in state.heads:
        name = f"head of {head.size} lines"
        if state.rotations and head.log != state.rotations[0].log:
            problems.append(Problem("withdrawals.other", name, f"it is of log {head.log}"))
        if head.key in keys:
            keys = keys[keys.index(head.key) :]
        else:
            problems.append(Problem("withdrawals.key", name, f"nothing shows that key {head.key} is of that log"))
        if not is_signed(head):
            problems.append(Problem("withdrawals.signature", name, f"its signature is not that of key {head.key}"))
        if head.previous != (digest(before) if before else GENESIS):
            problems.append(Problem("withdrawals.chain", name, f"the head before it is not {head.previous}"))
        if before and (head.size < before.size or head.time < before.time or head.log != before.log):
            problems.append(Problem("withdrawals.order", name, "it has fewer lines, is older or of another log"))
        problems += _says(head, digests)
        before = head
    return [*problems, *(one for head in seen for one in _kept(head, state.heads, digests))]


def _list_keys(state: ListState) -> list[str]:
    """The keys that may sign, one after another."""
    if not state.rotations:
        return [head.key for head in state.heads[:1] if fingerprint(head.key) == head.log]
    return [*(head.key for head in state.rotations), state.rotations[-1].next]


def _list_chain(lines: Sequence[bytes]) -> tuple[list[str], list[Problem]]:
    """The digest of each line, and those that do not follow from the line before."""
    digests, problems = [], []
    previous = GENESIS
    for number, line in enumerate(lines, 1):
        try:
            value = read_json(line)
            told = (value["number"], value["previous"]) if canonical(value) == line else None
        except (Unreadable, KeyError, TypeError):
            told = None
        if told != (number, previous):
            problems.append(Problem("withdrawals.line", f"line {number}", "it does not follow from the line before"))
        previous = hashlib.sha256(line).hexdigest()
        digests.append(previous)
    return digests, problems


def _says(head: ListHead, digests: Sequence[str]) -> Iterator[Problem]:
    if head.size > len(digests):
        lost = f"it signs {head.size} lines and there are {len(digests)}"
        yield Problem("withdrawals.shortened", f"head of {head.size} lines", lost)
    elif digests[head.size - 1] != head.last:
        problem = "the lines are not those that it signs"
        yield Problem("withdrawals.rewritten", f"head of {head.size} lines", problem)


def _kept(head: ListHead, heads: Sequence[ListHead], digests: Sequence[str]) -> Iterator[Problem]:
    """What a list no longer has of what an earlier head signed."""
    name = f"head of {head.size} lines seen before"
    if head.log != heads[-1].log:
        yield Problem("withdrawals.other", name, f"it is of log {head.log}, the list of {heads[-1].log}")
    elif head.size > len(digests):
        yield Problem("withdrawals.shortened", name, f"the list has {len(digests)} lines now")
    elif digests[head.size - 1] != head.last or digest(head) not in {digest(one) for one in heads}:
        yield Problem("withdrawals.refuted", name, "the list no longer has what that head signed")


# The program.


def main(words: Sequence[str]) -> int:
    """Run one command line; gives its exit code."""
    try:
        match words:
            case ["check-proof", proof]:
                return _say_proof(proof, None)
            case ["check-proof", proof, file]:
                return _say_proof(proof, file)
            case ["check-log", old, new]:
                return _say_log(read_state(Path(old)), read_state(Path(new)))
            case ["check-withdrawals", lines, heads]:
                return _say_list(lines, heads, None)
            case ["check-withdrawals", lines, heads, old]:
                return _say_list(lines, heads, old)
    except Unreadable as error:
        return _say(9, f"not readable: {error}")
    except OSError as error:
        return _say(4, str(error))
    return _say(2, (__doc__ or "").strip())


def _say_proof(path: str, file: str | None) -> int:
    proof = read_proof(read_json(Path(path).read_bytes()))
    if file is None:
        problems = check_proof(proof)
    else:
        with Path(file).open("rb") as stream:
            problems = check_proof(proof, stream)
    if problems:
        return _say(1, *(f"{one.code}  {one.subject}: {one.problem}" for one in problems))
    head, seen = proof.heads[-1], State(proof.heads, countersignatures=proof.countersignatures)
    what = "The file was" if file else "What the proof describes was"
    return _say(0, f"{what} committed to by log {head.log}, by its own word at {head.time}.", *_say_seen(seen))


def _say_log(old: State, new: State) -> int:
    found = check_log(old, new)
    lines = [f"{one.code}  {one.subject}: {one.problem}" for one in found.problems]
    proof = [canonical(dump(head)).decode() for head in found.evidence]
    if found.verdict == "consistent":
        return _say(0, "consistent.", *_say_seen(new))
    return _say(1, f"{found.verdict}.", *lines, *proof)


def _say_seen(state: State) -> list[str]:
    seen = sorted((one.time, key) for key, one in seen_by(state).items())
    return [f"Other keys that say they saw it: {len(seen)}.", *(f"At {time}: key {key}." for time, key in seen)]


def _say_list(lines: str, heads: str, old: str | None) -> int:
    state = read_list(Path(lines).read_bytes(), Path(heads).read_bytes())
    seen = read_list(b"", Path(old).read_bytes()).heads if old else []
    problems = check_list(state, seen)
    if problems:
        return _say(1, *(f"{one.code}  {one.subject}: {one.problem}" for one in problems))
    head = state.heads[-1]
    return _say(0, f"{head.size} lines, signed by log {head.log}, by its own word at {head.time}.")


def _say(code: int, *lines: str) -> int:
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
