"""What a source is: its terms, its interpretation, and the one door through which all sources come.

A record names its source ``kind`` or ``kind.collection``: ``folder.my-music`` is the collection "my-music", gathered by
the source ``folder``. The public ids of everything in a collection follow from that name. A source that needs to know
more than the record says (the column map of a table) finds it in the collection's *settings record*, whose item is
``!settings`` and therefore the first of its source in a scan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from phonolith.errors import NotFound, SettingError
from phonolith.model.music import Description
from phonolith.model.record import Record

#: The item of a collection's settings record; "!" sorts before every other item a source of ours makes.
SETTINGS = "!settings"

#: The group under which sources, ours and others', are announced to Python's package metadata.
GROUP = "phonolith.sources"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_COLLECTION = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a source is read, and what of it may be passed on.

    ``metadata_licence`` is a licence code or address, "" if none is stated. ``payload_licences`` says in a sentence
    where the licence of each audio file comes from. ``publish``, ``private`` and ``withhold`` are patterns over the
    paths of a record's leaves (:meth:`disposition`). ``rate`` is requests per second, None where nothing is asked over
    a network; ``robots`` whether robots.txt is read and obeyed (False where terms of use say how a service may be
    used); ``parallel`` how many requests may be in flight to a host at a time. ``contact`` is who answers for the
    source, ``credit`` how it wants to be named, ``url`` its address.
    """

    metadata_licence: str
    payload_licences: str
    publish: tuple[str, ...]
    private: tuple[str, ...] = ()
    withhold: tuple[str, ...] = ()
    rate: float | None = None
    robots: bool = True
    parallel: int = 1
    contact: str = ""
    credit: str = ""
    url: str = ""

    def disposition(self, path: Sequence[str]) -> str:
        """What may be done with the leaf at ``path`` (keys from the root; places in lists are left out).

        The answer is ``private``, ``withhold`` (not ours to pass on) or ``publish``. A pattern is a path with ``/``
        between its segments; ``*`` stands for one segment, ``**`` for any number of them. Private wins over withheld,
        withheld over published; what no pattern names is withheld.
        """
        joined = "/".join(path)
        for kind in ("private", "withhold", "publish"):
            if any(_pattern(p).fullmatch(joined) for p in getattr(self, kind)):
                return kind
        return "withhold"


@runtime_checkable
class Source(Protocol):
    """A source. How it is gathered is in :mod:`phonolith.harvest`; this is what every source has."""

    name: str
    title: str
    terms: Terms

    def interpret(self, record: Record) -> Iterable[Description]:
        """What the record says, as descriptions: pure, without network or clock, the same for the same record.

        Raises BadInput when the payload is not what this source writes.
        """


@runtime_checkable
class ReadsMany(Protocol):
    """A source that interprets many records faster together than one by one."""

    def interpret_many(self, records: Sequence[Record]) -> Sequence[Description]:
        """What :meth:`Source.interpret` says of each, in any order.

        Raises BadInput if one of them cannot be read, without saying which; they are then asked for one by one.
        """


@runtime_checkable
class Silent(Protocol):
    """A source that describes nothing by itself: no catalogue names it."""

    silent: bool


class Records(Protocol):
    """The part of the record store that is needed to find a collection's settings."""

    def scan(self, sources: Sequence[str] | None = None) -> Iterator[Record]:
        """Current records in the order (source, item)."""


@cache
def load() -> Mapping[str, Source]:
    """Every source that is installed, by name. Raises SettingError on one that does not state its terms."""
    return {point.name: register(point) for point in _announced()}


def names() -> list[str]:
    """Names of all sources that are announced, whether or not they can be used."""
    return [point.name for point in _announced()]


def installed(name: str) -> Source | None:
    """The source of this name as it was announced, None if there is none. Raises SettingError on one that is unfit."""
    return _one(name)


def register(point: EntryPoint) -> Source:
    """Load one entry point and check it. Raises SettingError if it is not a source or states no terms."""
    subject = f"source {point.name!r}"
    try:
        source = point.load()
    except Exception as error:
        raise SettingError(subject, f"cannot be loaded: {error}", f"Reinstall or remove {point.value}") from error
    problem = _unfit(source, point.name)
    if problem:
        raise SettingError(subject, problem, "Ask its author; a source without terms is not used")
    accepted: Source = source
    return accepted


def open_source(name: str, settings: bytes | None = None) -> Source:
    """The source that interprets records of ``name`` (``table.freemusi-cc``), told its collection's ``settings``.

    Raises NotFound if no such source is installed, BadInput if it needs settings that are missing or broken.
    """
    kind, _, _ = name.partition(".")
    source = _one(kind)
    if source is None:
        known = ", ".join(point.name for point in _announced())
        raise NotFound(f"source {kind!r}", "is not installed", f"Installed are {known}")
    prepared: Callable[[str, bytes | None], Source] | None = getattr(source, "prepared", None)
    return prepared(name, settings) if prepared else source


def speaks_for(source: Source, name: str) -> str:
    """The name by which public ids of a collection's things are made: its own, unless it repeats another's words."""
    spoken: str = getattr(source, "speaks_for", name)
    return spoken


def settings_of(records: Records, name: str) -> bytes | None:
    """The payload of the settings record of source ``name``, None if it has none."""
    for record in records.scan([name]):
        return record.payload if record.item == SETTINGS else None
    return None


def collection_name(kind: str, text: str) -> str:
    """``kind.collection`` for a collection named ``text``. Raises SettingError on a name that cannot be an id."""
    if not _COLLECTION.fullmatch(text):
        raise SettingError(
            f"collection {text!r}",
            "is not a name a collection can have",
            "Use up to 64 of a-z, 0-9, - and _, beginning and ending with a letter or digit",
        )
    return f"{kind}.{text}"


def description_fields(kind: type) -> tuple[str, ...]:
    """Names of the fields of a description class, in order."""
    return tuple(f.name for f in fields(kind))


def _announced() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


@cache
def _one(kind: str) -> Source | None:
    """One source, so that a broken one does not stop the others."""
    return next((register(point) for point in _announced() if point.name == kind), None)


def _unfit(source: object, name: str) -> str:
    """Why ``source`` cannot be used, "" if it can."""
    if not _NAME.fullmatch(name):
        return "has a name that is not lower-case letters, digits, - and _"
    terms = getattr(source, "terms", None)
    if not isinstance(terms, Terms):
        return "does not state its terms"
    if not terms.publish:
        return "does not say which of its fields may be published"
    if getattr(source, "name", None) != name:
        return f"calls itself {getattr(source, 'name', None)!r}"
    return "" if isinstance(source, Source) else "lacks a title or the method interpret"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """``a/*/c`` and ``**/tags/**`` as a regular expression over joined paths."""
    if pattern == "**":
        return re.compile(".*")
    any_depth = "(?:[^/]+/)*"
    segments = [any_depth if s == "**" else re.escape(s).replace(r"\*", "[^/]*") + "/" for s in pattern.split("/")]
    tail = "(?:/.*)?" if segments[-1] == any_depth else ""
    body = "".join(segments[:-1] if tail else segments)
    return re.compile(body.removesuffix("/") + tail)
