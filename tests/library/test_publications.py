"""What was published, folded from events: which bundles are current, and manifests as they are written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.errors import Damaged
from phonolith.library.publications import bundles, manifest
from phonolith.model.publication import Bundle, Publication, Torrent, body_of, publication_of
from phonolith.releases.bag import manifest as written
from phonolith.store.bag import quoted, unquoted


def bundle(name: str, replaces: str = "") -> Bundle:
    torrents = (Torrent("hybrid", "a" * 64, "b" * 40, "c" * 64),)
    return Bundle(name, "cc0", "top", "large", 3, 99, {"bagit.txt": "d" * 64}, torrents, replaces)


def publication(name: str, *made: Bundle, origin: str = "", anew: bool = False) -> Publication:
    return Publication(name, "2026-11-01", "e" * 64, made, origin=origin, anew=anew)


def test_a_bundle_that_another_replaces_is_current_no_more() -> None:
    past = [publication("one", bundle("x"), bundle("y")), publication("two", bundle("x-r2", "x"), bundle("z"))]
    assert set(bundles(past)) == {"x-r2", "y", "z"}


def test_cutting_anew_ends_what_was_published_here_and_nothing_of_others() -> None:
    past = [
        publication("one", bundle("x"), bundle("y")),
        publication("theirs", bundle("m"), origin="another"),
        publication("two", bundle("z"), anew=True),
        publication("three", bundle("w")),
    ]
    assert set(bundles(past)) == {"m", "z", "w"}


@pytest.mark.parametrize(
    "one",
    [
        publication("one", bundle("x"), bundle("y", "x")),
        publication("one", bundle("x"), origin="another"),
        publication("one", bundle("x"), anew=True),
    ],
)
def test_an_event_tells_the_whole_publication(one: Publication) -> None:
    assert publication_of(body_of(one), 7, "2026-11-02T00:00:00Z") == replace(one, event=7, time="2026-11-02T00:00:00Z")


PATHS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(PATHS, st.just("f" * 64)))
def test_a_manifest_is_read_as_it_was_written(digests: dict[str, str]) -> None:
    assert manifest(written(digests), "it") == digests


@given(st.text())
def test_quoting_loses_nothing(path: str) -> None:
    assert unquoted(quoted(path)) == path


def test_a_line_that_is_none_is_told() -> None:
    with pytest.raises(Damaged, match="line"):
        manifest(b"hello\n", "it")
