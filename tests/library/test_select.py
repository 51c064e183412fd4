"""A selection is exactly what was named: no more by a similar word, no less by a withdrawal."""

from __future__ import annotations

import pytest

from phonolith.errors import NotFound, UsageError
from phonolith.library.select import is_selection, select
from tests.library.conftest import Shelf


def _names(shelf: Shelf, *texts: str) -> set[str]:
    return {shelf.name(one) for one in select(shelf.library, texts).ids}


def test_ids_are_themselves(shelf: Shelf) -> None:
    track, release = shelf.ids["track:road/1"], shelf.ids["release:kyoto"]
    chosen = select(shelf.library, [track, f"release:{release}", f"track:{track}"])
    assert chosen.ids == (track, release)
    assert (dict(chosen.kinds), chosen.tracks) == ({"track": 1, "release": 1}, 4)
    chosen = select(shelf.library, [track, shelf.ids["release:road"]])
    assert chosen.tracks == 8, "a track of a selected release counts once"


def test_whole_collections_are_releases(shelf: Shelf) -> None:
    assert _names(shelf, "source:table") == {"release:listed"}
    assert _names(shelf, f"label:{shelf.ids['label:north']}") == {
        "release:road",
        "release:road-2014",
        "release:sampler",
        "release:listed",
    }
    assert _names(shelf, f"artist:{shelf.ids['artist:anna']}") == {"release:anna", "release:waltz"}
    assert _names(shelf, f"artist:{shelf.ids['artist:brass']} source:folder") == {"release:disputed", "release:broken"}
    assert select(shelf.library, ["source:table"]).tracks == 3


def test_filters_give_tracks_that_fit_all_of_them(shelf: Shelf) -> None:
    assert _names(shelf, "year:1922") == {f"track:waltz/{n}" for n in range(1, 6)}
    assert _names(shelf, "year:1900-1949 source:musicbrainz") == {f"track:quartets/{n}" for n in range(1, 4)}
    assert _names(shelf, "held:yes licence:by-nc") == {f"track:anna/{n}" for n in range(1, 4)}
    assert _names(shelf, f"artist:{shelf.ids['artist:anna']} genre:waltz words:love") == {"track:waltz/4"}
    assert len(select(shelf.library, ["held:yes"]).ids) == 39


def test_what_is_hidden_can_be_decided_about(shelf: Shelf) -> None:
    shelf.withdraw("release:road")
    assert "release:road" in _names(shelf, f"label:{shelf.ids['label:north']}")
    assert _names(shelf, shelf.ids["release:road"]) == {"release:road"}


@pytest.mark.parametrize(
    "text", ["", "nonsense", "colour:red", "year:", "year:soon", "year:1990-x", "held:maybe", "track:x", "label:x y"]
)
def test_what_is_no_selection_is_said(shelf: Shelf, text: str) -> None:
    with pytest.raises((UsageError, NotFound)) as caught:
        select(shelf.library, [text])
    assert caught.value.remedy


@pytest.mark.parametrize(
    "text", ["source:nowhere", "year:1800", "a" * 16, "words:deprature", "words:depart", "genre:none licence:by"]
)
def test_nothing_selected_is_an_error(shelf: Shelf, text: str) -> None:
    """A word that is nearly right selects nothing: a decision is not about what sounds alike."""
    with pytest.raises(NotFound):
        select(shelf.library, [text])


def test_what_looks_like_a_selection() -> None:
    assert is_selection("label:abc year:2004") and is_selection("words:love")
    assert not is_selection("@file") and not is_selection("a" * 16) and not is_selection("track:" + "a" * 16)
