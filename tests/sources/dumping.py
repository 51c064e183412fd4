"""Made-up dumps of real documents, laid out as MusicBrainz lays them out, and an origin that gives them."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from phonolith.errors import NotFound
from phonolith.sources.client.answers import Downloaded, Expected, Manners, Validator
from phonolith.sources.musicbrainz import kind_of
from tests.sources.asked import Asked

MAIL = "somebody@private.example"


def documents(shared: Path) -> dict[str, list[dict[str, Any]]]:
    """Real documents by kind of entity, each id once, with what is not ours to pass on in each."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for folder in ("musicbrainz-server/derived/ws2-json", "musicbrainz-ws2-json/ws_data"):
        for path in sorted((shared / folder).glob("*.json")):
            document = json.loads(path.read_bytes())
            kind = kind_of(document)
            if kind in ("artist", "release", "release-group", "label", "work", "recording") and document.get("id"):
                document["tags"] = [{"name": "secret-tag", "count": 1}]
                document["annotation"] = f"ask {MAIL}"
                found.setdefault(kind, {})[document["id"]] = document
    return {kind: list(by_id.values()) for kind, by_id in found.items()}


def dump(kind: str, lines: Sequence[Any], sequence: int, schema: str = "1") -> bytes:
    """``<kind>.tar.xz``: what it says of itself first, then one document a line, the last without an end."""
    content = b"\n".join(
        one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode()
        for one in lines
    )
    files = {
        "TIMESTAMP": b"2026-01-01 00:00:00+00\n",
        "COPYING": b"CC0\n",
        "README": b"One document a line.\n",
        "REPLICATION_SEQUENCE": f"{sequence}\n".encode(),
        "SCHEMA_SEQUENCE": b"30\n",
        f"mbdump/{kind}": content,
        "JSON_DUMPS_SCHEMA_NUMBER": f"{schema}\n".encode(),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return lzma.compress(packed.getvalue())


@dataclass
class Origin(Asked):
    """Answers by path; ``files`` are bytes, ``asked`` what was asked, with the headers it was asked with."""

    files: dict[str, bytes]
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    stop_at: str = ""

    def told(self, url: str, headers: Mapping[str, str], manners: Manners | None, body: bytes | None) -> bytes:
        content = self._content(url, headers)
        assert manners is not None and manners.rate == 1.0
        self.bodies += [body] if body is not None else []
        return content

    async def download(
        self,
        url: str,
        folder: Path,
        *,
        cap: int,
        expect: Expected,
        manners: Manners,
        headers: Mapping[str, str],
    ) -> Downloaded:
        content = self._content(url, headers)
        digest = hashlib.sha256(content).hexdigest()
        assert expect.sha256 in ("", digest), "the client compares"
        path = folder / ".incoming-download"
        path.write_bytes(content)
        return Downloaded(path, url, len(content), digest, "", Validator())

    def _content(self, url: str, headers: Mapping[str, str]) -> bytes:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        self.asked.append((path, headers))
        if self.stop_at and self.stop_at in path:
            raise KeyboardInterrupt
        found = next((self.files[one] for one in (path, parts.path) if one in self.files), None)
        if found is None:
            raise NotFound(url, "is not there")
        return found


def full(dumps: Mapping[str, bytes], stamp: str = "20260101-001001") -> dict[str, bytes]:
    """The folder of a whole dump at its public address."""
    base = "/pub/musicbrainz/data/json-dumps"
    sums = "".join(f"{hashlib.sha256(data).hexdigest()} *{kind}.tar.xz\n" for kind, data in dumps.items())
    rows = "".join(
        f'<a href="{kind}.tar.xz">{kind}.tar.xz</a> 01-Jan-2026 00:10 {len(data)}\r\n' for kind, data in dumps.items()
    )
    files = {f"{base}/{stamp}/{kind}.tar.xz": data for kind, data in dumps.items()}
    return {
        f"{base}/LATEST": f"{stamp}\n".encode(),
        f"{base}/{stamp}/SHA256SUMS": sums.encode(),
        f"{base}/{stamp}/SHA256SUMS.asc": b"-----BEGIN PGP SIGNATURE-----\n",
        f"{base}/{stamp}/": f"<html><pre>{rows}</pre></html>".encode(),
        **files,
    }
