"""Signing keys: private, durable, never mistaken for another, and readable by other programs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.errors import Damaged, NotFound
from phonolith.store.keys import Keys
from phonolith.verifier import fingerprint, signed_by
from tests.verifier.signing import Signer


def test_a_key_signs_and_its_file_is_private(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    public = keys.make()
    assert signed_by(bytes.fromhex(public), b"said", bytes.fromhex(keys.sign(public, b"said")))
    path = keys.path(public)
    assert path.name == f"{fingerprint(public)}.pem" and path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_key_is_made_of_the_randomness_it_is_given(tmp_path: Path) -> None:
    # RFC 8032 section 7.1, TEST 1
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    made = Keys(tmp_path, lambda count: secret[:count]).make()
    assert made == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def test_a_key_that_is_not_there_or_another_one_signs_nothing(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    one, two = keys.make(), keys.make()
    keys.path(one).write_bytes(keys.path(two).read_bytes())
    with pytest.raises(Damaged, match="another key than its name says"):
        keys.sign(one, b"")
    for text in (b"", b"junk", keys.path(two).read_bytes()[:70]):
        keys.path(one).write_bytes(text)
        with pytest.raises(Damaged, match="backup of keys/"):
            keys.sign(one, b"")
    keys.path(one).unlink()
    with pytest.raises(NotFound, match=one):
        keys.sign(one, b"")


def test_the_last_head_is_remembered_by_key(tmp_path: Path) -> None:
    keys, log = Keys(tmp_path), Signer()
    first, second = log.commit("a"), log.commit("b")
    assert keys.last_signed(first.key) is None
    for head in (first, second):
        keys.remember(head)
        assert keys.last_signed(first.key) == head
    (tmp_path / f"{fingerprint(first.key)}.head.json").write_text("{}")
    with pytest.raises(Damaged):
        keys.last_signed(first.key)


@pytest.mark.peers
def test_openssl_signs_the_same_with_the_file(tmp_path: Path, peer: Callable[..., str]) -> None:
    openssl, keys = peer("openssl"), Keys(tmp_path)
    public = keys.make()
    (tmp_path / "said").write_bytes(b"said")
    words = ["pkeyutl", "-sign", "-inkey", str(keys.path(public)), "-rawin", "-in", "said", "-out", "signature"]
    subprocess.run([openssl, *words], cwd=tmp_path, check=True)
    assert (tmp_path / "signature").read_bytes().hex() == keys.sign(public, b"said")
