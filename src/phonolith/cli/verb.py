"""What every verb has in common: where the archive is, --json, and one answer that is either drawn or dumped."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from phonolith.cli.bars import Bars
    from phonolith.cli.view import View
    from phonolith.config import Settings
    from phonolith.store.archive import Archive


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb found out: ``data`` is its JSON object, ``show`` draws the same for a person.

    ``exit`` is 1 when an inspecting verb has findings; ``then`` runs after the answer is out (serving, for example).
    """

    data: Mapping[str, Any]
    show: Callable[[View], None]
    exit: int = 0
    then: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a verb works and what it is handed from outside: folder, environment, clock."""

    root: Path
    json: bool
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def archive(self) -> Archive:
        """The archive here; raises NotAnArchive, NewerFormat."""
        from phonolith.store.archive import Archive

        return Archive.open(self.root)

    def settings(self, **flags: Any) -> Settings:
        """Settings of the archive here; flags are named as the attributes of Settings (``serve_port=8000``)."""
        from phonolith.config import load
        from phonolith.setting import SETTINGS

        keys = {item.attribute: item.key for item in SETTINGS}
        return load(self.root, self.environment, {keys[name]: value for name, value in flags.items()})

    def bars(self) -> Bars:
        """Progress on stderr, to be used as a context manager."""
        from phonolith.cli.bars import Bars

        return Bars()

    @property
    def actor(self) -> str:
        """The name decisions are recorded under; it stays in private/."""
        return self.environment.get("PHONOLITH_ACTOR") or self.environment.get("USER") or "operator"

    def now(self) -> str:
        """Now, ISO 8601 UTC with seconds; PHONOLITH_NOW stands in for the clock in reproducible runs."""
        from phonolith.store.locks import utc_now

        return self.environment.get("PHONOLITH_NOW") or utc_now()


_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout and nothing else there.")
_HERE = "$PHONOLITH_ARCHIVE"  # what --archive without a folder gives: the archive that is meant without it
_ARCHIVE = click.option(
    "--archive",
    type=click.Path(path_type=Path),
    is_flag=False,
    flag_value=_HERE,
    metavar="DIR",
    help="The archive. Default: $PHONOLITH_ARCHIVE, else here.",
)


def verb(
    name: str, *, examples: Sequence[str] = (), **settings: Any
) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command of a function ``(place, …) -> Answer``: adds --archive and --json and puts the answer out.

    ``examples`` are command lines without the program's name; they end the help.
    """
    if examples:
        settings["epilog"] = "\b\nExamples:\n" + "\n".join(f"  phonolith {line}" for line in examples)

    def wrap(function: Callable[..., Answer]) -> click.Command:
        @functools.wraps(function)
        def run(archive: Path | None, as_json: bool, **options: Any) -> int:
            if archive is None or str(archive) == _HERE:
                archive = Path(os.environ.get("PHONOLITH_ARCHIVE") or ".")
            place = Place(archive, as_json)
            answer = function(place, **options)
            put_out(answer, as_json)
            if answer.then is not None:
                answer.then()
            return answer.exit

        make: Callable[[Callable[..., int]], click.Command] = click.command(name, **settings)
        return make(_ARCHIVE(_JSON(run)))

    return wrap


def put_out(answer: Answer, as_json: bool) -> None:
    """The answer on stdout, whole, before anything else happens."""
    if as_json:
        write_json(answer.data)
    else:
        from phonolith.cli.view import view_for

        answer.show(view_for())
    sys.stdout.flush()


def write_json(data: Mapping[str, Any]) -> None:
    """One JSON object and a line end on stdout, in UTF-8 whatever the locale; lone surrogates become their escapes.

    A value of it that is an iterator is written as a list, piece by piece, however long it is.
    """
    for text in _pieces(data):
        _write(text)


def _pieces(data: Mapping[str, Any]) -> Iterator[str]:
    """The object as text; what streams comes last in it."""
    import json

    def dumped(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=2, default=_builtin)

    streams = {name: value for name, value in data.items() if isinstance(value, Iterator)}
    whole = dumped({name: value for name, value in data.items() if name not in streams})
    if not streams:
        yield whole + "\n"
        return
    yield whole[:-2] if whole.endswith("\n}") else whole[:-1]
    comma = "," if len(streams) < len(data) else ""
    for name, values in streams.items():
        yield f"{comma}\n  {dumped(name)}: ["
        empty = True
        for value in values:
            yield ("\n    " if empty else ",\n    ") + dumped(value).replace("\n", "\n    ")
            empty = False
        yield "]" if empty else "\n  ]"
        comma = ","
    yield "\n}\n"


def _write(text: str) -> None:
    encoded = text.encode("utf-8", "backslashreplace")
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # a test's stand-in for stdout takes text only
        sys.stdout.write(encoded.decode("utf-8"))
    else:
        sys.stdout.flush()
        buffer.write(encoded)


def _builtin(value: Any) -> Any:
    from dataclasses import fields, is_dataclass

    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    return str(value)
