"""Walks a folder of music and says which files make a release: discs joined, covers and logs beside their audio."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from phonolith.errors import NotFound
from phonolith.harvest.report import HarvestReport
from phonolith.sources.text import visible
from phonolith.store.files import storage_error

AUDIO = frozenset(
    [
        "mp3",
        "mp2",
        "flac",
        "ogg",
        "oga",
        "opus",
        "spx",
        "m4a",
        "m4b",
        "aac",
        "wav",
        "wave",
        "w64",
        "aif",
        "aiff",
        "aifc",
        "caf",
        "ape",
        "wv",
        "mpc",
        "mp+",
        "dsf",
        "dff",
        "wma",
        "tta",
        "tak",
        "mka",
        "alac",
        "ac3",
        "dts",
        "au",
        "ra",
        "mid",
    ]
) - {"mid"}
_IMAGES = frozenset(["jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "jxl", "avif"])
_ROLES = {
    "pdf": "booklet", "cue": "cue", "log": "log", "m3u": "playlist", "m3u8": "playlist", "pls": "playlist",
    "xspf": "playlist", "lrc": "lyrics", "nfo": "other", "sfv": "other", "md5": "other", "ffp": "other",
    "accurip": "other", "toc": "other", "sha256": "other", "txt": "other",
}  # fmt: skip
_LICENCE_NAME = re.compile(r"(?:licen[sc]e|copying|copyright)(?:[._-].*)?", re.IGNORECASE)
_COVER_NAME = re.compile(r"(?:^|[^a-z])(?:front|cover|folder|album(?:art)?|artwork)(?:[^a-z]|$)", re.IGNORECASE)
_NOT_COVER = re.compile(
    r"(?:^|[^a-z])(?:back|booklet|inlay|inside|tray|matrix|scan|page|spine|obi|cd|disc|disk|rear|insert)\d*(?:[^a-z]|$)",
    re.IGNORECASE,
)
_DISC = re.compile(
    r"(?:cd|dis[ck]|disque|disco|dvd|lp|vinyl|side|part|teil|vol(?:ume)?)[\s._#-]*0*(\d{1,3}|[a-d])(?=$|[\s._:)\]-])",
    re.IGNORECASE,
)
_DISC_AT_END = re.compile(r"(.*\S)[\s._-]*[(\[]?(?:cd|dis[ck])[\s._#-]*0*(\d{1,3})[)\]]?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A file: its path under the root with ``/`` (as the file system's functions take it), bytes, modification time."""

    path: str
    size: int
    mtime_ns: int

    @property
    def folder(self) -> str:
        """The folder it lies in, "" for the root."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """Its name without folder."""
        return self.path.rpartition("/")[2]

    @property
    def validator(self) -> str:
        """What changes when the file does."""
        return f"{self.size}:{self.mtime_ns}"


@dataclass(slots=True)
class Group:
    """The files of a release folder: ``audio`` with the number of the disc folder (0: none), ``beside`` with roles."""

    folder: str
    audio: list[tuple[Found, int]] = field(default_factory=list)
    beside: list[tuple[Found, str]] = field(default_factory=list)
    discs: list[tuple[int, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(found.size for found, _ in (*self.audio, *self.beside))


def walk(root: Path, leave: Iterable[Path], report: HarvestReport) -> tuple[list[Found], list[str]]:
    """Every regular file under ``root`` by path, and the folders that could not be read.

    Hidden files and folders, links, and the folders in ``leave`` are passed over; a link or unreadable folder is a
    finding. Raises NotFound, StorageError about ``root`` itself.
    """
    if not root.is_dir():
        raise NotFound(visible(str(root)), "is not a folder", "Check the path")
    left = {path.resolve() for path in leave}
    files: list[Found] = []
    unreadable: list[str] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError as error:
            if not folder:
                raise storage_error(root, error) from error
            unreadable.append(folder)
            remedy = "Make it readable and run the same again"
            report.found("folder.unreadable", visible(folder), f"cannot be read: {error.strerror}", remedy, "error")
            continue
        for entry in entries:
            _look(entry, f"{folder}/{entry.name}" if folder else entry.name, left, files, waiting, report)
    files.sort(key=lambda found: found.path.encode("utf-8", "surrogateescape"))
    return files, unreadable


def _look(
    entry: os.DirEntry[str], path: str, left: set[Path], files: list[Found], waiting: list[str], report: HarvestReport
) -> None:
    if entry.name.startswith("."):
        return
    try:
        if entry.is_symlink():
            report.found(
                "file.link", visible(path), "is a link and was not followed", "Harvest what it leads to", "note"
            )
        elif entry.is_dir(follow_symlinks=False):
            if Path(entry.path).resolve() not in left:
                waiting.append(path)
        elif entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            files.append(Found(path, status.st_size, status.st_mtime_ns))
    except OSError as error:
        report.found("file.unreadable", visible(path), f"cannot be read: {error.strerror}", "Check it", "error")


def group(files: list[Found], is_audio: Callable[[Found], bool]) -> tuple[list[Group], list[Found]]:
    """Files as releases, by folder, and those that belong to none.

    ``is_audio`` is asked about files whose names have no extension. A folder named CD1 or "Disc 2 - Live" belongs to
    the folder above; "Album (Disc 1)" and "Album (Disc 2)" side by side are one release called "Album".
    """
    audio = [found for found in files if extension(found) in AUDIO or (not extension(found) and is_audio(found))]
    chosen = set(audio)
    homes = _homes({found.folder for found in audio})
    groups: dict[str, Group] = {}
    for found in audio:
        home, disc, title = homes[found.folder]
        one = groups.setdefault(home, Group(home))
        one.audio.append((found, disc))
        if disc and (disc, title) not in one.discs:
            one.discs.append((disc, title))
    alone = []
    stems = {found.path.rpartition(".")[0] for found in audio}
    for found in files:
        if found in chosen:
            continue
        role = _role(found, stems)
        above = _home_above(found.folder, homes, groups)
        if role and above is not None:
            groups[above].beside.append((found, role))
        else:
            alone.append(found)
    for one in groups.values():
        one.discs.sort()
        one.beside = _covers(one.beside)
    return [groups[home] for home in sorted(groups)], alone


def extension(found: Found) -> str:
    """The extension in lower case without dot, "" if there is none."""
    stem, dot, last = found.name.rpartition(".")
    return last.lower() if dot and stem and len(last) <= 7 and " " not in last else ""


def disc_of(name: str) -> tuple[int, str] | None:
    """Number and title of a disc folder: ``CD 2 - Live`` gives (2, "Live"); None if the name is not one of a disc."""
    match = _DISC.match(name)
    if not match:
        return None
    number = match[1]
    title = name[match.end() :].strip(" .:_-()[]")
    return (int(number) if number.isdigit() else ord(number.lower()) - ord("a") + 1), title


def _homes(folders: set[str]) -> dict[str, tuple[str, int, str]]:
    """For each folder with audio: its release's folder, the number of the disc and the disc's title."""
    homes: dict[str, tuple[str, int, str]] = {}
    pairs: dict[str, list[tuple[str, int]]] = {}
    for folder in folders:
        above, _, name = folder.rpartition("/")
        disc = disc_of(name) if folder else None
        homes[folder] = (above, *disc) if disc and disc[0] else (folder, 0, "")
        if not (disc and disc[0]) and (match := _DISC_AT_END.fullmatch(name)):
            stem = match[1].rstrip(" -_.([")
            pairs.setdefault(f"{above}/{stem}" if above else stem, []).append((folder, int(match[2])))
    for home, members in pairs.items():
        if len({number for _, number in members}) > 1:
            homes.update({folder: (home, number, "") for folder, number in members})
    return homes


def _home_above(folder: str, homes: dict[str, tuple[str, int, str]], groups: dict[str, Group]) -> str | None:
    """The release that a file in this folder belongs to: that of the nearest folder upwards that has one."""
    while True:
        if folder in homes:
            return homes[folder][0]
        if folder in groups:
            return folder
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def _role(found: Found, stems: set[str]) -> str:
    """The role of a file that is not audio, "" if it is nothing that belongs to a release."""
    ending = extension(found)
    if ending in _IMAGES:
        return "image"
    if _LICENCE_NAME.fullmatch(found.name):
        return "licence"
    if ending == "txt" and found.path.rpartition(".")[0] in stems:
        return "lyrics"
    return _ROLES.get(ending, "")


def _covers(beside: list[tuple[Found, str]]) -> list[tuple[Found, str]]:
    """Images as covers or parts of the booklet by name; where none is named a cover, those not named otherwise."""
    images = [found for found, role in beside if role == "image"]
    named = [found for found in images if _COVER_NAME.search(found.name) and not _NOT_COVER.search(found.name)]
    covers = set(named or [found for found in images if not _NOT_COVER.search(found.name)])
    done = [(f, ("cover" if f in covers else "booklet") if role == "image" else role) for f, role in beside]
    return sorted(done, key=lambda pair: (pair[1] != "cover", "front" not in pair[0].name.lower(), pair[0].path))
