"""One catalogue per licence class of metadata, to be given away: CC0, BY and BY-SA, each with its credits inside.

Sources license what they say differently, and a file can have but one licence. So each source's rows go into the
catalogue of its class and nowhere else; a source whose metadata has another licence, or none that is known, goes into
none of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from phonolith.library.export import Exported, export_parquet
from phonolith.library.export_rows import TABLES
from phonolith.library.parts import sources
from phonolith.library.reading import Library, Reading
from phonolith.library.views import SourceView
from phonolith.model.licence import Licence
from phonolith.model.progress import Progress
from phonolith.rights.licences import by_code, parse
from phonolith.store.files import atomic_write, storage_errors

#: The classes, with the licence under which a catalogue of each is given away: the latest of its family.
CLASSES: Mapping[str, Licence] = {
    "cc0": by_code("CC0-1.0"),
    "by": by_code("CC-BY-4.0"),
    "by-sa": by_code("CC-BY-SA-4.0"),
}
_NOTICE = "LICENCE.txt"


@dataclass(frozen=True, slots=True)
class ClassExport:
    """One catalogue that was written: its class, the sources in it and its files."""

    name: str
    licence: str
    sources: tuple[str, ...]
    files: tuple[Exported, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source that is in no catalogue, and why."""

    source: str
    licence: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClassExports:
    """What was written and what stayed behind."""

    written: tuple[ClassExport, ...]
    left: tuple[LeftOut, ...]


def export_classes(library: Library, folder: Path, *, progress: Progress | None = None) -> ClassExports:
    """Write ``cc0/``, ``by/`` and ``by-sa/`` into ``folder``, those of them that some source belongs to.

    Each has the files of :func:`phonolith.library.export.export_parquet` and ``LICENCE.txt``, which names licence and
    sources with their credits; so does the metadata of each file. A catalogue of an earlier export that no source
    belongs to any more is removed. Raises StorageError.
    """
    with library.reading() as reading:
        known = dict(sources(reading))
        written = []
        for name in CLASSES:
            mine = {number: source for number, source in known.items() if class_of(source.licence) == name}
            if mine:
                written.append(_export(library, reading, folder / name, name, mine, progress))
            else:
                _remove(folder / name)
    left = [LeftOut(one.name, one.licence, _reason(one.licence)) for one in known.values() if not class_of(one.licence)]
    return ClassExports(tuple(written), tuple(sorted(left, key=lambda one: one.source)))


def class_of(licence: str) -> str:
    """The class of metadata under a licence, given by code or address; "" for one that belongs to none.

    Only licences without territory count; what is in the public domain goes with CC0. Terms of ports and of earlier
    versions differ, so a BY or BY-SA other than 4.0 unported belongs to none either.
    """
    found = parse(licence) if licence else None
    if found is None or found.territories:
        return ""
    if found.family in ("cc0", "pd"):
        return "cc0"
    return next((name for name, one in CLASSES.items() if one == found), "")


def _reason(licence: str) -> str:
    if not licence:
        return "states no licence of its metadata"
    found = parse(licence)
    return f"its metadata has a licence of no class: {found.title}" if found else "its metadata has an unknown licence"


def _export(
    library: Library,
    reading: Reading,
    folder: Path,
    name: str,
    mine: Mapping[int, SourceView],
    progress: Progress | None,
) -> ClassExport:
    licence = CLASSES[name]
    as_of = dict(reading.rows("SELECT key, value FROM meta WHERE key IN ('archive', 'as_of')"))
    listed = sorted(mine.values(), key=lambda one: one.name)
    credits = [{"source": one.title, "name": one.name, "url": one.url, "credit": one.credit} for one in listed]
    about = {
        "licence": licence.uri,
        "credits": json.dumps(credits, ensure_ascii=False),
        "archive": str(as_of.get("archive", "")),
        "as_of": str(as_of.get("as_of", "")),
    }
    files = export_parquet(library, folder, sources=frozenset(mine), about=about, progress=progress)
    with storage_errors(folder):
        atomic_write(folder / _NOTICE, _notice(licence, about, listed).encode())
    return ClassExport(name, licence.uri, tuple(one.name for one in listed), tuple(files))


def _notice(licence: Licence, about: Mapping[str, str], listed: Sequence[SourceView]) -> str:
    lines = [
        f"Catalogue of {about['archive'] or 'an archive'}, as of {about['as_of']}",
        f"Licence of this catalogue: {licence.title}",
        licence.uri,
        "",
        "What its sources say, and how they want to be named:",
        *(f"- {one.title}{f' ({one.url})' if one.url else ''}: {one.credit or one.title}" for one in listed),
        "",
        "The licence is that of the catalogue. What may be done with the music stands in the column licence.",
    ]
    return "\n".join(lines) + "\n"


def _remove(folder: Path) -> None:
    """Take away what an earlier export wrote here, and the folder if nothing else is in it."""
    with storage_errors(folder):
        for file in (*(f"{table.name}.parquet" for table in TABLES), _NOTICE):
            (folder / file).unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()
