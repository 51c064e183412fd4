"""A libtorrent session that takes: chosen pieces of torrents, each proved by its hash, into a folder of our own.

What is wanted is said piece by piece and never file by file: for a file that is not wanted libtorrent keeps a part
file, for a piece that is not wanted it keeps nothing. Files lie in the folder under numbers, so that no name in a
torrent leads anywhere, and what lies there from a run that was killed is read and proved before it counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from phonolith.errors import BadInput, StorageError, TimedOut
from phonolith.model.progress import Progress
from phonolith.releases.session import Net, call, keep_nodes, libtorrent, mask, opened, with_trackers
from phonolith.store.files import make_folders

_LOOK_EVERY = 200  # milliseconds without news
_CALL_EVERY = 5.0  # seconds between calls to the peers that are known
_DISK = 60.0  # seconds for bytes that are here to be read, or written
_TRACKERS = 2.0  # seconds for a tracker to answer what it was told, before it is told that we leave
_AGAIN = 10.0  # seconds without anything, after wrong bytes, until it is begun anew with every peer
_MOST_TROUBLES = 3  # trackers that a message names

#: Of libtorrent: a peer that has nothing to give now may have it soon, and one that hung up may be back.
_EAGER = {"close_redundant_connections": False, "min_reconnect_time": 5, "max_failcount": 30}


@dataclass(frozen=True, slots=True)
class Asked:
    """How to fetch: ``trackers`` beside a torrent's own, whether from web seeds too.

    ``patience`` is how many seconds may pass in which nobody gives anything that is wanted. ``nobody_else``: only the
    peers that are named are asked, and none is looked for.
    """

    trackers: tuple[str, ...] = ()
    web_seeds: bool = True
    patience: float = 120.0
    nobody_else: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a torrent: its path, its bytes, its pieces root (b"" in version 1), where it begins in the stream.

    ``number`` counts files, padding left out; the file is called so while it is being taken.
    """

    path: str
    size: int
    root: bytes
    offset: int
    number: int


@dataclass(slots=True, eq=False)
class Taken:
    """A torrent that pieces are taken of; what is in it is known once its metainfo is."""

    handle: Any
    folder: Path
    parameters: Callable[[], Any]
    parts: tuple[Part, ...] = ()
    piece_length: int = 0
    wanted: set[int] = field(default_factory=set)

    def pieces(self, part: Part, start: int, size: int) -> range:
        """The pieces that have these bytes of a file; none for no bytes."""
        begin, end = part.offset + start, part.offset + min(start + size, part.size)
        return range(begin // self.piece_length, -(-end // self.piece_length)) if end > begin else range(0)

    def place(self, part: Part) -> Path:
        """Where the file lies while it is being taken."""
        return self.folder / str(part.number)


class Leech:
    """A session that takes. ``folder`` is for what libtorrent keeps for itself. Use as a context manager."""

    def __init__(self, net: Net, folder: Path, asked: Asked, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Listen, at any port: a seeder may be at the one that is set. Raises UsageError, StorageError."""
        self._lt = libtorrent()
        self._net = replace(net, listen=tuple(f"{one.rpartition(':')[0]}:0" for one in net.listen))
        self._folder, self._asked, self._clock = folder, asked, clock
        make_folders(folder)
        self._session, _ = opened(self._lt, self._net, folder, _EAGER)
        self._taken: list[Taken] = []
        self._read: dict[int, bytes] = {}  # pieces that were asked for, of one torrent at a time
        self._flushed = self._wrong = self._announcing = self._moved = 0
        self._turn = -1  # whose turn it is of the known peers, once it is not all of them at once
        self._outside: dict[str, str] = {}
        self._called = float("-inf")

    def __enter__(self) -> Leech:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave, with everything written that came."""
        if self._net.dht:
            keep_nodes(self._lt, self._session, self._folder)
        self._flushed = 0
        for one in self._taken:
            one.handle.flush_cache()
        self._until(lambda: self._flushed >= len(self._taken), _DISK)
        self._until(lambda: self._announcing <= 0, _TRACKERS)  # else "completed" may arrive behind "stopped"
        for one in self._taken:
            self._session.remove_torrent(one.handle)
        self._taken = []
        del self._session  # returns when all of that is done

    def take(self, metainfo: bytes, order: Sequence[str], folder: Path) -> Taken:
        """Begin with a torrent, of which nothing is wanted yet; ``order`` are its files' paths in order, padding apart.

        What lies in the folder is proved and counts. Raises StorageError.
        """
        return self._begin(lambda: self._lt.load_torrent_buffer(metainfo), folder, order)

    def take_magnet(self, link: str, folder: Path, progress: Progress) -> Taken:
        """Begin with a magnet link (BEP 9): ask peers for the metainfo first. Raises TimedOut, BadInput."""
        try:
            parameters = self._lt.parse_magnet_uri(link)
            parameters.save_path = str(folder)
            parameters.flags |= self._lt.torrent_flags.default_dont_download
            _prepare(self._lt, parameters, self._asked)
            handle = self._session.add_torrent(parameters)
        except RuntimeError as error:
            raise BadInput(link, f"is no magnet link: {error}", "Compare it with the one that was published") from error
        progress.start("Asking for the torrent", None, "")
        until = self._clock() + self._asked.patience
        while not handle.status().has_metadata and self._clock() < until:
            self._call([handle])
            self._hear()
        progress.finish()
        found = handle.torrent_file() if handle.status().has_metadata else None
        self._session.remove_torrent(handle)
        if found is None:
            problem = f"for {self._asked.patience:.0f} s nobody gave its metainfo{self._circumstances()}"
            raise TimedOut(link, problem, "Give the torrent itself, or try again later")

        def known() -> Any:
            parameters = self._lt.parse_magnet_uri(link)  # with its trackers and peers, and now with what is in it
            parameters.ti = found
            return parameters

        return self._begin(known, folder, ())

    def want(self, taken: Taken, pieces: Iterable[int]) -> None:
        """Want these pieces too."""
        new = set(pieces) - taken.wanted
        taken.wanted |= new
        taken.handle.prioritize_pieces([(piece, 4) for piece in sorted(new)])
        self._called = float("-inf")

    def fetch(self, progress: Progress, *, title: str = "Fetching from the swarm") -> str:
        """Fetch all that is wanted; "" when it is there, else what stopped it. Raises StorageError."""
        progress.start(title, sum(_size(one, one.wanted) for one in self._taken), "bytes")
        shown, most, last = 0, -1, self._clock()
        begun = last
        try:
            while any(self.missing(one) for one in self._taken):
                status = [one.handle.status() for one in self._taken]
                self._raise_errors(status)
                done = sum(one.total_wanted_done for one in status)
                reading = self._turn < 0 and any(one.state in _checking(self._lt) for one in status)
                if done > most or reading:
                    progress.advance(max(done - max(most, shown), 0))
                    shown, most, last = max(shown, done), max(most, done), self._clock()
                    begun = last
                peers = sum(one.num_peers for one in status)
                progress.note(f"{peers} peer{'' if peers == 1 else 's'}, {_rate(status)}")
                if self._clock() - last > self._asked.patience:
                    return self._why(peers)
                if self._wrong and self._clock() - begun > min(_AGAIN, self._asked.patience / 4):
                    begun = self._begin_again()
                self._call([one.handle for one in self._taken])
                self._hear()
        finally:
            progress.finish()
        return ""

    def missing(self, taken: Taken) -> set[int]:
        """The pieces that are wanted and not here."""
        have = taken.handle.status(self._lt.torrent_handle.query_pieces).pieces
        return {piece for piece in taken.wanted if piece >= len(have) or not have[piece]}

    def payload(self) -> int:
        """Bytes of payload that came in this session."""
        return self._moved + sum(int(one.handle.status().total_payload_download) for one in self._taken)

    def piece(self, taken: Taken, number: int) -> bytes:
        """The bytes of a piece, which libtorrent proved when it came; b"" where it is not here."""
        if not taken.handle.have_piece(number):
            return b""
        self._read.clear()
        taken.handle.read_piece(number)
        self._until(lambda: number in self._read, _DISK)
        return self._read.pop(number, b"")

    def _begin(self, load: Callable[[], Any], folder: Path, order: Sequence[str]) -> Taken:
        make_folders(folder)
        layout = load().ti.layout()
        pad = self._lt.file_storage.flag_pad_file
        indices = [at for at in range(layout.num_files()) if not layout.file_flags(at) & pad]
        paths = order or [_below(layout.file_path(at)) for at in indices]
        parts = tuple(
            Part(path, layout.file_size(at), _root(layout, at), layout.file_offset(at), number)
            for number, (path, at) in enumerate(zip(paths, indices, strict=True))
        )

        def parameters() -> Any:
            found = load()
            found.renamed_files = {at: str(number) for number, at in enumerate(indices)}
            found.piece_priorities = [0] * layout.num_pieces()
            found.save_path = str(folder)
            _prepare(self._lt, found, self._asked)
            return found

        handle = self._session.add_torrent(parameters())
        self._taken.append(Taken(handle, folder, parameters, parts, layout.piece_length()))
        return self._taken[-1]

    def _call(self, handles: Iterable[Any]) -> None:
        """Call the peers that are known, again and again: who was not there may be now."""
        if self._clock() - self._called >= _CALL_EVERY:
            self._called = self._clock()
            peers = self._net.peers
            if self._turn >= 0 and peers:
                peers = (peers[self._turn % len(peers)],)
            for one in handles:
                call(one, peers)

    def _begin_again(self) -> float:
        """Take every torrent out and put it back, with what came of it, and call one of the known peers alone.

        A piece that several peers gave parts of and that is wrong counts against all of them, so that libtorrent soon
        bans the honest along with the liar; in a new torrent nobody is banned.
        """
        for one in self._taken:
            self._moved += int(one.handle.status().total_payload_download)
            self._session.remove_torrent(one.handle)
            one.handle = self._session.add_torrent(one.parameters())
            one.handle.prioritize_pieces([(piece, 4) for piece in sorted(one.wanted)])
        self._turn += 1
        self._called = float("-inf")
        return self._clock()

    def _until(self, what: Callable[[], bool], seconds: float) -> None:
        until = self._clock() + seconds
        while not what() and self._clock() < until:
            self._hear()

    def _hear(self) -> None:
        """Wait for news for a moment, and take note of them."""
        lt = self._lt
        self._session.wait_for_alert(_LOOK_EVERY)
        for one in self._session.pop_alerts():
            if isinstance(one, lt.read_piece_alert):
                self._read[one.piece] = bytes(one.buffer) if one.size else b""
            elif isinstance(one, lt.cache_flushed_alert):
                self._flushed += 1
            elif isinstance(one, lt.hash_failed_alert):
                self._wrong += 1
            elif isinstance(one, lt.tracker_announce_alert):
                self._announcing += 1
            elif isinstance(one, lt.tracker_error_alert):
                self._announcing -= 1
                self._outside[one.tracker_url()] = one.error_message() or one.error.message()
            elif isinstance(one, lt.tracker_reply_alert):
                self._announcing -= 1
                self._outside.pop(one.tracker_url(), None)
            elif isinstance(one, lt.dht_bootstrap_alert):
                self._session.apply_settings({"alert_mask": mask(lt)})
                for taken in self._taken:
                    taken.handle.force_dht_announce()

    def _raise_errors(self, statuses: Iterable[Any]) -> None:
        for one in statuses:
            if one.errc.value():
                raise StorageError(
                    one.name, f"cannot be written: {one.errc.message()}", "Free some space, then run the same again"
                )

    def _why(self, peers: int) -> str:
        met = f"{peers} peer{' is' if peers == 1 else 's are'} connected" if peers else "no peer was found"
        return f"for {self._asked.patience:.0f} s nobody gave anything of it; {met}{self._circumstances()}"

    def _circumstances(self) -> str:
        some = "1 piece that came was" if self._wrong == 1 else f"{self._wrong} pieces that came were"
        found = [f"{some} wrong and thrown away"] if self._wrong else []
        found += [f"{url}: {text}" for url, text in self._outside.items()][:_MOST_TROUBLES]
        return "".join(f"; {one}" for one in found)


def _prepare(lt: Any, parameters: Any, asked: Asked) -> None:
    flags = lt.torrent_flags
    if not asked.web_seeds or asked.nobody_else:
        parameters.url_seeds = []
    if asked.nobody_else:
        parameters.trackers, parameters.tracker_tiers = [], []
        parameters.flags |= flags.disable_dht | flags.disable_lsd | flags.disable_pex
    else:
        with_trackers(parameters, asked.trackers)
    parameters.flags |= flags.override_web_seeds | flags.override_trackers
    parameters.flags &= ~(flags.auto_managed | flags.paused)


def _checking(lt: Any) -> Collection[Any]:
    """States in which what lies there is read."""
    states = lt.torrent_status.states
    return states.checking_files, states.checking_resume_data


def _size(taken: Taken, pieces: Collection[int]) -> int:
    layout = taken.handle.torrent_file().layout()
    return sum(layout.piece_size(piece) for piece in pieces)


def _rate(statuses: Iterable[Any]) -> str:
    return f"{sum(one.download_payload_rate for one in statuses) / 1e6:.1f} MB/s"


def _below(path: str) -> str:
    """A path below the torrent's folder; of a single file its name."""
    return path.partition("/")[2] or path


def _root(layout: Any, at: int) -> bytes:
    found = bytes(layout.root(at).to_bytes()) if layout.v2() else b""
    return found if any(found) else b""
