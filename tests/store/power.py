"""A disk that forgets whatever was not fsynced: files lose their bytes and folders their names at any moment.

``Disk`` watches a folder while a scenario runs in it. What ``os.fsync`` was called for is durable: a file's bytes as
they were then, a folder's names as they were then. SQLite's own syncs are watched through a VFS. ``snapshot`` builds
what a power cut at this moment would leave in the worst case; real disks forget less.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from phonolith.store.archive import Archive

Said = Callable[[str], None]
#: What is done in an archive with files of an inbox, telling what it has promised.
Scenario = Callable[[Archive, Path, Said], None]
#: Looks at what a crash left, given what had been promised.
Check = Callable[[Archive, Path, set[str]], None]


class Disk:
    """``on_step`` is called before and after everything that changes the disk."""

    def __init__(self, root: Path, step: Callable[[], None]) -> None:
        self.root = root
        self.on_step = step
        self.stepping = False
        self.one_at_a_time = threading.RLock()
        self.deaf_to: set[str] = set()  # negative controls: syncs of "file", "folder" or "sqlite" that do nothing
        self.states = 0  # how often what is durable has changed
        self._bytes: dict[int, bytes] = {}
        self._names: dict[Path, dict[str, int]] = {}
        self._pins: dict[int, int] = {}
        self._journals: set[int] = set()
        for folder, _, files in os.walk(root):
            self._sync_folder(Path(folder))
            for name in files:
                self._sync_file(Path(folder) / name)

    def step(self) -> None:
        """Something is about to change the disk, or has just done so; not what ``on_step`` itself does to it."""
        if not self.stepping:
            self.stepping = True
            self.on_step()
            self.stepping = False

    def close(self) -> None:
        for descriptor in self._pins.values():
            os.close(descriptor)

    def fsync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        kind = "folder" if path.is_dir() else "file"
        if kind not in self.deaf_to:
            (self._sync_folder if kind == "folder" else self._sync_file)(path)

    def sqlite_sync(self, path: Path) -> None:
        if "sqlite" not in self.deaf_to:
            self._sync_file(path)
            inode = path.stat().st_ino
            if path.name.endswith(("-wal", "-journal")) and inode not in self._journals:
                self._journals.add(inode)  # os_unix.c: UNIXFILE_DIRSYNC, at the first sync of a new journal only
                self._sync_folder(path.parent)

    def snapshot(self, target: Path) -> None:
        """Write what a power cut at this moment would leave."""
        self.remembered()(target)

    def remembered(self) -> Callable[[Path], None]:
        """Writes, whenever it is called, what a power cut at this moment would leave."""
        names, held = dict(self._names), dict(self._bytes)

        def build(source: Path, target: Path) -> None:
            target.mkdir()
            with contextlib.suppress(FileNotFoundError):  # a folder that is gone, but not durably
                shutil.copymode(source, target)
            for name, inode in names.get(source, {}).items():
                if inode < 0:
                    build(source / name, target / name)
                else:
                    (target / name).write_bytes(held.get(inode, b""))

        return lambda target: build(self.root, target)

    def _sync_folder(self, folder: Path) -> None:
        with os.scandir(folder) as entries:
            names = {entry.name: -1 if entry.is_dir() else entry.inode() for entry in entries}
        for name, inode in names.items():
            if inode >= 0:
                self._pin(folder / name, inode)
        self.states += self._names.get(folder) != names
        self._names[folder] = names

    def _sync_file(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            self._pin(path, inode)
            data = file.read()
            self.states += self._bytes.get(inode) != data
            self._bytes[inode] = data

    def _pin(self, path: Path, inode: int) -> None:
        if inode not in self._pins:  # an open file keeps its inode from being given to another one
            with contextlib.suppress(FileNotFoundError):
                self._pins[inode] = os.open(path, os.O_RDONLY)


class _File(apsw.VFSFile):
    disk: Disk

    def __init__(self, base: str, filename: Any, flags: list[int]) -> None:
        super().__init__(base, filename, flags)
        self._path = Path(filename.filename() if hasattr(filename, "filename") else filename)

    def xSync(self, flags: int) -> None:
        self.disk.step()
        super().xSync(flags)
        self.disk.sqlite_sync(self._path)
        self.disk.step()


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._file = type("_WatchedFile", (_File,), {"disk": disk})
        super().__init__("watched", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        return self._file("unix", name, flags)


@contextlib.contextmanager
def watched(disk: Disk, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """All that happens inside goes by the disk's knowledge. ``step`` is called around every change of the disk."""

    def around(module: Any, name: str, then: Callable[..., None] | None = None) -> None:
        real = getattr(module, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            with disk.one_at_a_time:  # several threads sync at once; moments have an order
                disk.step()
                result = real(*args, **kwargs)
                if then is not None and not disk.stepping:
                    then(*args)
                disk.step()
                return result

        patch.setattr(module, name, call)

    around(os, "fsync", disk.fsync)
    for name in ("rename", "replace", "unlink", "link", "mkdir"):
        around(os, name)
    vfs = _Vfs(disk)
    try:
        yield
    finally:
        vfs.unregister()
        patch.undo()
        disk.close()


def power_cuts(
    place: Path,
    memory: Path,
    scenario: Scenario,
    check: Check,
    monkeypatch: pytest.MonkeyPatch,
    deaf_to: set[str],
    choose: Callable[[set[str]], bool] = lambda promised: True,
) -> int:
    """Run the scenario once, keeping what a power cut at each of its moments would leave; then check all of that.

    ``place`` has an archive ``a`` and a folder ``inbox``. Moments that would leave the same are checked once, with what
    had been promised at the last of them, if ``choose`` says so. Gives the number of moments.
    """
    promised: set[str] = set()
    moments: list[tuple[Callable[[Path], None], set[str]]] = []
    passed, state = 0, -1

    def step() -> None:
        nonlocal passed, state
        passed += 1
        if disk.states == state:
            moments[-1][1].update(promised)
            return
        state = disk.states
        moments.append((disk.remembered(), set(promised)))

    disk = Disk(place, lambda: None)
    disk.deaf_to = deaf_to
    with monkeypatch.context() as patch, watched(disk, patch):
        archive = Archive.open(place / "a")
        disk.on_step = step
        scenario(archive, place / "inbox", promised.add)
        disk.step()
        disk.on_step = lambda: None
    for number, (write, told) in enumerate(moments):
        if choose(told):
            left = memory / f"cut-{number}"
            write(left)
            check(Archive.open(left / "a"), left / "inbox", told)
            shutil.rmtree(left)
    return passed


def run_killed(place: Path, scenario: Scenario, moment: int | None) -> tuple[set[str], int]:
    """Run in a child that is killed at this moment; returns what it had promised and how many moments passed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        count = 0

        def step() -> None:
            nonlocal count
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

        disk = Disk(place, step)
        with pytest.MonkeyPatch.context() as patch, watched(disk, patch):
            archive = Archive.open(place / "a")
            scenario(archive, place / "inbox", lambda text: _tell(writer, text))
        _tell(writer, f"#{count}")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        lines = told.read().split()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) == (moment is not None)
    counts = [int(line[1:]) for line in lines if line.startswith("#")]
    return {line for line in lines if not line.startswith("#")}, counts[0] if counts else 0


def _tell(writer: int, text: str) -> None:
    os.write(writer, f"{text}\n".encode())
