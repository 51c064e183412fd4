"""Selections from the command line: those of the library, and @FILE with one ID a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from phonolith.cli.reading import reading
from phonolith.cli.verb import Place
from phonolith.errors import BadInput, NotFound, UsageError
from phonolith.library.catalogue import Catalogue, Snapshot
from phonolith.library.select import is_selection
from phonolith.library.select import select as find
from phonolith.model.ids import split_reference
from phonolith.store.archive import Archive
from phonolith.store.files import storage_error


def select(place: Place, texts: Sequence[str]) -> list[str]:
    """The public ids that the texts name, each once, in the order named.

    IDs need no catalogue, so that a decision can be made before the first build; anything else does. Raises UsageError
    for a text that is no selection, NotFound where one selects nothing.
    """
    return list(dict.fromkeys(identifier for text in texts for identifier in _one(place, text)))


def _one(place: Place, text: str) -> Iterator[str]:
    if text.startswith("@"):
        yield from (split(line, f"{text[1:]}:{number}") for number, line in _lines(Path(text[1:])))
    elif is_selection(text):
        with reading(place) as library:
            yield from find(library, [text]).ids
    else:
        yield split(text, text)


def split(text: str, where: str) -> str:
    """The id in an id or reference. Raises UsageError naming ``where`` it stands."""
    try:
        return split_reference(text)[1]
    except ValueError as error:
        raise UsageError(where, str(error), "Copy the ID from the item's page, or from phonolith search") from None


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise NotFound(str(path), "there is no such file", "Name a file with one ID a line") from None
    except UnicodeDecodeError:
        raise BadInput(str(path), "is not UTF-8", "Save it as plain text in UTF-8") from None
    except OSError as error:
        raise storage_error(path, error) from None
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def unknown(archive: Archive, identifiers: Sequence[str]) -> list[str]:
    """Those of the ids that the present catalogue does not have; none before the first build."""
    if not archive.catalogue.is_file():
        return []
    with Catalogue.open(archive.catalogue).reading() as snapshot:
        return [identifier for identifier in identifiers if not _there(snapshot, identifier)]


def _there(snapshot: Snapshot, identifier: str) -> bool:
    try:
        snapshot.find(identifier)
    except NotFound:
        return False
    return True
