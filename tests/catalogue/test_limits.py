"""What a source forbids stands beside the licence, from description to gate, and no attestation takes it away."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path
from typing import Any

import apsw
import pytest

from phonolith.catalogue.build import build
from phonolith.catalogue.describe import Stager
from phonolith.catalogue.dump import dump_digest
from phonolith.library.access import standing
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.library.tracks import track as track_page
from phonolith.library.why import why
from phonolith.model.ids import public_id
from phonolith.model.music import Credit, File, Level, LicenceStatement, ReleaseDescription, TrackDescription
from phonolith.model.progress import Silent
from phonolith.model.rights import Use
from phonolith.rights.gate import LIMITS
from phonolith.store.archive import Archive
from tests.catalogue.said import NOW, decide, make_archive

BY = (LicenceStatement("https://creativecommons.org/licenses/by/4.0/", Level.PLATFORM, "said"),)
ZERO = (LicenceStatement("https://creativecommons.org/publicdomain/zero/1.0/", Level.PLATFORM, "said"),)

#: Releases and tracks; the limits that hold for each track, None where it is in no catalogue.
RELEASES = {
    "shown": ReleaseDescription("shown", "Shown", licences=BY),
    "stream": ReleaseDescription("stream", "Stream", licences=BY, limits=("stream-only",)),
    "silent": ReleaseDescription("silent", "Silent", limits=("no-download",)),
    "bare": ReleaseDescription("bare", "Bare"),
    "private": ReleaseDescription("private", "Private", (Credit("Hidden Hand"),), licences=BY, limits=("private",)),
}
TRACKS: list[tuple[TrackDescription, tuple[str, ...] | None, str]] = [
    (TrackDescription("a", "A", "shown", licences=ZERO), (), "CC0-1.0"),
    (TrackDescription("b", "B", "shown"), (), "CC-BY-4.0"),
    (TrackDescription("c", "C", "shown", limits=("restricted",)), ("restricted",), "CC-BY-4.0"),
    (TrackDescription("d", "D", "shown", licences=ZERO, limits=("no-download",)), ("no-download",), "CC0-1.0"),
    (TrackDescription("e", "E", "shown", limits=("private",)), None, ""),
    (TrackDescription("f", "F", "stream"), ("stream-only",), "CC-BY-4.0"),
    (TrackDescription("g", "G", "stream", licences=ZERO), ("stream-only",), "CC0-1.0"),
    (TrackDescription("h", "H", "stream", limits=("no-download",)), ("no-download", "stream-only"), "CC-BY-4.0"),
    (TrackDescription("i", "I", "stream", limits=("stream-only",)), ("stream-only",), "CC-BY-4.0"),
    (TrackDescription("j", "J", "stream", composition_by_others=True), ("stream-only",), "CC-BY-4.0"),
    (
        TrackDescription("k", "K", "stream", composition_by_others=True, limits=("restricted",)),
        ("restricted", "stream-only"),
        "CC-BY-4.0",
    ),
    (TrackDescription("l", "L", "silent"), ("no-download",), ""),
    (TrackDescription("m", "M", "silent", licences=BY), ("no-download",), "CC-BY-4.0"),
    (TrackDescription("n", "N", "silent", limits=("restricted",)), ("no-download", "restricted"), ""),
    (TrackDescription("o", "O", "bare", limits=("stream-only",)), ("stream-only",), ""),
    (TrackDescription("p", "P", "bare"), (), ""),
    (TrackDescription("q", "Q", "private"), None, ""),
    (TrackDescription("r", "R", limits=("stream-only",), licences=BY), ("stream-only",), "CC-BY-4.0"),
    (TrackDescription("s", "S", "shown", limits=("a new word",)), ("a", "new", "word"), "CC-BY-4.0"),
]


def built(root: Path) -> Archive:
    archive = make_archive(root, *RELEASES.values(), *(one for one, _, _ in TRACKS))
    build(archive, as_of=None, progress=Silent(), workers=1)
    return archive


def library(archive: Archive) -> Library:
    return Library(Catalogue.open(archive.catalogue), Overlay(archive.register(), every=0))


def differences(archive: Archive) -> list[str]:
    """Where the catalogue and the gate do not do what descriptions ask for."""
    found = []
    with library(archive).reading() as reading:
        for said, limits, licence in TRACKS:
            if limits is None:
                continue
            own = standing(reading, "track", reading.row("track", public_id("said", said.id)))
            code = own.rights.licence.code if own.rights.licence else ""
            if (own.rights.limits, code) != (limits, licence):
                found.append(f"{said.id} has {own.rights.limits} {code}")
            for use in Use:
                allowed = reading.decide(use, own, held=True).allowed
                forbidden = any(use in LIMITS.get(limit, frozenset(Use)) for limit in limits)
                permitted = use is Use.LIST or (licence != "" and not said.composition_by_others)
                if allowed != (permitted and not forbidden):
                    found.append(f"{said.id} {use}: {allowed}")
    return found


def test_every_use_that_a_source_forbids_is_denied_and_no_other(tmp_path: Path) -> None:
    assert differences(built(tmp_path / "a")) == []


def test_without_limits_in_the_build_this_test_would_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stager, "_limits", lambda self, said: repeat(""))
    assert len(differences(built(tmp_path / "a"))) > 20


def test_what_is_private_is_nowhere_in_a_catalogue(tmp_path: Path) -> None:
    archive = built(tmp_path / "a")
    with apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY) as db:
        assert not db.execute("SELECT 1 FROM release WHERE title = 'Private'").fetchall()
        assert not db.execute("SELECT 1 FROM track WHERE title IN ('E', 'Q')").fetchall()
        assert not db.execute("SELECT 1 FROM artist WHERE name = 'Hidden Hand'").fetchall()


def test_tracks_inherit_what_their_release_has_and_store_only_what_differs(tmp_path: Path) -> None:
    archive = built(tmp_path / "a")
    with apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY) as db:
        own = {title for (title,) in db.execute("SELECT title FROM track WHERE rights IS NOT NULL")}
    assert own == {"A", "C", "D", "G", "H", "J", "K", "M", "N", "O", "S"}


def test_a_track_that_may_not_be_held_says_who_forbids_it(tmp_path: Path) -> None:
    offered = TrackDescription("t", "T", "stream", files=(File("audio", "t.flac", url="https://x.example/t.flac"),))
    archive = make_archive(tmp_path / "a", RELEASES["stream"], offered)
    build(archive, as_of=None, progress=Silent(), workers=1)
    with apsw.Connection(str(archive.catalogue), flags=apsw.SQLITE_OPEN_READONLY) as db:
        told = db.execute(
            "SELECT s.name, r.reason FROM track t JOIN status s ON s.id = t.status"
            " JOIN status_reason r ON r.track = t.id"
        ).fetchall()
    assert told == [("not_permitted", "its source marks it stream-only")]
    reasons = {one.use: one.reasons for one in why(library(archive), public_id("said", "t")).decisions}
    assert any("marks it stream-only" in reason for reason in reasons[Use.HOLD])


def test_an_attestation_does_not_take_limits_away(tmp_path: Path) -> None:
    archive = built(tmp_path / "a")
    body: dict[str, Any] = {"licence": "CC-BY-4.0", "as_": "licensee", "because": "they told us"}
    decide(archive, "rights.attested", subjects=[public_id("said", "l"), public_id("said", "f")], **body)
    for _ in range(2):  # told at once, and by the next build
        with library(archive).reading() as reading:
            for name, limit in (("l", "no-download"), ("f", "stream-only")):
                own = standing(reading, "track", reading.row("track", public_id("said", name)))
                assert (own.rights.basis, own.rights.limits) == ("attested", (limit,))
                assert not reading.decide(Use.HOLD, own, held=True).allowed
                assert reading.decide(Use.STREAM, own, held=True).allowed
        build(archive, as_of=NOW[:10], progress=Silent(), workers=1)


def test_pages_tell_limits(tmp_path: Path) -> None:
    page = track_page(library(built(tmp_path / "a")), public_id("said", "f"))
    assert page.track.rights.limits == ("stream-only",)


def test_the_dump_tells_limits(tmp_path: Path) -> None:
    with_limits = built(tmp_path / "a")
    same = built(tmp_path / "b")
    assert dump_digest(with_limits.catalogue) == dump_digest(same.catalogue)
    bare = make_archive(tmp_path / "c", ReleaseDescription("x", "X", licences=BY), TrackDescription("y", "Y", "x"))
    limited = make_archive(
        tmp_path / "d",
        ReleaseDescription("x", "X", licences=BY, limits=("no-download",)),
        TrackDescription("y", "Y", "x"),
    )
    for one in (bare, limited):
        build(one, as_of=NOW[:10], progress=Silent(), workers=1)
    assert dump_digest(bare.catalogue) != dump_digest(limited.catalogue)
