"""The sample archive with an office at its door, a clock that moves when it is told to, and a web that is made up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from phonolith.catalogue.corrections import check
from phonolith.door.office import Office, Practice
from phonolith.door.placed import placed, written
from phonolith.door.seen import Outside, Seen
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.rights.door_pages import Page
from phonolith.store.archive import Archive
from tests.notices.conftest import Clock
from tests.sample import make_archive

QUIET, NORTH, SOCIAL = "https://quiet.example/", "https://north.example/about", "https://social.example/@quiet"
LINKS = {
    "artist:quiet": [
        ("official homepage", QUIET),
        ("social network", SOCIAL),
        ("homepage", "https://en.wikipedia.org/wiki/Quiet"),
        ("lyrics", "https://words.example/quiet"),
    ],
    "artist:ana": [("homepage", "https://ana.example/")],
    "label:north": [("homepage", NORTH)],
    "release:tokyo": [("source", "https://archive.org/details/tokyo")],
}


@dataclass
class Web:
    """Pages by address, as bytes; what is not there is a page that cannot be read."""

    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, page: Page, code: str) -> Seen:
        self.asked.append(page.url)
        text = self.pages.get(page.url)
        if text is None:
            return Seen("", page.url, "", "it answered 404")
        found = placed(text.encode(), "text/html", code)
        return Seen(found, page.url, "0" * 64, "" if found else "the code is not there")


def head(code: str) -> str:
    return f'<!doctype html><head><meta name="phonolith-door" content="{written(code)}"></head><body>Hello'


@dataclass
class Doors:
    """An office with all that a test does in it."""

    archive: Archive
    ids: dict[str, str]
    office: Office
    clock: Clock
    web: Web

    def ask(self, name: str, page: str, sender: str = "192.0.2.1") -> str:
        return self.office.ask(self.ids[name], page, sender)

    def place(self, token: str, text: str = "") -> None:
        """Put a key's code on its page."""
        key = self.office.entered(token).key
        self.web.pages[key.page] = text.replace("CODE", key.code) if text else head(key.code)

    def enter(self, name: str = "artist:quiet", page: str = QUIET) -> str:
        """The token of somebody who proved a page."""
        token = self.ask(name, page)
        self.place(token)
        assert self.office.look(token).found
        assert self.office.entered(token).open, self.office.entered(token).why
        return token


def add_links(archive: Archive, ids: dict[str, str]) -> None:
    """Links as sources would have them."""
    catalogue = Catalogue.open(archive.catalogue)
    with catalogue.reading() as snapshot:
        kinds = ("track", "release", "artist", "label")
        rows = {name: snapshot.find(ids[name]) for name in (*LINKS, "track:road/3")}
    catalogue.close()
    with closing(apsw.Connection(str(archive.catalogue))) as db:
        for name, links in LINKS.items():
            kind, row = rows[name]
            values = [(row * 4 + kinds.index(kind), rel, url) for rel, url in links]
            db.executemany("INSERT OR IGNORE INTO link VALUES (?, ?, ?)", values)
        # A picture that came with a track: the bytes of another release's cover, which are held.
        track, release = rows["track:road/3"][1], rows["release:tokyo"][1]
        db.execute(
            "INSERT INTO file (subject, position, role, name, object) SELECT ?, 9, 'other', 'back.png', cover"
            " FROM release WHERE id = ?",
            (track * 4, release),
        )


def made(root: Path, *, calm: int = 10) -> Iterator[Doors]:
    archive, ids = make_archive(root / "archive")
    add_links(archive, ids)
    clock, web = Clock(), Web()
    catalogue = Catalogue.open(archive.catalogue)
    with archive.register() as register:
        library = Library(catalogue, Overlay(register, every=0))
        practice = Practice("https://music.example.org", calm)
        with Office(archive, practice, Outside(web, check), now=clock, library=lambda: library) as office:
            yield Doors(archive, ids, office, clock, web)
    catalogue.close()


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    yield from made(tmp_path)
