"""A mirror that has not built yet: what its origin attested does not count here, and it says so instead of a lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.testclient import TestClient

from phonolith.config import Settings
from phonolith.library.publications import bundles
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from tests import sample
from tests.cli.conftest import Result
from tests.cli.test_mirror import made, served
from tests.releases.test_cut import publish_now

Run = Callable[..., Result]


def test_what_the_origin_attested_waits_for_a_build_and_pages_say_so(tmp_path: Path, phonolith: Run) -> None:
    origin, _ = sample.make_archive(tmp_path / "origin")
    publish_now(origin)
    root = made(tmp_path, phonolith, "share")
    with served(origin) as url:
        phonolith("mirror", url, "--by", "web", "--no-build", "--archive", root)
    assert "what other archives attested does not count here yet" in phonolith("status", "--archive", root).out
    with TestClient(create_app(Archive.open(root), Settings(name="Share"))) as client:
        answers = {name: client.get(f"/releases/{name}") for name in bundles(published(Archive.open(root)))}
        refused = [one for one in answers.values() if one.status_code == 403]
        assert refused and {one.status_code for one in answers.values()} <= {200, 403}
        assert all("taken down" not in one.text and "the next build on" in one.text for one in refused)
        assert "Nothing of it is given now" in client.get("/releases").text
    phonolith("build", "--archive", root)
    assert "does not count here yet" not in phonolith("status", "--archive", root).out
    with TestClient(create_app(Archive.open(root), Settings(name="Share"))) as client:
        assert len([name for name in answers if client.get(f"/releases/{name}").status_code == 200]) > len(
            [one for one in answers.values() if one.status_code == 200]
        )
