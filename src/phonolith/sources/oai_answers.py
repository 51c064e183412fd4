"""Answers of OAI-PMH 2.0 repositories: a list of records with what leads on from it, or the repository about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, canonicalize, tostring

from phonolith.errors import BadInput
from phonolith.sources.strict_xml import read_xml
from phonolith.sources.text import visible

OAI = "{http://www.openarchives.org/OAI/2.0/}"
DAY = "YYYY-MM-DD"
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?")


@dataclass(frozen=True, slots=True)
class Item:
    """A record of a list: ``payload`` is its element in canonical form (XML C14N 2.0), empty if it is ``deleted``."""

    identifier: str
    datestamp: str
    deleted: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of a list. ``token`` leads to the next one, "" at the end; ``total`` is how many the list has in all.

    ``nameless`` counts the records that have no identifier, or one that is none.
    """

    items: tuple[Item, ...]
    nameless: int
    token: str
    total: int | None
    time: str


@dataclass(frozen=True, slots=True)
class Repository:
    """What a repository says of itself: ``granularity`` is the form of its dates, ``deleted`` how it tells of what it
    no longer has; ``payload`` the element in canonical form, ``time`` when it was asked, by its own clock.
    """

    name: str
    granularity: str
    deleted: str
    time: str
    payload: bytes


class Refusal(BadInput):
    """The repository answers with an error of the protocol (OAI-PMH 2.0 section 3.6); ``word`` is its code."""

    def __init__(self, subject: str, word: str, text: str) -> None:
        said = f"answers {visible(word)}" + (f": {visible(text)}" if text else "")
        super().__init__(subject, said, "Check what is asked for", code="oai.error")
        self.word = word


def read_list(data: bytes, subject: str) -> Listed:
    """A part of the answer to ListRecords. Raises Refusal, BadInput (``xml.…``, ``oai.answer``)."""
    root = _root(data, subject)
    part = root.find(f"{OAI}ListRecords")
    if part is None:
        raise _strange(subject, "has no ListRecords")
    token = part.find(f"{OAI}resumptionToken")
    if token is not None and len(token):
        raise _strange(subject, "leads on by something that is no token")
    size = (token.get("completeListSize") or "").strip() if token is not None else ""
    total = int(size) if size.isdecimal() and size.isascii() and len(size) < 16 else None
    items = tuple(_items(part))
    return Listed(items, len(part.findall(f"{OAI}record")) - len(items), _text(token), total, _time(root))


def read_repository(data: bytes, subject: str) -> Repository:
    """The answer to Identify. Raises Refusal, BadInput."""
    root = _root(data, subject)
    part = root.find(f"{OAI}Identify")
    if part is None:
        raise _strange(subject, "does not say who it is")
    name, granularity, deleted = (
        _text(part.find(OAI + tag)) for tag in ("repositoryName", "granularity", "deletedRecord")
    )
    return Repository(name, granularity, deleted, _time(root), _canonical(part))


def _root(data: bytes, subject: str) -> Element:
    root = read_xml(data, subject)
    if root.tag != f"{OAI}OAI-PMH":
        raise _strange(subject, f"is a document of another kind ({visible(root.tag)})")
    for error in root.findall(f"{OAI}error"):
        raise Refusal(subject, error.get("code", ""), _text(error))
    return root


def _items(part: Element) -> Iterator[Item]:
    for record in part.findall(f"{OAI}record"):
        header = record.find(f"{OAI}header")
        if header is None or not (identifier := _text(header.find(f"{OAI}identifier"))):
            continue
        if identifier.startswith("!"):  # no URI does (section 2.4), and what we say of the collection ourselves does
            continue
        deleted = header.get("status") == "deleted"
        payload = b"" if deleted else _canonical(record)
        yield Item(identifier, _text(header.find(f"{OAI}datestamp")), deleted, payload)


def _canonical(element: Element) -> bytes:
    return canonicalize(tostring(element, encoding="unicode")).encode()


def _time(root: Element) -> str:
    """When the repository answered, by its own clock; "" where it does not say so in the form it has to."""
    text = _text(root.find(f"{OAI}responseDate"))
    return text if _TIME.fullmatch(text) else ""


def _text(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _strange(subject: str, problem: str) -> BadInput:
    return BadInput(subject, problem, "Is it the address of an OAI-PMH 2.0 repository?", code="oai.answer")
