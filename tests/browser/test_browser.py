"""The library in a real browser: five tasks, every page through axe, and a catalogue full of attacks."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import subprocess
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path

import apsw
import numpy as np
import pytest
import uvicorn
from PIL import Image
from starlette.testclient import TestClient

from phonolith.catalogue.corrections import check
from phonolith.config import Settings
from phonolith.door import acts
from phonolith.door.office import Office as DoorOffice
from phonolith.door.office import Practice
from phonolith.door.seen import Outside
from phonolith.library.catalogue import Catalogue
from phonolith.library.overlay import Overlay
from phonolith.library.reading import Library
from phonolith.notices.office import Office
from phonolith.rights.notice_forms import FORMS
from phonolith.store.archive import Archive
from phonolith.store.copies import AccessCopies, Copies, Copy
from phonolith.store.locks import utc_now
from phonolith.web.app import create_app
from phonolith.web.practice import practice_of
from tests import sample
from tests.browser.hostile import STRINGS, make_hostile
from tests.conftest import missing_peer
from tests.door.conftest import QUIET, SOCIAL, Web, add_links, head
from tests.releases.test_cut import RECIPE, publish_now
from tests.rights.test_notice_forms import whole

HERE = Path(__file__).parent
SECONDS = 20

pytestmark = pytest.mark.peers

Run = Callable[[str, Path, dict[str, str]], list[dict[str, object]]]


@pytest.fixture(scope="module")
def run(peer: Callable[..., str]) -> Run:
    """``run(script, archive, ids)``: serve the archive, run the script against it, and return its checks."""
    node, chromium = peer("node", "nodejs"), peer("chromium", "chromium-browser", "google-chrome")
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        missing_peer("playwright-core and axe-core are not installed (npm install in tests/browser)")

    def against(script: str, root: Path, ids: dict[str, str]) -> list[dict[str, object]]:
        names = root.parent / "ids.json"
        names.write_text(json.dumps(ids))
        with serving(root) as address:
            command = [node, str(HERE / script), address, str(names), chromium]
            done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        found: list[dict[str, object]] = json.loads(done.stdout)
        return found

    return against


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """The archive's library on a free port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    settings = Settings(name="Sample", contact="somebody@example.org")
    app = create_app(Archive.open(root), settings, outside=Outside(Web(), check))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The sample archive, with tones long enough to be listened to."""
    root = tmp_path_factory.mktemp("browser") / "archive"
    with long_tones():
        made, ids = sample.make_archive(root)
        publish_now(made)
    write_changes(made, ids)
    write_waveforms(made, ids)
    return root, ids


def write_waveforms(archive: Archive, ids: dict[str, str]) -> None:
    """What would have been derived of one track: it grows louder to its end. The others have none."""
    with TestClient(create_app(archive, Settings(name="Sample"))) as client:
        files = client.get(f"/api/v1/tracks/{ids['track:road/1']}/files").json()["files"]
    peaks = json.dumps({"peaks": [at * 255 // 999 for at in range(1000)], "of": 255}).encode()
    for one in files:
        parent, path = one["url"].rpartition("/")[2], archive.root / "peaks"
        path.write_bytes(peaks)
        copy = Copy(hashlib.sha256(peaks).hexdigest(), len(peaks), "application/json", "phonolith peaks", "1")
        AccessCopies(archive.access).put(Copies(parent, 1, sample.NOW, {"peaks": copy}), {"peaks": path})


def write_changes(archive: Archive, ids: dict[str, str]) -> None:
    """What a build would have left of some harvests: every kind of change, of things that are there or not."""
    kinds = ("changed", "appeared", "vanished", "moved", "merged")
    names = ("track:road/2", "release:tokyo", "track:gone", "track:old", "release:hostile")
    fields = [
        {"field": "licence", "was": "CC-BY-4.0, level 2", "now": "CC-BY-NC-4.0, level 2", "direction": "stricter"},
        {"field": "title", "was": "Road", "now": "A long title " * 5, "direction": ""},
    ]
    with closing(apsw.Connection(str(archive.changes))) as db:
        db.execute(resources.files("phonolith.catalogue").joinpath("changes.sql").read_text("utf-8"))
        for number in range(1, 13):
            row = ("folder", number, f"2026-{number:02}-01T00:00:00Z", number * 7 % 11, number * 5 % 7, number % 3, 1)
            db.execute("INSERT INTO harvest VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        for at, (what, name) in enumerate(zip(kinds, names, strict=True), 1):
            kind, heir = name.partition(":")[0], ids["track:road/1"] if what in ("moved", "merged") else ""
            told = json.dumps(fields if what == "changed" else [])
            copies = json.dumps(["ab" * 32] if what == "vanished" else [])
            row = (
                at,
                "folder",
                12,
                what,
                name,
                "2026-12-01T00:00:00Z",
                kind,
                ids.get(name, "a" * 16),
                name,
                "An Artist",
            )
            db.execute(
                "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, '')",
                (*row, heir, int(what == "changed"), told, copies),
            )


@contextmanager
def long_tones() -> Iterator[None]:
    """The sample with long tones and covers as heavy as photographs; what this process remembered is made anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "audio_bytes", long_tone)
        patch.setattr(sample, "cover_bytes", photo)
        forget_sample()
        yield
    forget_sample()


def forget_sample() -> None:
    """Forget the sample that this process has made."""
    for remembered in vars(sample).values():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()


def photo(release: str) -> bytes:
    """A cover that weighs what a photograph does: large shapes, with grain."""
    dice = np.random.default_rng(int.from_bytes(hashlib.sha256(release.encode()).digest()[:4]))
    shapes = Image.fromarray(dice.integers(0, 255, (12, 12, 3), np.uint8)).resize((600, 600), Image.Resampling.BICUBIC)
    grain = dice.normal(0, 12, (600, 600, 1))
    out = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(shapes) + grain, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def long_tone(release: str, number: int) -> bytes:
    """Like the sample's tone, but of twenty seconds."""
    if sample.RELEASES[release].tracks[number - 1].problem:
        return b"fLaC but not really " + release.encode()
    twin = "road" if (release, number) == ("road-2014", 2) else release
    pitch = 220 + hashlib.sha256(f"{twin}/{number}".encode()).digest()[0]
    moments = np.arange(8000 * SECONDS) / 8000
    samples = (6000 * np.sin(2 * np.pi * pitch * moments)).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def failures(found: list[dict[str, object]]) -> list[str]:
    return [f"{one['name']}: {one['why']}" for one in found if not one["ok"]]


def test_the_tasks_of_a_visitor(run: Run, archive: tuple[Path, dict[str, str]]) -> None:
    found = run("tasks.mjs", *archive)
    assert failures(found) == []
    assert len(found) == 21


def test_every_page_through_axe(run: Run, archive: tuple[Path, dict[str, str]]) -> None:
    root, ids = archive
    further = pages_of_notices(Archive.open(root), ids) | pages_of_the_door(Archive.open(root), ids)
    found = run("pages.mjs", root, ids | further)
    assert failures(found) == []
    assert len(found) == 75 + 2 * len(further)


def pages_of_notices(archive: Archive, ids: dict[str, str]) -> dict[str, str]:
    """Every page that has to do with notices, by name; one notice hides a release, one lacks something."""
    with Office(archive, practice_of(Settings(name="Sample")), now=lambda: "2026-12-01T12:00:00Z") as office:
        told = whole(FORMS["copyright"]) | {"items": ids["release:undated"]}
        hiding = office.file("copyright", told, road="form", confirmed=True)
        office.decide(hiding.notice, "notice.hidden", because="looked at", actor="curator")
        lacking = office.file("owner", {"items": "a song", "email": "somebody@example.org"}, road="form")
        link = office.letters.waiting()[-1].body.partition("/notices/confirm/")[2].split()[0]
    forms = {f"/notices/new as {code}": f"/notices/new?form={code}&item=track:x" for code in FORMS}
    return forms | {
        "/notices": "/notices",
        "/notices/new": "/notices/new",
        "/notices of one": f"/notices/{hiding.notice}",
        "/notices counter": f"/notices/{hiding.notice}/counter",
        "/notices receipt": f"/notices/receipt/{lacking.token}",
        "/notices complete": f"/notices/complete/{lacking.token}",
        "/notices confirm": f"/notices/confirm/{link}",
    }


def pages_of_the_door(archive: Archive, ids: dict[str, str]) -> dict[str, str]:
    """Every page of the artist's door, by name: before and after a page was proven, with things said and taken back."""
    add_links(archive, ids)
    web, artist, release, track = Web(), ids["artist:quiet"], ids["release:road"], ids["track:road/1"]
    catalogue = Catalogue.open(archive.catalogue)
    with archive.register() as register:
        library = Library(catalogue, Overlay(register))
        practice, now = Practice("https://music.example.org"), utc_now
        with DoorOffice(archive, practice, Outside(web, check), now=now, library=lambda: library) as office:
            asked, waits, mine = (office.ask(artist, page, "") for page in (QUIET, SOCIAL, QUIET))
            office.look(asked)
            web.pages |= {SOCIAL: office.entered(waits).key.code, QUIET: head(office.entered(mine).key.code)}
            office.look(waits)
            office.look(mine)
            acts.link(office, mine, artist, "support", "https://shop.example/" + "long" * 40)
            acts.undo(office, mine, acts.correct(office, mine, track, {"title": "A long title " * 9})[0].seq)
            down = acts.withdraw(office, mine, ids["track:road/8"])
    catalogue.close()
    assert down.seq
    base = f"/door/mine/{mine}"
    return {
        "/door": "/door",
        "/door of an artist": f"/door/{artist}",
        "/door of nobody": f"/door/{ids['artist:lonely']}",
        "/door asked": f"/door/mine/{asked}?told=missed",
        "/door waits": f"/door/mine/{waits}",
        "/door mine": f"{base}?told=said",
        "/door things": f"{base}/things",
        "/door release": f"{base}/of/{release}",
        "/door track": f"{base}/of/{track}",
        "/door guest": f"{base}/of/{ids['track:road/2']}",
        "/door own": f"{base}/of/{artist}",
        "/door down": f"{base}/of/{ids['track:road/8']}",
    }


def test_a_catalogue_full_of_attacks(run: Run, tmp_path: Path) -> None:
    with long_tones():
        archive, ids = sample.make_archive(tmp_path / "archive")
    assert make_hostile(archive.catalogue) > 10 * len(STRINGS) >= 400
    publish_now(archive, replace(RECIPE, about=replace(RECIPE.about, archive="'><b>&amp;\"'", as_of=sample.AS_OF)))
    found = run("hostile.mjs", archive.root, ids)
    assert failures(found) == []
    assert len(found) == 5
