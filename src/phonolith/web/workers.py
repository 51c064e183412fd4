"""Several processes that do the same work: forked, replaced when one ends by itself, ended together.

For serving one socket from every processor: each process accepts from it what it can. Signals are waited for, not
handled, so that nothing happens between two lines of this file but what stands there.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable

from phonolith.errors import StorageError

_LOG = logging.getLogger("phonolith.web")

_PATIENCE = 6  # seconds for processes to end once they were asked to
_WINDOW = 60.0  # seconds
_LOSSES = 3  # of each process within the window: more are no accident
_ASKED_TO_END = (signal.SIGTERM, signal.SIGINT)
_WAITED_FOR = frozenset((*_ASKED_TO_END, signal.SIGCHLD, signal.SIGALRM))


def possible() -> bool:
    """Whether this system can fork."""
    return hasattr(os, "fork")


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(work: Callable[[], None], number: int, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Do ``work`` in ``number`` processes until SIGTERM or SIGINT (Ctrl-C) ends them all.

    ``work`` has to end on SIGTERM. A process that ends by itself, or is killed, is replaced and the log says so; when
    this process is killed, the others end too. To be called from the main thread, with no other thread running.
    Raises StorageError where processes keep ending.
    """
    _Workers(work, number, clock).run()


class _Workers:
    def __init__(self, work: Callable[[], None], number: int, clock: Callable[[], float]) -> None:
        self._work = work
        self._number = number
        self._clock = clock
        self._alive: set[int] = set()
        self._lost: list[float] = []
        self._parent, self._child = os.pipe()  # the writing end is closed when this process ends, however it ends
        self._mask: set[int] = set()

    def run(self) -> None:
        gc.freeze()  # what is there now is shared by all and never looked through again
        before = signal.signal(signal.SIGCHLD, lambda *_: None)  # a signal that is ignored may not be waited for
        self._mask = set(signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR))
        try:
            for _ in range(self._number):
                self._start()
            while signal.sigwait(_WAITED_FOR) not in _ASKED_TO_END:
                self._replace()
        finally:
            self._end()
            os.close(self._parent)
            os.close(self._child)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            signal.signal(signal.SIGCHLD, before)

    def _start(self) -> None:
        pid = os.fork()
        if pid:
            self._alive.add(pid)
            return
        code = 1
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            os.close(self._child)
            threading.Thread(target=_end_with, args=(self._parent,), daemon=True).start()
            self._work()
            code = 0
        except KeyboardInterrupt:  # Ctrl-C goes to every process of the terminal
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _replace(self) -> None:
        """Start a process for each that has ended. Raises StorageError where too many have."""
        for pid, how in self._ended():
            now = self._clock()
            self._lost = [when for when in self._lost if now - when < _WINDOW] + [now]
            if len(self._lost) > _LOSSES * self._number:
                raise StorageError(
                    "serve",
                    f"its processes keep ending: the last one {how}",
                    "Read what was said above; free memory, or take fewer processes: serve.workers",
                )
            _LOG.warning("process %d of the library %s; another one takes its place", pid, how)
            self._start()

    def _ended(self) -> list[tuple[int, str]]:
        """The processes that are no more since this was asked last, and how they ended."""
        found = []
        for pid in sorted(self._alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._alive.remove(pid)
                code = os.waitstatus_to_exitcode(status)
                found.append((pid, f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"))
        return found

    def _end(self) -> None:
        """Ask all to end, and kill those that do not."""
        self._signal(signal.SIGTERM)
        signal.alarm(_PATIENCE)
        self._ended()
        while self._alive:
            if signal.sigwait(_WAITED_FOR) != signal.SIGCHLD:  # out of patience: ours, or that of whoever asks again
                self._signal(signal.SIGKILL)
            self._ended()
        signal.alarm(0)

    def _signal(self, number: int) -> None:
        for pid in self._alive:
            os.kill(pid, number)


def _end_with(parent: int) -> None:
    """End this process when the one at the other end of the pipe has ended."""
    os.read(parent, 1)
    os.kill(os.getpid(), signal.SIGTERM)
