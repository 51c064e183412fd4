"""Builds the bodies of register events by which a person decides about rights, refusing what makes no sense."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from phonolith.errors import UsageError
from phonolith.model.ids import split_reference
from phonolith.model.licence import Licence
from phonolith.rights.licences import parse

CAPACITIES = ("rightsholder", "licensee")
GROUNDS = ("owner", "licence", "law")

_SHA256 = re.compile("[0-9a-f]{64}")
_LONGEST_REASON = 2_000  # characters; a register is no place for documents


def attestation(
    subjects: Iterable[str], *, licence: str, capacity: str, because: str, document: str = ""
) -> dict[str, Any]:
    """The body of one ``rights.attested`` event for any number of items.

    ``subjects`` are public ids or references (``track:…``); ``licence`` an address or identifier; ``document`` the
    SHA-256 of a held object that shows it. Raises UsageError.
    """
    recognised = _licence(licence)
    if capacity not in CAPACITIES:
        raise UsageError("--as", f"{capacity!r} is not a capacity", f"Say one of {', '.join(CAPACITIES)}.")
    if document and not _SHA256.fullmatch(document):
        remedy = "Give the file, so that it is held, or the SHA-256 of an object that is."
        raise UsageError("--document", f"{document!r} is not a SHA-256 digest", remedy)
    body: dict[str, Any] = {
        "subjects": _subjects(subjects),
        "licence": recognised.uri,
        "statement": licence.strip(),
        "as": capacity,
        "because": reason(because),
    }
    return body | ({"document": document} if document else {})


def revocation(event: int, *, because: str) -> dict[str, Any]:
    """The body of a ``rights.attestation_revoked`` event; ``event`` is the sequence number of the attestation."""
    return {"event": event, "because": reason(because)}


def withdrawal(subjects: Iterable[str], *, ground: str, because: str) -> dict[str, Any]:
    """The body of an ``item.withdrawn`` event. Raises UsageError."""
    if ground not in GROUNDS:
        raise UsageError("--ground", f"{ground!r} is not a ground", f"Say one of {', '.join(GROUNDS)}.")
    return {"subjects": _subjects(subjects), "ground": ground, "because": reason(because)}


def reinstatement(subjects: Iterable[str], *, because: str) -> dict[str, Any]:
    """The body of an ``item.reinstated`` event. Raises UsageError."""
    return {"subjects": _subjects(subjects), "because": reason(because)}


def reason(because: str) -> str:
    """The words of a decision, as the register takes them. Raises UsageError."""
    text = because.strip()
    if not text:
        raise UsageError("--because", "is empty", "Say in a sentence why; it is kept in the register.")
    if len(text) > _LONGEST_REASON:
        raise UsageError("--because", f"is longer than {_LONGEST_REASON} characters", "Attach it with --document.")
    if not all(character.isprintable() or character == "\n" for character in text):
        raise UsageError("--because", "contains control characters", "Write plain text.")
    return text


def _licence(text: str) -> Licence:
    licence = parse(text)
    if licence is None:
        remedy = "Give the address of the licence, such as https://creativecommons.org/publicdomain/zero/1.0/."
        raise UsageError("--licence", f"{text!r} names no licence that is known", remedy)
    if not licence.hold:
        raise UsageError("--licence", f"{licence.title} permits nothing here", "Nothing would change by attesting it.")
    return licence


def _subjects(subjects: Iterable[str]) -> list[str]:
    """Public ids, each once, sorted, so that the same decision is the same bytes."""
    found = set()
    for reference in subjects:
        try:
            found.add(split_reference(reference)[1])
        except ValueError as error:
            raise UsageError(reference, str(error), "Copy the id from the item's page or from `search`.") from None
    if not found:
        raise UsageError("SELECTION", "names no item", "Give ids, or a selection that matches something.")
    return sorted(found)
