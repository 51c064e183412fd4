"""A torrent mapped onto the object store: how libtorrent is told where each file is, and which it does not get.

No held object is ever written: the torrent is in upload mode, in which nothing is asked of a peer, and it is not
managed, so that libtorrent does not leave that mode by itself. If all files are given, it is in seed mode: nothing is
read before somebody asks for it, and each piece is checked when it is given for the first time. If files are kept back,
it has every piece but theirs, and wants none.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonolith.errors import Damaged
from phonolith.releases.session import with_trackers
from phonolith.store.files import storage_errors


@dataclass(frozen=True, slots=True)
class Task:
    """A torrent to be given: metainfo, its files' paths in order, where those that are given lie.

    ``uploaded`` is what was given of it before, in bytes; ``trackers`` are told of it beside its own.
    """

    metainfo: bytes
    order: Sequence[str]
    places: Mapping[str, Path]
    uploaded: int = 0
    trackers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Mapped:
    """What libtorrent is told, the path of each file by the name it knows it by, and of each piece."""

    parameters: Any
    names: Mapping[str, str]
    pieces: Mapping[str, range]


def mapped(lt: Any, task: Task, folder: Path) -> Mapped:
    """Map a torrent. ``lt`` is libtorrent, ``folder`` where it may make links and empty files.

    Raises Damaged where the metainfo does not have these files or one of them has another size, StorageError.
    """
    parameters = lt.load_torrent_buffer(task.metainfo)
    layout = parameters.ti.layout()
    indices = [at for at in range(layout.num_files()) if not layout.file_flags(at) & lt.file_storage.flag_pad_file]
    if len(indices) != len(task.order):
        raise Damaged(parameters.name, "its torrent has other files than its manifest", "Restore it from a mirror")
    pieces = {path: _pieces(layout, at) for at, path in zip(indices, task.order, strict=True)}
    renamed = {
        at: _name(task.places[path], layout.file_size(at), folder)
        for at, path in zip(indices, task.order, strict=True)
        if path in task.places and layout.file_size(at)  # it makes empty files itself, and would open ours for that
    }
    parameters.renamed_files = renamed
    parameters.save_path = str(folder)
    lost = [pieces[path] for path in task.order if path not in task.places]
    _flags(lt.torrent_flags, parameters, layout.num_pieces(), lost)
    _addresses(parameters, task)
    by_index = dict(zip(indices, task.order, strict=True))
    return Mapped(parameters, {name: by_index[at] for at, name in renamed.items()}, pieces)


def _flags(flag: Any, parameters: Any, count: int, lost: Sequence[range]) -> None:
    if lost:
        have = [True] * count
        for pieces in lost:
            have[pieces.start : pieces.stop] = [False] * len(pieces)
        parameters.have_pieces = have
        # Not by file: libtorrent 2.1.1 reads unwanted files from a part file that is not there, and crashes. Not in
        # seed mode: it would leave that.
        parameters.piece_priorities = [0] * count
    mode = flag.no_verify_files if lost else flag.seed_mode
    parameters.flags |= flag.upload_mode | flag.override_web_seeds | flag.override_trackers | mode
    parameters.flags &= ~(flag.auto_managed | flag.paused)


def _addresses(parameters: Any, task: Task) -> None:
    """Trackers of its own and of ours; no web seeds, for what is given is not fetched."""
    parameters.url_seeds = []
    with_trackers(parameters, task.trackers)


def _pieces(layout: Any, at: int) -> range:
    """The pieces of a file, which are nobody else's: files begin at pieces of their own."""
    length, begin, size = layout.piece_length(), layout.file_offset(at), layout.file_size(at)
    return range(begin // length, -(-(begin + size) // length)) if size else range(0)


def _name(place: Path, size: int, folder: Path) -> str:
    """A path that libtorrent can be told, which takes UTF-8 alone: the file's own, or that of a link to it."""
    with storage_errors(place):
        found = place.stat().st_size
    if found != size:
        raise Damaged(str(place), f"has {found:,} bytes where the torrent says {size:,}", "Restore it from a mirror")
    name = str(place)
    try:
        name.encode()
    except UnicodeEncodeError:
        link = folder / hashlib.sha256(os.fsencode(place)).hexdigest()
        with storage_errors(link):
            link.unlink(missing_ok=True)
            link.symlink_to(place)
        return str(link)
    return name
