"""Access copies over HTTP: offered after the originals, and only where the gate allows re-encoding."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from phonolith.config import Settings
from phonolith.model.ids import public_id
from phonolith.store.archive import Archive
from phonolith.store.copies import AccessCopies, Copies, Copy
from phonolith.web.app import create_app
from tests.harvest.fetching import BY, ND, NOW
from tests.measure.sounds import holding, tone

SOUND = tone(0.2)
COPY = b"OggS" + bytes(3000)
TRACK = public_id("folder.label", "a")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_copy(folder: Path, licence: str) -> Archive:
    """An archive that holds a sound, beside it a copy that somebody made, allowed or not."""
    archive = holding(folder, {"a": (SOUND, licence)})
    made = folder / "made"
    made.write_bytes(COPY)
    copy = Copy(digest(COPY), len(COPY), 'audio/ogg; codecs="opus"', "libopus", "1", 75_000)
    AccessCopies(archive.access).put(Copies(digest(SOUND), 1, NOW, {"opus": copy}), {"opus": made})
    return archive


@pytest.mark.parametrize(("licence", "allowed"), [(BY, True), (ND, False)], ids=["BY", "ND"])
def test_a_copy_is_given_where_re_encoding_is_allowed(tmp_path: Path, licence: str, allowed: bool) -> None:
    address = f"/media/{TRACK}/{digest(SOUND)}"
    settings = Settings(name="x")
    with TestClient(create_app(with_copy(tmp_path, licence), settings), raise_server_exceptions=False) as client:
        files = client.get(f"/api/v1/tracks/{TRACK}/files").json()["files"]
        assert [one["copy"] for one in files] == ([False, True] if allowed else [False])
        assert client.get(address).content == SOUND
        answer = client.get(f"{address}?quality=access")
        assert answer.status_code == (200 if allowed else 403)
        if allowed:
            assert answer.content == COPY and answer.headers["etag"] == f'"{digest(COPY)}"'
            assert answer.headers["content-type"] == "audio/ogg" and files[1]["url"] == f"{address}?quality=access"
            part = client.get(f"{address}?quality=access", headers={"Range": "bytes=0-3"})
            assert (part.status_code, part.content) == (206, b"OggS")
            assert client.get(f"{address}?quality=aac").status_code == 404
        assert client.get(f"{address}?quality=best").status_code == 400


def test_a_withdrawal_closes_the_copy_too(tmp_path: Path) -> None:
    archive = with_copy(tmp_path, BY)
    address = f"/media/{TRACK}/{digest(SOUND)}?quality=access"
    with TestClient(create_app(archive, Settings(name="x")), raise_server_exceptions=False) as client:
        assert client.get(address).status_code == 200
    body = {"subjects": [TRACK], "ground": "law", "because": "a court"}
    with archive.register() as register:
        register.append("item.withdrawn", body, actor="x", time=NOW)
    with TestClient(create_app(archive, Settings(name="x")), raise_server_exceptions=False) as client:
        assert client.get(address).status_code == 451


PEAKS = b'{"peaks":[0,12,255],"of":255}'


def with_waveform(folder: Path, licence: str) -> Archive:
    """An archive that holds a sound, beside it a waveform that somebody made, allowed or not."""
    archive = holding(folder, {"a": (SOUND, licence)})
    made = folder / "made"
    made.write_bytes(PEAKS)
    copy = Copy(digest(PEAKS), len(PEAKS), "application/json", "phonolith peaks", "1")
    AccessCopies(archive.access).put(Copies(digest(SOUND), 1, NOW, {"peaks": copy}), {"peaks": made})
    return archive


@pytest.mark.parametrize(("licence", "allowed"), [(BY, True), (ND, False)], ids=["BY", "ND"])
def test_a_waveform_is_shown_where_streaming_and_re_encoding_are_allowed(
    tmp_path: Path, licence: str, allowed: bool
) -> None:
    address = f"/media/{TRACK}/{digest(SOUND)}/waveform"
    archive = with_waveform(tmp_path, licence)
    with TestClient(create_app(archive, Settings(name="x")), raise_server_exceptions=False) as client:
        files = client.get(f"/api/v1/tracks/{TRACK}/files").json()["files"]
        assert [one["waveform"] for one in files] == [address if allowed else ""]
        assert (address in client.get(f"/track/{TRACK}").text) is allowed
        answer = client.get(address)
        assert answer.status_code == (200 if allowed else 403)
        if allowed:
            assert answer.content == PEAKS and answer.headers["content-type"] == "application/json"
            tag = answer.headers["etag"]
            assert answer.headers["cache-control"] == "private, no-cache", "kept, and asked about each time"
            assert client.get(address, headers={"If-None-Match": tag}).status_code == 304


def test_a_track_without_a_waveform_has_none_to_show(tmp_path: Path) -> None:
    archive = with_copy(tmp_path, BY)
    with TestClient(create_app(archive, Settings(name="x")), raise_server_exceptions=False) as client:
        assert {one["waveform"] for one in client.get(f"/api/v1/tracks/{TRACK}/files").json()["files"]} == {""}
        assert "waveform" not in client.get(f"/track/{TRACK}").text
        assert client.get(f"/media/{TRACK}/{digest(SOUND)}/waveform").status_code == 404


@pytest.mark.parametrize(("ground", "status"), [("law", 451), ("owner", 410)])
def test_a_withdrawal_takes_the_waveform_along(tmp_path: Path, ground: str, status: int) -> None:
    archive = with_waveform(tmp_path, BY)
    address = f"/media/{TRACK}/{digest(SOUND)}/waveform"
    app = create_app(archive, Settings(name="x"), look_every=0)
    with TestClient(app, raise_server_exceptions=False) as client:
        tag = client.get(address).headers["etag"]
        with archive.register() as register:
            body = {"subjects": [TRACK], "ground": ground, "because": "asked for"}
            register.append("item.withdrawn", body, actor="x", time=NOW)
        assert client.get(address).status_code == status
        assert client.get(address, headers={"If-None-Match": tag}).status_code == status, "not what a browser has kept"
        assert address not in client.get(f"/track/{TRACK}").text
