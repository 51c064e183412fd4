"""What a source has that is gathered over the network: what it can be asked for, and how it is asked.

Asking has no opinion: what an origin says is kept as it came, and read later by ``interpret``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from phonolith.model.frontier import Step, Task
from phonolith.sources.client.answers import Validator

if TYPE_CHECKING:
    from phonolith.sources.client.answers import Asks

#: What a person asks for: the values of each option that was given, by its name.
Wish = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be said about what to gather; on the command line ``--name VALUE``.

    ``place`` makes it an argument without a name. ``multiple``: it may be given more than once.
    """

    name: str
    help: str
    metavar: str = "TEXT"
    place: bool = False
    required: bool = False
    multiple: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A task and what has to be known to ask it.

    ``source`` is the full name that records are stored under, ``wish`` what was asked for, ``base`` the address of the
    origin without a slash at its end (a setting, so that a mirror can stand in), ``since`` where the last whole harvest
    ended ("": everything is asked for), ``time`` now (ISO 8601, UTC), ``metadata_only`` that no payload is wanted.
    ``validator`` is what came with the answer that is held of the item of a task ``item:…``, None if none is; a record
    keeps it as :func:`kept`.
    """

    source: str
    task: Task
    wish: Wish
    base: str
    since: str
    time: str
    validator: Validator | None = None
    metadata_only: bool = False


def kept(validator: Validator) -> str:
    """A validator as a record keeps it: the entity tag, and the date in a line of its own."""
    return f"{validator.etag}\n{validator.modified}" if validator else ""


def read_validator(text: str) -> Validator | None:
    """What :func:`kept` made."""
    etag, _, modified = text.partition("\n")
    return Validator(etag, modified) if text else None


@runtime_checkable
class Gathers(Protocol):
    """A source that can be gathered over the network.

    ``options`` are what it can be asked for; ``base`` is the address of its origin, "" where each wish names its own.
    """

    options: tuple[Option, ...]
    base: str

    def collection(self, wish: Wish) -> str:
        """What to call what is gathered, unless a person says: the same wish, the same name.

        Raises UsageError where the wish makes no sense.
        """

    def begin(self, wish: Wish, base: str, since: str) -> tuple[Task, ...]:
        """The first tasks; with ``since`` only what changed from then on is asked for."""

    def ask(self, client: Asks, question: Question) -> AsyncGenerator[Step, None]:
        """Ask one task, and say in steps what was answered; the last one ends the task.

        Raises what the client raises, and BadInput where the answer is not what the origin promises.
        """
