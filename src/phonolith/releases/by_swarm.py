"""Fetches chosen files of torrents from the swarm into a folder; a file stands there under its name once it is proved.

What is under way lies beside, in a hidden folder for each torrent. A run that was killed is gone on with: what lies
there is read and proved, piece by piece. The folder goes when all that was wanted of its torrent is there.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from phonolith.errors import BadInput
from phonolith.model.progress import Progress
from phonolith.releases.leech import Asked, Leech, Taken
from phonolith.releases.session import Net
from phonolith.store.files import fsync_dir, fsync_file, make_folders, printable, publish, storage_errors, temporary
from phonolith.store.metainfo import Metainfo, read
from phonolith.store.passport import Passporter

_CHUNK = 4 << 20
_OURS = ".swarm-"  # and the infohash: where the files of a torrent lie until they are proved


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of fetching: bytes that peers and web seeds gave, paths that are not there, and why, "" if all are."""

    bytes: int
    missing: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _File:
    """A wanted file: its path below the root, its number among the torrent's files, size in bytes, pieces root."""

    path: str
    number: int
    size: int
    root: bytes


@dataclass(slots=True, eq=False)
class _Torrent:
    """A torrent with what is wanted of it; ``left`` are files that are not proved yet, ``taken`` once it has begun."""

    data: bytes
    told: Metainfo
    folder: Path
    left: list[_File] = field(default_factory=list)
    taken: Taken | None = None


def fetch_by_swarm(
    torrents: Sequence[bytes | Path],
    root: Path,
    wanted: Sequence[str] | None,
    net: Net,
    *,
    have: Mapping[str, Path] | None = None,
    asked: Asked | None = None,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
) -> Moved:
    """Fetch the wanted files of these torrents, and no piece of others; all of them where ``wanted`` is None.

    Paths are as in the torrents, with the torrent's folder in front: ``BUNDLE/data/x.flac``, and so they lie below
    ``root``. What is there already and proves right is left alone; what is there and does not is where fetching goes
    on from. ``have`` are files with the bytes of a path, which are linked or copied if they prove right and never
    written to. Fetching ends when everything is there, or nobody gave anything for as long as ``asked`` says; what
    came by then stays. Raises BadInput for a torrent without a v2 side, which proves no single files, UsageError where
    libtorrent is missing, StorageError.
    """
    asked = asked or Asked()
    chosen = None if wanted is None else frozenset(wanted)
    every = [_torrent(one, root, chosen) for one in torrents]
    _check_known(chosen, every)
    with storage_errors(root):
        make_folders(root)
        for one in every:
            one.left = [file for file in one.left if not _there(one, root, file, (have or {}).get(file.path))]
    moved, problem = 0, ""
    wanting = [one for one in every if one.left]
    if wanting:
        moved, problem = _fetch(wanting, root, net, asked, progress, clock)
    for one in every:
        if not one.left:
            shutil.rmtree(one.folder, ignore_errors=True)
    missing = tuple(file.path for one in every for file in one.left)
    return Moved(moved, missing, problem if missing else "")


def _torrent(given: bytes | Path, root: Path, chosen: frozenset[str] | None) -> _Torrent:
    data = given if isinstance(given, bytes) else given.read_bytes()
    subject = "torrent" if isinstance(given, bytes) else printable(given.name)
    told = read(data, subject)
    if told.layers is None:
        raise BadInput(subject, "has no v2 side, so that nothing proves single files", "Use a hybrid or v2 torrent")
    found = _Torrent(data, told, root / f"{_OURS}{told.infohashes[1].hex()[:40]}")
    for number, one in enumerate(told.files):
        path = "/".join((told.folder, *one.path) if told.folder else one.path)
        if chosen is None or path in chosen:
            found.left.append(_File(path, number, one.size, one.root))
    return found


def _check_known(chosen: frozenset[str] | None, every: Sequence[_Torrent]) -> None:
    unknown = sorted((chosen or frozenset()) - {file.path for one in every for file in one.left})
    if unknown:
        raise BadInput(unknown[0], "is in none of these torrents", "Compare the path with the torrent's", code="path")


def _there(torrent: _Torrent, root: Path, file: _File, held: Path | None) -> bool:
    """Whether a file is there, or can be taken without the swarm; what is there and wrong goes to where it is mended.

    Only if it has no second name: a held object may be linked there, and is not to be written to.
    """
    path = root / file.path
    make_folders(path.parent)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise BadInput(printable(path), "stands where a file is to be fetched", "Remove it", code="path")
    if path.exists():
        if _proves(path, torrent, file):
            return True
        draft = torrent.folder / str(file.number)
        if path.stat().st_nlink == 1 and path.stat().st_size <= file.size and not draft.exists():
            make_folders(torrent.folder)
            path.rename(draft)
        else:
            path.unlink()
    if not file.size:
        path.touch()
        return True
    if held is not None and held.is_file() and _proves(held, torrent, file):
        _take(held, path)
        return True
    return False


def _take(held: Path, path: Path) -> None:
    try:
        path.hardlink_to(held)
        fsync_dir(path.parent)
    except OSError:  # another disk, or one without hard links
        with temporary(path.parent) as (draft, file), held.open("rb") as source:
            shutil.copyfileobj(source, file, _CHUNK)
            publish(draft, file, path)


def _fetch(
    wanting: Sequence[_Torrent], root: Path, net: Net, asked: Asked, progress: Progress, clock: Callable[[], float]
) -> tuple[int, str]:
    """Fetch what is left of these torrents; bytes that came, and what stopped it."""
    problem = ""
    with Leech(net, wanting[0].folder, asked, clock=clock) as leech:
        for one in wanting:
            order = ["/".join(file.path) for file in one.told.files]
            one.taken = leech.take(one.data, order, one.folder)
            for file in one.left:
                part = one.taken.parts[file.number]
                leech.want(one.taken, one.taken.pieces(part, 0, part.size))
        title = wanting[0].told.name if len(wanting) == 1 else f"{len(wanting)} torrents"
        problem = leech.fetch(progress, title=f"Fetching {title} from the swarm")
        moved = leech.payload()
        lacking = {id(one): leech.missing(one.taken) for one in wanting if one.taken}
    for one in wanting:
        with storage_errors(root):
            one.left = [file for file in one.left if not _placed(one, root, file, lacking[id(one)])]
    return moved, problem or "what came is not what the torrent says"


def _placed(torrent: _Torrent, root: Path, file: _File, lacking: set[int]) -> bool:
    """Give a file that came whole its name, durably, after it was proved once more."""
    taken = torrent.taken
    assert taken is not None
    part = taken.parts[file.number]
    if not lacking.isdisjoint(taken.pieces(part, 0, part.size)):
        return False
    draft = taken.place(part)
    if not (draft.is_file() and _proves(draft, torrent, file)):
        return False
    with draft.open("rb") as written:
        os.fchmod(written.fileno(), 0o644)
        fsync_file(written.fileno())
    draft.replace(root / file.path)
    fsync_dir((root / file.path).parent)
    return True


def _proves(path: Path, torrent: _Torrent, file: _File) -> bool:
    """Whether a file has the bytes that its pieces root asks for (BEP 52)."""
    if path.stat().st_size != file.size:
        return False
    passporter = Passporter(torrent.told.piece_length)
    for data in _chunks(path):
        passporter.update(data)
    return passporter.finish().root == file.root


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            yield data
