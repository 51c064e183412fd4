"""Finds out what a path is: a bag, a folder with its torrent, an archive, a stack of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from phonolith.errors import BadInput, NotFound, PhonolithError, UsageError
from phonolith.model.finding import Finding
from phonolith.releases.verify.archive import SETTINGS, archive, broken
from phonolith.releases.verify.bag import DECLARATION, bag
from phonolith.releases.verify.copies import Copy
from phonolith.releases.verify.listing import Listing
from phonolith.releases.verify.torrent import load, torrent, with_torrent
from phonolith.store.files import printable
from phonolith.store.metainfo import Metainfo

_DEEPEST = 4  # folders of a stack inside each other
_MOST_TORRENTS = 10_000

Loaded = tuple[Path, Metainfo]


def recognise(path: Path, given: Sequence[Path] = ()) -> list[Copy]:
    """The copies at a path, in order of their names; ``given`` are torrents that are said to be theirs.

    A torrent is looked for inside the folder and beside it. One that cannot be read is a copy with nothing but the
    finding that says so. Raises NotFound where nothing is there, UsageError where nothing is understood.
    """
    if not path.exists():
        raise NotFound(printable(path), "is not there", "Check the path")
    refused: list[Copy] = []
    told = list(_loaded(given, refused))
    if path.suffix == ".torrent" and path.is_file():
        told += _loaded([path], refused)
        found = [_content(path.absolute().parent, one) for one in told]
    elif path.is_dir():
        found = list(_folder(path, told or _beside(path), refused, _DEEPEST))
    else:
        found = [torrent(one[1], path.parent, one[0]) for one in told or _named(path)]
    if not (found or refused):
        problem = "is no bag and no archive, and no torrent of it is inside or beside it"
        raise UsageError(printable(path), problem, "Name its torrent with --torrent FILE")
    return found + refused


def _folder(path: Path, told: Sequence[Loaded], refused: list[Copy], depth: int) -> Iterator[Copy]:
    """The copies in a folder; ``told`` are torrents from outside that may be about it."""
    if (path / DECLARATION).is_file():
        found = bag(path)
        about = [one for one in (*told, *_inside(path, refused)) if one[1].folder == found.name or len(told) == 1]
        yield with_torrent(found, about[0][1], about[0][0]) if about else found
        return
    if (path / SETTINGS).is_file():
        try:
            yield archive(path)
        except PhonolithError as error:
            yield broken(path, error)
        return
    if told:
        yield _content(path, told[0])
        return
    inside = _inside(path, refused)
    used = set()
    for at, metainfo in inside:
        if not (path / metainfo.name / DECLARATION).is_file():
            yield _content(path, (at, metainfo))
            used.add(metainfo.name)
    for child in sorted(path.iterdir()) if depth else ():
        if child.is_dir() and not child.is_symlink() and child.name not in used:
            yield from _folder(child, [one for one in inside if one[1].folder == child.name][:1], refused, depth - 1)


def _content(path: Path, loaded: Loaded) -> Copy:
    """A torrent's copy in a folder that either is its folder or holds it; a bag if its folder is one."""
    at, metainfo = loaded
    below = path / metainfo.folder
    first = Path(*metainfo.files[0].path)
    itself = metainfo.folder and not below.is_dir() and (path.name == metainfo.folder or (path / first).exists())
    root = path if itself else below
    if (root / DECLARATION).is_file():
        return with_torrent(bag(root), metainfo, at)
    return torrent(metainfo, root, at)


def _inside(path: Path, refused: list[Copy]) -> list[Loaded]:
    """Torrents in a folder, of several about one folder the one with a v2 side: its pieces need no neighbours."""
    names = sorted(one for one in path.glob("*.torrent") if one.is_file())[:_MOST_TORRENTS]
    best: dict[str, Loaded] = {}
    for at, metainfo in _loaded(names, refused):
        before = best.get(metainfo.name)
        if before is None or (before[1].layers is None and metainfo.layers is not None):
            best[metainfo.name] = (at, metainfo)
    return list(best.values())


def _beside(path: Path) -> list[Loaded]:
    """The torrent beside a folder: called as the folder is, and about it."""
    whole = path.absolute()
    names = sorted(one for one in whole.parent.iterdir() if one.name.startswith(f"{whole.name}.") and one.is_file())
    found = list(_loaded([one for one in names if one.suffix == ".torrent"], []))
    about = [one for one in found if one[1].folder == whole.name]
    return sorted(about, key=lambda one: one[1].layers is None)[:1]


def _named(path: Path) -> list[Loaded]:
    """The torrent of a single file, beside it."""
    return [one for one in _inside(path.absolute().parent, []) if one[1].name == path.name and not one[1].folder]


def _loaded(paths: Sequence[Path], refused: list[Copy]) -> Iterator[Loaded]:
    for path in paths:
        try:
            yield path, load(path)
        except BadInput as error:
            finding = Finding(error.code, error.subject, error.problem, error.remedy, "error")
            refused.append(Copy("torrent", path.name, path.parent, {}, Listing(), (finding,), torrent=path))
