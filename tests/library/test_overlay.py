"""What is withdrawn is gone from every list and page within seconds, without a build."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from phonolith.errors import NotFound, Withdrawn
from phonolith.library import browse, overlay
from phonolith.library.overlay import NoEvents, Overlay
from phonolith.library.reading import Library
from phonolith.library.shuffle import shuffle
from phonolith.library.views import ArtistRow, ReleaseRow, TrackRow
from phonolith.store.register import Register
from tests.library.conftest import Shelf
from tests.sample import NOW


def _shown(library: Library, ids: dict[str, str]) -> set[str]:
    """Ids of every track, release and artist that any list of the library shows."""

    def lists() -> Iterator[object]:
        for kind in ("track", "release", "artist"):
            yield browse.search(library, browse.Query(kind=kind, limit=100))
        yield shuffle(library, 100, seed=1)
        yield browse.front(library, seed=1, number=50)
        for name, one in ids.items():
            page: dict[str, Callable[[Library, str], object]] = {
                "track": browse.track,
                "release": browse.release,
                "artist": browse.artist,
                "label": browse.label,
                "thing": browse.thing,
            }
            try:
                yield page[name.split(":")[0]](library, one)
            except Withdrawn:
                continue
        for genre, _ in browse.genres(library).items:
            yield browse.genre(library, genre.key)
        for year, _ in browse.years(library):
            yield browse.year(library, year)

    return {one for value in lists() for one in _rows(value)}


def _rows(value: object) -> Iterator[str]:
    if isinstance(value, TrackRow | ReleaseRow | ArtistRow):
        yield value.id
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for one in dataclasses.fields(value):
            yield from _rows(getattr(value, one.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _rows(one)


HIDDEN_BY = {
    "track:road/2": {"track:road/2"},
    "release:road": {"release:road", *(f"track:road/{n}" for n in range(1, 9))},
    "artist:radio": {
        "artist:radio",
        "release:tokyo",
        "track:tokyo/1",
        "track:tokyo/2",
        "track:tokyo/3",
        "track:sampler/4",
    },
    "artist:ana": {
        "artist:ana",
        "release:reserved",
        "track:reserved/1",
        "track:reserved/2",
        "track:road/2",
        "track:road/8",
        "track:road-2014/2",
        "track:sampler/2",
    },
}


@pytest.mark.parametrize("named", HIDDEN_BY)
def test_what_is_withdrawn_is_in_no_list(shelf: Shelf, named: str) -> None:
    hidden = {shelf.ids[name] for name in HIDDEN_BY[named]}
    everything = _shown(shelf.library, shelf.ids)
    assert hidden <= everything
    shelf.withdraw(named)
    assert everything - _shown(shelf.library, shelf.ids) == hidden
    without = Library(shelf.library.catalogue, Overlay(NoEvents()))
    assert hidden <= _shown(without, shelf.ids), "the control: without the overlay they are still there"
    shelf.decide("item.reinstated", subjects=[shelf.ids[named]], because="settled")
    assert _shown(shelf.library, shelf.ids) == everything


def test_a_decision_more_looks_up_what_it_names_and_nothing_else(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.withdraw("track:road/1")
    shelf.withdraw("release:tokyo")
    asked, found = list[str](), overlay._found
    monkeypatch.setattr(overlay, "_found", lambda snapshot, one: asked.append(one) or found(snapshot, one))
    with shelf.library.reading() as reading:
        assert len(reading.hidden.releases) == 1
    shelf.withdraw("artist:ana")
    with shelf.library.reading() as reading:
        assert len(reading.hidden.artists) == 1 and len(reading.hidden.releases) > 1
    assert asked.count(shelf.ids["artist:ana"]) == 1 and len(asked) == len(set(asked))


@pytest.mark.parametrize(("ground", "status"), [("law", 451), ("owner", 410), ("licence", 410)])
def test_a_hidden_page_says_why(shelf: Shelf, ground: str, status: int) -> None:
    shelf.withdraw("release:road", ground=ground)
    for name, page in (("track:road/1", browse.track), ("release:road", browse.release)):
        with pytest.raises(Withdrawn) as caught:
            page(shelf.library, shelf.ids[name])
        assert caught.value.status == status
        assert "asked" in caught.value.problem and "event 1" in caught.value.problem
    assert browse.release(shelf.library, shelf.ids["release:road-2014"]).editions == ()
    assert browse.artist(shelf.library, shelf.ids["artist:quiet"]).releases[0].releases[0].title.endswith("(Remaster)")


def test_the_law_goes_before_the_owner(shelf: Shelf) -> None:
    shelf.withdraw("track:road/1", ground="owner")
    shelf.withdraw("artist:quiet", ground="law")
    with pytest.raises(Withdrawn) as caught:
        browse.track(shelf.library, shelf.ids["track:road/1"])
    assert caught.value.status == 451


def test_a_withdrawn_label_answers_for_its_page(shelf: Shelf) -> None:
    shelf.withdraw("label:north")
    with pytest.raises(Withdrawn):
        browse.label(shelf.library, shelf.ids["label:north"])


def test_pages_stay_full_when_something_is_hidden(shelf: Shelf) -> None:
    query = browse.Query(kind="track", limit=10)
    first = browse.search(shelf.library, query).page.items
    shelf.withdraw(*(shelf.name(one.id) for one in first))
    page = browse.search(shelf.library, query).page
    assert len(page.items) == 10
    assert not {one.id for one in page.items} & {one.id for one in first}


def test_ids_of_no_catalogue_are_no_harm(shelf: Shelf) -> None:
    shelf.decide("item.withdrawn", subjects=["a" * 16, shelf.ids["track:road/1"]], because="asked", ground="owner")
    assert shelf.ids["track:road/1"] not in _shown(shelf.library, shelf.ids)
    with pytest.raises(NotFound):
        browse.track(shelf.library, "a" * 16)


def test_the_register_is_looked_at_well_within_five_seconds(shelf: Shelf) -> None:
    now = [0.0]
    overlay = Overlay(shelf.register, clock=lambda: now[0])
    library = Library(shelf.library.catalogue, overlay)
    track = shelf.ids["track:road/1"]
    browse.track(library, track)
    shelf.withdraw("track:road/1")
    now[0] = 1.9
    browse.track(library, track)
    now[0] = 2.0
    with pytest.raises(Withdrawn):
        browse.track(library, track)


def test_a_register_that_cannot_be_read_closes_everything(shelf: Shelf) -> None:
    class Broken(NoEvents):
        def head(self) -> tuple[int, str]:
            raise OSError("gone")

    library = Library(shelf.library.catalogue, Overlay(Broken(), every=0))
    with pytest.raises(OSError, match="gone"):
        browse.track(library, shelf.ids["track:road/1"])


def test_another_register_in_place_is_read_from_its_beginning(
    shelf: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shelf.withdraw("track:road/1")
    shelf.withdraw("track:road/2")

    class Exchanged:
        log: Register = shelf.register

        def head(self) -> tuple[int, str]:
            return self.log.head()

        def events(self, after: int = 0) -> Iterator[object]:
            return self.log.events(after)

    exchanged = Exchanged()
    library = Library(shelf.library.catalogue, Overlay(exchanged, every=0))  # type: ignore[arg-type]
    with pytest.raises(Withdrawn):
        browse.track(library, shelf.ids["track:road/1"])
    with Register(tmp_path_factory.mktemp("other") / "register.sqlite") as other:
        body = {"subjects": [shelf.ids["track:road/3"]], "because": "asked", "ground": "law"}
        other.append("item.withdrawn", body, actor="operator", time=NOW)
        exchanged.log = other
        browse.track(library, shelf.ids["track:road/1"])
        with pytest.raises(Withdrawn):
            browse.track(library, shelf.ids["track:road/3"])
