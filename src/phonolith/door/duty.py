"""What is done about doors without being asked: pages that were proven are looked at again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from phonolith.door.office import Office, Practice
from phonolith.door.seen import Outside
from phonolith.errors import Busy, NotFound, PhonolithError
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.store.archive import Archive

_LOG = logging.getLogger("phonolith.door")
_EVERY = 600.0  # seconds between looks


def attend(office: Office) -> int:
    """Look again at what is due; gives how many pages were. Raises Busy while another process does."""
    with office.archive.lock("look", what="looking again at pages of artists"):
        return len(office.look_again())


def keep_looking(
    archive: Archive,
    practice: Practice,
    outside: Outside,
    stop: threading.Event,
    *,
    now: Callable[[], str],
    every: float = _EVERY,
) -> None:
    """Look again every few minutes until told to stop; trouble is told once and tried again."""
    said = ""
    while not stop.wait(every):
        try:
            with suppress(Busy, NotFound):  # somebody else does, or nothing is built yet
                look_once(archive, practice, outside, now=now)
            said = ""
        except PhonolithError as error:
            if str(error) != said:
                _LOG.warning("pages of artists are not looked at again: %s", error)
            said = str(error)


def look_once(archive: Archive, practice: Practice, outside: Outside, *, now: Callable[[], str]) -> int:
    """Open the archive, look again at what is due, and close it; gives how many pages were looked at."""
    catalogue = Catalogue.open(archive.catalogue)
    try:
        with archive.register() as register:
            library = Library(catalogue, Overlay(register))
            with Office(archive, practice, outside, now=now, library=lambda: library) as office:
                return attend(office)
    finally:
        catalogue.close()
