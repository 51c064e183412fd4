"""Selections: what a person names when a decision is about many things at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from phonolith.errors import BadInput, NotFound, StorageError, UsageError
from phonolith.library.catalogue import Catalogue, Snapshot
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.library.select import FORMS as IN_LIBRARY
from phonolith.library.select import is_selection
from phonolith.library.select import select as select_in
from phonolith.model.ids import split_reference
from phonolith.store.archive import Archive

FORMS = f"@FILE with one ID a line, or {IN_LIBRARY}"


def select(archive: Archive, texts: Sequence[str]) -> list[str]:
    """The public ids that the texts name, each once, in the order named.

    Raises UsageError for a text that is no selection, NotFound where one selects nothing.
    """
    return list(dict.fromkeys(identifier for text in texts for identifier in _one(archive, text)))


def _one(archive: Archive, text: str) -> Iterator[str]:
    if text.startswith("@"):
        yield from (split(line, f"{text[1:]}:{number}") for number, line in _lines(Path(text[1:])))
    elif is_selection(text):
        with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
            yield from select_in(Library(catalogue, Overlay(register)), [text]).ids
    else:
        yield split(text, text)


def split(text: str, where: str) -> str:
    """The id in an id or reference. Raises UsageError naming ``where`` it stands."""
    try:
        return split_reference(text)[1]
    except ValueError as error:
        raise UsageError(where, str(error), f"A selection is {FORMS}") from None


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise NotFound(str(path), "there is no such file", "Name a file with one ID a line") from None
    except UnicodeDecodeError:
        raise BadInput(str(path), "is not UTF-8", "Save it as plain text in UTF-8") from None
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror}", "Check its permissions") from None
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def unknown(archive: Archive, identifiers: Sequence[str]) -> list[str]:
    """Those of the ids that the present catalogue does not have; all of them before the first build."""
    if not archive.catalogue.is_file():
        return list(identifiers)
    with Catalogue.open(archive.catalogue).reading() as snapshot:
        return [identifier for identifier in identifiers if not _there(snapshot, identifier)]


def _there(snapshot: Snapshot, identifier: str) -> bool:
    try:
        snapshot.find(identifier)
    except NotFound:
        return False
    return True
