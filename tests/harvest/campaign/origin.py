"""What is harvested: a repository, lists, items, music and pictures of one server on loopback, always the same."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.harvest.archive_org import ArchiveOrg
from tests.harvest.serving import Answers, Reply
from tests.harvest.test_killed import repository

BY = "https://creativecommons.org/licenses/by/4.0/"
_LARGE = 300_000  # bytes of the files that are fetched in parts
_RANGE = re.compile(r"bytes=(\d+)-")


def answers() -> Answers:
    """A server of all of it: ``/oai``, what archive.org answers, and its files by ranges."""
    files = _files()
    there = ArchiveOrg(_items(files), size=3)
    listed = repository(_held())

    def answer(path: str, headers: Mapping[str, str]) -> Reply | None:
        plain = urlsplit(path).path
        if plain == "/services/search/v1/scrape":
            query = {name: some[0] for name, some in parse_qs(urlsplit(path).query).items()}
            return _json(there.part_of_list(query))
        if plain.startswith("/metadata/"):
            return _json(there.items.get(plain.removeprefix("/metadata/"), {}))
        if plain.startswith("/download/"):
            return _file(files.get(unquote(plain.removeprefix("/download/"))), headers)
        return listed(path, headers)

    return answer


def _held() -> dict[str, tuple[str, str | None]]:
    """Ten records; what one of them says is so long that it is held as an object."""
    long = " ".join(f"Part {number}" for number in range(400))
    return {f"oai:x:{n}": (f"2026-01-{n:02}T00:00:00Z", long if n == 5 else f"T{n}") for n in range(1, 11)}


def _files() -> dict[str, bytes]:
    chance = random.Random(4)
    sizes = {
        "i0/01.flac": 5_000,
        "i0/02.flac": _LARGE,
        "i0/cover.jpg": 2_000,
        "i1/01.flac": 70_000,
        "i2/01.flac": 3_000,
    }
    sizes |= {"i3/01.flac": _LARGE + 7, "i4/01.flac": 0, "i4/02.flac": 9_000}
    made = {name: chance.randbytes(size) for name, size in sizes.items()}
    return {**made, "i4/01.flac": made["i2/01.flac"]}  # the same bytes under two names


def _items(files: Mapping[str, bytes]) -> dict[str, Any]:
    """A collection and six items of it, of which one has no file."""
    items: dict[str, Any] = {"netlabels": {"metadata": {"identifier": "netlabels", "mediatype": "collection"}}}
    for number in range(6):
        name = f"i{number}"
        said = {
            "identifier": name,
            "mediatype": "audio",
            "title": f"T {name}",
            "collection": ["netlabels"],
            "licenseurl": BY,
        }
        own = {path.partition("/")[2]: data for path, data in files.items() if path.startswith(f"{name}/")}
        items[name] = {"metadata": said, "files": [_stated(path, data) for path, data in own.items()]}
    return items


def _stated(name: str, data: bytes) -> Mapping[str, str]:
    digests = {kind: hashlib.new(kind, data).hexdigest() for kind in ("md5", "sha1")}
    form = "Flac" if name.endswith(".flac") else "JPEG"
    return {"name": name, "source": "original", "format": form, "title": name, "size": str(len(data)), **digests}


def _json(said: object) -> Reply:
    return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()


def _file(data: bytes | None, headers: Mapping[str, str]) -> Reply | None:
    if data is None:
        return None
    told = {"Content-Type": "application/octet-stream", "ETag": f'"{hashlib.md5(data).hexdigest()}"'}
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range") != told["ETag"]:
        return 200, told, data
    start = int(found[1])
    return 206, told | {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}, data[start:]
