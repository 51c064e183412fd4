"""The source ``media``: what addresses that other sources named gave when they were asked, one record an address.

The origin's own record stays as it came; what was fetched by it is said here, and the build finds the bytes of a file
by its address. A collection ``media.x`` stands beside the collection ``x`` whose candidates were fetched.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from phonolith.errors import BadInput
from phonolith.model.music import PayloadDescription
from phonolith.model.record import Record
from phonolith.sources.base import Terms
from phonolith.sources.text import clean, holds_mail

NAME = "media"


class Fetched(msgspec.Struct, omit_defaults=True):
    """The payload of a record, whose item is the address as the source named it.

    ``sha256``, ``size`` and ``media_type`` are of the bytes that came; ``url`` is where they came from after redirects,
    ``etag`` and ``modified`` as sent. ``description`` is the source id of the track or release for which it was asked
    first, ``because`` the reason for which the gate allowed it. ``stated`` is what the source had said of size and
    digests, by name. ``codec`` is "" for bytes as they came; of a re-encoded copy that is kept in their place it is the
    copy's, and ``original`` has size and SHA-256 of what came.
    """

    sha256: str
    size: int
    media_type: str = ""
    url: str = ""
    etag: str = ""
    modified: str = ""
    description: str = ""
    because: str = ""
    stated: dict[str, str] = {}
    codec: str = ""
    original: dict[str, str] = {}


def beside(collection: str) -> str:
    """The name under which is kept what was fetched for a collection."""
    return f"{NAME}.{collection}"


def collection_of(name: str) -> str:
    """The collection that a name made by :func:`beside` stands beside; "" if it is no such name."""
    kind, _, collection = name.partition(".")
    return collection if kind == NAME else ""


class PayloadSource:
    """Says which bytes an address gave."""

    name = NAME
    title = "Files fetched from addresses that sources name"
    silent = True
    terms = Terms(
        metadata_licence="",
        payload_licences="what the source that named the address states of each file",
        publish=("sha256", "size", "media_type", "codec"),
        withhold=("url", "etag", "modified", "description", "because", "stated/**", "original/**"),
    )

    def interpret(self, record: Record) -> Iterable[PayloadDescription]:
        """The one payload that a record is about."""
        told = read(record)
        if holds_mail(record.item):
            return []  # no column shows such an address, so nothing could be found by it
        what = told.sha256, told.size, clean(told.media_type)
        return [PayloadDescription(record.item, *what, record.time, told.codec)]

    def document(self, record: Record) -> Any:
        """What the round trip is measured against."""
        told = msgspec.to_builtins(read(record))
        return {} if holds_mail(record.item) else told

    def rebuild(self, record: Record, descriptions: Iterable[object]) -> Any:
        """The record again, from its description alone."""
        for one in descriptions:
            if isinstance(one, PayloadDescription):
                codec = {"codec": one.codec} if one.codec else {}
                return {"sha256": one.sha256, "size": one.size, "media_type": one.media_type, **codec}
        return {}


def read(record: Record) -> Fetched:
    """What a record says. Raises BadInput."""
    subject = f"record {record.source} {record.item}"
    try:
        told = msgspec.json.decode(record.payload, type=Fetched)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(subject, f"does not say what was fetched: {error}", "Fetch it again") from error
    if len(told.sha256) != 64 or set(told.sha256) - set("0123456789abcdef") or told.size < 0:
        raise BadInput(subject, "names no bytes that could be held", "Fetch it again")
    return told


SOURCE = PayloadSource()
