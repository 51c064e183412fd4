"""What two snapshots say differently: every kind of change, and nothing where nothing is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from phonolith.catalogue.diff import diff
from phonolith.catalogue.moments import moment
from phonolith.errors import UsageError
from phonolith.model.change import Change, FieldChange, What
from phonolith.model.ids import public_id
from phonolith.model.music import (
    ArtistDescription,
    Credit,
    File,
    Label,
    Level,
    LicenceStatement,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.record import Record
from phonolith.store.archive import Archive
from tests.catalogue.said import SaidSource, add, make_archive, records

BY, NC = "https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by-nc/4.0/"
DIGEST = "ab" * 32


def licensed(uri: str, level: Level = Level.PLATFORM) -> tuple[LicenceStatement, ...]:
    return (LicenceStatement(uri, level, "said"),)


def differ(archive: Archive, *, others: set[str] | None = None) -> list[Change]:
    def elsewhere(digests: Sequence[str], _: str) -> set[str]:
        return others or set()

    with archive.history() as history:
        a, b = (moment(history, "said", word).lines for word in ("previous", "last"))
        return list(diff(history, "said", SaidSource(), a, b, elsewhere=elsewhere))


def test_what_is_new_changed_and_gone(tmp_path: Path) -> None:
    kept = TrackDescription("k", "Kept", "r")
    old = ReleaseDescription("r", "Road", (Credit("Ann"),), labels=(Label("Small"),), date="2001")
    archive = make_archive(
        tmp_path / "a", kept, old, TrackDescription("v", "Lost", files=(File("audio", sha256=DIGEST),))
    )
    with archive.records() as store:
        store.put_many(records(replace(old, date="2002"), TrackDescription("n", "New", "r")))
        store.gone("said", ["track:v"], "2026-03-02T12:00:00Z")
    changed, new, vanished = differ(archive)
    assert (changed.what, changed.fields) == (What.CHANGED, (FieldChange("date", "2001", "2002"),))
    assert changed.artist == "Ann" and public_id("said", "artist:ann") in changed.about
    assert public_id("said", "label:small") in changed.about and "Small" in changed.words
    assert (new.what, new.id, new.release) == (What.APPEARED, public_id("said", "n"), public_id("said", "r"))
    assert (vanished.what, vanished.title, vanished.copies) == (What.VANISHED, "Lost", (DIGEST,))
    assert differ(archive, others={DIGEST})[2].copies == (), "somebody else offers it"


@pytest.mark.parametrize(
    ("was", "now", "direction"),
    [
        (licensed(BY), licensed(NC), "stricter"),
        (licensed(NC), licensed(BY), "looser"),
        (licensed(BY), (), "stricter"),
        ((), licensed(BY), "looser"),
        (licensed(BY), licensed(BY, Level.THIRD_PARTY), "stricter"),
        (licensed(BY), (*licensed(BY), *licensed(NC)), "stricter"),
        (licensed(BY), licensed("https://creativecommons.org/licenses/by/3.0/"), "other"),
    ],
)
def test_a_licence_that_changes_says_which_way(
    tmp_path: Path, was: tuple[LicenceStatement, ...], now: tuple[LicenceStatement, ...], direction: str
) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T", licences=was))
    add(archive, TrackDescription("t", "T", licences=now))
    (found,) = differ(archive)
    assert [(one.field, one.direction) for one in found.fields] == [("licence", direction)]
    assert found.stricter == (direction == "stricter")


def test_the_same_licence_seen_another_day_is_no_change(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T", licences=licensed(BY)))
    add(
        archive, TrackDescription("t", "T", licences=(LicenceStatement(BY, Level.PLATFORM, "said", date="2026-05-01"),))
    )
    assert differ(archive) == []


def test_what_has_another_id_moved_and_what_was_two_merged(tmp_path: Path) -> None:
    sound = (File("audio", sha256=DIGEST),)
    two = [TrackDescription(name, "Same", isrcs=("GBAYE0601498",)) for name in ("x", "y")]
    archive = make_archive(tmp_path / "a", TrackDescription("old", "Song", files=sound), *two)
    with archive.records() as store:
        store.put_many(records(TrackDescription("new", "Song!", files=sound), replace(two[0], position=3)))
        store.gone("said", ["track:old", "track:y"], "2026-03-02T12:00:00Z")
    found = {one.id: one for one in differ(archive)}
    moved, merged = found[public_id("said", "old")], found[public_id("said", "y")]
    assert (moved.what, moved.heir) == (What.MOVED, public_id("said", "new"))
    assert moved.fields == (FieldChange("title", "Song", "Song!"),)
    assert (merged.what, merged.heir) == (What.MERGED, public_id("said", "x"))
    assert public_id("said", "new") not in found, "what moved there is not new"
    assert not moved.copies and not merged.copies, "it is still offered"


def test_a_thing_that_passes_to_another_record_stays(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", ArtistDescription("a", "Ann"))
    (record,) = records(ArtistDescription("a", "Ann"))
    with archive.records() as store:
        store.put_many([replace(record, item="elsewhere")])
        store.gone("said", [record.item], "2026-03-02T12:00:00Z")
    assert differ(archive) == []


def test_a_record_that_cannot_be_read_says_nothing_and_odd_names_are_taken(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T"))
    with archive.records() as store:
        store.put_many([Record("said", "odd", "", "2026-03-02T12:00:00Z", b"no")])
    assert differ(archive) == []
    (record,) = records(TrackDescription("u", "U"))
    with archive.records() as store:
        store.put_many([replace(record, item="\ud800\x00")])
    assert [one.item for one in differ(archive)] == ["\ud800\x00"]


def test_moments_have_names(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a", TrackDescription("t", "T"))
    add(archive, TrackDescription("u", "U"))
    with archive.history() as history:
        lines = {
            word: moment(history, "said", word).lines for word in ("0", "1", "#2", "previous", "last", "2026-02-28")
        }
        assert lines == {"0": 0, "1": 1, "#2": 2, "previous": 1, "last": 2, "2026-02-28": 0}
        assert moment(history, "said", "2026-03-01T12:00:00Z").lines == 2
        for word in ("3", "yesterday", "2026-1-1"):
            with pytest.raises(UsageError):
                moment(history, "said", word)
