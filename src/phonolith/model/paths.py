"""Names of files that are safe on every system: what is wrong with one, and when two are the same to some disk."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

#: Bytes of one part of a path that every common file system takes.
LONGEST_PART = 255
#: Bytes of a whole path below the folder it is unpacked into: Windows' old limit of 260 leaves room for a folder.
LONGEST_PATH = 4_096
DEEPEST = 64

_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in "123456789¹²³"))
)
# C0, C1, and what turns around the order of the text after it: a name must be what it looks like.
_HIDING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_UNFIT = re.compile(r"""[<>:"|?*/\\\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]""")
_DRIVE = re.compile("[A-Za-z]:")
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]|^ |[ .]$')


def fault(parts: Sequence[str]) -> tuple[str, str] | None:
    """What makes a stranger's relative path unsafe to write to a disk: a code and a sentence's end; None if nothing.

    Refused are what leads out of the folder, what no file system can hold, and what some system would take for
    something else: its devices, and names with characters that hide or reorder text.
    """
    if not parts:
        return "path.empty", "has no name"
    if len(parts[0]) == 2 and _DRIVE.fullmatch(parts[0]):
        return "path.traversal", "begins with a drive of Windows"
    if len(parts) > DEEPEST or len("/".join(parts).encode("utf-8", "replace")) >= LONGEST_PATH:
        return "path.too-long", "is too long or too deep"
    for part in parts:
        if found := _fault(part):
            return found
    return None


def portable(parts: Sequence[str]) -> bool:
    """Whether a path is safe and every common system can hold it under just this name, as ours have to be."""
    return fault(parts) is None and not any(_NOT_ON_WINDOWS.search(part) for part in parts)


def fitted(text: str, otherwise: str, longest: int = 120) -> str:
    """A text as one part of a portable path, as readable as it can stay; ``otherwise`` where nothing is left of it.

    ``longest`` is in bytes. What disks refuse becomes "_"; normal form C, which most systems write.
    """
    plain = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    plain = re.sub(r"\s+", " ", _UNFIT.sub("_", re.sub(r"\s", " ", plain)))
    plain = plain.encode()[:longest].decode("utf-8", "ignore").strip(" .")
    if plain.split(".")[0].rstrip(" ").lower() in _DEVICES:
        plain = f"_{plain}"
    return plain or otherwise


def collisions(paths: Iterable[Sequence[str]]) -> list[tuple[Sequence[str], Sequence[str]]]:
    """Pairs of paths of files that are one file to a disk that does not know case or normal forms.

    A file whose path is a folder of another's collides with that.
    """
    folders: dict[tuple[str, ...], Sequence[str]] = {}
    files: dict[tuple[str, ...], Sequence[str]] = {}
    found: list[tuple[Sequence[str], Sequence[str]]] = []
    for path in paths:
        key = folded(path)
        if key in files:
            found.append((files[key], path))
        files.setdefault(key, path)
        if key[:-1] not in folders:  # else those above it are there too
            for length in range(1, len(key)):
                folders.setdefault(key[:length], path)
    found += [(path, folders[key]) for key, path in files.items() if key in folders]
    return found


def folded(path: Sequence[str]) -> tuple[str, ...]:
    """The path as a disk sees it that knows neither case, nor normal forms, nor dots and blanks at the end of a name.

    APFS is one of the first two, Windows of the first and the last.
    """
    return tuple([(part.lower() if part.isascii() else _fold(part)).rstrip(" .") or part for part in path])


def _fold(part: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", unicodedata.normalize("NFD", part).casefold()))


@lru_cache(4096)  # of a hundred thousand paths, most parts are the same few folders
def _fault(part: str) -> tuple[str, str] | None:
    if part.rstrip(" ") in ("", ".", ".."):  # Windows leaves blanks at the end of a name away
        return "path.traversal", "leads out of its folder or nowhere"
    if "/" in part or "\\" in part:
        return "path.separator", "has a separator inside a name"
    if _HIDING.search(part):
        return "path.hiding", "has characters that hide or reorder text"
    if part.split(".")[0].rstrip(" ").lower() in _DEVICES:
        return "path.reserved", "is a device on Windows"
    if len(part.encode("utf-8", "replace")) > LONGEST_PART:
        return "path.too-long", "is too long or too deep"
    return None
