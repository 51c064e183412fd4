"""Other copies to repair from: a folder, a bag, an archive, a web seed. What they give is proved before it is used."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from phonolith.errors import BadInput, UsageError
from phonolith.releases.verify.copies import Copy, Expected
from phonolith.releases.verify.listing import listing, open_file
from phonolith.releases.verify.recognise import recognise
from phonolith.store.files import printable

_TIMEOUT = 60  # seconds without a byte


class Other(Protocol):
    """Another copy. Nothing it gives is trusted. ``trouble`` says why it gave less than it might, "" if it did not."""

    name: str
    trouble: str

    def read(self, one: Expected, start: int, size: int) -> bytes:
        """Bytes of the file from ``start`` on; fewer, or none, where it does not have them."""


def others(places: list[str], name: str) -> list[Other]:
    """The copies at these places, those of the same name first. Raises UsageError, NotFound."""
    found: list[Other] = []
    for place in places:
        if re.match("https?://", place):
            found.append(WebSeed(place, name))
        else:
            found += _folders(Path(place), name)
    return found


class Folder:
    """A copy on a disk: a file of it is found by its path, else by its digest or its root under any name."""

    def __init__(self, copy: Copy) -> None:
        self.name = printable(copy.root)
        self.trouble = ""
        self._copy = copy
        self._by_digest = {digest: one.path for one in copy.expected.values() for digest in _digests(one)}

    def read(self, one: Expected, start: int, size: int) -> bytes:
        """Bytes of the file, through no link."""
        path = self._copy.listing.find(one.path)
        if path is None:
            known = (self._by_digest[digest] for digest in _digests(one) if digest in self._by_digest)
            path = next((place for place in map(self._copy.listing.find, known) if place), None)
        if path is None:
            return b""
        try:
            descriptor = open_file(self._copy.root / path)
        except (OSError, BadInput):
            return b""
        with os.fdopen(descriptor, "rb") as file, contextlib.suppress(OSError):
            file.seek(start)
            return file.read(size)
        return b""


class WebSeed:
    """A web seed (BEP 19): a folder of bundles at an address, read in ranges."""

    def __init__(self, address: str, name: str) -> None:
        self.name = address
        self.trouble = ""
        self._address = f"{address.rstrip('/')}/{quote(name)}"

    def read(self, one: Expected, start: int, size: int) -> bytes:
        """Bytes of the file, by a request for that range alone."""
        single = self._address.endswith(f"/{quote(one.path)}")
        address = self._address if single else f"{self._address}/{quote(one.path)}"
        request = urllib.request.Request(address, headers=_headers(start, size))  # noqa: S310 - http(s), asked above
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                if answer.status != 206 and start:
                    return b""
                return bytes(answer.read(size))
        except (OSError, http.client.HTTPException):
            return b""


def _headers(start: int, size: int) -> Mapping[str, str]:
    return {"Range": f"bytes={start}-{start + size - 1}", "Accept-Encoding": "identity"}


def _folders(place: Path, name: str) -> Iterator[Other]:
    try:
        copies = recognise(place)
    except UsageError:  # a plain folder will do: what it gives is proved
        copies = [Copy("folder", place.absolute().name, place, {}, listing(place))]
        if (place / name).is_dir():
            copies.append(Copy("folder", name, place / name, {}, listing(place / name)))
    for copy in sorted(copies, key=lambda one: one.name != name):
        yield Folder(copy)


def _digests(one: Expected) -> Iterator[str]:
    if one.root:
        yield one.root.hex()
    yield from (digest.value for digest in one.digests)
