"""A BitTorrent client that has nobody but our web seed: libtorrent takes whole bundles from it, and nothing refused."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
import uvicorn

from phonolith.config import Settings
from phonolith.library import offered as offered_
from phonolith.library import publications
from phonolith.model.publication import Bundle
from phonolith.model.rights import Decision, Use
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from tests import sample
from tests.releases.seeding import hide_by_notice, withdraw
from tests.releases.test_cut import RECIPE, laid_out, publish_now

libtorrent = pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")

PATIENCE = 60  # seconds until a download that does not come is given up


@contextmanager
def seeding(archive: Archive, listener: socket.socket) -> Iterator[None]:
    """The archive's library on a socket that listens already."""
    server = uvicorn.Server(uvicorn.Config(create_app(archive, Settings(), look_every=0), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[tuple[Archive, dict[str, str]]]:
    """A published sample archive whose torrents name the web seed that runs."""
    archive, ids = sample.make_archive(tmp_path / "archive")
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        publish_now(archive, replace(RECIPE, trackers=(), web_seed=f"http://127.0.0.1:{port}/bundle/"))
        with seeding(archive, listener):
            yield archive, ids


@pytest.fixture
def session() -> Any:
    return libtorrent.session(
        {
            "listen_interfaces": "",
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "urlseed_wait_retry": 1,
            "alert_mask": libtorrent.alert.category_t.all_categories,
        }
    )


def add(session: Any, archive: Archive, bundle: Bundle, kind: str, into: Path) -> Any:
    torrent = next(one for one in bundle.torrents if one.kind == kind)
    with archive.objects() as objects, objects.open(torrent.sha256) as file:
        parameters = libtorrent.load_torrent_buffer(file.read())
    parameters.save_path = str(into)
    return session.add_torrent(parameters)


def bundles_of(archive: Archive) -> list[Bundle]:
    return sorted(publications.bundles(published(archive)).values(), key=lambda one: -one.files)


def tree(root: Path) -> dict[str, bytes]:
    return {str(one.relative_to(root)): one.read_bytes() for one in root.rglob("*") if one.is_file()}


def wait(session: Any, done: Callable[[], bool]) -> None:
    """Until it is done; fails when it does not come."""
    begun = time.monotonic()
    while not done():
        assert time.monotonic() - begun < PATIENCE, "it did not come"
        session.wait_for_alert(100)
        session.pop_alerts()


def progress(handle: Any) -> dict[str, tuple[int, int]]:
    """Bytes that have come of each file, and its size, by path below the bundle."""
    layout = handle.torrent_file().layout()
    came = handle.file_progress()
    return {
        layout.file_path(at).partition("/")[2]: (came[at], layout.file_size(at))
        for at in range(layout.num_files())
        if not layout.file_flags(at) & libtorrent.file_flags_t.flag_pad_file
    }


def withdraw_one(archive: Archive, bundle: Bundle, take_down: Callable[..., None] = withdraw) -> str:
    """Take down one track of a bundle; the path of its file."""
    with archive.objects() as objects, objects.open(bundle.tags["evidence.jsonl"]) as file:
        line = next(one for one in map(json.loads, file) if one["track"])
    take_down(archive, line["track"])
    return str(line["path"])


@pytest.mark.parametrize("kind", ["hybrid", "v1"])
def test_a_whole_bundle_comes_from_the_web_seed_alone(
    seeded: tuple[Archive, dict[str, str]], session: Any, tmp_path: Path, kind: str
) -> None:
    archive, _ = seeded
    bundle = bundles_of(archive)[0]
    handle = add(session, archive, bundle, kind, tmp_path / "friend")
    ours = tree(laid_out(archive, bundle, tmp_path / "ours"))
    assert len(ours) == bundle.files + len(bundle.tags) > 10
    wait(session, lambda: bool(handle.status().is_seeding))
    handle.flush_cache()
    wait(session, lambda: tree(tmp_path / "friend" / bundle.name) == ours)


def test_a_bundle_comes_without_any_catalogue(
    seeded: tuple[Archive, dict[str, str]], session: Any, tmp_path: Path
) -> None:
    archive, _ = seeded
    shutil.rmtree(archive.derived)
    handle = add(session, archive, bundles_of(archive)[0], "hybrid", tmp_path / "friend")
    wait(session, lambda: bool(handle.status().is_seeding))


@pytest.mark.parametrize("take_down", [withdraw, hide_by_notice])
def test_what_is_taken_down_does_not_come_and_all_else_does(
    seeded: tuple[Archive, dict[str, str]], session: Any, tmp_path: Path, take_down: Callable[..., None]
) -> None:
    archive, _ = seeded
    bundle = bundles_of(archive)[0]
    victim = withdraw_one(archive, bundle, take_down)
    handle = add(session, archive, bundle, "hybrid", tmp_path / "friend")

    def others_came() -> bool:
        return all(came == size for path, (came, size) in progress(handle).items() if path != victim)

    ours = tree(laid_out(archive, bundle, tmp_path / "ours"))
    del ours[victim]
    wait(session, others_came)
    handle.flush_cache()
    wait(session, lambda: ours.items() <= tree(tmp_path / "friend" / bundle.name).items())
    address = f"{handle.url_seeds()[0]}{quote(bundle.name)}/{quote(victim)}"
    with pytest.raises(HTTPError) as refused:  # libtorrent has given it up; whoever insists is told why
        urlopen(Request(address, headers={"Range": "bytes=0-99"}), timeout=30)
    assert refused.value.code == 410 and b"RIFF" not in refused.value.read()
    assert progress(handle)[victim][0] == 0
    written = tmp_path / "friend" / bundle.name / victim
    assert not written.exists() or not any(written.read_bytes())


def test_a_gate_that_always_says_yes_is_noticed(
    seeded: tuple[Archive, dict[str, str]], session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with it the withdrawn file comes, so that the test above would fail."""
    archive, _ = seeded
    bundle = bundles_of(archive)[0]
    victim = withdraw_one(archive, bundle)
    monkeypatch.setattr(offered_, "decide", lambda *_, **__: Decision(Use.REDISTRIBUTE, True, ("yes",)))
    handle = add(session, archive, bundle, "hybrid", tmp_path / "friend")
    wait(session, lambda: bool(handle.status().is_seeding))
    assert progress(handle)[victim][0] > 0
