"""What is in a folder, looked at without following a link and without reading a file."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from phonolith.errors import BadInput
from phonolith.store.files import storage_error

#: How files are opened: no link is followed, and no pipe waited on.
OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Seen(NamedTuple):
    """A regular file that is there. All of it together tells these bytes from what lay there before, unread."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(slots=True)
class Listing:
    """A folder's contents, by path below it with ``/``. ``odd`` has what is no file and why it is not looked into."""

    files: dict[str, Seen] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)
    _forms: dict[str, str] = field(default_factory=dict)

    def find(self, path: str) -> str | None:
        """The path as it is on the disk, which may write accents in another normal form (RFC 8493, section 5.2)."""
        if path in self.files:
            return path
        if path.isascii():
            return None
        if not self._forms:
            self._forms = {unicodedata.normalize("NFC", one): one for one in self.files if not one.isascii()}
        return self._forms.get(unicodedata.normalize("NFC", path))

    def obstacle(self, path: str) -> str:
        """What stands where a file should be, or above it: "is a symbolic link, …"; "" where nothing does."""
        parts = path.split("/")
        return next((odd for end in range(1, len(parts) + 1) if (odd := self.odd.get("/".join(parts[:end])))), "")


def listing(root: Path, *below: str) -> Listing:
    """List a folder, or only some folders in it; what cannot be listed is in ``odd``."""
    found = Listing()
    for path, odd, status in _walk(root, list(below or ("",))):
        if status is None:
            found.odd[path] = odd
        else:
            found.files[path] = seen(status)
    return found


def seen(status: os.stat_result) -> Seen:
    """What a status says of a file's identity."""
    return Seen(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def open_file(path: Path | str) -> int:
    """A descriptor of a regular file that is no link, for reading. Never waits on a pipe. Raises OSError, BadInput."""
    descriptor = os.open(path, OPEN)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInput(str(path), "is no regular file", "Remove it", code="path.special")
    return descriptor


def read_small(path: Path, longest: int, code: str) -> bytes:
    """All bytes of a small text, through no link. Raises BadInput under ``code`` where it is longer, and OSError."""
    with os.fdopen(open_file(path), "rb") as file:
        data = file.read(longest + 1)
    if len(data) > longest:
        problem = f"has more than {longest:,} bytes, which are not read"
        raise BadInput(path.name, problem, "Get it again from whoever made it", code=code)
    return data


def _walk(root: Path, waiting: list[str]) -> Iterator[tuple[str, str, os.stat_result | None]]:
    """(path, what is odd about it, status of a regular file) of all that is no folder."""
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder if folder else root) as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_symlink():
                        yield path, "is a symbolic link, which is not followed", None
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        yield path, "", entry.stat(follow_symlinks=False)
                    else:
                        yield path, "is a device, a pipe or a socket", None
        except OSError as error:
            yield folder, f"cannot be looked at: {storage_error(folder, error).problem}", None
