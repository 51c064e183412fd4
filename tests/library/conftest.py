"""Fixtures of the read side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.store.register import Register
from tests.sample import NOW, make_catalogue


@dataclass
class Shelf:
    """The sample catalogue with a register of its own; the overlay looks at the register at every call."""

    library: Library
    ids: dict[str, str]
    register: Register
    path: Path

    def decide(self, kind: str, **body: object) -> int:
        """Append an event."""
        return self.register.append(kind, body, actor="operator", time=NOW).seq

    def withdraw(self, *names: str, ground: str = "owner") -> int:
        """Withdraw things by their names in the sample."""
        return self.decide(
            "item.withdrawn", subjects=[self.ids[name] for name in names], because="asked", ground=ground
        )

    def name(self, identifier: str) -> str:
        """The sample's name of a public id."""
        return next(name for name, one in self.ids.items() if one == identifier)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    path = tmp_path / "catalogue.sqlite"
    ids = make_catalogue(path)
    with Register(tmp_path / "register.sqlite") as register:
        catalogue = Catalogue.open(path)
        yield Shelf(Library(catalogue, Overlay(register, every=0)), ids, register, path)
        catalogue.close()
