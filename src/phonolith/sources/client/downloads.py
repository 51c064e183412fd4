"""One file on its way to the disk: digested as it comes, and resumed only where the origin proves that it is the same.

Two things have to hold before bytes of two answers are put together: the origin repeats a strong validator (RFC 9110
section 13.1.5), and the last bytes that are here come again. Digests, where somebody stated them, decide at the end.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import ClientResponse
from yarl import URL

from phonolith.errors import PhonolithError
from phonolith.model.finding import Finding
from phonolith.sources.client import bodies
from phonolith.sources.client.address import shown
from phonolith.sources.client.answers import Downloaded, Expected, Limits, Validator
from phonolith.sources.client.codes import verdict
from phonolith.sources.client.parts import Part
from phonolith.store.files import TEMPORARY
from phonolith.store.passport import Passporter

_OVERLAP = 16 << 10  # bytes that have to come again
_HEAD = 512  # bytes by which a page is recognised
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class Download:
    """A context manager; leaving it without :meth:`finish` keeps what may be resumed and removes everything else."""

    def __init__(
        self,
        folder: Path,
        url: URL,
        limits: Limits,
        expect: Expected,
        report: Callable[[Finding], None],
    ) -> None:
        self._part = Part(folder, str(url), proved=bool(expect.sha256 or expect.sha1 or expect.md5))
        self._limits, self._expect, self._report = limits, expect, report
        self._subject = shown(url)
        self._ranges = True  # until the origin lies about them
        self._from = 0
        self._resumed = 0
        self._again = b""  # what has to come again before anything is added
        self._forget()

    def __enter__(self) -> Self:
        self._part.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._part.close(keep=error is not None and self._may_be_resumed(error))

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self._size

    async def prepare(self) -> None:
        """Digest what an earlier run left, in a thread."""
        if self._part.size and not self._size:
            await asyncio.to_thread(self._digest_kept)

    def headers(self) -> dict[str, str]:
        """What to ask with now: from the end of what is here, if that may be."""
        self._from, self._again = 0, b""
        asked = {"Accept-Encoding": "identity"}
        etag = self._validator.strong
        if self._size and etag and self._ranges:
            self._from = max(0, self._size - _OVERLAP)
            self._again = self._part.read(self._from, self._size - self._from)
            asked |= {"Range": f"bytes={self._from}-", "If-Range": etag}
        return asked

    async def take(self, response: ClientResponse, intake: bodies.Intake) -> bool:
        """Write what comes. False: what was here is of no use, ask again from the start. Raises a verdict."""
        if response.status == 416:
            return self._start_again("there is nothing where the rest should be")
        if response.status == 206:
            if lie := self._lie(response):
                return self._start_again(lie)
            self._resumed = self._size
        else:
            self._forget()
            self._again, self._from = b"", 0
            self._validator = Validator.told(response.headers)
        self._kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        self._look_at_head(response)
        try:
            await intake.pump(response, self._write)
        except _Different:
            return self._start_again("other bytes come where those that are here should come again")
        intake.prove_framed(response)
        self._url = str(response.url)
        return self._whole()

    def finish(self) -> Downloaded:
        """The whole file, under a temporary name that is the caller's."""
        path = self._part.folder / f"{TEMPORARY}{secrets.token_hex(8)}"
        self._part.become(path)
        passport = self._passporter.finish()
        return Downloaded(path, self._url, passport, self._kind, self._validator, self._resumed)

    def _forget(self) -> None:
        """Begin with nothing."""
        expect = self._expect
        self._size = self._resumed = 0
        self._total: int | None = None
        self._head = b""
        self._url = self._kind = ""
        self._validator = Validator()
        self._passporter = Passporter()
        stated = [name for name in ("sha1", "md5") if getattr(expect, name)]
        self._digests = {name: hashlib.new(name, usedforsecurity=False) for name in stated}
        if self._part.is_open:
            self._part.truncate()

    def _digest_kept(self) -> None:
        etag = self._part.etag
        for piece in self._part.pieces():
            self._count(piece)
        self._validator = Validator(etag)

    def _start_again(self, why: str) -> bool:
        self._report(Finding("http.range-lie", self._subject, f"cannot be resumed: {why}", "It is fetched whole"))
        self._ranges = False
        self._forget()
        return False

    def _lie(self, response: ClientResponse) -> str:
        """What is wrong with a 206 (RFC 9110 section 15.3.7), "" if nothing is."""
        found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        etag = response.headers.get("ETag", "")
        if not found:
            return "it does not say which bytes it sends"
        first, last, total = (int(number) for number in found.groups())
        if first != self._from or last + 1 != total:
            return f"bytes {first:,} to {last:,} of {total:,} come for those from {self._from:,}"
        if total < self._size:
            return "it is shorter than what is here"
        if etag and etag != self._validator.strong:
            return "it is another version"
        if response.content_length is not None and response.content_length != last - first + 1:
            return "it sends more or less than it says"
        if total > self._limits.body:
            raise verdict("http.large", self._subject, f"{total:,} bytes declared, {self._limits.body:,} taken")
        self._total = total
        return ""

    def _look_at_head(self, response: ClientResponse) -> None:
        packing = response.headers.get("Content-Encoding", "").strip().lower()
        expect = self._expect
        if packing not in ("", "identity") and not (expect.sha256 or expect.sha1 or expect.md5):
            raise verdict("http.encoding", self._subject, f"{packing[:40]}, and no digest tells which bytes are meant")
        if response.status == 200:
            self._total = response.content_length
            if expect.size is not None and self._total not in (None, expect.size):
                raise verdict("http.size", self._subject, f"{self._total:,} bytes for {expect.size:,}")
        self._refuse_page(b"")

    def _refuse_page(self, head: bytes) -> None:
        wanted = self._expect.kind
        if wanted and not wanted.startswith("text/") and bodies.looks_like_a_page(self._kind, head):
            raise verdict("http.kind", self._subject, f"{self._kind or 'no media type'} for {wanted}")

    def _write(self, data: bytes) -> None:
        if self._again:
            known = min(len(self._again), len(data))
            if data[:known] != self._again[:known]:
                raise _Different
            self._again, data = self._again[known:], data[known:]
        if data:
            self._count(data)
            if self._size > self._limits.body:
                raise verdict("http.large", self._subject, f"more than {self._limits.body:,} bytes")
            self._part.write(data, self._validator.strong)

    def _count(self, data: bytes) -> None:
        self._size += len(data)
        self._passporter.update(data)
        for digest in self._digests.values():
            digest.update(data)
        if len(self._head) < _HEAD:
            self._head += data[: _HEAD - len(self._head)]
            if len(self._head) == _HEAD:
                self._refuse_page(self._head)

    def _whole(self) -> bool:
        """Whether all is there and as stated. Raises a verdict if no other try can mend it."""
        self._refuse_page(self._head)
        if self._total is not None and self._size < self._total:
            raise verdict("http.cut", self._subject, f"{self._size:,} of {self._total:,} bytes")
        wrong = self._unlike_stated()
        if wrong is not None and self._resumed:
            return self._start_again("put together, the parts are another file")
        if wrong is not None:
            raise wrong
        return True

    def _unlike_stated(self) -> PhonolithError | None:
        if self._expect.size is not None and self._expect.size != self._size:
            return verdict("http.size", self._subject, f"{self._size:,} bytes for {self._expect.size:,}")
        for name in ("sha256", "sha1", "md5"):
            stated = getattr(self._expect, name).lower()
            found = self._passporter.sha256 if name == "sha256" else self._digests[name].hexdigest() if stated else ""
            if stated and stated != found:
                return verdict("http.digest", self._subject, f"{name} {found} for {stated}")
        return None

    def _may_be_resumed(self, error: BaseException) -> bool:
        """Whether the next run may go on: not if the bytes themselves were refused."""
        code = error.code if isinstance(error, PhonolithError) else ""
        bad = code in ("http.kind", "http.large", "http.encoding", "http.size", "http.digest")
        return not bad and bool(self._validator.strong) and self._ranges


class _Different(Exception):
    """The bytes that come again are others."""
