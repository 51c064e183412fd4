"""Mirrors as people run them: killed and run again, by the swarm alone, and for each other when the origin is gone."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from phonolith.library import publications
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from tests.journey.conftest import PROGRAM, environment, run, serving
from tests.releases import seeding
from tests.releases.origins import served

PATIENCE = 120.0


@pytest.fixture(autouse=True)
def _on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SEED_DHT": "false", "SEED_LISTEN": "127.0.0.1:0", "SWARM_PATIENCE": "30"}.items():
        monkeypatch.setenv(f"PHONOLITH_{name}", value)
    monkeypatch.setattr("tests.journey.conftest.environment", lambda: {**environment(), **_quiet()})


def _quiet() -> dict[str, str]:
    return {"PHONOLITH_SEED_DHT": "false", "PHONOLITH_SEED_LISTEN": "127.0.0.1:0", "PHONOLITH_SWARM_PATIENCE": "30"}


@pytest.fixture
def origin(tmp_path: Path) -> Archive:
    return seeding.make_archive(tmp_path / "origin")


def made(tmp_path: Path, name: str) -> Path:
    run("init", tmp_path / name, "--name", name, "--contact", "m@example.org")
    return tmp_path / name


def objects_of(root: Path) -> dict[str, int]:
    with Archive.open(root).objects() as objects:
        return {one.sha256: one.size for one in objects.all()}


def shown(root: Path) -> Any:
    """What the library of an archive says and gives: lists, a release with its tracks, all manifests of bundles."""
    with serving(root) as library:

        def ask(path: str) -> Any:
            answer = library.get(path)
            assert answer.status == 200, path
            return answer.data

        found = [ask(f"/api/v1/search?q=piece&limit=100&kind={kind}") for kind in ("track", "release")]
        for release in sorted({one["release"]["id"] for one in found[0]["tracks"]}):
            found += [ask(f"/api/v1/releases/{release}"), ask(f"/api/v1/releases/{release}/tracks")]
        listed = ask("/releases.json")["publications"]
        names = sorted(one["name"] for each in listed for one in each["bundles"])
        torrents = sorted(str(one["torrents"]) for each in listed for one in each["bundles"])
        bags = [library.get(f"/bundle/{name}/manifest-sha256.txt").body.decode() for name in names]
        return found, names, [re.sub("%3A[0-9]+|:[0-9]+/", "", one) for one in torrents], bags


def lines(value: Any) -> list[str]:
    return json.dumps(value, indent=1, default=str).split("\n")


def plain(value: Any) -> Any:
    """An answer without what is an archive's own: how a licence came to be known here, and what it is called."""
    own = {"basis", "level", "note", "stated", "reason", "reasons", "rights_note"}
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in own}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def test_killed_at_any_moment_and_run_again_nothing_is_moved_twice(origin: Archive, tmp_path: Path) -> None:
    root = made(tmp_path, "mirror")
    with served(origin) as there:
        for after in (1, 150_000, 700_000, 2_000_000):  # bytes of payload at which it is killed, each time further on
            reached, go_on = threading.Event(), threading.Event()

            def hold_up(path: str, sent: int, after: int = after, reached: Any = reached, go_on: Any = go_on) -> None:
                if "/data/" in path and there.payload >= after and not go_on.is_set():
                    reached.set()
                    go_on.wait(PATIENCE)
                    raise ConnectionError("whoever asked was killed")

            there.held_up = hold_up
            words = [*PROGRAM, "mirror", there.url, "--by", "web", "--no-build", "--archive", str(root)]
            with subprocess.Popen(words, env={**environment(), **_quiet()}, stderr=subprocess.DEVNULL) as process:
                assert reached.wait(PATIENCE)
                wait_until_still(root)
                process.send_signal(signal.SIGKILL)
                process.wait()
            go_on.set()
        there.held_up = lambda *_: None
        done = run("mirror", there.url, "--by", "web", "--no-build", "--archive", root)
        assert not done["findings"]
        payload = sum(one.size for one in publications.bundles(published(origin)).values())
        unwritten = 4 * (64 << 10)  # of each killed run: what was on its way, or in memory
        assert payload <= there.payload <= payload + unwritten
        assert there.bundles - there.payload < 2 * (tags_of(origin) + unwritten)
    assert objects_of(root).items() <= objects_of(origin.root).items()
    assert not list((root / "state" / "mirror").iterdir())


def tags_of(archive: Archive) -> int:
    """Bytes of all tag files and torrents that are published."""
    with archive.objects() as objects:
        every = publications.bundles(published(archive)).values()
        names = [sha256 for one in every for sha256 in (*one.tags.values(), *(each.sha256 for each in one.torrents))]
        return sum(objects.path(sha256).stat().st_size for sha256 in names)


def wait_until_still(root: Path) -> None:
    """Until nothing more is written of what was sent: the origin holds everything up now."""
    before = -1
    until = time.monotonic() + PATIENCE
    while (now := sum(path.stat().st_size for path in (root / "state").rglob("*") if path.is_file())) != before:
        assert time.monotonic() < until
        before = now
        time.sleep(0.3)  # between two looks


@contextmanager
def seeds(archive: Archive) -> Iterator[int]:
    """A seeder of the archive that looks again and again; where it listens."""
    stop = threading.Event()
    with seeding.seeder_of(archive) as seeder:
        thread = threading.Thread(target=lambda: [seeder.look() for _ in iter(lambda: stop.wait(0.2), True)])
        thread.start()
        try:
            yield seeding.port_of(seeder)
        finally:
            stop.set()
            thread.join()


def test_by_the_swarm_alone_and_on_to_a_second_mirror_when_the_origin_is_gone(
    origin: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = made(tmp_path, "first"), made(tmp_path, "second")
    run("build", "--archive", origin.root)
    before = shown(origin.root)
    with seeds(origin) as port, served(origin) as there:
        monkeypatch.setattr("tests.journey.conftest.environment", lambda: with_peer(port))
        done = run("mirror", there.url, "--by", "swarm", "--archive", first)
        assert there.payload == 0 and not done["findings"] and done["built"]
        payload = sum(one.size for one in publications.bundles(published(origin)).values())
        assert sum(one["bytes_by_swarm"] for one in done["taken"]) >= payload
        assert not any(one["bytes_by_web"] for one in done["taken"])
    shutil.rmtree(origin.root)
    with seeds(Archive.open(first)) as port, served(Archive.open(first)) as there:
        monkeypatch.setattr("tests.journey.conftest.environment", lambda: with_peer(port))
        again = run("mirror", there.url, "--archive", second)
        assert there.payload == 0 and not again["findings"]
        monkeypatch.setattr("tests.journey.conftest.environment", lambda: {**environment(), **_quiet()})
    for root in (first, second):
        pairs = zip(lines(plain(shown(root))), lines(plain(before)), strict=True)
        differing = [(here, there) for here, there in pairs if here != there]
        assert not differing, differing[:20]
    assert objects_of(first) == objects_of(second)


def with_peer(port: int) -> dict[str, str]:
    return {**environment(), **_quiet(), "PHONOLITH_SEED_PEERS": f"127.0.0.1:{port}"}


def test_where_no_peer_answers_the_web_seed_gives_the_rest(origin: Archive, tmp_path: Path) -> None:
    root = made(tmp_path, "mirror")
    with served(origin) as there:
        quick = {**environment(), **_quiet(), "PHONOLITH_SWARM_PATIENCE": "1"}
        words = [*PROGRAM, "mirror", there.url, "--no-build", "--json", "--archive", str(root)]
        done = subprocess.run(words, env=quick, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert "by swarm: for 1 s nobody gave anything" in done.stderr
        assert there.payload == sum(one.size for one in publications.bundles(published(origin)).values())


def test_a_file_that_the_origin_withdraws_is_gone_from_its_mirror(origin: Archive, tmp_path: Path) -> None:
    root = made(tmp_path, "mirror")
    bundle = seeding.largest(origin, "small")
    path, place = next(one for one in seeding.bytes_of(origin, bundle).items() if one[0].startswith("data/"))
    track, sha256 = seeding.track_of(origin, bundle, path), place.name
    with served(origin) as there:
        run("mirror", there.url, "--by", "web", "--archive", root)
        here = bytes_at(root)
        assert len(here) > 390
        run("withdraw", track, "--because", "the artist asked", "--archive", origin.root)
        run("verify", "--archive", root)
        assert bytes_at(root) == here  # nobody told the mirror yet
        payload = there.payload
        told = run("mirror", "update", "--archive", root)["archives"][0]
        assert told["withdrawn"] == 1 and told["taken"] == [] and not told["findings"]
        with serving(root) as library:
            assert library.get(f"/bundle/{bundle.name}/{quote(path)}").status == 410
        run("verify", "--archive", root)
        assert here - bytes_at(root) == {sha256}
        again = run("mirror", "update", "--archive", root)["archives"][0]
        assert again["withdrawn"] == 0 and again["taken"] == [] and there.payload == payload
        late = made(tmp_path, "late")
        first = run("mirror", there.url, "--by", "web", "--no-build", "--archive", late)
        assert not first["findings"] and here - bytes_at(late) == {sha256}
        assert run("mirror", "update", "--no-build", "--archive", late)["archives"][0]["taken"] == []


def bytes_at(root: Path) -> set[str]:
    """The digests of which a file lies in the archive's volumes."""
    return {path.name for path in (root / "held" / "objects").rglob("*") if path.is_file()}


def test_what_the_seeder_of_the_origin_saw_is_in_its_index_and_the_mirror_goes_on_seeding(
    origin: Archive, tmp_path: Path
) -> None:
    root = made(tmp_path, "mirror")
    with seeding.seeder_of(origin):
        pass  # it looks once and writes what it saw
    with served(origin) as there:
        dry = run("mirror", there.url, "--dry-run", "--at-risk", "2", "--archive", root)
        assert {one["copies"] for one in dry["chosen"]} == {1}
        assert run("mirror", there.url, "--dry-run", "--at-risk", "1", "--archive", root)["chosen"] == []
        words = [*PROGRAM, "mirror", there.url, "--by", "web", "--seed", "--json", "--archive", str(root)]
        env = {**environment(), **_quiet()}
        with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stderr is not None
            text = ""
            while not text.endswith("\n}\n"):
                line = process.stdout.readline()
                assert line, process.stderr.read()
                text += line
            assert len(json.loads(text)["taken"]) == 4
            while "are given" not in (line := process.stderr.readline()):
                assert line
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
