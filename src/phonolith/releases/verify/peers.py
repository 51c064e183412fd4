"""The swarm as another copy to repair from: what is bad is fetched piece by piece beside the copy, and proved again.

Which torrents: the one that the copy is recognised by, those that an archive published or mirrors, or a magnet link.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from phonolith.errors import BadInput, PhonolithError, TimedOut, UsageError
from phonolith.library import publications
from phonolith.model.progress import Progress
from phonolith.model.publication import Torrent
from phonolith.releases.leech import Asked, Leech, Part, Taken
from phonolith.releases.session import Net
from phonolith.releases.verify.copies import Copy, Expected
from phonolith.releases.verify.verdicts import Verdict
from phonolith.store.archive import Archive
from phonolith.store.files import printable, storage_errors
from phonolith.store.metainfo import Metainfo, read

SWARM = "swarm"
_MAGNET = "magnet:"
_PEER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^/:\s]+):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Reach:
    """How peers are reached where a swarm is repaired from."""

    net: Net
    asked: Asked


def is_swarm(place: str) -> bool:
    """Whether ``--from`` names peers: ``swarm``, a magnet link or ``host:port``, and no file of that name is there."""
    return place == SWARM or place.startswith(_MAGNET) or bool(_PEER.fullmatch(place) and not Path(place).exists())


class Peers:
    """What peers have of a copy. Use as a context manager; then nothing of it is left but what was repaired."""

    def __init__(self, copy: Copy, places: Sequence[str], reach: Reach) -> None:
        """``places`` are what :func:`is_swarm` is true of. With addresses alone nobody else is asked."""
        self.name = "the swarm"
        self.trouble = ""
        self._copy = copy
        self._magnets = [place for place in places if place.startswith(_MAGNET)]
        named = tuple(place for place in places if place != SWARM and not place.startswith(_MAGNET))
        self._own = SWARM in places or bool(named and not self._magnets)
        net, asked = replace(reach.net, peers=reach.net.peers + named), reach.asked
        if len(named) == len(places):
            net = replace(net, dht=False, lsd=False, upnp=False, peers=named)
            asked = replace(asked, nobody_else=True)
        self._net, self._asked = net, asked
        self._folder = _beside(copy)
        self._leech: Leech | None = None
        self._taken: list[Taken] = []
        self._parts: dict[str, tuple[Taken, Part] | None] = {}  # by the path that is expected

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._leech is not None:
            self._leech.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def fetch(self, verdicts: Sequence[Verdict], progress: Progress) -> None:
        """Fetch the pieces that the files of these verdicts lack; what nobody gave is said in ``trouble``.

        Raises UsageError where libtorrent is missing, or nothing can listen.
        """
        try:
            with storage_errors(self._folder):
                self._fetch(verdicts, progress)
        except UsageError:
            raise
        except PhonolithError as error:
            self._say(str(error))

    def read(self, one: Expected, start: int, size: int) -> bytes:
        """Bytes of the file, as far as they were fetched."""
        if one.path not in self._parts:
            self._parts[one.path] = next(filter(None, (_in(taken, one) for taken in self._taken)), None)
        found = self._parts[one.path]
        if found is None or self._leech is None:
            return b""
        taken, part = found
        pieces = [self._leech.piece(taken, number) for number in taken.pieces(part, start, size)]
        skip = (part.offset + start) % taken.piece_length
        return b"".join(pieces)[skip : skip + min(size, part.size - start)] if all(pieces) else b""

    def _fetch(self, verdicts: Sequence[Verdict], progress: Progress) -> None:
        self._leech = Leech(self._net, self._folder, self._asked)
        left = {one.path: one for one in verdicts}
        links = list(self._magnets)
        for data, told in self._torrents(links):
            known = {file.root for file in told.files} | {"/".join(file.path) for file in told.files}
            if any(self._copy.expected[path].root in known or path in known for path in left):
                order = ["/".join(file.path) for file in told.files]
                folder = self._folder / (told.infohashes[1] or told.infohashes[0]).hex()[:40]
                self._want(self._leech.take(data, order, folder), left)
            if not left:
                break
        for link in links:
            if left:
                self._ask(link, left, progress)
        if left:
            self._say(f"{len(left)} of {len(verdicts)} files are in no torrent that is known")
        self._say(self._leech.fetch(progress, title=f"Fetching from the swarm: {self._copy.name}"))

    def _want(self, taken: Taken, left: dict[str, Verdict]) -> None:
        """Want of a torrent what is bad in the files that are left, and are in it; they are left no more."""
        assert self._leech is not None
        self._taken.append(taken)
        pieces: set[int] = set()
        index = {key: part for part in taken.parts for key in (part.path, part.root) if key}
        for verdict in list(left.values()):
            one = self._copy.expected[verdict.path]
            part = index.get(one.root) or index.get(one.path)
            if part is not None and _is(one, part):
                known = verdict.ranges if one.size is not None else ()  # else nobody knows where it ends
                for begin, end in known or ((0, part.size),):
                    pieces.update(taken.pieces(part, begin, end - begin))
                self._parts[one.path] = taken, part
                del left[verdict.path]
        self._leech.want(taken, pieces)

    def _ask(self, link: str, left: dict[str, Verdict], progress: Progress) -> None:
        assert self._leech is not None
        folder = self._folder / hashlib.sha256(link.encode()).hexdigest()[:40]
        try:
            self._want(self._leech.take_magnet(link, folder, progress), left)
        except (TimedOut, BadInput) as error:
            self._say(str(error))

    def _say(self, text: str) -> None:
        self.trouble = "; ".join(one for one in (self.trouble, text) if one)

    def _torrents(self, links: list[str]) -> Iterable[tuple[bytes, Metainfo]]:
        """Torrents of the copy, with what is in them; ``links`` gets those of which the metainfo itself is damaged."""
        if self._own and self._copy.torrent is not None:
            data = self._copy.torrent.read_bytes()
            return [(data, read(data, printable(self._copy.torrent.name)))]
        if self._own and self._copy.kind == "archive":
            return self._published(links)
        return []

    def _published(self, links: list[str]) -> Iterator[tuple[bytes, Metainfo]]:
        """The torrents that an archive published or mirrors, newest first; where one is damaged, a link instead."""
        archive = Archive.open(self._copy.root)
        with archive.register() as register:
            every = publications.publications(register.events())
        with archive.objects() as objects:
            for bundle in (one for each in reversed(every) for one in each.bundles):
                torrent = next((one for one in bundle.torrents if one.v2), None)
                if torrent is None:
                    continue
                with suppress(PhonolithError, OSError):
                    data = objects.path(torrent.sha256).read_bytes()
                    if hashlib.sha256(data).hexdigest() == torrent.sha256:
                        yield data, read(data, bundle.name)
                        continue
                links.append(_link(torrent))


def _link(torrent: Torrent) -> str:
    topics = [f"xt=urn:btih:{torrent.v1}"] if torrent.v1 else []
    return f"magnet:?{'&'.join([*topics, f'xt=urn:btmh:1220{torrent.v2}'])}"


def _in(taken: Taken, one: Expected) -> tuple[Taken, Part] | None:
    part = next((part for part in taken.parts if _is(one, part)), None)
    return (taken, part) if part else None


def _is(one: Expected, part: Part) -> bool:
    """Whether a file of a torrent is the expected one: by its root if both have one, else by its path and size."""
    if one.root and part.root:
        return one.root == part.root
    return one.path == part.path and one.size in (None, part.size)


def _beside(copy: Copy) -> Path:
    """Where pieces lie until they are used: on the disk of the copy, and in no folder whose contents are listed."""
    root = copy.root.absolute()
    if copy.kind == "archive":
        return root / "state" / "repair"
    return (root if copy.name in copy.expected else root.parent) / f".{copy.name}.swarm"
