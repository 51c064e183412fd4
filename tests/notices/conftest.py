"""An archive with the sample catalogue, an office for notices in it, and a clock that moves when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import reach
from phonolith.notices.office import Office, Practice, Receipt
from phonolith.rights.notice_forms import FORMS
from phonolith.rights.notices import Notice
from phonolith.store.archive import Archive
from tests.rights.test_notice_forms import whole
from tests.sample import make_archive

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Clock:
    """A time that stands still until it is moved."""

    time: datetime = field(default_factory=lambda: datetime(2026, 12, 1, 12))

    def __call__(self) -> str:
        return self.time.strftime(_TIME)

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class Desk:
    """An office with all that a test does in it."""

    archive: Archive
    ids: dict[str, str]
    office: Office
    clock: Clock

    def file(self, *names: str, form: str = "owner", email: str = "somebody@example.org", **values: str) -> Receipt:
        """A whole notice about things of the sample, as the web form sends it."""
        items = "\n".join(self.ids.get(name, name) for name in names)
        told = whole(FORMS[form]) | {"items": items, "email": email} | values
        return self.office.file(form, told, road="form")

    def confirm(self, receipt: Receipt) -> None:
        """Open the link that was mailed last to whoever sent the notice."""
        self.office.confirm(self.link("confirm"))

    def link(self, page: str) -> str:
        """What the newest letter that has a link to a page ends it with."""
        for mail in reversed(self.office.letters.waiting(limit=100_000)):
            if f"/notices/{page}/" in mail.body:
                return mail.body.partition(f"/notices/{page}/")[2].split()[0]
        raise AssertionError("no such link was sent")

    def notice(self, receipt: Receipt) -> Notice:
        return self.office.notice(receipt.notice)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield from made(tmp_path)


def made(
    root: Path, *, random: Callable[[int], bytes] | None = None, practice: Practice | None = None
) -> Iterator[Desk]:
    archive, ids = make_archive(root / "archive")
    clock = Clock()
    catalogue = Catalogue.open(archive.catalogue)

    def known(names: object) -> tuple[tuple[str, ...], int]:
        with catalogue.reading() as snapshot:
            return reach(snapshot, names)  # type: ignore[arg-type]

    told = practice or Practice("Sample", "https://music.example.org", "operator@example.org")
    with Office(archive, told, now=clock, reach=known) as office:
        yield Desk(archive, ids, office, clock)
    catalogue.close()
