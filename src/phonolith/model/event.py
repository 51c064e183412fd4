"""Register events: what a person decided, what arrived from outside, what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NOTICE = ("notice", "about", "items", "reach", "statement", "lacks")  # reach: how many tracks its items are
_DECIDED = ("notice", "subjects", "because", "rule")

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
    # A notice: ``about`` are ids and digests, ``sender`` a random token, ``statement`` a keyed digest of the words.
    "notice.received": (*_NOTICE, "form", "ground", "sender", "road", "confirmed"),
    "notice.confirmed": ("notice",),  # the sender opened the link that was sent to the address
    "notice.completed": _NOTICE,
    "notice.hidden": _DECIDED,  # rule: whether no person decided it
    "notice.upheld": _DECIDED,
    "notice.rejected": _DECIDED,
    "notice.reopened": ("notice", "because"),
    "notice.restored": _DECIDED,
    "notice.permanent": _DECIDED,
    "counter.received": ("notice", "counter", "sender", "statement", "lacks", "confirmed"),
    "counter.confirmed": ("notice", "counter"),
    "counter.forwarded": ("notice", "counter", "because"),  # the sender of the notice was told
    "counter.declined": ("notice", "counter", "because"),
    # The artist's door: ``door`` is the number of what a page opens, ``subject`` the artist, label or release.
    "door.proven": ("door", "subject", "kind", "page", "found", "at", "snapshot"),  # at: what was read; its SHA-256
    "door.opened": ("door", "because", "rule"),  # rule: whether no person decided it
    "door.lost": ("door", "because"),  # the code is not on the page any more
    "door.ended": ("door", "because", "undone", "subjects"),  # undone: whether what it said of these counts no more
    "door.set": ("door", "subject", "field", "value"),
    "door.linked": ("door", "subject", "rel", "url"),
    "door.covered": ("door", "subject", "sha256"),  # subject: a release
    "door.licensed": ("door", "subjects", "licence"),
    "door.withdrew": ("door", "subjects"),
    "door.undone": ("door", "event", "by", "because"),  # by: door or operator; undo of what that event said
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
