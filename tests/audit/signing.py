"""Reports for tests: made, signed by keys that are told by a number, and changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from phonolith.audit.received import Received, parse
from phonolith.audit.signed import REPORT, seal

NOON = "2026-11-30T12:00:00Z"
DIGEST = "ab" * 32


def fact(low: float, high: float | None, basis: str = "read", source: str = "tracks.csv") -> dict[str, Any]:
    return {"low": low, "high": high, "unit": "tracks", "basis": basis, "source": source, "how": "rows"}


def verdict(word: str, *facts: Mapping[str, Any], **other: Any) -> dict[str, Any]:
    """A verdict on a claim of 3 tracks."""
    claim = {"id": "rows", "sentence": "There are three.", "who": "", "where": "", "when": "", "quantity": 3}
    claim |= {"unit": "tracks", "bound": "exactly", "tolerance": 0, "of": "tracks.csv", "definition": "", "seed": ""}
    told = {"procedure": "", "verdict": word, "why": [f"why {word}"], "needed": [], "facts": list(facts)}
    return {**claim, **told, **other}


PROVEN = verdict("proven", fact(3, 3))
REFUTED = verdict("refuted", fact(4, 4))
CLAIMED = verdict("claimed")


def sampled(seed: str = "s") -> dict[str, Any]:
    return verdict("sampled", fact(2.9, 3.1, "sampled"), seed=seed, bound="about", tolerance=0.5)


def told_of(*verdicts: Mapping[str, Any], made: str = NOON, digest: str = DIGEST, **other: Any) -> dict[str, Any]:
    exhibit = {"of": "tracks.csv", "path": "tracks.csv", "whole": True, "kind": "CSV", "sha256": digest, "size": 9}
    words = {"type": REPORT, "made": made, "by": "Phonolith", "verdicts": list(verdicts), "words": {}}
    return {**words, "evidence": [exhibit], "findings": [], **other}


def signed_by(number: int, told: Mapping[str, Any], auditor: str = "") -> dict[str, Any]:
    private = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    return seal(told, auditor or f"Auditor {number}", public, lambda message: private.sign(message).hex())


def received(report: Mapping[str, Any], subject: str = "report.json") -> Received:
    return parse(json.dumps(report).encode(), subject)


def by(number: int, *verdicts: Mapping[str, Any], **other: Any) -> Received:
    """A received report by a key."""
    return received(signed_by(number, told_of(*verdicts, **other)), f"{number}.json")
