"""``mirror`` over loopback: real servers, a share of another archive, and the origin gone for good."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from phonolith.library import publications
from phonolith.library.catalogue import Catalogue
from phonolith.library.offered import offered
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.releases.commitment import Known
from phonolith.releases.fetch import Fetched, Here, fetch
from phonolith.releases.index import read_index
from phonolith.releases.publish import published
from phonolith.rights.decisions import Decisions
from phonolith.store.archive import Archive
from tests import sample
from tests.cli.conftest import Result
from tests.releases import origins
from tests.releases.origins import Asking
from tests.releases.test_cut import publish_now

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONOLITH_SEED_DHT", "false")
    monkeypatch.setenv("PHONOLITH_SEED_LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("PHONOLITH_SWARM_PATIENCE", "1")


@contextmanager
def served(archive: Archive) -> Iterator[str]:
    """The archive's library on a free port; its address."""
    with origins.served(archive) as there:
        yield there.url


@pytest.fixture
def origin(tmp_path: Path) -> Archive:
    archive = sample.make_archive(tmp_path / "origin")[0]
    publish_now(archive)
    return archive


def made(tmp_path: Path, phonolith: Run, name: str) -> Path:
    root = tmp_path / name
    assert phonolith("init", root, "--name", name, "--contact", "m@example.org").code == 0
    return root


def held(root: Path) -> set[str]:
    with Archive.open(root).objects() as objects:
        return {one.sha256 for one in objects.all()}


def test_a_mirror_of_a_mirror_serves_the_same_when_the_origin_is_gone(
    origin: Archive, tmp_path: Path, phonolith: Run
) -> None:
    first, second = made(tmp_path, phonolith, "first"), made(tmp_path, phonolith, "second")
    bundles = publications.bundles(published(origin))
    with served(origin) as url:
        taken = phonolith("mirror", url, "--archive", first, "--json").data
        assert len(taken["taken"]) == len(bundles) and not taken["findings"]
        assert {one["proven"] for one in taken["taken"]} == {"head"}
        again = phonolith("mirror", url, "--archive", first, "--json").data
        assert again["chosen"] == [] and again["offered"] == len(bundles)
    shutil.rmtree(origin.root)
    assert phonolith("build", "--archive", first).code == 0
    with served(Archive.open(first)) as url:
        assert phonolith("mirror", url, "--archive", second).code == 0
    assert phonolith("build", "--archive", second).code == 0
    assert publications.bundles(published(Archive.open(second))) == bundles
    shown = [phonolith("search", "love", "--archive", root, "--json").data for root in (first, second)]
    assert shown[0]["tracks"] == shown[1]["tracks"] and shown[0]["tracks"]
    assert held(first) == held(second)
    assert not list((first / "state" / "mirror").iterdir())


def test_what_the_origin_withdrew_reaches_a_mirror_of_a_mirror_when_the_origin_is_gone(
    origin: Archive, tmp_path: Path, phonolith: Run
) -> None:
    first, second = made(tmp_path, phonolith, "first"), made(tmp_path, phonolith, "second")
    found = phonolith("search", "departure", "--archive", origin.root, "--json").data["tracks"]["items"]
    gone = {one["id"] for one in found}
    with served(origin) as url:
        assert phonolith("mirror", url, "--no-build", "--archive", first).code == 0
        with served(Archive.open(first)) as between:
            assert phonolith("mirror", between, "--no-build", "--archive", second).code == 0
        assert phonolith("withdraw", *gone, "--because", "asked", "--archive", origin.root).code == 0
        listed = {one["sha256"] for one in map(json.loads, origin.withdrawals().said()[0].splitlines())}
        assert phonolith("mirror", "update", "--no-build", "--archive", first).code == 0
    shutil.rmtree(origin.root)

    def refused(root: Path) -> set[str]:
        with Archive.open(root).register() as register:
            return {one for one in Decisions.load(register.events()).withdrawn if len(one) == 64}

    assert refused(first) == listed != set() and refused(second) == set(), "the control: nobody told it yet"
    log = Archive.open(first).withdrawals().followed
    (name,) = (path.name for path in (first / "held/withdrawals/followed").iterdir())
    with served(Archive.open(first)) as between:
        told = log(name).said()
        forged = told[0].replace(b'"event":"withdrawn"', b'"event":"expunged"', 1)
        log(name).take_over(forged, told[1])
        words = ("mirror", between, "--no-build", "--archive", second, "--json")
        assert phonolith(*words).code == 9
        assert refused(second) == set(), "a mirror on the way can change no list"
        log(name).take_over(*told)
        done = phonolith(*words)
        assert done.code == 0 and done.data["withdrawn"] == len(listed)
        assert phonolith(*words).data["withdrawn"] == 0
    assert refused(second) == listed
    assert Archive.open(second).withdrawals().followed(name).said() == told, "and it hands the list on"


def test_a_budget_and_filters_choose_a_share(origin: Archive, tmp_path: Path, phonolith: Run) -> None:
    root = made(tmp_path, phonolith, "mirror")
    with served(origin) as url:
        every = phonolith("mirror", url, "--dry-run", "--archive", root, "--json").data["chosen"]
        some = phonolith("mirror", url, "--dry-run", "--budget", "12kB", "--archive", root, "--json").data["chosen"]
        assert 0 < sum(one["bytes"] for one in some) <= 12_000 < sum(one["bytes"] for one in every)
        free = phonolith("mirror", url, "--licence", "cc0", "--archive", root, "--json").data["taken"]
        assert free and all("cc0" in one["name"] for one in free)
        assert phonolith("mirror", url, "--budget", "much", "--archive", root).code == 2
    assert not held(root) >= {one.sha256 for one in _payload(origin)}


def _payload(archive: Archive) -> Iterator[Any]:
    with archive.objects() as objects:
        for bundle in publications.bundles(published(archive)).values():
            yield from (one for one in publications.files(objects, bundle) if one.payload)


def test_only_bytes_that_are_not_here_are_moved(origin: Archive, tmp_path: Path, phonolith: Run) -> None:
    root = made(tmp_path, phonolith, "mirror")
    with origin.objects() as theirs, Archive.open(root).objects() as mine:
        for one in _payload(origin):
            mine.add_bytes(theirs.path(one.sha256).read_bytes())
    with served(origin) as url:
        taken = phonolith("mirror", url, "--archive", root, "--json").data["taken"]
    assert taken and all(one["bytes_by_web"] == one["bytes_by_swarm"] == 0 for one in taken)


def test_what_is_taken_down_there_is_left_out_and_told(origin: Archive, tmp_path: Path, phonolith: Run) -> None:
    root = made(tmp_path, phonolith, "mirror")
    with served(origin) as url:
        chosen = phonolith("search", "departure", "--archive", origin.root, "--json").data["tracks"]["items"]
        gone = [one["id"] for one in chosen]
        assert phonolith("withdraw", *gone, "--because", "asked", "--archive", origin.root).code == 0
        done = phonolith("mirror", url, "--no-build", "--archive", root, "--json")
        assert done.code == 0 and not done.data["findings"]
        left_out = sum(one["files_withdrawn"] for one in done.data["taken"])
        assert phonolith("mirror", "update", "--archive", root, "--json").data["archives"][0]["chosen"] == []
    lacking = {one.sha256 for one in _payload(origin)} - held(root)
    assert len(lacking) == left_out > 0


def test_what_a_web_seed_refuses_is_told(origin: Archive, tmp_path: Path) -> None:
    from phonolith.errors import NotFound
    from phonolith.model.progress import Silent

    with served(origin) as url:
        plain = Asking()
        offer = max(read_index(url, plain.read).offers, key=lambda one: one.size)

        class Refuses(Asking):
            def download(self, url: str, *told: Any) -> Any:
                if url.endswith(".wav"):
                    raise NotFound(url, "is refused there (410 Gone)")
                return super().download(url, *told)

        found = fetch(url, offer, tmp_path / "f", Here(lambda _: False), Refuses(), progress=Silent())
    assert {one.code for one in found.findings} == {"mirror.not-fetched"}
    assert found.left_out == {one.subject for one in found.findings} != set()
    assert all("refused" in one.problem for one in found.findings)


def test_a_fetch_that_was_broken_off_goes_on_where_it_was(origin: Archive, tmp_path: Path) -> None:
    from phonolith.model.progress import Silent

    with served(origin) as url:
        plain = Asking()
        offer = max(read_index(url, plain.read).offers, key=lambda one: one.size)

        class Breaks(Asking):
            def download(self, url: str, *told: Any) -> Any:
                if sum("/data/" in one for one in self.asked) == 2:
                    raise KeyboardInterrupt
                return super().download(url, *told)

        breaks = Breaks()
        with pytest.raises(KeyboardInterrupt):
            fetch(url, offer, tmp_path / "f", Here(lambda _: False), breaks, progress=Silent())
        fetched = fetch(url, offer, tmp_path / "f", Here(lambda _: False), plain, progress=Silent())
    before, after = ({one for one in each.asked if "/data/" in one} for each in (breaks, plain))
    assert len(before) == 2 and after and not before & after
    assert not fetched.findings and fetched.moved["web"] < offer.size


def test_bundles_of_another_log_than_before_are_refused(origin: Archive, tmp_path: Path) -> None:
    from phonolith.errors import BadInput
    from phonolith.model.progress import Silent
    from phonolith.releases.commit import commit
    from phonolith.store.log import head_file

    other = Archive.create(tmp_path / "other", name="Other", contact="o@example.org", now=sample.NOW)
    with other.objects() as objects:
        forged = head_file([commit(other, [objects.add_bytes(b"x").sha256], lambda: sample.NOW)])
    own = head_file([origin.log().heads()[0]])
    with served(origin) as url:
        plain = Asking()
        offer = min(read_index(url, plain.read).offers, key=lambda one: one.size)

        def with_seen(*seen: bytes) -> Fetched:
            known = Known("", (), lambda name: seen if name == "Sample" else ())
            here = Here(lambda _: False, check=lambda bag: known.check(bag, own=True))
            return fetch(url, offer, tmp_path / "f", here, plain, progress=Silent())

        assert not with_seen().findings and not with_seen(own).findings
        with pytest.raises(BadInput) as caught:
            with_seen(forged)
        assert caught.value.code == "mirror.log"


def test_a_bundle_without_a_head_is_refused_once_there_were_heads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phonolith.errors import BadInput
    from phonolith.model.progress import Silent
    from phonolith.store.log import head_file

    archive = sample.make_archive(tmp_path / "silent")[0]
    monkeypatch.setattr("tests.releases.test_cut.commit_to", lambda *_: None)
    publish_now(archive)
    seen = head_file(archive.log().heads()[-1:])
    with served(archive) as url:
        plain = Asking()
        offer = min(read_index(url, plain.read).offers, key=lambda one: one.size)
        for before, fine in (((), True), ((seen,), False)):
            known = Known("", (), lambda _, before=before: before)
            here = Here(lambda _: False, check=lambda bag, known=known: known.check(bag, own=True))
            if fine:
                assert not fetch(url, offer, tmp_path / "f", here, plain, progress=Silent()).findings
                continue
            with pytest.raises(BadInput, match="missing"):
                fetch(url, offer, tmp_path / "f", here, plain, progress=Silent())


@pytest.mark.parametrize("wrong", ["torrent", "tag", "payload"])
def test_bytes_that_are_not_what_was_promised_are_not_held(origin: Archive, tmp_path: Path, wrong: str) -> None:
    from phonolith.errors import BadInput
    from phonolith.model.progress import Silent

    ends = {"torrent": ".torrent", "tag": "bag-info.txt", "payload": ".wav"}[wrong]
    with origins.served(origin) as there:
        url, plain = there.url, Asking()
        offer = max(read_index(url, plain.read).offers, key=lambda one: one.size)

        def lies(path: str, data: bytes) -> bytes:
            return data[:-1] + bytes([data[-1] ^ 1]) if data and path.endswith(ends) else data

        there.lies = lies
        if wrong == "payload":
            found = fetch(url, offer, tmp_path / "f", Here(lambda _: False), plain, progress=Silent()).findings
            assert found and {one.code for one in found} == {"mirror.not-fetched"}
            assert not list((tmp_path / "f").rglob("*.wav"))
        else:
            with pytest.raises(BadInput):
                fetch(url, offer, tmp_path / "f", Here(lambda _: False), plain, progress=Silent())


def test_an_address_that_is_no_library_is_told(origin: Archive, tmp_path: Path, phonolith: Run) -> None:
    root = made(tmp_path, phonolith, "mirror")
    with served(origin) as url:
        assert phonolith("mirror", f"{url}/about", "--archive", root).code == 4
    assert phonolith("mirror", "file:///etc/passwd", "--archive", root).code == 2
    assert phonolith("mirror", url, "--archive", root).code == 12


def test_a_mirror_that_lost_its_catalogue_offers_no_more_than_before(
    origin: Archive, tmp_path: Path, phonolith: Run
) -> None:
    """What the origin attested is an event of another register: without a catalogue nothing can be said of it."""
    root = made(tmp_path, phonolith, "mirror")
    with served(origin) as url:
        assert phonolith("mirror", url, "--archive", root).code == 0
    assert phonolith("build", "--archive", root).code == 0
    archive = Archive.open(root)
    before, after = _offered(archive, catalogue=True), _offered(archive, catalogue=False)
    assert before >= after and len(after) > 10
    attested = {one["sha256"] for one in _evidence(origin) if one["basis"] == "attested"}
    assert attested and not attested & after


def _offered(archive: Archive, *, catalogue: bool) -> set[str]:
    found = set()
    with archive.objects() as objects, archive.register() as register:
        events = list(register.events())
        decisions = Decisions.load(events)
        with contextlib.ExitStack() as stack:
            library = None
            if catalogue:
                opened = stack.enter_context(contextlib.closing(Catalogue.open(archive.catalogue)))
                library = Library(opened, Overlay(register))
            for bundle in publications.bundles(publications.publications(events)).values():
                answers = offered(library, objects, decisions, bundle)
                payload = {one.path: one.sha256 for one in publications.files(objects, bundle) if one.payload}
                found |= {sha256 for path, sha256 in payload.items() if answers[path].allowed}
    return found


def _evidence(archive: Archive) -> Iterator[dict[str, Any]]:
    with archive.objects() as objects:
        for bundle in publications.bundles(published(archive)).values():
            with objects.open(bundle.tags["evidence.jsonl"]) as file:
                yield from map(json.loads, file)
