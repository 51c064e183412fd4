"""What long work tells about itself; the command line draws it, tests and programs ignore it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told by a stage as it goes. ``unit`` is ``bytes``, ``files``, ``records``, ``tracks`` or another plural noun."""

    def phase(self, number: int, of: int, name: str) -> None:
        """A numbered phase begins."""

    def start(self, what: str, total: int | None, unit: str) -> None:
        """A countable piece of work begins; ``total`` is None where it is not known."""

    def expect(self, total: int) -> None:
        """How much there is to do of the piece of work that was started has become known."""

    def advance(self, count: int) -> None:
        """``count`` more units are done."""

    def note(self, text: str) -> None:
        """What is worth knowing of the piece of work right now, in a few words, in place of what was noted before."""

    def say(self, message: str) -> None:
        """One line for a person."""

    def finish(self) -> None:
        """The piece of work that was started is done."""


class Silent:
    """A progress that shows nothing."""

    def phase(self, number: int, of: int, name: str) -> None:
        """Ignore."""

    def start(self, what: str, total: int | None, unit: str) -> None:
        """Ignore."""

    def expect(self, total: int) -> None:
        """Ignore."""

    def advance(self, count: int) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""

    def say(self, message: str) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""
