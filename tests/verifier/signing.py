"""Logs made in memory for tests: keys from a number, heads over any leaves, files as an archive would have them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from phonolith.verifier import (
    GENESIS,
    Countersignature,
    Head,
    Leaf,
    Tree,
    canonical,
    digest,
    dump,
    fingerprint,
    pack_leaf,
    signed_bytes,
)

Said = TypeVar("Said", Head, Countersignature)
NOW = "2026-01-02T03:04:05Z"


def private(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"key %d" % seed).digest())


def public(seed: int) -> str:
    return private(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def signed(said: Said, seed: int) -> Said:
    return said._replace(signature=private(seed).sign(signed_bytes(said)).hex())


def leaf(text: object) -> bytes:
    one = hashlib.sha256(str(text).encode()).digest()
    return pack_leaf(Leaf(len(str(text)), 65536, one, one, one, one))


def root(leaves: Sequence[bytes]) -> str:
    tree = Tree()
    for one in leaves:
        tree.add(one)
    return tree.root().hex()


@dataclass
class Signer:
    """A log that grows as told."""

    seed: int = 1
    leaves: list[bytes] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)

    def commit(self, *texts: object, next_seed: int | None = None) -> Head:
        """Take leaves and sign a head, which names the key of ``next_seed`` as the next one."""
        self.leaves += [leaf(text) for text in texts]
        last = self.heads[-1] if self.heads else None
        head = Head(
            log=last.log if last else fingerprint(public(self.seed)),
            size=len(self.leaves),
            root=root(self.leaves),
            previous=digest(last) if last else GENESIS,
            time=NOW,
            key=public(self.seed),
            next=public(self.seed if next_seed is None else next_seed),
            signature="",
        )
        self.heads.append(signed(head, self.seed))
        self.seed = self.seed if next_seed is None else next_seed
        return self.heads[-1]

    def copy(self) -> Signer:
        return Signer(self.seed, list(self.leaves), list(self.heads))

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True)
        (folder / "leaves").write_bytes(b"".join(self.leaves))
        (folder / "heads.jsonl").write_bytes(b"".join(canonical(dump(head)) + b"\n" for head in self.heads))
        return folder
