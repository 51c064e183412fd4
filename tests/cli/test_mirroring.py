"""What ``mirror`` promises, measured where bytes are sent: nothing twice, nothing beyond the budget, no forked log."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import BadInput
from phonolith.library import publications
from phonolith.model.progress import Silent
from phonolith.releases.commit import commit, rotate
from phonolith.releases.fetch import Here, NoRoom, fetch
from phonolith.releases.following import Following, body_of
from phonolith.releases.index import Offer, read_index
from phonolith.releases.publish import publish, published
from phonolith.releases.share import Wanted
from phonolith.store.archive import Archive
from phonolith.store.bencode import NotBencode, decode, encode
from tests import sample
from tests.cli.conftest import Result
from tests.releases.origins import Asking, Origin, answer, lying, served
from tests.releases.test_cut import RECIPE, cut_of, publish_now

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONOLITH_SEED_DHT", "false")
    monkeypatch.setenv("PHONOLITH_SEED_LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("PHONOLITH_SWARM_PATIENCE", "1")


@pytest.fixture
def origin(tmp_path: Path) -> Archive:
    archive = sample.make_archive(tmp_path / "origin")[0]
    publish_now(archive)
    return archive


@pytest.fixture
def root(tmp_path: Path, phonolith: Run) -> Path:
    assert phonolith("init", tmp_path / "mirror", "--name", "Mirror", "--contact", "m@example.org").code == 0
    return tmp_path / "mirror"


@pytest.fixture
def take(root: Path, phonolith: Run) -> Callable[..., Result]:
    """``mirror``, with no catalogue built."""

    def run_it(*words: object) -> Result:
        building = () if words[0] in ("list", "stop") else ("--no-build",)
        return phonolith("mirror", *words, *building, "--archive", root, "--json")

    return run_it


def held(root: Path) -> set[str]:
    with Archive.open(root).objects() as objects:
        return {one.sha256 for one in objects.all()}


def size_of(root: Path) -> int:
    """Bytes of all objects that are held, and of all that is on its way."""
    with Archive.open(root).objects() as objects:
        total = objects.totals()[1]
    on_its_way = (root / "state" / "mirror").rglob("*")
    return total + sum(path.stat().st_size for path in on_its_way if path.is_file() and path.stat().st_nlink == 1)


def test_an_update_moves_nothing_that_is_here(origin: Archive, root: Path, take: Run) -> None:
    with served(origin) as there:
        assert take(there.url).code == 0
        once = there.bundles
        assert once > there.payload > 0
        again = take("update").data["archives"][0]
        assert (there.bundles, again["bytes_moved"], again["chosen"]) == (once, 0, [])
        assert again["held"]["bundles"] == len(publications.bundles(published(origin)))


def test_an_update_repairs_what_was_lost_and_moves_no_more(origin: Archive, root: Path, take: Run) -> None:
    with served(origin) as there:
        assert take(there.url).code == 0
        before, payload = held(root), there.payload
        bundle = max(publications.bundles(published(origin)).values(), key=lambda one: one.size)
        with origin.objects() as objects:
            lost = next(one for one in publications.files(objects, bundle) if one.payload)
            length = objects.path(lost.sha256).stat().st_size
        there.sent.clear()
        forget(Archive.open(root), lost.sha256)
        assert held(root) < before
        done = take("update").data["archives"][0]
        assert held(root) == before
        assert there.bundles == there.payload == length == done["bytes_moved"] < payload


def forget(archive: Archive, sha256: str) -> None:
    """Lose an object: its row and its bytes."""
    import apsw

    with archive.objects() as objects:
        objects.path(sha256).unlink()
    db = apsw.Connection(str(archive.held / "ledger.sqlite"))
    row = {"sha256": bytes.fromhex(sha256)}
    (number,) = next(iter(db.execute("SELECT id FROM object WHERE sha256 = :sha256", row)))
    for table in [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]:
        columns = [one[1] for one in db.execute(f"PRAGMA table_info({table})")]
        if "object" in columns:
            db.execute(f"DELETE FROM {table} WHERE object = :number", {"number": number})
    db.execute("DELETE FROM object WHERE sha256 = :sha256", row)
    db.close()


def test_bytes_of_one_bundle_serve_for_another(origin: Archive, root: Path, take: Run) -> None:
    """Everything is cut anew into other bundles: a mirror moves tag files and no payload, full as its budget is."""
    with served(origin) as there:
        budget = sum(one["bytes_held"] for one in take(there.url).data["taken"]) + 200_000
        payload = there.payload
        recipe = replace(RECIPE, name="two")
        publish(origin, cut_of(origin, recipe, taken=()), recipe, appending(origin), **AT_ONCE, anew=True)
        names = publications.bundles(published(origin)).keys()
        done = take(there.url, "--budget", str(budget))
        assert {one["name"] for one in done.data["taken"]} == names and there.payload == payload
        assert all("-two-" in name for name in names)


AT_ONCE: Any = {"clock": lambda: sample.NOW, "progress": Silent()}


def appending(archive: Archive) -> Any:
    def append(kind: str, body: dict[str, Any]) -> Any:
        with archive.register() as register:
            return register.append(kind, body, actor="x", time=sample.NOW)

    return append


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_a_budget_holds_with_tag_files_and_torrents(origin: Archive, root: Path, take: Run, share: float) -> None:
    before = size_of(root)
    with served(origin) as there:
        total = sum(one["bytes"] for one in take(there.url, "--dry-run").data["chosen"])
        budget = int(total * share)
        for words in ((there.url, "--budget", str(budget)), ("update",), (there.url, "--budget", str(budget))):
            done = take(*words).data
            told = done if "url" in done else done["archives"][0]
            assert size_of(root) - before <= budget
            assert told["budget_left"] == budget - told["held"]["bytes"] - sum(
                one["bytes_held"] for one in told["taken"]
            )
            assert told["over_budget"]


def test_what_is_wanted_is_remembered(origin: Archive, root: Path, take: Run, phonolith: Run) -> None:
    with served(origin) as there:
        assert take("update").code == 2
        assert take(there.url, "--licence", "cc0", "--by", "web", "--dry-run").code == 0
        assert take("list").data["archives"] == []
        first = take(there.url, "--licence", "cc0", "--by", "web").data
        assert {one["licence"] for one in first["chosen"]} == {"cc0"}
        assert take("update", "Sample").data["archives"][0]["taken"] == []
        (one,) = take("list").data["archives"]
        assert (one["url"], one["archive"], one["by"]) == (there.url, "Sample", "web")
        assert one["held"]["bundles"] == len(first["taken"]) and one["log"] == first["log"] != ""
        assert "offered" not in one
        behind = take("list", "--ask").data["archives"][0]
        assert behind["offered"] == first["offered"] and behind["lacking"]["bundles"] == 0
        take(there.url)
        assert len(take("list").data["archives"]) == 1
        assert take("stop", "Sample").code == 0 and take("list").data["archives"] == []
        assert take("stop", "Sample").code == 4 and held(root)
        plain = phonolith("mirror", "list", "--archive", root)
        assert plain.code == 0 and "Nothing is mirrored here." in plain.out
    assert take("http://127.0.0.1:1").code == 12
    assert take("list").data["archives"] == []  # what was never reached is not remembered


def test_one_archive_that_is_gone_does_not_stop_the_others(origin: Archive, root: Path, take: Run) -> None:
    with served(origin) as there:
        take(there.url)
        body = body_of(Following("http://127.0.0.1:1", "Gone", Wanted()))
        appending(Archive.open(root))("mirror.followed", body)
        done = take("update")
        assert done.code == 1
        assert [one["url"] for one in done.data["archives"]] == [there.url]
        assert [one["error"] for one in done.data["failed"]] == ["timed-out"]
        asked = take("list", "--ask")
        assert asked.code == 1 and sum("problem" in one for one in asked.data["archives"]) == 1


def test_a_log_that_grows_and_changes_its_key_is_followed(origin: Archive, root: Path, take: Run) -> None:
    with served(origin) as there:
        first = take(there.url, "--licence", "cc0").data
        rotate(origin, "a new year", lambda: "2026-12-01T00:00:00Z")
        with origin.objects() as objects:
            commit(origin, [objects.add_bytes(b"more").sha256], lambda: "2026-12-02T00:00:00Z")
        second = take(there.url)
        assert second.code == 0 and second.data["log"] == first["log"] and second.data["taken"]
        newest = origin.log().heads()[-1]
        assert Archive.open(root).log().seen(first["log"])[-1] == newest
        assert take(there.url, "--key", newest.key).code == 0
        assert take(there.url, "--key", "0" * 64).code == 9


@pytest.mark.parametrize("how", ["forked", "shortened", "withheld", "another"])
def test_a_log_that_takes_back_what_it_said_stops_everything(
    origin: Archive, root: Path, take: Run, how: str, tmp_path: Path
) -> None:
    before = tmp_path / "before"
    shutil.copytree(origin.root, before)
    with origin.objects() as objects:
        commit(origin, [objects.add_bytes(b"one thing").sha256], lambda: "2026-12-01T00:00:00Z")
    with served(origin) as there:
        assert take(there.url, "--licence", "cc0").code == 0
    here = held(root)
    other = Archive.open(before)
    if how == "forked":
        with other.objects() as objects:
            commit(other, [objects.add_bytes(b"another").sha256], lambda: "2026-12-01T00:00:00Z")
    elif how == "withheld":
        shutil.rmtree(before / "held" / "log")
    elif how == "another":
        other = sample.make_archive(tmp_path / "impostor")[0]
        publish_now(other)
    with served(other) as there_again:
        point(Archive.open(root), there.url, there_again.url)
        done = take("update")
        assert done.code == 9, done.err
        assert done.data["error"] == "bad-input"
        assert there_again.bundles == 0 and held(root) == here
        evidence = list((root / "held" / "log" / "evidence").glob("*"))
        assert bool(evidence) == (how != "withheld")
        assert take(there_again.url, "--key", origin.log().heads()[0].log).code == 9
    assert held(root) == here


def point(archive: Archive, url: str, other: str) -> None:
    """Make an archive that was mirrored at one address have been mirrored at another: ports differ from run to run."""
    with archive.register() as register:
        body = [event.body for event in register.events() if event.kind == "mirror.followed"][-1]
        register.append("mirror.left", {"url": url}, actor="x", time=sample.NOW)
        register.append("mirror.followed", {**body, "url": other}, actor="x", time=sample.NOW)
    archive.log().append_origin(other, str(archive.log().origin(url)), sample.NOW)


def test_a_bundle_of_a_name_that_is_here_already_is_refused(origin: Archive, root: Path, take: Run) -> None:
    """Else another archive could take the place of what this one publishes itself, or mirrors from elsewhere."""
    bundle = next(iter(publications.bundles(published(origin)).values()))
    archive = Archive.open(root)
    body = {"name": "own", "as_of": "", "settings": "", "bundles": []}
    own = {**json.loads(json.dumps(body)), "bundles": [told(bundle)]}
    with archive.register() as register:
        register.append("release.published", own, actor="x", time=sample.NOW)
    with served(origin) as there:
        done = take(there.url)
    assert done.code == 2 and bundle.name in done.err
    assert publications.bundles(published(archive))[bundle.name].torrents == bundle.torrents


def told(bundle: publications.Bundle) -> dict[str, Any]:
    from phonolith.model import publication

    (found,) = publication.body_of(publication.Publication("own", "", "", (bundle,)))["bundles"]
    assert isinstance(found, dict)
    return found


# Torrents that lie.


@pytest.fixture
def there(origin: Archive) -> Iterator[Origin]:
    with served(origin) as found:
        yield found


def largest(there: Origin) -> Offer:
    return max(read_index(there.url, Asking().read).offers, key=lambda one: one.size)


@dataclass
class Changing(Asking):
    """What is read there, changed where its address ends so."""

    ends: str = ""
    change: Callable[[bytes], bytes] = bytes

    def read(self, url: str, most: int) -> bytes:
        data = super().read(url, most)
        return self.change(data) if url.endswith(self.ends) else data


def info(change: Callable[[dict[bytes, Any]], None]) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        whole: Any = decode(data)
        change(whole[b"info"])
        return encode(whole)

    return changed


def _traversal(told: dict[bytes, Any]) -> None:
    told[b"files"][0][b"path"] = [b"..", b"..", b"etc", b"passwd"]


def _absolute(told: dict[bytes, Any]) -> None:
    told[b"name"] = b"/etc"


@pytest.mark.parametrize(
    "change",
    [
        info(_traversal),
        info(_absolute),
        info(lambda told: told.update({b"piece length": 1 << 40})),
        info(lambda told: told[b"files"][0].update({b"length": 1 << 62})),
        info(lambda told: told.update({b"name": b"another"})),
        lambda data: data[:-1],
        lambda data: b"d" * 100_000,
        lambda data: b"l" * 50_000 + b"e" * 50_000,
        lambda data: data + b"x",
        lambda data: b"",
    ],
    ids=["traversal", "absolute", "piece length", "size", "name", "cut off", "open", "deep", "more", "empty"],
)
def test_a_torrent_that_is_not_what_the_index_says_ends_it(
    there: Origin, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    get, plain = Changing(ends=".torrent", change=change), Asking()
    offer = largest(there)
    with pytest.raises(BadInput):
        fetch(there.url, offer, tmp_path / "f", Here(lambda _: False), get, progress=Silent())
    links = []  # and with an index that knows of it
    for link in offer.torrents:
        data = change(plain.read(link.url, link.size))
        with suppress(NotBencode, TypeError):
            whole: Any = decode(data)
            raw = encode(whole[b"info"])
            link = replace(link, v1=hashlib.sha1(raw).hexdigest(), v2=hashlib.sha256(raw).hexdigest())
        links.append(replace(link, size=len(data), sha256=hashlib.sha256(data).hexdigest()))
    offer = replace(offer, torrents=tuple(links))
    with pytest.raises(BadInput):
        fetch(there.url, offer, tmp_path / "f", Here(lambda _: False), get, progress=Silent())
    assert not any(path.is_file() for path in (tmp_path / "f").rglob("*"))
    assert there.payload == 0


def test_an_index_that_says_less_than_its_torrent_has_ends_it(there: Origin, tmp_path: Path) -> None:
    """Else a budget would hold by what an archive says, and not by what it sends."""
    offer = largest(there)
    with pytest.raises(BadInput) as caught:
        fetch(there.url, replace(offer, size=1), tmp_path / "f", Here(lambda _: False), Asking(), progress=Silent())
    assert caught.value.code == "mirror.torrent" and there.payload == 0
    with pytest.raises(NoRoom):
        fetch(there.url, offer, tmp_path / "g", Here(lambda _: False), Asking(), progress=Silent(), room=offer.size)
    assert there.payload == 0


def test_a_web_seed_that_sends_without_end_is_left_at_the_size_of_the_file(there: Origin, tmp_path: Path) -> None:
    sent = []

    def endless(wire: socket.socket, _: str) -> None:
        wire.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            wire.sendall(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
            sent.append(1 << 16)

    def declared(wire: socket.socket, _: str) -> None:
        wire.sendall(answer(bytes(1 << 20)))

    for script in (endless, declared):
        with lying(script) as away:

            class Led(Asking):
                def download(self, url: str, *told: Any, away: str = away) -> Any:
                    return super().download(away, *told)

            offer = largest(there)
            folder = tmp_path / script.__name__
            done = fetch(there.url, offer, folder, Here(lambda _: False), Led(), progress=Silent())
        assert len(done.findings) == offer.files and not list(folder.rglob(".p*/*"))
    assert sum(sent) <= offer.size + offer.files * (8 << 20)  # what fits into the sockets
