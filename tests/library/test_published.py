"""The index of what was published follows the register, and only so much of it stays in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from phonolith.library.published import Published
from phonolith.model.event import Event
from phonolith.model.publication import Bundle, Publication, body_of
from phonolith.rights.decisions import Decisions


def bundle(name: str, files: int = 1, replaces: str = "") -> Bundle:
    tags = {"manifest-sha256.txt": f"{name}/{files}", "evidence.jsonl": "none"}
    return Bundle(name, "cc0", "deep", "small", files, 1, tags, (), replaces)


class Log:
    """A register in memory."""

    def __init__(self, *bundles: Bundle) -> None:
        self.written: list[Event] = []
        for one in bundles:
            self.add(one)

    def add(self, one: Bundle, *, anew: bool = False) -> None:
        seq = len(self.written) + 1
        body = body_of(Publication(f"cut {seq}", "2026-11-01", "", (one,), anew=anew))
        self.written.append(Event(seq, "2026-11-02T00:00:00Z", "x", "release.published", body, "", ""))

    def head(self) -> tuple[int, str]:
        return len(self.written), ""

    def events(self, after: int = 0) -> Iterator[Event]:
        return iter(self.written[after:])


class Manifests:
    """A store in which every object is a manifest of as many files as its name says; counts what is opened."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open(self, sha256: str) -> BinaryIO:
        self.opened.append(sha256)
        number = int(sha256.rpartition("/")[2]) if "/" in sha256 else 0
        return io.BytesIO(b"".join(b"%064x  data/%d\n" % (at, at) for at in range(number)))


def test_what_is_published_later_is_known_from_its_event_on() -> None:
    log = Log(bundle("one"))
    published = Published(log, Manifests())
    before = Decisions.load(log.events())
    assert published.index(before).bundles.keys() == {"one"}
    log.add(bundle("two", replaces="one"))
    assert published.index(before).bundles.keys() == {"one"}
    index = published.index(Decisions.load(log.events()))
    assert index.bundles.keys() == {"one", "two"} and index.heirs == {"one": "two"}
    assert index.current == {"two"}
    assert [one.name for one in index.publications] == ["cut 1", "cut 2"]


def test_a_publication_that_begins_anew_takes_the_place_of_all_before() -> None:
    log = Log(bundle("one"), bundle("two"))
    log.add(bundle("three"), anew=True)
    index = Published(log, Manifests()).index(Decisions.load(log.events()))
    assert index.current == {"three"} and index.bundles.keys() == {"one", "two", "three"} and index.heirs == {}


def test_another_register_in_its_place_is_another_index() -> None:
    log = Log(bundle("one"), bundle("two"))
    published = Published(log, Manifests())
    assert len(published.index(Decisions.load(log.events())).bundles) == 2
    log.written[:] = Log(bundle("three", 7)).written
    assert published.index(Decisions.load(log.events())).bundles.keys() == {"three"}


def test_files_stay_in_memory_up_to_a_number_and_the_last_bundle_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonolith.library.publications._check", lambda *_: None)  # these manifests have no digests
    objects = Manifests()
    published = Published(Log(), objects, most_files=20)
    one, two, huge = bundle("one", 8), bundle("two", 8), bundle("huge", 1000)
    for wanted in (one, two, one, two):
        assert len(published.contents(wanted)) == 8 + 2
    assert len(objects.opened) == 4  # a manifest and the evidence of each
    assert len(published.contents(huge)) == len(published.contents(huge)) == 1002
    assert len(objects.opened) == 6
    published.contents(one)
    assert len(objects.opened) == 8
