"""Register events: what a person decided, what arrived from outside, what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Every kind of event there is, with the fields its body must have. ``subjects`` are public ids.
KINDS: Mapping[str, tuple[str, ...]] = {
    "archive.created": ("name", "format"),
    "rights.attested": ("subjects", "licence", "as", "because"),  # optional: document (SHA-256), statement
    "rights.attestation_revoked": ("event", "because"),
    "item.withdrawn": ("subjects", "because", "ground"),  # ground: owner, licence, law
    "item.reinstated": ("subjects", "because"),
    "bytes.withdrawn": ("origin", "log", "ground", "digests", "subjects"),  # another archive did; optional: expunged
    "bytes.reinstated": ("origin", "log", "digests", "subjects"),
    "bytes.expunged": ("digest", "ground", "authority"),  # digest: SHA-256 of the object
    "field.set": ("subject", "field", "value", "because"),
    "field.unset": ("event", "because"),  # undo of the field.set with that sequence number
    "key.made": ("key",),  # the public half of the key that begins the log
    "key.rotated": ("key", "next", "because"),  # one signing key gave way to the next
    "release.published": ("name", "as_of", "settings", "bundles"),  # see model/publication.py
    "release.mirrored": (
        "name",
        "as_of",
        "settings",
        "bundles",
        "origin",
    ),  # the same of another archive, held here too
    "mirror.followed": ("url", "name", "budget", "licences", "tiers", "at_risk", "by"),  # see releases/following.py
    "mirror.left": ("url",),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the register.

    ``seq`` counts from 1 without gaps; ``time`` is ISO 8601 UTC; ``actor`` a random token whose name is in private/;
    ``digest`` is SHA-256 over the canonical JSON of (seq, time, actor, kind, body, previous digest).
    """

    seq: int
    time: str
    actor: str
    kind: str
    body: Mapping[str, Any]
    previous: str
    digest: str
