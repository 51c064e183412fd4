"""What the client is told and what it answers: manners, limits, validators, answers, downloads."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from phonolith.errors import BadInput, SettingError
from phonolith.sources.base import Terms
from phonolith.store.passport import Passport

#: Requests a second to a host about which no source says anything.
DEFAULT_RATE = 1.0

_PLAIN = re.compile(r"[ -~]{1,1000}")


@dataclass(frozen=True, slots=True)
class Manners:
    """How a host is asked: ``rate`` requests a second, ``parallel`` in flight at a time, robots.txt obeyed or not.

    Where robots.txt asks for more patience (Crawl-delay, Request-rate), that counts. ``robots`` is False only where
    terms of use say how a service may be used; redirects to another host are then under the default manners again.
    """

    rate: float = DEFAULT_RATE
    parallel: int = 1
    robots: bool = True

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.parallel >= 1):
            problem = f"{self.rate} requests a second, {self.parallel} at a time, is never"
            raise SettingError("manners", problem, "State a rate above 0 in the source's terms")

    @classmethod
    def of(cls, terms: Terms) -> Manners:
        """The manners that a source's terms ask for."""
        return cls(DEFAULT_RATE if terms.rate is None else terms.rate, terms.parallel, terms.robots)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer may cost. Times in seconds, sizes in bytes; each has its code in ``codes``.

    ``body`` caps the body, unpacked and as sent; ``ratio`` how many times larger than sent it may unpack to, beyond a
    first 256 KiB. ``connect``: until there is a connection; ``head``: until all headers came; ``idle``: without one
    byte; ``total``: the whole answer; ``floor``: least bytes a second of a body, on average, after ``grace``.
    ``tries`` counts the first one; ``unframed`` accepts a body that ends when the connection closes and cannot prove
    that it is whole; ``leaves_host``: whether redirects may lead to another host.
    """

    body: int = 32 << 20
    ratio: int = 200
    connect: float = 20.0
    head: float = 60.0
    idle: float = 30.0
    total: float = 600.0
    floor: int = 512
    grace: float = 30.0
    tries: int = 5
    redirects: int = 10
    unframed: bool = False
    leaves_host: bool = True


#: For files: they may take a day, as long as they keep coming.
FILES = Limits(total=86_400.0, floor=2048)


@dataclass(frozen=True, slots=True)
class Validator:
    """By what an origin recognises a version (RFC 9110 section 8.8): entity tag and date, as sent; "" if none."""

    etag: str = ""
    modified: str = ""

    @classmethod
    def told(cls, headers: Mapping[str, str]) -> Validator:
        """What an answer's headers say; what could not be sent back as it is, is left out."""
        etag, modified = (headers.get(name, "") for name in ("ETag", "Last-Modified"))
        return cls(etag if _PLAIN.fullmatch(etag) else "", modified if _PLAIN.fullmatch(modified) else "")

    @property
    def strong(self) -> str:
        """The entity tag if it is strong: the only validator by which bytes may be put together; else ""."""
        return self.etag if len(self.etag) > 2 and self.etag[0] == '"' == self.etag[-1] else ""

    def __bool__(self) -> bool:
        return bool(self.etag or self.modified)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``status`` is 2xx, or 304 (then without body) where a validator was sent.

    ``url`` is the address after redirects, ``kind`` the media type in lower case without parameters ("" if not told),
    ``charset`` its parameter, ``body`` unpacked, ``sent`` the body's bytes on the wire, ``headers`` all headers by
    name in any case.
    """

    status: int
    url: str
    kind: str
    charset: str
    body: bytes
    sent: int
    validator: Validator
    headers: Mapping[str, str] = field(repr=False)

    @property
    def unchanged(self) -> bool:
        """Whether the origin still has the version that was asked about."""
        return self.status == 304

    def json(self, kind: Any = Any) -> Any:
        """The body as JSON in UTF-8 (RFC 8259), read into ``kind``; a byte order mark is passed over (section 8.1).

        Raises BadInput (``http.json``), also on what Python alone would take: NaN, other encodings, half a surrogate
        pair.
        """
        try:
            return msgspec.json.decode(self.body.removeprefix(BOM_UTF8), type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise BadInput(self.url, f"is not JSON: {error}", "Look at what it answers", code="http.json") from None


@dataclass(frozen=True, slots=True)
class Expected:
    """What somebody said of a file before it was fetched; "" and None: nothing. Digests in hexadecimal.

    ``kind`` is the beginning of a media type (``audio/``): a page where a file should be is then refused.
    """

    size: int | None = None
    sha256: str = ""
    sha1: str = ""
    md5: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A whole file at ``path``, a temporary name in the folder that was given: not yet durable, the caller's to move.

    ``passport`` is of the bytes as they were written, so that nobody has to read them again; ``resumed`` how many of
    them an earlier try left.
    """

    path: Path
    url: str
    passport: Passport
    kind: str
    validator: Validator
    resumed: int = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return self.passport.size

    @property
    def sha256(self) -> str:
        """SHA-256 in hexadecimal."""
        return self.passport.sha256.hex()


class Asks(Protocol):
    """The part of the client that a source is given."""

    async def get(
        self,
        url: str,
        *,
        manners: Manners = ...,
        limits: Limits = ...,
        validator: Validator | None = None,
        accept: str = "*/*",
        headers: Mapping[str, str] = ...,
        body: bytes | None = None,
    ) -> Answer:
        """The answer at ``url``; see :meth:`phonolith.sources.client.client.Client.get`."""
