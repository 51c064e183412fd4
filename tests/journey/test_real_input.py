"""The real collections, end to end: what arrives, what is allowed, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journey.conftest import run, serving


@pytest.fixture
def root(tmp_path: Path) -> Path:
    run("init", tmp_path / "archive", "--name", "Real", "--contact", "keeper@real.example")
    return tmp_path / "archive"


def _one(root: Path, statement: str) -> list[object]:
    row: list[object] = run("sql", statement, "--archive", root)["rows"][0]
    return row


def test_every_row_of_the_netlabel_list_arrives_and_none_is_allowed_to_play(root: Path, shared_data: Path) -> None:
    examples = Path(__file__).resolve().parents[2] / "examples"
    report = run(
        "harvest", "table", shared_data / "freemusi-cc", "--map", examples / "freemusi-cc.toml", "--archive", root
    )
    assert report["new"] == 2_289 + 21_502 + 1  # and the map itself
    built = run("build", "--archive", root)
    assert (built["rows"]["release"], built["rows"]["track"]) == (2_289, 21_502)
    assert _one(
        root,
        "SELECT count(*), max(level) FROM track t JOIN release r ON r.id = t.release "
        "LEFT JOIN rights g ON g.id = coalesce(t.rights, r.rights)",
    ) == [21_502, 1]
    assert run("search", "--held", "--kind", "track", "--archive", root)["tracks"]["total"] == 0
    assert not run("shuffle", "--playable", "-n", 5, "--archive", root)["tracks"]


@pytest.mark.parametrize(("with_licence", "allowed"), [(True, 19), (False, 0)])
def test_real_pieces_play_by_their_licence_file_and_not_without(
    root: Path, shared_data: Path, with_licence: bool, allowed: int
) -> None:
    folder = shared_data / "audio-phonograph"
    words = ["--licence-file", folder / "LICENSE.md"] if with_licence else []
    run("harvest", "folder", folder, *words, "--archive", root)
    run("build", "--archive", root)
    found = run("search", "--held", "--kind", "track", "-n", 50, "--archive", root)["tracks"]["items"]
    assert len(found) == 21
    playable = [one["id"] for one in found if one["playable"]]
    assert len(playable) == allowed
    with serving(root) as library:
        served = 0
        for one in found:
            files = run("show", one["id"], "--archive", root)["track"]["files"]
            digest = next(file["sha256"] for file in files if file["role"] == "audio")
            reply = library.get(f"/media/{one['id']}/{digest}", Range="bytes=0-3")
            assert reply.status == (206 if one["id"] in playable else 403)
            served += reply.body == b"OggS"
    assert served == allowed


def test_the_formats_of_a_tagger_are_read_or_named(root: Path, shared_data: Path) -> None:
    report = run("harvest", "folder", shared_data / "audio-beets", "--archive", root)
    run("build", "--archive", root)
    with_duration = _one(root, "SELECT count(*) FROM track WHERE duration IS NOT NULL")[0]
    assert isinstance(with_duration, int) and with_duration >= 61
    unreadable = _one(root, "SELECT count(*) FROM file WHERE problem IS NOT NULL")[0]
    assert unreadable == 0 or report["findings"]
    assert all(one["problem"] and one["subject"] for one in report["findings"])
