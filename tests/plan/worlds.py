"""Archives to plan for: records of many licences, sizes and popularities, built for real."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from phonolith.catalogue.build import build
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.model.ids import public_id
from phonolith.model.progress import Silent
from phonolith.plan.plan import Plan, Wish, plan
from phonolith.plan.surroundings import Surroundings, surroundings
from phonolith.rights.gate import Policy, decide
from phonolith.store import worklist
from phonolith.store.archive import Archive
from tests.harvest.fetching import archive_with

NOW = "2026-01-01T00:00:00Z"
SPOKEN = "folder.label"
CC = "https://creativecommons.org/"
#: Licences by what may be done with them here.
LICENCES: Mapping[str, str] = {
    "cc0": f"{CC}publicdomain/zero/1.0/",
    "by": f"{CC}licenses/by/4.0/",
    "by-sa": f"{CC}licenses/by-sa/4.0/",
    "by-nc": f"{CC}licenses/by-nc/4.0/",
    "by-nd": f"{CC}licenses/by-nd/4.0/",
    "by-nc-nd": f"{CC}licenses/by-nc-nd/4.0/",
    "reserved": "https://rightsstatements.org/vocab/InC/1.0/",
    "none": "",
}
HELD_OPEN = frozenset({"cc0", "by", "by-sa", "by-nc", "by-nd", "by-nc-nd"})
REENCODED = frozenset({"cc0", "by", "by-sa", "by-nc"})


def track(name: str, licence: str = "by", *, level: int = 2, base: str = "http://127.0.0.1:9", **more: Any) -> Any:
    """A track with one FLAC at an address; ``popularity``, ``duration_ms`` and others go into it."""
    licences = [{"uri": LICENCES[licence], "level": level, "by": "label"}] if LICENCES[licence] else []
    audio = {"role": "audio", "name": f"{name}.flac", "url": f"{base}/{name}.flac", "media_type": "audio/flac"}
    files = more.pop("files", [audio])
    said = {"title": name, "release": more.pop("release", "r"), "licences": licences, "files": files}
    return {"kind": "track", "id": name, "duration_ms": 180_000, **said, **more}


def release(name: str = "r") -> dict[str, Any]:
    return {"kind": "release", "id": name, "title": name, "credits": [{"name": "Ann"}]}


def world(folder: Path, said: Sequence[Mapping[str, Any]]) -> Archive:
    """An archive of these descriptions, built."""
    archive = archive_with(folder, release(), *said)
    build(archive, as_of=None, progress=Silent(), workers=1)
    return archive


def every_licence() -> list[dict[str, Any]]:
    """Tracks of every licence at every level of evidence, of falling popularity."""
    pairs = itertools.product(LICENCES, (1, 2, 4))
    return [
        track(f"{licence}-{level}", licence, level=level, popularity=float(100 - number), duration_ms=60_000 + number)
        for number, (licence, level) in enumerate(pairs)
    ]


def planned(archive: Archive, wish: Wish, path: Path | None = None, **more: Any) -> tuple[Plan, list[worklist.Line]]:
    """A plan of an archive, with its lines."""
    path = path or archive.state / "list.jsonl"
    gate = more.pop("gate", decide)
    around: Surroundings = more.pop("around", None) or surroundings(archive, learned={}, flagged=set(), now=NOW)
    policy = more.pop("policy", Policy())
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        library = Library(catalogue, Overlay(register), policy, lambda: date(2026, 1, 1))
        told = plan(library, around, wish, path, scratch=archive.state, progress=Silent(), now=NOW, gate=gate, **more)
    worklist.check(path)
    return told, list(worklist.lines(path))


def named(lines: Sequence[worklist.Line], names: Sequence[str]) -> dict[str, worklist.Line]:
    """Lines by the name of their track."""
    ids = {public_id(SPOKEN, name): name for name in names}
    return {ids[line.id]: line for line in lines}
