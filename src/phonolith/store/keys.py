"""Signing keys: Ed25519, a file for each in keys/, and beside it the last heads of log and list signed with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from phonolith.errors import BadInput, Damaged, NotFound
from phonolith.store.files import atomic_write, printable, storage_errors
from phonolith.verifier import (
    Head,
    ListHead,
    Unreadable,
    canonical,
    dump,
    fingerprint,
    read_head,
    read_json,
    read_list_head,
)

Said = TypeVar("Said", Head, ListHead)

_LARGEST = 1 << 16  # bytes of a key's file


def key_in(path: Path) -> tuple[str, Callable[[bytes], str]]:
    """The public half of a key in anybody's file (PKCS #8 in PEM, not encrypted), and what signs with it.

    Raises NotFound, BadInput, StorageError.
    """
    if not path.is_file():
        raise NotFound(
            printable(path), "there is no such key", "openssl genpkey -algorithm ed25519 -out FILE makes one"
        )
    try:
        private = _private(path)
    except ValueError as error:
        remedy = "Make one: openssl genpkey -algorithm ed25519 -out FILE"
        raise BadInput(printable(path), f"it is no key that signs here: {error}", remedy) from error
    return _public(private), lambda message: private.sign(message).hex()


class Keys:
    """keys/, mode 0700. A key is told by its public half, 64 hexadecimal digits. ``random`` gives n random bytes."""

    def __init__(self, folder: Path, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._folder = folder
        self._random = random

    def make(self) -> str:
        """A new key, durable on return; gives its public half."""
        private = Ed25519PrivateKey.from_private_bytes(self._random(32))
        public = _public(private)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        atomic_write(self.path(public), pem, mode=0o600)
        return public

    def path(self, public: str) -> Path:
        """Where the key's private half lies, or would lie: PKCS #8 (RFC 5958) in PEM, not encrypted."""
        return self._folder / f"{fingerprint(public)}.pem"

    def sign(self, public: str, message: bytes) -> str:
        """The key's signature over the message, 128 hexadecimal digits. Raises NotFound, Damaged, StorageError."""
        path = self.path(public)
        if not path.exists():
            problem = f"the private half of signing key {public} is not there"
            raise NotFound(printable(path), problem, "Bring it back from the backup of keys/")
        try:
            private = _private(path)
        except ValueError as error:
            raise _damaged(path, str(error)) from error
        if _public(private) != public:
            raise _damaged(path, "it is another key than its name says")
        return private.sign(message).hex()

    def remember(self, head: Head | ListHead) -> None:
        """Keep a head as the last one signed with its key: the log may be lost or set back, this must not be."""
        what = "head" if isinstance(head, Head) else "withdrawals"
        atomic_write(self._last(head.key, what), canonical(dump(head)) + b"\n", mode=0o600)

    def last_signed(self, public: str) -> Head | None:
        """The last head that was signed with the key, as far as known here. Raises Damaged, StorageError."""
        return self._signed(self._last(public, "head"), read_head)

    def last_list(self, public: str) -> ListHead | None:
        """The same of the list of withdrawals."""
        return self._signed(self._last(public, "withdrawals"), read_list_head)

    def _signed(self, path: Path, read: Callable[[Any], Said]) -> Said | None:
        with storage_errors(path):
            text = path.read_bytes() if path.exists() else None
        try:
            return None if text is None else read(read_json(text))
        except Unreadable as error:
            raise _damaged(path, str(error)) from error

    def _last(self, public: str, what: str) -> Path:
        return self._folder / f"{fingerprint(public)}.{what}.json"


def _private(path: Path) -> Ed25519PrivateKey:
    """The key in a file. Raises ValueError, StorageError."""
    with storage_errors(path), path.open("rb") as file:
        text = file.read(_LARGEST)
    try:
        private = load_pem_private_key(text, None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("it is no Ed25519 key")
    return private


def _public(private: Ed25519PrivateKey) -> str:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _damaged(path: Path, problem: str) -> Damaged:
    return Damaged(printable(path), f"it cannot be used: {problem}", "Bring it back from the backup of keys/")
