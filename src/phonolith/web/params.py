"""What an address may ask for: each parameter with its limits, read and documented by the same value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from phonolith.errors import UsageError
from phonolith.rights.notice_forms import FORMS
from phonolith.web.names import shown


@dataclass(frozen=True, slots=True)
class Text:
    """A text of at most ``longest`` characters; with ``choices`` one of them."""

    name: str
    about: str
    longest: int = 200
    choices: tuple[str, ...] = ()
    default: str = ""
    pattern: str = ""
    where: str = "query"

    def read(self, request: Request) -> str:
        """The value. Raises UsageError."""
        text = _one(request, self)
        if text is None or (text == "" and self.where == "query"):
            return self.default
        if self.choices and text not in self.choices:
            raise UsageError(self.name, f"{self.name} is none of {', '.join(self.choices)}")
        if len(text) > self.longest:
            raise UsageError(self.name, f"{self.name} has more than {self.longest} characters")
        if self.pattern and re.fullmatch(self.pattern, text) is None:
            raise UsageError(self.name, f"{self.name} has another form than is asked for here")
        return text

    def schema(self) -> dict[str, Any]:
        """The parameter as JSON Schema."""
        schema: dict[str, Any] = {"type": "string", "maxLength": self.longest}
        if self.choices:
            schema = {"type": "string", "enum": list(self.choices)}
        if self.pattern:
            schema["pattern"] = f"^{self.pattern}$"
        return {**schema, "default": self.default} if self.default else schema


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``low`` to ``high``."""

    name: str
    about: str
    low: int
    high: int
    default: int | None = None
    where: str = "query"

    def read(self, request: Request) -> int | None:
        """The value. Raises UsageError."""
        text = _one(request, self)
        if text is None or text == "":
            return self.default
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or not self.low <= int(text) <= self.high:
            raise UsageError(self.name, f"{self.name} has to be a whole number from {self.low} to {self.high}")
        return int(text)

    def schema(self) -> dict[str, Any]:
        """The parameter as JSON Schema."""
        schema: dict[str, Any] = {"type": "integer", "minimum": self.low, "maximum": self.high}
        return schema if self.default is None else {**schema, "default": self.default}


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no: ``true``, ``false``, and from forms ``1``."""

    name: str
    about: str
    where: str = "query"

    def read(self, request: Request) -> bool:
        """The value. Raises UsageError."""
        text = _one(request, self) or "false"
        if text not in ("true", "false", "1", "0"):
            raise UsageError(self.name, f"{self.name} has to be true or false")
        return text in ("true", "1")

    def schema(self) -> dict[str, Any]:
        """The parameter as JSON Schema."""
        return {"type": "boolean", "default": False}


Parameter = Text | Whole | Flag


def _one(request: Request, parameter: Parameter) -> str | None:
    if parameter.where == "path":
        return str(request.path_params[parameter.name])
    values = request.query_params.getlist(parameter.name)
    if len(values) > 1:
        raise UsageError(parameter.name, f"{parameter.name} is given more than once")
    return values[0] if values else None


def number(parameter: Whole, request: Request) -> int:
    """The value of a number that has a default."""
    value = parameter.read(request)
    assert value is not None
    return value


# What the pages and the API have in common.
WORDS = Text("q", "Words to look for; the last one may be the beginning of a word.")
KIND = Text("kind", "What to look for.", choices=("track", "release", "artist"), default="track")
ANY_KIND = Text("kind", "What to look for; without it, the best of each.", choices=("track", "release", "artist"))
LICENCE = Text("licence", "Code or family of the licence, as in CC-BY-4.0 or by-sa.", longest=40)
FROM = Whole("from", "Earliest year.", 1, 9999)
TO = Whole("to", "Latest year.", 1, 9999)
GENRE = Text("genre", "Name or key of the genre.", longest=100)
LABEL = Text("label", "Words of the label's name.", longest=100)
LONGER = Whole("longer", "At least so many minutes.", 0, 9999)
SHORTER = Whole("shorter", "At most so many minutes.", 0, 9999)
HELD = Flag("held", "Only what is held here.")
AFTER = Text("after", "The key `next` of the page before.", longest=200)
LIMIT = Whole("limit", "Most rows of the answer.", 1, 100, default=20)
ID = Text("id", "The public id.", longest=16, pattern="[a-z2-7]{16}", where="path")
KEY = Text("key", "The genre's key: its name, folded.", where="path")
YEAR = Whole("year", "The year.", 1, 9999, where="path")
SEED = Text("seed", "What the draw follows from; the same seed gives the same draw.", longest=40)
PLAYABLE = Flag("playable", "Only what can be played from here.")
BUNDLE = Text("name", "The bundle's name.", longest=250, where="path")
BUNDLE_AFTER = Text("after", "The key `next` of the answer before: a bundle's name.", longest=250)
BUNDLES = Whole("limit", "Most bundles of the answer.", 1, 1000, default=100)
FILES_AFTER = Whole(
    "after", "How many files to pass over: the key `next` of the answer before.", 0, 1_000_000, default=0
)
SINCE = Whole(
    "since", "The size of an older head, which the newest is linked to; without it the newest itself.", 1, 2**59
)
COLLECTION = Text("collection", "Only this collection, as in folder.demo.", longest=140)
WHAT = Text(
    "what",
    "Only this kind of change.",
    choices=("appeared", "changed", "vanished", "moved", "merged", "stricter"),
)
LOG = Text("log", "The log's name: SHA-256 of its first key.", longest=64, pattern="[0-9a-f]{64}", where="path")

NOTICE = Text("notice", "The number of a notice.", longest=12, pattern="[a-z2-7]{12}", where="path")
NOTICE_AFTER = Text(
    "after", "The key `next` of the answer before: the number of a notice.", longest=12, pattern="[a-z2-7]{12}"
)
NOTICE_FORM = Text("form", "Which form.", choices=("", *FORMS))
NOTICE_ITEM = Text("item", "What it is about.", longest=300)
TOKEN = Text("token", "What a link that was sent ends with.", longest=32, pattern="[A-Za-z0-9_-]{32}", where="path")

DOOR_AFTER = Whole("after", "How many releases to pass over.", 0, 1_000_000, default=0)
DOOR_TOLD = Text("told", "What was just done.", choices=("", "seen", "soon", "missed", "renewed", "said"))


def is_id(text: str) -> bool:
    """Whether a text is a public id by its form."""
    return re.fullmatch(ID.pattern, text) is not None


def words(request: Request) -> str:
    """The words of a search, as they may be shown."""
    return shown(WORDS.read(request)).strip()
