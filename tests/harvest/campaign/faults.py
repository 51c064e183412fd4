"""Strikes a process at one moment of what it does to its disk: a kill, a torn write, a full disk, an I/O error, a cut.

Moments are counted, not timed: each call that writes, syncs, reads or names something below one folder is a moment of
its group. SQLite's calls are seen through a VFS, the others where Python makes them.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

#: What may be struck. ``create`` makes a name and needs room; ``name`` changes or removes one, or cuts a file off.
WRITES, SYNCS = ("file write", "database write"), ("file sync", "database sync")
NAMES, READS = ("create", "name"), ("read", "database read")
GROUPS = (*WRITES, *SYNCS, *NAMES, *READS)


@dataclass(frozen=True)
class Plan:
    """``kind``: count (none), kill, torn, full, io, cut; at call ``number`` of ``group`` below ``root``.

    ``part`` in [0, 1): before or after the call, how much of a write comes through, whether an I/O error stays.
    ``deaf``: syncs do nothing, the negative control. ``cut``: where to write what a power cut leaves; ``tails``: of
    what files grew by since their syncs, a part may be left.
    """

    root: str
    kind: str = "count"
    group: str = ""
    number: int = 0
    part: float = 0.0
    deaf: bool = False
    cut: str = ""
    tails: bool = False


class Told:
    """Lines in a file that is not on the disk that is struck; each is there when ``say`` returns."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._write = os.write

    def say(self, *words: object) -> None:
        """One line."""
        self._write(self._descriptor, ("\t".join(map(str, words)) + "\n").encode())

    def say_counts(self, counts: Mapping[str, int]) -> None:
        """How many moments passed, by group."""
        for group, count in sorted(counts.items()):
            self.say("counts", group, count)


class Strikes:
    """Lets every call pass but the one of the plan, and after that one whatever has to fail too."""

    def __init__(self, plan: Plan, told: Told) -> None:
        self._plan, self._told = plan, told
        self._one_at_a_time = threading.RLock()
        self._failing: tuple[str, ...] = ()
        self.counts: Counter[str] = Counter()

    def concerns(self, path: Any) -> bool:
        """Whether the path, or what this descriptor is open on, lies below the root."""
        if isinstance(path, int):
            try:
                path = Path(f"/proc/self/fd/{path}").readlink()
            except OSError:
                return False
        return Path(os.fsdecode(path)).absolute().is_relative_to(self._plan.root)

    def meet(
        self,
        group: str,
        call: Callable[[], Any],
        partly: Callable[[float], object] | None = None,
        refuse: Callable[[int], Exception] = lambda number: OSError(number, os.strerror(number)),
    ) -> Any:
        """Do the call, or what the plan has for it; ``partly`` does a share of it, ``refuse`` makes its error."""
        plan = self._plan
        with self._one_at_a_time:
            number = self.counts[group]
            self.counts[group] += 1
            if group in self._failing:
                raise refuse(errno.ENOSPC if plan.kind == "full" else errno.EIO)
            if plan.kind == "count" or group != plan.group or number != plan.number:
                return None if plan.deaf and group in SYNCS else call()
            self._told.say("struck", group, number)
            return self._strike(group, call, partly, refuse)

    def _strike(
        self,
        group: str,
        call: Callable[[], Any],
        partly: Callable[[float], object] | None,
        refuse: Callable[[int], Exception],
    ) -> Any:
        plan = self._plan
        if plan.kind == "kill":
            if plan.part >= 0.5 and not (plan.deaf and group in SYNCS):
                with contextlib.suppress(OSError):
                    call()
            die()
        if partly is not None and (plan.kind == "torn" or plan.part < 0.3):
            partly(plan.part if plan.kind == "torn" else plan.part / 0.3)
        if plan.kind == "torn":
            die()
        if plan.kind == "full":
            self._failing = (*WRITES, "create")
            raise refuse(errno.ENOSPC)
        self._failing = (group,) if plan.part >= 0.5 else ()
        raise refuse(errno.EIO)


def die() -> None:
    """End this process as SIGKILL ends it."""
    os.kill(os.getpid(), signal.SIGKILL)


def install(plan: Plan, told: Told) -> Strikes:
    """From here on this process is struck by the plan; it is not undone."""
    strikes = Strikes(plan, told)
    _watch_descriptors(strikes)
    _watch_names(strikes)
    _watch_opened(strikes)
    KEPT.append(_Vfs(strikes))
    apsw.Connection = _Connection  # type: ignore[misc]
    return strikes


_at_end: list[Callable[[], None]] = []
#: What works only as long as somebody knows of it.
KEPT: list[Any] = []


def told_of(say: Callable[[], None]) -> None:
    """Have this said when the program ended by itself."""
    _at_end.append(say)


def end() -> None:
    """The program ended by itself."""
    for say in _at_end:
        say()


def _watch_descriptors(strikes: Strikes) -> None:
    write, pwrite, fsync, truncate = os.write, os.pwrite, os.fsync, os.ftruncate

    def written(real: Callable[..., int], descriptor: int, data: Any, *at: int) -> Any:
        if not strikes.concerns(descriptor):
            return real(descriptor, data, *at)
        view = memoryview(data).cast("B")

        def partly(share: float) -> object:
            return real(descriptor, view[: int(share * len(view))], *at)

        return strikes.meet("file write", lambda: real(descriptor, view, *at), partly)

    def passing(real: Callable[..., Any], group: str) -> Callable[..., Any]:
        def call(descriptor: int, *more: Any) -> Any:
            if not strikes.concerns(descriptor):
                return real(descriptor, *more)
            return strikes.meet(group, lambda: real(descriptor, *more))

        return call

    os.write = lambda descriptor, data: written(write, descriptor, data)
    os.pwrite = lambda descriptor, data, at: written(pwrite, descriptor, data, at)
    os.fsync, os.ftruncate = passing(fsync, "file sync"), passing(truncate, "name")
    for name in ("read", "pread", "readv", "preadv"):
        setattr(os, name, passing(getattr(os, name), "read"))


def _watch_names(strikes: Strikes) -> None:
    for name in ("rename", "replace", "unlink", "link", "mkdir"):
        real = getattr(os, name)

        def call(path: Any, *more: Any, real: Any = real, name: str = name, **named: Any) -> Any:
            if not strikes.concerns(path):
                return real(path, *more, **named)
            group = "create" if name in ("link", "mkdir") else "name"
            return strikes.meet(group, lambda: real(path, *more, **named))

        setattr(os, name, call)


def _watch_opened(strikes: Strikes) -> None:
    real = io.open

    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            view = memoryview(data).cast("B")
            write = super().write
            share = lambda part: write(view[: int(part * len(view))])  # noqa: E731
            return int(strikes.meet("file write", lambda: write(view), share))

        def readinto(self, buffer: Any) -> int | None:
            read = super().readinto
            return strikes.meet("read", lambda: read(buffer))  # type: ignore[no-any-return]

        def readall(self) -> bytes:
            read = super().readall
            return strikes.meet("read", read)  # type: ignore[no-any-return]

    def opened(file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None,
               newline: Any = None, closefd: bool = True, opener: Any = None) -> Any:  # fmt: skip
        if isinstance(file, int) or not strikes.concerns(file):
            return real(file, mode, buffering, encoding, errors, newline, closefd, opener)

        def make() -> Raw:
            return Raw(file, mode.replace("b", "").replace("t", ""), closefd, opener)

        creates = "r" not in mode and not Path(file).exists()
        raw = strikes.meet("create", make) if creates else make()
        if buffering == 0:
            return raw
        buffered = (io.BufferedRandom if "+" in mode else io.BufferedReader if "r" in mode else io.BufferedWriter)(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding or "utf-8", errors, newline)

    io.open = builtins.open = opened
    io.FileIO = Raw  # type: ignore[misc]


class _File(apsw.VFSFile):
    strikes: Strikes

    def xWrite(self, data: bytes, offset: int) -> None:
        write = super().xWrite
        self.strikes.meet(
            "database write",
            lambda: write(data, offset),
            lambda share: write(data[: int(share * len(data))], offset),
            _refused,
        )

    def xSync(self, flags: int) -> None:
        sync = super().xSync
        self.strikes.meet("database sync", lambda: sync(flags), None, _refused)

    def xRead(self, amount: int, offset: int) -> bytes:
        read = super().xRead
        return self.strikes.meet("database read", lambda: read(amount, offset), None, _refused)  # type: ignore[no-any-return]


class _Connection(apsw.Connection):
    """SQLite does not mind what fails while it closes, but apsw raises what a VFS of Python has raised then."""

    def close(self, force: bool = False) -> None:
        with contextlib.suppress(apsw.FullError, apsw.IOError):
            super().close(force)


class _Vfs(apsw.VFS):
    def __init__(self, strikes: Strikes) -> None:
        self._strikes = strikes
        self._file = type("_StruckFile", (_File,), {"strikes": strikes})
        super().__init__("struck", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = name.filename() if hasattr(name, "filename") else name
        ours = path is not None and self._strikes.concerns(path)
        return self._file("unix", name, flags) if ours else super().xOpen(name, flags)


def _refused(number: int) -> Exception:
    """What the system's own VFS makes of the same error."""
    return apsw.FullError("database or disk is full") if number == errno.ENOSPC else apsw.IOError("disk I/O error")
