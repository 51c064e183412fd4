"""A limited child: it answers, or is lost within its time, and the next question goes to another."""

from __future__ import annotations

import sys

import pytest

from phonolith.store.limited import Child, ChildLost

_ECHO = "from phonolith.store.limited import serve; serve(lambda told: told[::-1])"
_LIMITED = (
    "from phonolith.store.limited import limit_memory, limit_time, serve\n"
    "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    "limit_memory(64 << 20); limit_time(30)\n"
    "def answer(told):\n"
    " try:\n"
    "  open(told, 'wb', 0).write(b'x') if told else bytearray(1 << 30)\n"
    "  return b'done'\n"
    " except (OSError, MemoryError) as error: return type(error).__name__.encode()\n"
    "serve(answer)"
)


def child(code: str) -> Child:
    return Child((sys.executable, "-c", code), largest=1 << 20)


def test_it_answers_again_and_again_what_it_is_asked() -> None:
    large = bytes(range(256)) * 2000
    with child(_ECHO) as one:
        assert [one.ask(told, 60) for told in (b"abc", b"", large)] == [b"cba", b"", large[::-1]]
        assert one.asked == 3


@pytest.mark.parametrize(
    ("code", "seconds", "late"),
    [
        ("import time; time.sleep(600)", 0.2, True),
        ("import os; os.abort()", 60, False),
        ("print('x' * 100)", 60, False),
        ("import sys; sys.exit(3)", 60, False),
        ("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass", 60, True),
    ],
    ids=["asleep", "dead", "babbling", "gone", "busy"],
)
def test_whatever_it_does_instead_it_is_lost(code: str, seconds: float, late: bool) -> None:
    with child(code) as one:
        with pytest.raises(ChildLost) as lost:
            one.ask(b"x" * 1_000_000, seconds)
        assert lost.value.late is late and one.asked == 0


def test_it_writes_nothing_and_has_little_memory(tmp_path: object) -> None:
    with child(_LIMITED) as one:
        assert one.ask(f"{tmp_path}/x".encode(), 60) == b"OSError"
        assert one.ask(b"", 60) == b"MemoryError"
