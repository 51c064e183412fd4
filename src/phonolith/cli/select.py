"""Selections: what a person names when a decision is about many things at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from phonolith.errors import BadInput, NotFound, StorageError, UsageError
from phonolith.library.catalogue import Catalogue, Snapshot
from phonolith.model.ids import split_reference
from phonolith.store.archive import Archive

FORMS = "an ID, @FILE with one ID a line, artist:ID or label:ID for all its releases, or source:NAME"


def select(archive: Archive, texts: Sequence[str]) -> list[str]:
    """The public ids that the texts name, each once, in the order named.

    Raises UsageError for a text that is no selection, NotFound where one selects nothing.
    """
    return list(dict.fromkeys(identifier for text in texts for identifier in _one(archive, text)))


def _one(archive: Archive, text: str) -> Iterator[str]:
    if text.startswith("@"):
        yield from (split(line, f"{text[1:]}:{number}") for number, line in _lines(Path(text[1:])))
    elif text.startswith("source:"):
        yield from _of_source(archive, text.partition(":")[2])
    elif text.startswith("label:"):
        yield from _of_label(archive, split(text, text))
    elif text.startswith("artist:"):
        yield from _of_artist(archive, split(text, text))
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


def _of_source(archive: Archive, name: str) -> list[str]:
    with Catalogue.open(archive.catalogue).reading() as snapshot:
        sql = "SELECT r.id FROM source s CROSS JOIN release r ON r.source = s.id WHERE s.name = ? ORDER BY r.id"
        found = [snapshot.public_id("release", row[0]) for row in snapshot.db.execute(sql, (name,))]
        if not found:
            known = ", ".join(row[0] for row in snapshot.db.execute("SELECT name FROM source ORDER BY name"))
            raise NotFound(f"source:{name}", "the catalogue has no release of it", f"It has {known or 'no sources'}")
    return found


def _of_label(archive: Archive, identifier: str) -> list[str]:
    sql = (
        "SELECT id FROM release WHERE label = :label UNION "
        "SELECT release FROM release_label WHERE label = :label ORDER BY 1"
    )
    with Catalogue.open(archive.catalogue).reading() as snapshot:
        row = snapshot.find_kind(identifier, "label")
        return [snapshot.public_id("release", one) for (one,) in snapshot.db.execute(sql, {"label": row})]


def _of_artist(archive: Archive, identifier: str) -> list[str]:
    with Catalogue.open(archive.catalogue).reading() as snapshot:
        row = snapshot.find_kind(identifier, "artist")
        found = [snapshot.public_id("release", one) for one in _releases_of(snapshot, row)]
    if not found:
        raise NotFound(f"artist:{identifier}", "has no release of its own", "Select tracks or releases by their IDs")
    return found


def _releases_of(snapshot: Snapshot, artist: int) -> list[int]:
    sql = (
        "SELECT id FROM release WHERE credit = :artist UNION "
        "SELECT r.id FROM credit c CROSS JOIN release r ON r.credit = -c.id WHERE c.artist = :artist ORDER BY 1"
    )
    return [row[0] for row in snapshot.db.execute(sql, {"artist": artist})]


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
