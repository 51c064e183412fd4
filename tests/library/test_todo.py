"""What there is to do is found, counted, and comes with the command that does it."""

from __future__ import annotations

from phonolith.library.todo import Section, todo
from tests.library.conftest import Shelf


def _by_code(shelf: Shelf, **more: int) -> dict[str, Section]:
    return {section.code: section for section in todo(shelf.library, **more)}


def test_tracks_without_evidence_are_grouped_with_their_command(shelf: Shelf) -> None:
    section = _by_code(shelf)["no-evidence"]
    assert section.total == 3 + 2 + 3 + 2  # quartets, undated, listed, disputed
    groups = {item.reference: item for item in section.items}
    assert groups["source:table"].tracks == 3
    assert groups[f"label:{shelf.ids['label:hungaria']}"].tracks == 3
    release = groups[f"release:{shelf.ids['release:listed']}"]
    assert release.command == (
        f"phonolith rights attest release:{shelf.ids['release:listed']}"
        " --licence https://creativecommons.org/licenses/by/4.0/ --as licensee --because …"
    )
    disputed = groups[f"release:{shelf.ids['release:disputed']}"]
    assert "--licence URI" in disputed.command, "of a conflict neither side is proposed"
    assert disputed.detail.startswith("2 held")
    assert f"release:{shelf.ids['release:road']}" not in groups
    assert f"release:{shelf.ids['release:reserved']}" not in groups, "known and forbidden is not unknown"


def test_no_command_overrules_evidence_that_is_there(shelf: Shelf) -> None:
    groups = {item.reference: item for item in _by_code(shelf)["no-evidence"].items}
    mixed = [item for item in groups.values() if "beside them have evidence" in item.detail]
    assert groups["source:folder"] in mixed
    for item in mixed:
        assert not item.command.startswith(f"phonolith rights attest {item.reference} ")


def test_the_other_sorts(shelf: Shelf) -> None:
    found = _by_code(shelf)
    assert found["unreadable"].items[0].reference == f"track:{shelf.ids['track:broken/2']}"
    assert found["unreadable"].items[0].detail == "not a FLAC stream"
    assert [item.reference for item in found["no-artist"].items] == [f"release:{shelf.ids['release:undated']}"]
    assert found["no-artist"].total == 2
    covers = {shelf.name(item.reference.partition(":")[2]) for item in found["no-cover"].items}
    assert covers == {
        f"release:{slug}" for slug in ("road-2014", "kyoto", "anna", "shark", "disputed", "hostile", "broken")
    }
    (same,) = found["same-bytes"].items
    both = f"{same.reference} {same.detail}"
    assert shelf.ids["track:road/2"] in both and shelf.ids["track:road-2014/2"] in both


def test_publishable_counts_what_may_be_passed_on(shelf: Shelf) -> None:
    section = _by_code(shelf)["publishable"]
    families = {item.title: item.tracks for item in section.items}
    assert families == {"by": 8 + 2 + 1, "by-sa": 4 + 5, "pd": 8, "by-nc": 3, "by-nc-nd": 2}
    assert section.total == sum(families.values())
    assert "cc0" not in families, "its attestation is not in this register"


def test_items_are_limited_and_counts_are_not(shelf: Shelf) -> None:
    whole, cut = _by_code(shelf), _by_code(shelf, limit=1)
    assert {code: section.total for code, section in whole.items()} == {
        code: section.total for code, section in cut.items()
    }
    assert all(len(section.items) <= 3 for section in cut.values())


def test_what_is_withdrawn_is_nothing_to_do(shelf: Shelf) -> None:
    shelf.withdraw("release:undated", "release:kyoto")
    found = _by_code(shelf)
    references = {item.reference for section in found.values() for item in section.items}
    assert f"release:{shelf.ids['release:undated']}" not in references
    assert f"release:{shelf.ids['release:kyoto']}" not in references
    assert {item.title: item.tracks for item in found["publishable"].items}["pd"] == 5
