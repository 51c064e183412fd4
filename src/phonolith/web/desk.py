"""What every page needs at hand: the library of the archive, its objects and the renderer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from phonolith.config import Settings
from phonolith.door.office import Office as DoorOffice
from phonolith.door.seen import Outside
from phonolith.errors import Damaged, NewerFormat, NotFound
from phonolith.library.catalogue import Catalogue
from phonolith.library.committed import Committed
from phonolith.library.copies import Copies
from phonolith.library.overlay import Overlay, Statements, reach
from phonolith.library.published import Published
from phonolith.library.reading import Library, utc_today
from phonolith.notices.office import Office
from phonolith.rights.decisions import Decisions
from phonolith.rights.gate import Policy
from phonolith.store.archive import Archive
from phonolith.store.locks import utc_now
from phonolith.store.objects import ObjectStore
from phonolith.store.register import Register
from phonolith.web import assets
from phonolith.web.errors import NothingBuilt
from phonolith.web.offers import Offers
from phonolith.web.practice import door_practice_of, practice_of
from phonolith.web.render import Renderer, accepts_gzip
from phonolith.web.risks import Risks

_MOST_BYTES = 24_000_000  # of answers that are kept
_LONGEST_KEY = 1_000


class Desk:
    """The archive as the pages see it. The catalogue is opened when there is one, which may be after the start.

    ``look_every``: how old a decision may get before it is seen, in seconds. ``statements`` are what sources said since
    the build, read by whoever may read them. ``outside`` is what the artist's door needs; None where there is no door.
    """

    def __init__(
        self,
        archive: Archive,
        settings: Settings,
        *,
        look_every: float,
        now: Callable[[], str] = utc_now,
        statements: Statements | None = None,
        outside: Outside | None = None,
    ) -> None:
        self._outside = outside
        self._door: DoorOffice | None = None
        self._look_every = look_every
        self._statements = statements
        self.now = now
        self.archive = archive
        self.settings = settings
        self.assets = assets.load()
        self.copies = Copies(archive.seed_status)
        self.risks = Risks(self)
        self.renderer = Renderer.of(settings, self.assets, door=self.has_door)
        self.committed = Committed(archive)
        self._lock = threading.Lock()
        self._library: Library | None = None
        self._register: Register | None = None
        self._overlay: Overlay | None = None
        self._offers: Offers | None = None
        self._objects: ObjectStore | None = None
        self._office: Office | None = None

    @property
    def library(self) -> Library:
        """The library. Raises NothingBuilt where there is no catalogue yet."""
        if self._library is None:
            with self._lock:
                self._library = self._library or self._opened()
        return self._library

    @property
    def library_if_built(self) -> Library | None:
        """The library; None where there is no catalogue that can be read, which publications do without."""
        try:
            return self.library
        except (NotFound, NewerFormat, Damaged):
            return None

    @property
    def policy(self) -> Policy:
        """Where the archive acts and publishes."""
        return Policy(self.settings.operator_territory, self.settings.publish_territories)

    @property
    def overlay(self) -> Overlay:
        """What persons decided, catalogue or not."""
        if self._overlay is None:
            with self._lock:
                self._overlay = self._overlay or self._watched()
        return self._overlay

    @property
    def offers(self) -> Offers:
        """What was published and may be given away, catalogue or not."""
        if self._offers is None:
            overlay, objects = self.overlay, self.objects
            published = Published(overlay.register, objects)
            made = Offers(lambda: self.library_if_built, overlay, published, objects, self.policy)
            with self._lock:
                self._offers = self._offers or made
        return self._offers

    @property
    def objects(self) -> ObjectStore:
        """The held objects."""
        if self._objects is None:
            with self._lock:
                self._objects = self._objects or self.archive.objects()
        return self._objects

    @property
    def office(self) -> Office:
        """Where notices are received."""
        if self._office is None:
            made = Office(self.archive, practice_of(self.settings), now=self.now, reach=self._reach)
            with self._lock:
                self._office = self._office or made
        return self._office

    @property
    def has_door(self) -> bool:
        """Whether artists and labels may come in here."""
        return self._outside is not None and self.settings.door_open

    @property
    def door(self) -> DoorOffice:
        """Where artists and labels come in. Raises NotFound where they may not."""
        if self._door is None:
            if self._outside is None or not self.settings.door_open:
                raise NotFound("the artist's door", "it is not open in this library", "Write to whoever runs it")
            practice = door_practice_of(self.settings)
            found = DoorOffice(
                self.archive, practice, self._outside, now=self.now, library=lambda: self.library_if_built
            )
            with self._lock:
                self._door = self._door or found
        return self._door

    def close(self) -> None:
        """Close what was opened; asked again, it is opened again."""
        with self._lock:
            if self._door is not None:
                self._door.close()
                self._door = None
            if self._office is not None:
                self._office.close()
                self._office = None
            if self._library is not None:
                self._library.catalogue.close()
            for store in (self._register, self._objects):
                if store is not None:
                    store.close()
            self._library = self._register = self._objects = self._overlay = self._offers = None

    def _opened(self) -> Library:
        try:
            catalogue = Catalogue.open(self.archive.catalogue)
        except NotFound as error:
            raise NothingBuilt("the catalogue", "nothing has been built yet", "Run: phonolith build") from error
        self._overlay = self._overlay or self._watched()
        return Library(catalogue, self._overlay, self.policy, utc_today)

    def _reach(self, names: Sequence[str]) -> tuple[tuple[str, ...], int]:
        """What is not here of these, and how many tracks the others are; while nothing is built, all are believed."""
        library = self.library_if_built
        if library is None:
            return (), len(names)
        with library.reading() as reading:
            return reach(reading.snapshot, names)

    def _watched(self) -> Overlay:
        self._register = self.archive.register()
        return Overlay(self._register, self._statements, every=self._look_every)


Page = Callable[[Desk, Request], Response]


def inline(desk: Desk, page: Page) -> Callable[[Request], object]:
    """An endpoint that runs in the event loop: for answers that take a few milliseconds and never wait.

    A hop to a thread and back costs more than most of these answers take.
    """

    async def endpoint(request: Request) -> Response:
        return page(desk, request)

    return endpoint


def kept(desk: Desk, page: Page) -> Callable[[Request], object]:
    """Like :func:`inline`, and an answer is kept for as long as build, decisions and known damage do not change.

    Pages show the same to everybody and follow from these alone; words that are typed or linked come again and again.
    """

    async def endpoint(request: Request) -> Response:
        with desk.library.reading() as reading:
            pages: _Kept = reading.snapshot.once("web pages", _Kept)
            observed = desk.archive.observed()
            if pages.decisions is not reading.decisions or pages.observed != observed:
                pages.decisions, pages.observed = reading.decisions, observed
                pages.answers, pages.size = OrderedDict(), 0
            return pages.answer(request, lambda: page(desk, request))

    return endpoint


class _Kept:
    """Answers over one build, set of decisions and known damage; the least recently asked for are given up first."""

    def __init__(self) -> None:
        self.decisions: Decisions | None = None
        self.observed: tuple[int, ...] = ()
        self.answers: OrderedDict[tuple[str, bytes, bool], Response] = OrderedDict()
        self.size = 0

    def answer(self, request: Request, make: Callable[[], Response]) -> Response:
        """The kept answer, or a new one."""
        key = request.scope["path"], request.scope["query_string"], accepts_gzip(request)
        found = self.answers.get(key)
        if found is not None:
            self.answers.move_to_end(key)
            return found
        made = make()
        if made.status_code == 200 and len(key[0]) + len(key[1]) < _LONGEST_KEY:
            self.answers[key] = made
            self.size += len(made.body)
            while self.size > _MOST_BYTES:
                self.size -= len(self.answers.popitem(last=False)[1].body)
        return made


def threaded(desk: Desk, page: Page) -> Callable[[Request], object]:
    """An endpoint that runs in a thread: for answers that draw, sort or read much."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(page, desk, request)

    return endpoint
