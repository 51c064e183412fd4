"""Fetches bundles that another archive publishes, as far as they are not held already, into folders to be taken in.

Addresses come from the other archive's index; bytes from its web seed, each file checked against the bag's manifest
and the manifest against the torrent before a byte of music is fetched.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urljoin, urlsplit

from phonolith import __version__
from phonolith.errors import BadInput, NotFound, StorageError, UsageError
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.model.publication import Publication
from phonolith.store import metainfo
from phonolith.store.bag import HEADS, MANIFEST, TAG_MANIFEST, Bag, read_bag
from phonolith.store.files import make_folders, printable, storage_errors
from phonolith.store.metainfo import Metainfo
from phonolith.store.objects import ObjectStore
from phonolith.store.passport import Passporter
from phonolith.verifier import State, Unreadable, check_log, check_state, read_head, read_json

_CHUNK = 1 << 20
_LARGEST_ANSWER = 64 << 20
_PATIENCE = 60.0  # seconds without a byte
_REFUSED = (403, 410, 451)


@dataclass(frozen=True, slots=True)
class Offer:
    """A bundle as the other archive's index offers it: ``torrents`` are (kind, address, v1 and v2 infohash)."""

    name: str
    licence: str
    tier: str
    size: int
    torrents: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which bundles to take: of these licences and tiers (none: all), together no more than ``budget`` bytes."""

    licences: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A bundle's folder, ready to be taken in; what the other archive does not offer any more, or sent wrongly."""

    folder: Path
    moved: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Here:
    """What is asked of this archive: whether an object is held, and which heads of an archive's log were seen before.

    ``seen`` takes the archive's name and gives files of heads, as in its bundles.
    """

    has: Callable[[str], bool]
    seen: Callable[[str], Sequence[bytes]] = lambda _: ()


#: Gives the bytes of an address, in pieces, from an offset on. Raises NotFound, BadInput, StorageError.
Get = Callable[[str, int], Iterator[bytes]]


def offers(url: str, get: Get) -> list[Offer]:
    """Everything that the archive at ``url`` offers, newest first. Raises BadInput where its index is none."""
    found: list[Offer] = []
    after: str | None = ""
    while after is not None:
        query = f"?{urlencode({'after': after})}" if after else ""
        index = _json(get, f"{url}/releases.json{query}")
        try:
            for publication in index["publications"]:
                current = [one for one in publication["bundles"] if one["offered"] and not one["replaced_by"]]
                found += [_offer(url, one) for one in current]
            following = index["next"]
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(
                url, f"its index of releases cannot be read: {error!r}", "Is it a Phonolith library?"
            ) from error
        if following == after:
            raise BadInput(url, "its index of releases leads in a circle", "Ask its operator")
        after = following
    return found


def choose(every: Sequence[Offer], wanted: Wanted, held: Mapping[str, int]) -> list[Offer]:
    """The offers to take, in order, within the budget; ``held`` are bundles that are here already, with their bytes.

    What is here counts against the budget. Smaller bundles go first among equals, so that more of them have a copy.
    """
    left = None if wanted.budget is None else wanted.budget - sum(held.values())
    found = []
    for one in sorted(every, key=lambda one: one.size):
        fits = (not wanted.licences or one.licence in wanted.licences) and (
            not wanted.tiers or one.tier in wanted.tiers
        )
        if one.name in held or not fits or (left is not None and one.size > left):
            continue
        found.append(one)
        left = None if left is None else left - one.size
    return found


def fetch(url: str, offer: Offer, folder: Path, here: Here, get: Get, *, progress: Progress) -> Fetched:
    """Fetch a bundle below ``folder``: torrents, tag files, and of the payload what is not held.

    What lies there from an earlier run is gone on with. A file that is refused or wrong is a finding and left out.
    Raises BadInput where torrent, tag files and manifest do not belong together, or the bundle's signed head is not
    properly signed or contradicts what was seen of that archive before; StorageError.
    """
    root = folder / offer.name
    with storage_errors(folder):
        make_folders(root)
    told = _torrents(offer, folder, get)
    bag = _tags(url, offer.name, root, told, get)
    _check_heads(bag, here)
    sizes = {"/".join(file.path): file.size for file in told.files}
    missing = [path for path, digest in bag.payload.items() if not here.has(digest)]
    progress.start(f"Fetching {offer.name}", sum(sizes[path] for path in missing), "bytes")
    moved = 0
    findings = []
    for path in missing:
        address = f"{url}/bundle/{quote(offer.name, safe='')}/{quote(path)}"
        try:
            moved += _file(root / path, sizes[path], bag.payload[path], get, address, progress)
        except (NotFound, BadInput) as error:
            findings.append(Finding("mirror.not-fetched", path, error.problem, error.remedy))
    progress.finish()
    return Fetched(root, moved, tuple(findings))


def heads_seen(objects: ObjectStore, past: Sequence[Publication], origin: str) -> list[bytes]:
    """The files of signed heads in bundles of an archive that are held here already."""
    tags = [bundle.tags.get(HEADS) for one in past if one.origin == origin for bundle in one.bundles]
    return [objects.path(digest).read_bytes() for digest in dict.fromkeys(tags) if digest]


def over_http(contact: str) -> Get:
    """A getter over HTTP with ranges, that says who asks."""
    agent = f"Phonolith/{__version__} ({contact or 'no contact given'})"

    def get(url: str, offset: int) -> Iterator[bytes]:
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(url, "is no address of the web", "Give one that begins with https:// or http://")
        headers = {"User-Agent": agent} | ({"Range": f"bytes={offset}-"} if offset else {})
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme is looked at above
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - as above
                if offset and answer.status != 206:
                    raise BadInput(url, "does not go on in the middle of a file", "Delete the part that is there")
                while data := answer.read(_CHUNK):
                    yield data
        except HTTPError as error:
            words = "is refused there" if error.code in _REFUSED else "is not there"
            raise NotFound(url, f"{words} ({error.code} {error.reason})") from error
        except (URLError, TimeoutError, http.client.HTTPException, ConnectionError) as error:
            raise StorageError(url, f"cannot be fetched: {error}", "Try again later; what is here is kept") from error

    return get


def _offer(url: str, told: Mapping[str, Any]) -> Offer:
    torrents = tuple(
        (str(one["kind"]), urljoin(f"{url}/", str(one["url"])), str(one["v1"]), str(one["v2"]))
        for one in told["torrents"]
    )
    return Offer(str(told["name"]), str(told["licence"]), str(told["tier"]), int(told["size"]), torrents)


def _torrents(offer: Offer, folder: Path, get: Get) -> Metainfo:
    """Fetch the metainfo files beside the bundle's folder; each has to be of the infohashes in the index."""
    found = []
    for kind, url, one, two in offer.torrents:
        data = _whole(get, url)
        told = metainfo.read(data, url)
        if (told.infohashes[0].hex(), told.infohashes[1].hex()) != (one, two) or told.folder != offer.name:
            raise BadInput(url, "is another torrent than the index says", "Ask the operator of that archive")
        name = f"{offer.name}.torrent" if kind == "hybrid" else f"{offer.name}.{told_kind(told)}.torrent"
        with storage_errors(folder / name):
            (folder / name).write_bytes(data)
        found.append(told)
    whole = next((told for told in found if told.layers is not None), None)
    if whole is None:
        raise BadInput(offer.name, "has no torrent that proves single files", "Ask for a hybrid or v2 torrent")
    return whole


def told_kind(told: Metainfo) -> str:
    """``v1`` or ``v2``, of a torrent with one side."""
    return "v1" if told.layers is None else "v2"


def _tags(url: str, name: str, root: Path, told: Metainfo, get: Get) -> Bag:
    """Fetch the tag files, proved by the torrent's roots, and read the bag. Raises BadInput."""
    for file in told.files:
        path = "/".join(file.path)
        if path.startswith("data/"):
            continue
        data = _whole(get, f"{url}/bundle/{quote(name, safe='')}/{quote(path)}")
        passporter = Passporter(told.piece_length)
        passporter.update(data)
        if (len(data), passporter.finish().root) != (file.size, file.root):
            raise BadInput(f"{name}/{path}", "is not what the torrent says", "Ask the operator of that archive")
        with storage_errors(root / path):
            make_folders((root / path).parent)
            (root / path).write_bytes(data)
    for needed in (MANIFEST, TAG_MANIFEST):
        if not (root / needed).is_file():
            raise BadInput(name, f"has no {needed}", "It is no bundle of a Phonolith archive", code="bag.incomplete")
    bag = read_bag(root)
    listed = {"/".join(file.path) for file in told.files}
    if listed != {*bag.payload, *bag.tags}:
        raise BadInput(name, "its torrent and its manifest name different files", code="bundle.lists-differ")
    return bag


def _check_heads(bag: Bag, here: Here) -> None:
    """Raise where a bundle's signed head is not what such a head has to be, or what was seen before excludes it."""
    subject = f"{bag.root.name}/{HEADS}"
    before = [_state(one, subject) for one in here.seen(bag.info.get("Source-Organization", ""))]
    told = bag.tags.get(HEADS)
    if told is None:
        if before:
            raise BadInput(subject, "is missing, although that archive signs what it publishes", code="mirror.log")
        return
    state = _state(told, subject)
    problems = check_state(state)
    for seen in before:
        if seen.heads[-1].log != state.heads[-1].log:
            raise BadInput(subject, "is of another log than that archive's earlier bundles", code="mirror.log")
        found = check_log(seen, state)
        problems += found.problems if found.verdict == "refuted" else []
    if problems:
        words = "; ".join(f"{one.subject}: {one.problem}" for one in problems)
        raise BadInput(subject, words, "Show both heads to whoever mirrors that archive", code="mirror.log")


def _state(lines: bytes, subject: str) -> State:
    try:
        return State([read_head(read_json(line)) for line in lines.splitlines()])
    except Unreadable as error:
        raise BadInput(subject, f"has a line that is no head: {error}", code="mirror.log") from error


def _file(path: Path, size: int, digest: str, get: Get, url: str, progress: Progress) -> int:
    """Fetch one file to its place, going on with what is there; returns the bytes that were moved."""
    with storage_errors(path):
        make_folders(path.parent)
        whole = hashlib.sha256()
        have = path.stat().st_size if path.is_file() else 0
        if have > size:
            path.unlink()
            have = 0
        if have:
            with path.open("rb") as file:
                while data := file.read(_CHUNK):
                    whole.update(data)
            progress.advance(have)
        moved = 0
        with path.open("ab") as file:
            for data in get(url, have) if have < size else ():
                moved += len(data)
                if have + moved > size:
                    raise BadInput(url, f"has more than {size:,} bytes", "Ask the operator of that archive")
                file.write(data)
                whole.update(data)
                progress.advance(len(data))
        if whole.hexdigest() != digest:
            path.unlink()
            raise BadInput(printable(path), "is not what the manifest says", "Try again, or get it from another mirror")
    return moved


def _json(get: Get, url: str) -> Any:
    try:
        return json.loads(_whole(get, url))
    except ValueError as error:
        raise BadInput(url, f"is not JSON: {error}", "Is it a Phonolith library?") from error


def _whole(get: Get, url: str) -> bytes:
    parts, size = [], 0
    for data in get(url, 0):
        size += len(data)
        if size > _LARGEST_ANSWER:
            raise BadInput(url, f"answers with more than {_LARGEST_ANSWER:,} bytes", "Ask its operator")
        parts.append(data)
    return b"".join(parts)
