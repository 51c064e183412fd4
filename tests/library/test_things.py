"""Labels, release groups, works and areas: what their pages say, and how pages lead to one another."""

from __future__ import annotations

import pytest

from phonolith.errors import NotFound, Withdrawn
from phonolith.library import browse
from phonolith.library.views import PageRef
from tests.library.conftest import Shelf


def test_a_label_says_what_is_known_of_it(shelf: Shelf) -> None:
    page = browse.label(shelf.library, shelf.ids["label:hungaria"])
    assert page.about is not None and page.about.begin is not None
    assert (page.about.type, page.about.country, page.about.begin.written) == ("Original Production", "HU", "1940-03")
    assert page.about.aliases == ("Hungária", "<i>HR</i>")
    assert page.about.identifiers == (("label-code", "1234"),)
    assert [one.title for one in page.page.items] == ["String Quartets"]
    assert browse.label(shelf.library, shelf.ids["label:north"]).about is None


def test_a_release_leads_to_its_group_and_the_group_to_its_editions(shelf: Shelf) -> None:
    group = browse.release(shelf.library, shelf.ids["release:road"]).group
    assert group is not None and group.begin is not None
    assert (group.id, group.kind, group.name, group.type) == (
        shelf.ids["thing:road"],
        "release-group",
        "The Long Road",
        "Album",
    )
    page = browse.thing(shelf.library, group.id)
    assert [one.id for one in page.releases.items] == [shelf.ids["release:road"], shelf.ids["release:road-2014"]]
    assert [one.name for one in page.about.credit] == ["The Quiet Machines"]
    assert page.tracks.items == ()
    assert browse.release(shelf.library, shelf.ids["release:tokyo"]).group is None


def test_editions_come_in_pieces(shelf: Shelf) -> None:
    group = shelf.ids["thing:road"]
    first = browse.thing(shelf.library, group, limit=1)
    rest = browse.thing(shelf.library, group, limit=1, after=first.releases.next)
    assert [len(page.releases.items) for page in (first, rest)] == [1, 1]
    assert first.releases.items != rest.releases.items and rest.releases.next is None


def test_a_track_leads_to_its_work_and_the_work_to_its_recordings(shelf: Shelf) -> None:
    works = browse.track(shelf.library, shelf.ids["track:quartets/1"]).works
    assert [(one.id, one.name, one.type) for one in works] == [
        (shelf.ids["thing:quartet"], "String Quartet no. 1", "Quartet")
    ]
    page = browse.thing(shelf.library, works[0].id)
    assert {one.id for one in page.tracks.items} == {shelf.ids[f"track:quartets/{n}"] for n in (1, 2)}
    assert page.about.language == "zxx" and page.about.identifiers == (("iswc", "T-000.000.002-0"),)
    assert browse.track(shelf.library, shelf.ids["track:road/1"]).works == ()


def test_links_to_the_sources_own_pages_lead_to_what_is_here(shelf: Shelf) -> None:
    links = {one.rel: one.to for one in browse.thing(shelf.library, shelf.ids["thing:quartet"]).links}
    assert links["composer (backward)"] == PageRef("artist", shelf.ids["artist:bela"], "Béla Bartók")
    assert links["catalogue"] is None, "an address elsewhere"
    area = browse.label(shelf.library, shelf.ids["label:hungaria"]).links[0].to
    assert area == PageRef("thing", shelf.ids["thing:budapest"], "Budapest")


def test_what_is_withdrawn_is_not_led_to(shelf: Shelf) -> None:
    shelf.withdraw("artist:bela", "artist:quiet")
    links = browse.thing(shelf.library, shelf.ids["thing:quartet"]).links
    assert [one.to for one in links] == [None, None]
    assert browse.thing(shelf.library, shelf.ids["thing:quartet"]).tracks.items == ()
    with pytest.raises(Withdrawn):
        browse.thing(shelf.library, shelf.ids["thing:road"])


@pytest.mark.parametrize("wrong", ["a" * 16, "no id", ""])
def test_an_id_of_nothing_is_not_found(shelf: Shelf, wrong: str) -> None:
    with pytest.raises(NotFound):
        browse.thing(shelf.library, wrong)
