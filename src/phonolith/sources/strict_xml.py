"""Reads XML of strangers: no entities of its own, nothing fetched, and no deeper or larger than a caller allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from phonolith.errors import BadInput

_SEPARATOR = "}"  # expat puts it between namespace and name, as ElementTree writes them


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a document may cost: bytes, elements, how deep they stand in each other, attributes of one element."""

    size: int = 64 << 20
    elements: int = 1_000_000
    depth: int = 64
    attributes: int = 64


_BOUNDS = Bounds()


def read_xml(data: bytes, subject: str, bounds: Bounds = _BOUNDS) -> Element:
    """The root of a document; names are ``{namespace}local``, or ``local`` without a namespace.

    A document type may be named, as old feeds do, and is not fetched; one that declares entities is refused, so nothing
    in a document can be larger than the document (XML 1.0 section 4). Comments and processing instructions are left
    out. Raises BadInput with the codes ``xml.broken``, ``xml.entities``, ``xml.too-large``.
    """
    if len(data) > bounds.size:
        raise BadInput(subject, f"has {len(data):,} bytes; {bounds.size:,} are allowed", code="xml.too-large")
    reader = _Reader(subject, bounds)
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.builder.data
    parser.EntityDeclHandler = reader.entity
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        words = f"is not well-formed XML: {expat.ErrorString(error.code)} (line {error.lineno}, column {error.offset})"
        raise BadInput(subject, words, "Ask whoever answers for it", code="xml.broken") from error
    except (LookupError, ValueError) as error:  # an encoding that nobody knows
        raise BadInput(subject, f"cannot be read as XML: {error}", code="xml.broken") from error
    return reader.builder.close()


class _Reader:
    """Builds the tree and counts."""

    def __init__(self, subject: str, bounds: Bounds) -> None:
        self.builder = TreeBuilder()
        self._subject = subject
        self._bounds = bounds
        self._elements = 0
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        bounds = self._bounds
        for count, most, what in (
            (self._elements, bounds.elements, "elements"),
            (self._depth, bounds.depth, "elements inside each other"),
            (len(attributes), bounds.attributes, "attributes in one element"),
        ):
            if count > most:
                raise BadInput(self._subject, f"has more than {most:,} {what}", code="xml.too-large")
        self.builder.start(_named(name), {_named(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self.builder.end(_named(name))

    def entity(self, name: str, *_: Any) -> None:
        raise BadInput(
            self._subject, f"declares an entity of its own ({name!r}), which could be a bomb", code="xml.entities"
        )


def _named(name: str) -> str:
    return "{" + name if _SEPARATOR in name else name
