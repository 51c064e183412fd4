"""Opening the library of an archive for one answer: catalogue, what was withdrawn since, and the policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date

from phonolith.cli.verb import Place
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.library.restated import Restated
from phonolith.rights.gate import Policy


@contextmanager
def reading(place: Place) -> Iterator[Library]:
    """The library of the archive here. Raises NotAnArchive, NotFound where nothing was built yet."""
    archive = place.archive()
    settings = place.settings()
    policy = Policy(settings.operator_territory, settings.publish_territories)
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        yield Library(
            catalogue, Overlay(register, Restated(archive)), policy, lambda: date.fromisoformat(place.now()[:10])
        )
