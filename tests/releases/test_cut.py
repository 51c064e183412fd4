"""Releases: only what the gate allows, bundles that are bags and torrents, assignment that stays."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from phonolith.audit.torrents import AUDIO, kind_of
from phonolith.library import permitted as permitted_
from phonolith.library import publications
from phonolith.library.catalogue import Catalogue
from phonolith.library.excerpt import excerpt
from phonolith.library.overlay import Overlay
from phonolith.library.permitted import permitted
from phonolith.library.reading import Library
from phonolith.model.paths import collisions, portable
from phonolith.model.progress import Silent
from phonolith.model.rights import Decision, Use
from phonolith.releases.bag import About
from phonolith.releases.choose import Chosen, choose
from phonolith.releases.compose import Kind
from phonolith.releases.cut import Made, Recipe, Told, cut
from phonolith.releases.group import group, tier_of
from phonolith.releases.publish import assigned, commit_to, heads_of, publish, published, write_drafts
from phonolith.releases.worn import next_name, worn
from phonolith.rights.gate import Policy
from phonolith.store.archive import Archive
from phonolith.store.metainfo import read
from tests import sample

NOW = "2026-11-02T00:00:00Z"
RECIPE = Recipe(
    "one",
    About("Sample", "mailto:sample@example.org", "http://sample.example", sample.AS_OF),
    (("http://tracker.example/announce",),),
    "http://sample.example/bundle/",
    (Kind.HYBRID, Kind.V1),
)


def is_audio(name: str) -> bool:
    return kind_of(name) in AUDIO


@contextmanager
def library_of(archive: Archive) -> Iterator[Library]:
    with closing(Catalogue.open(archive.catalogue)) as catalogue, archive.register() as register:
        yield Library(catalogue, Overlay(register, every=0), Policy())


def chosen_of(archive: Archive) -> list[Chosen]:
    with library_of(archive) as library:
        return choose(permitted(library, Use.REDISTRIBUTE))


def cut_of(
    archive: Archive, recipe: Recipe = RECIPE, chosen: list[Chosen] | None = None, taken: Collection[str] | None = None
) -> list[Made]:
    chosen = chosen_of(archive) if chosen is None else chosen
    taken = assigned(archive, published(archive)) if taken is None else taken
    with library_of(archive) as library, archive.objects() as objects, library.reading() as reading:
        held = {one.file.sha256 for one in chosen}
        told = Told(objects.passport, partial(excerpt, reading, held), partial(heads_of, archive), is_audio)
        return list(cut(chosen, taken, told, recipe))


def publish_now(archive: Archive, recipe: Recipe = RECIPE) -> list[Made]:
    commit_to(archive, chosen_of(archive), lambda: NOW)
    made = cut_of(archive, recipe)

    def append(kind: str, body: dict[str, object]):  # type: ignore[no-untyped-def]
        with archive.register() as register:
            return register.append(kind, body, actor="operator", time=NOW)

    publish(archive, made, recipe, append, clock=lambda: NOW, progress=Silent())
    return made


def laid_out(archive: Archive, bundle: publications.Bundle, folder: Path) -> Path:
    """A bundle as somebody who downloaded it has it."""
    root = folder / bundle.name
    with archive.objects() as objects:
        for one in publications.files(objects, bundle):
            path = root / one.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(objects.path(one.sha256).read_bytes())
    return root


@pytest.fixture
def sampled(tmp_path: Path) -> tuple[Archive, dict[str, str]]:
    return sample.make_archive(tmp_path / "archive")


@pytest.fixture
def archive(sampled: tuple[Archive, dict[str, str]]) -> Archive:
    return sampled[0]


def test_only_what_the_gate_allows_to_be_passed_on_is_chosen(archive: Archive) -> None:
    chosen = chosen_of(archive)
    assert {one.file.standing.rights.licence.family for one in chosen if one.file.standing.rights.licence} == {
        "by", "by-sa", "cc0", "pd", "by-nc", "by-nc-nd",
    }  # fmt: skip
    titles = {one.file.release.title for one in chosen}
    assert not titles & {"Disputed", "String Quartets", "All Rights Reserved", "Only Listed"}
    tracks = {one.file.track.title for one in chosen if one.file.track}
    assert "A Cover of a Standard" not in tracks and "Torn" not in tracks and "Love" in tracks


def test_a_gate_that_says_yes_to_everything_is_noticed(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the test above rests on the gate and on nothing else."""
    monkeypatch.setattr(permitted_, "decision", lambda *_: Decision(Use.REDISTRIBUTE, True, ()))
    assert {"Disputed"} <= {one.file.release.title for one in chosen_of(archive)}


def test_what_is_withdrawn_is_not_chosen(sampled: tuple[Archive, dict[str, str]]) -> None:
    archive, ids = sampled
    before = {one.file.sha256 for one in chosen_of(archive)}
    with archive.register() as register:
        body = {"subjects": [ids["release:road"]], "because": "they asked", "ground": "owner"}
        register.append("item.withdrawn", body, actor="operator", time=NOW)
    after = chosen_of(archive)
    assert before - {one.file.sha256 for one in after}
    assert "The Long Road" not in {one.file.release.title for one in after}


def test_every_path_is_portable_and_no_two_are_one(archive: Archive) -> None:
    for made in cut_of(archive):
        paths = [one.path for one in made.group.files]
        assert all(portable(path) and path[0] == "data" for path in paths)
        assert not collisions(paths)


def test_a_bundle_holds_one_licence_one_tier_and_one_size_of_file(archive: Archive) -> None:
    made = cut_of(archive)
    assert {one.bundle.licence for one in made} == {"by", "by-sa", "cc0", "pd", "by-nc", "by-nc-nd"}
    for one in made:
        licences = {file.file.standing.rights.licence for file in one.group.files}
        assert {licence.family for licence in licences if licence} == {one.bundle.licence}
        assert {tier_of(file.file.rank, file.file.of) for file in one.group.files} == {one.bundle.tier}
        assert one.bundle.size_class == "small"


def test_the_order_of_the_choice_changes_nothing(archive: Archive) -> None:
    chosen = chosen_of(archive)
    shuffled = random.Random(3).sample(chosen, len(chosen))
    assert group(chosen) == group(shuffled)
    assert [one.torrents for one in cut_of(archive)] == [one.torrents for one in cut_of(archive)]


def test_groups_stay_within_what_clients_take_and_releases_together(archive: Archive) -> None:
    chosen = chosen_of(archive)
    longest = max(sum(one.file.release.id == other.file.release.id for other in chosen) for one in chosen)
    groups = group(chosen, most_files=longest + 16, most_metainfo=8_000_000)
    assert sorted(one.file.sha256 for part in groups for one in part.files) == sorted(one.file.sha256 for one in chosen)
    assert all(len(part.files) <= longest for part in groups)
    homes: dict[str, set[str]] = {}
    for part in groups:
        for one in part.files:
            homes.setdefault(one.file.release.id, set()).add(part.name)
    assert all(len(names) == 1 for names in homes.values())
    small = group(chosen, most_files=17, most_metainfo=8_000_000)
    assert all(len(part.files) == 1 for part in small) and len(small) == len(chosen)


def test_metainfo_is_never_larger_than_was_reckoned(archive: Archive) -> None:
    from phonolith.releases.group import _weight

    for made in cut_of(archive):
        assert len(made.torrents["hybrid"]) < sum(map(_weight, made.group.files)) + 500_000


def test_a_bundle_is_a_valid_bag_to_the_library_of_congress(archive: Archive, tmp_path: Path) -> None:
    bagit = pytest.importorskip("bagit")
    publish_now(archive)
    for bundle in publications.bundles(published(archive)).values():
        bag = bagit.Bag(str(laid_out(archive, bundle, tmp_path / "copies")))
        bag.validate()
        assert bag.info["External-Identifier"] == bundle.name
    path = next((tmp_path / "copies").rglob("*.wav"))
    path.write_bytes(b"\0" + path.read_bytes()[1:])
    root = next(parent for parent in path.parents if (parent / "bagit.txt").is_file())
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(root)).validate()


def test_libtorrent_finds_a_copy_complete(archive: Archive, tmp_path: Path) -> None:
    libtorrent = pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")
    made = publish_now(archive)
    told = libtorrent.alert.category_t.status_notification | libtorrent.alert.category_t.error_notification
    session = libtorrent.session(
        {"listen_interfaces": "", "enable_dht": False, "enable_lsd": False, "alert_mask": told}
    )
    for one in made:
        laid_out(archive, one.bundle, tmp_path)
        for data in one.torrents.values():
            parameters = libtorrent.load_torrent_buffer(data)
            parameters.save_path = str(tmp_path)
            parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
            handle = session.add_torrent(parameters)
            while not handle.status().is_seeding:
                assert not handle.status().errc.value()
                session.wait_for_alert(200)
                session.pop_alerts()
                assert handle.status().state != libtorrent.torrent_status.downloading
            session.remove_torrent(handle)


def test_what_was_published_survives_the_loss_of_everything_derived(archive: Archive) -> None:
    import shutil

    made = {one.bundle.name: one for one in publish_now(archive)}
    shutil.rmtree(archive.derived)
    again = Archive.open(archive.root)
    with again.objects() as objects:
        found = publications.bundles(published(again))
        assert found.keys() == made.keys()
        for name, bundle in found.items():
            for torrent in bundle.torrents:
                assert objects.path(torrent.sha256).read_bytes() == made[name].torrents[torrent.kind]
            assert {one.path for one in publications.files(objects, bundle)} == {
                *("/".join(one.path) for one in made[name].group.files), *made[name].tags,
            }  # fmt: skip


def test_assignment_stays_whatever_the_chart_says(archive: Archive) -> None:
    made = publish_now(archive)
    chosen = [replace(one, file=replace(one.file, rank=one.file.of + 1 - one.file.rank)) for one in chosen_of(archive)]
    taken = assigned(archive, published(archive))
    assert not cut_of(archive, replace(RECIPE, name="two"), chosen, taken)
    anew = cut_of(archive, replace(RECIPE, name="two"), chosen, frozenset())
    assert {one.bundle.tier for one in anew} != set() and len(taken) == sum(one.bundle.files for one in made)


def test_a_second_release_has_only_what_is_new(archive: Archive) -> None:
    first = publish_now(archive)
    hidden = {one.file.sha256 for one in first[0].group.files}
    taken = {sha256 for sha256 in assigned(archive, published(archive)) if sha256 not in hidden}
    second = cut_of(archive, replace(RECIPE, name="two"), taken=taken)
    assert {one.file.sha256 for made in second for one in made.group.files} == hidden


def test_evidence_and_attribution_name_every_file(archive: Archive) -> None:
    for made in cut_of(archive):
        lines = [json.loads(line) for line in made.tags["evidence.jsonl"].splitlines()]
        assert [line["sha256"] for line in lines] == [one.file.sha256 for one in made.group.files]
        assert all(line["level"] >= 2 and line["uri"] for line in lines)
        text = made.tags["ATTRIBUTION.txt"].decode()
        assert all("/".join(one.path) in text for one in made.group.files)


def test_drafts_are_what_will_be_published(archive: Archive, tmp_path: Path) -> None:
    commit_to(archive, chosen_of(archive), lambda: NOW)
    bundles = write_drafts(tmp_path / "drafts", cut_of(archive))
    for made in publish_now(archive):
        assert made.bundle in bundles
        folder = tmp_path / "drafts"
        assert (folder / f"{made.bundle.name}.torrent").read_bytes() == made.torrents["hybrid"]
        assert (folder / f"{made.bundle.name}.v1.torrent").read_bytes() == made.torrents["v1"]
        for path, data in made.tags.items():
            assert (folder / made.bundle.name / path).read_bytes() == data
            assert made.bundle.tags[path] == hashlib.sha256(data).hexdigest()


def test_no_private_word_is_in_a_torrent(archive: Archive) -> None:
    for made in cut_of(archive):
        assert str(archive.root).encode() not in b"".join((*made.torrents.values(), *made.tags.values()))
        found = read(made.torrents["hybrid"], "it")
        assert (found.web_seeds, found.folder) == (("http://sample.example/bundle/",), made.bundle.name)


def test_a_bundle_that_lost_too_much_is_cut_again_and_the_others_are_not(
    sampled: tuple[Archive, dict[str, str]],
) -> None:
    archive, ids = sampled
    before = {one.bundle.name: one for one in publish_now(archive)}
    with archive.register() as register:
        body = {"subjects": [ids["track:road/1"]], "because": "they asked", "ground": "owner"}
        register.append("item.withdrawn", body, actor="operator", time=NOW)
    current = publications.bundles(published(archive))
    with archive.objects() as objects:
        again = list(worn(objects, current.values(), chosen_of(archive)))
    (one,) = again
    old = before[one.replaces]
    gone = {file.file.sha256 for file in old.group.files} - {file.file.sha256 for file in one.files}
    assert len(gone) == 1 and one.piece_length == old.group.piece_length
    kept = {file.file.sha256: file.path for file in old.group.files}
    assert all(kept[file.file.sha256] == file.path for file in one.files)
    with library_of(archive) as library, archive.objects() as objects, library.reading() as reading:
        told = Told(objects.passport, partial(excerpt, reading, set(kept)), partial(heads_of, archive), is_audio)
        made = list(cut([], frozenset(), told, replace(RECIPE, name="two"), again))
    assert [(new.bundle.name, new.bundle.replaces) for new in made] == [(f"{one.replaces}-r2", one.replaces)]

    def append(kind: str, body: dict[str, object]) -> object:
        with archive.register() as register:
            return register.append(kind, body, actor="operator", time=NOW)

    publish(archive, made, replace(RECIPE, name="two"), append, clock=lambda: NOW, progress=Silent())  # type: ignore[arg-type]
    after = publications.bundles(published(archive))
    assert after.keys() == (current.keys() - {one.replaces}) | {f"{one.replaces}-r2"}
    assert not gone & set(assigned(archive, published(archive)))


def test_a_bundle_that_lost_little_is_left_alone(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_now(archive)
    chosen = chosen_of(archive)
    current = publications.bundles(published(archive)).values()
    with archive.objects() as objects:
        assert not list(worn(objects, current, chosen))
        monkeypatch.setattr("phonolith.releases.worn.TOLERATED", 0.5)
        assert not list(worn(objects, current, chosen[1:]))


@pytest.mark.parametrize(("name", "following"), [("x", "x-r2"), ("x-r2", "x-r3"), ("x-r9", "x-r10"), ("r2", "r2-r2")])
def test_names_of_bundles_that_take_anothers_place(name: str, following: str) -> None:
    assert next_name(name) == following


def test_every_bundle_carries_a_signed_head_that_covers_what_is_in_it(archive: Archive, tmp_path: Path) -> None:
    from phonolith.releases.prove import prove
    from phonolith.verifier import check_proof, read_proof

    for one in publish_now(archive):
        folder = laid_out(archive, one.bundle, tmp_path)
        heads = (folder / "heads.jsonl").read_bytes().splitlines()
        for file in one.group.files:
            proof = prove(archive, folder.joinpath(*file.path))
            assert not check_proof(read_proof(proof))
            assert json.loads(heads[-1]) == proof["head"]
        for torrent in one.bundle.torrents:  # they lead to the tag files, and are committed to before the event
            with archive.objects() as objects:
                assert not check_proof(read_proof(prove(archive, objects.path(torrent.sha256))))
