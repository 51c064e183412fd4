"""What a source has that is gathered over the network: what it can be asked for, and how it is asked.

Asking has no opinion: what an origin says is kept as it came, and read later by ``interpret``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from phonolith.errors import UsageError
from phonolith.model.frontier import Step, Task
from phonolith.sources.client import origins
from phonolith.sources.client.answers import Manners, Validator

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


#: How ``--since`` is told of, where a source has no ``since_option`` of its own; None there: it has no such thing.
SINCE = Option("since", "Only what changed since. Default: the last whole harvest.", "DATE")


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that is held as an object: its SHA-256 in hexadecimal, its size in bytes, and where it can be read."""

    sha256: str
    size: int
    path: Path


class Bulk(Protocol):
    """Fetches and keeps files that sources read by themselves, such as dumps. Raises StorageError, NotFound."""

    async def fetch(
        self, url: str, *, cap: int, sha256: str = "", manners: Manners = ..., headers: Mapping[str, str] = ...
    ) -> HeldFile:
        """The file at ``url``, held as an object; what is held already is not fetched again. Resumable."""

    def held(self, sha256: str) -> HeldFile | None:
        """What is held under this digest."""

    async def adopt(self, path: Path) -> HeldFile:
        """A file of this machine, held as an object."""

    def reserve(self, sentence: str, needed: int) -> None:
        """Tell a person what is to come, and raise StorageError where ``needed`` bytes do not fit on the disk."""

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for what is about people while it is counted: in ``private/``, and gone afterwards."""


@dataclass(frozen=True, slots=True)
class Question:
    """A task and what has to be known to ask it.

    ``source`` is the full name that records are stored under, ``wish`` what was asked for, ``base`` the address of the
    origin without a slash at its end (a setting, so that a mirror can stand in), ``since`` where the last whole harvest
    ended ("": everything is asked for), ``time`` now (ISO 8601, UTC), ``metadata_only`` that no payload is wanted.
    ``validator`` is what came with the answer that is held of the item of a task ``item:…``, None if none is; a record
    keeps it as :func:`kept`. ``instead`` is the setting ``harvest.origins``, for sources with several origins, and
    ``bulk`` keeps files that are too large for a record.
    """

    source: str
    task: Task
    wish: Wish
    base: str
    since: str
    time: str
    validator: Validator | None = None
    metadata_only: bool = False
    instead: Mapping[str, str] = field(default_factory=dict)
    bulk: Bulk | None = None

    def at(self, name: str, own: str) -> str:
        """The address of another origin of the source, or what the setting ``harvest.origins`` names instead."""
        return origins.base(name, own, self.instead)

    def large(self) -> Bulk:
        """What fetches and keeps files for this run. Raises UsageError where there is nothing of the kind."""
        if self.bulk is None:
            raise UsageError(self.source, "files cannot be kept by whoever asks here", "Harvest into an archive")
        return self.bulk


def kept(validator: Validator) -> str:
    """A validator as a record keeps it: the entity tag, and the date in a line of its own."""
    return f"{validator.etag}\n{validator.modified}" if validator else ""


def read_validator(text: str) -> Validator | None:
    """What :func:`kept` made."""
    etag, _, modified = text.partition("\n")
    return Validator(etag, modified) if text else None


@runtime_checkable
class Decides(Protocol):
    """A source that keeps several kinds of things in one collection, and so decides itself what a run is over."""

    def since(self, wish: Wish, high_water: str) -> str:
        """Where a run begins, if nobody says; ``high_water`` is how far whole runs of this collection came."""

    def within(self, wish: Wish) -> tuple[str, ...]:
        """How the items begin all of which a run over everything meets: those of them it does not meet are gone."""


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
