"""Ed25519 as the verifier checks it: the vectors of RFC 8032, edge cases by verdict, and OpenSSL's word on the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.verifier import signed_by

CORPUS = Path(__file__).parent / "corpus"
ORDER = 2**252 + 27742317777372353535851937790883648493


def rows(name: str) -> list[list[str]]:
    lines = (CORPUS / name).read_text().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def openssl(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize("row", rows("rfc8032.tsv"), ids=lambda row: row[0])
def test_the_vectors_of_the_standard(row: list[str]) -> None:
    _, secret, key, message, signature = [row[0], *map(bytes.fromhex, row[1:])]
    assert Ed25519PrivateKey.from_private_bytes(secret).sign(message) == signature
    assert signed_by(key, message, signature)
    assert not signed_by(key, message + b"\0", signature)
    for place in range(0, 512, 37):
        assert not signed_by(key, message, flipped(signature, place))


def test_all_vectors_are_there() -> None:
    assert [row[0] for row in rows("rfc8032.tsv")] == ["TEST 1", "TEST 2", "TEST 3", "TEST 1024", "TEST SHA(abc)"]
    assert len(rows("edges.tsv")) == 15


@pytest.mark.parametrize("row", rows("edges.tsv"), ids=lambda row: f"{row[0]}: {row[1]}")
def test_edge_cases(row: list[str]) -> None:
    verdict, _, *texts = row
    key, message, signature = map(bytes.fromhex, texts)
    assert signed_by(key, message, signature) == (verdict == "accepted")
    if verdict != "nobody":
        assert openssl(key, message, signature) == (verdict == "accepted")


#: Points of order 1, 2, 4 and 8, and encodings that are not canonical.
NOBODY = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0200000000000000000000000000000000000000000000000000000000000000",
]


@pytest.mark.parametrize("key", NOBODY)
def test_no_signature_is_by_a_key_that_others_could_use_too(key: str) -> None:
    """Under a key of small order R = identity and S = 0 hold for one message in eight at least, so try some."""
    for number in range(64):
        assert not signed_by(bytes.fromhex(key), b"%d" % number, bytes.fromhex(NOBODY[0]) + bytes(32))


Secrets = st.binary(min_size=32, max_size=32)


@settings(max_examples=60)
@given(Secrets, st.binary(max_size=300), st.data())
def test_it_agrees_with_openssl_on_true_and_on_corrupted_signatures(
    secret: bytes, said: bytes, data: st.DataObject
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(secret)
    key = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = private.sign(said)
    assert signed_by(key, said, signature) and openssl(key, said, signature)
    place = data.draw(st.integers(0, 511))
    wrong = flipped(signature, place)
    assert not signed_by(key, said, wrong) and not openssl(key, said, wrong)
    other = flipped(key, place % 256)
    assert not signed_by(other, said, signature) and not openssl(other, said, signature)
    if said:
        changed = flipped(said, place % (8 * len(said)))
        assert not signed_by(key, changed, signature) and not openssl(key, changed, signature)


@settings(max_examples=60)
@given(Secrets, st.binary(min_size=64, max_size=64))
def test_it_agrees_with_openssl_on_noise(key: bytes, signature: bytes) -> None:
    assert signed_by(key, b"", signature) == openssl(key, b"", signature)


@settings(max_examples=20)
@given(Secrets, st.integers(1, 15))
def test_a_signature_cannot_be_written_in_another_way(secret: bytes, times: int) -> None:
    """S plus a multiple of the order satisfies the equation: RFC 8032 section 8.4."""
    private = Ed25519PrivateKey.from_private_bytes(secret)
    key = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = private.sign(b"x")
    number = int.from_bytes(signature[32:], "little") + times * ORDER
    if number < 2**256:
        other = signature[:32] + number.to_bytes(32, "little")
        assert not signed_by(key, b"x", other) and not openssl(key, b"x", other)


@pytest.mark.parametrize(("key", "signature"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0), (32, 32), (32, 0)])
def test_what_has_another_length_is_none(key: int, signature: int) -> None:
    assert not signed_by(bytes(key), b"", bytes(signature))


def flipped(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "little") ^ 1 << bit).to_bytes(len(data), "little")
