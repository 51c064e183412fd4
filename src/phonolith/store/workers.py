"""Workers that do the same to many things: threads, or processes where the interpreter's lock would hold threads up.

Hashing gives the lock away for each piece and has to win it back, so threads that hash pieces wait for each other;
processes do not. They take a moment to start, so little work is better done by threads, or without either.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from phonolith.errors import StorageError

_WAITING = 3  # things a worker has at most before it, the one in hand among them

_T = TypeVar("_T")
_R = TypeVar("_R")

Stopped = Callable[[], bool]


class Abandoned(Exception):
    """What work may end by when nobody waits for it any more."""


class _Flag(Protocol):
    """An event, of threads or of processes."""

    def is_set(self) -> bool: ...
    def set(self) -> None: ...
    def clear(self) -> None: ...


class Workers:
    """``count`` workers, started as work comes; for one thread at a time.

    Worker processes are started anew rather than forked, leave Ctrl-C to the process that started them, and end with
    it, even by a kill. ``what`` is the subject of the error where one of them is killed.
    """

    def __init__(self, count: int, what: str, *, processes: bool) -> None:
        self._count, self._what = count, what
        self._stop: _Flag
        self._executor: Executor
        if processes:
            context = get_context("spawn")
            self._stop = context.Event()
            self._executor = ProcessPoolExecutor(count, context, _begin, (self._stop,))
        else:
            self._stop = threading.Event()
            self._executor = ThreadPoolExecutor(count, what, _begin_thread, (self._stop,))

    def run(
        self, work: Callable[[_T, Stopped], _R], things: Iterable[_T], done: Callable[[_T, _R], None], most: int = 0
    ) -> None:
        """Do ``work`` to each thing, ``most`` at once; ``done`` is called here with what is finished, in no set order.

        ``work`` is told by its second argument when nobody waits for it any more. For processes it is a function of a
        module, and what it takes and gives can be pickled. Whatever ends this early, nothing is being worked on when it
        returns. Raises what ``work``, ``things`` and ``done`` raise, and StorageError where a worker was killed.
        """
        waiting: dict[Future[_R], _T] = {}
        most = min(most or self._count, self._count) * _WAITING
        try:
            for thing in things:
                waiting[self._executor.submit(_call, work, thing)] = thing
                if len(waiting) >= most:
                    _collect(waiting, done)
            while waiting:
                _collect(waiting, done)
        except BrokenProcessPool as error:
            raise StorageError(self._what, "a worker process was killed", "Free memory, then run it again") from error
        finally:
            self._abandon(waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End them, and wait until they have ended."""
        self._stop.set()
        self._executor.shutdown(cancel_futures=True)

    def _abandon(self, waiting: dict[Future[_R], _T]) -> None:
        if waiting:
            self._stop.set()
            wait([one for one in waiting if not one.cancel()])
            self._stop.clear()


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def end_with_parent() -> None:
    """Have a worker process end when the one that started it does, even by a kill."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


_of_worker = threading.local()  # of a thread, and so of the one thread of a process that works


def _begin(stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    _begin_thread(stop)


def _begin_thread(stop: _Flag) -> None:
    _of_worker.stopped = stop.is_set


def _call(work: Callable[[_T, Stopped], _R], thing: _T) -> _R:
    return work(thing, _of_worker.stopped)


def _collect(waiting: dict[Future[_R], _T], done: Callable[[_T, _R], None]) -> None:
    for one in wait(waiting, return_when=FIRST_COMPLETED).done:
        done(waiting.pop(one), one.result())
