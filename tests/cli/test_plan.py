"""``plan`` as people run it: the table, the list that a harvest takes, the score written out, and what came of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from phonolith.catalogue.build import build
from phonolith.cli.view import Rich
from phonolith.model.ids import public_id
from phonolith.model.progress import Silent
from phonolith.store import worklist
from tests.cli.conftest import Result
from tests.cli.test_media import trusting
from tests.harvest.fetching import ND, archive_with, release, serving, track
from tests.lying import reply
from tests.measure.sounds import tone

Phonolith = Callable[..., Result]
SOUND = tone(2.0)
LONG = {"duration_ms": 2_000}


@pytest.mark.parametrize(
    "budget", ["", "0", "-1GB", "1XB", "1e9", "9" * 60, "NaN", "∞", "1GB; rm -rf /", "999999999TB"]
)
def test_a_budget_that_is_none_is_refused_in_words(tmp_path: Path, phonolith: Phonolith, budget: str) -> None:
    root = archive_with(tmp_path, release()).root
    told = phonolith("plan", "--budget", budget, "--archive", root)
    assert told.code == 2 and "--budget" in told.err and "Traceback" not in told.err


def test_from_a_plan_to_what_came_of_it(tmp_path: Path, phonolith: Phonolith) -> None:
    names = "abcd"
    with serving({f"/{name}.wav": reply(200, SOUND, Content_Type="audio/wav") for name in names}) as origin:
        said = [{**track(name, origin.url(f"/{name}.wav"), media_type="audio/wav"), **LONG} for name in "abc"]
        said.append({**track("d", origin.url("/d.wav"), ND, media_type="audio/wav"), **LONG})
        said.append({**track("e", origin.url("/e.wav"), level=1), **LONG})
        archive = archive_with(tmp_path, release(), *said)
        root = trusting(archive, origin)
        build(archive, as_of=None, progress=Silent(), workers=1)
        path = tmp_path / "plan.jsonl"
        told = phonolith("plan", "--budget", "1GB", "--out", path, "--archive", root, "--json").data
        assert (told["planned"], told["denied"], told["left_for_later"]) == (4, 1, 0)
        assert told["bytes"]["high"] <= told["budget"] and told["gap_at_most"] == 0
        assert told["sha256"] == worklist.check(path)[1].sha256 and told["curve"]

        track_id = public_id("folder.label", "a")
        why = phonolith("plan", "explain", f"track:{track_id}", "--archive", root)
        assert "value = 1 × 1 ×" in why.out and "score =" in why.out and "access copy" in why.out
        nd = phonolith("plan", "explain", public_id("folder.label", "d"), "--archive", root)
        assert "no re-encoding" in nd.out and "access copy only" not in nd.out
        denied = phonolith("plan", "explain", public_id("folder.label", "e"), "--archive", root)
        assert "level 1" in denied.out and "score" not in denied.out

        assert "Nothing on this list" in phonolith("plan", "compare", path, "--archive", root).out
        dry = phonolith("harvest", "--plan", path, "--dry-run", "--archive", root, "--json").data["media"][0]
        assert (dry["to_fetch"], dry["unlisted"]) == (4, 1) and not origin.arrivals
        tight = tmp_path / "tight.jsonl"
        phonolith("plan", "--budget", "60KB", "--out", tight, "--archive", root)
        tiers = {line.tier for line in worklist.lines(tight)}
        assert tiers == {"access"}
        fetched = phonolith("harvest", "--plan", tight, "--archive", root, "--json").data["media"][0]
        assert fetched["copies"] == fetched["objects"] > 0 and fetched["bytes_adopted"] < 60_000
        whole = phonolith("harvest", "--plan", path, "--archive", root)
        assert whole.code == 0 and not origin.times("/e.wav")
    came = phonolith("plan", "compare", path, "--archive", root, "--json").data
    assert came["items"] == 4 and came["bytes"]["came"] > 0 and came["groups"]
    assert (archive.state / "plan" / "learned.json").exists()
    assert phonolith("build", "--archive", root).code == 0
    again = phonolith("plan", "--budget", "1GB", "--archive", root)
    assert "held already" in again.out and again.code == 0
    assert phonolith("plan", "compare", tmp_path / "nothing", "--archive", root).code != 0


def test_the_view_fits_on_eighty_columns(tmp_path: Path) -> None:
    from phonolith.cli.plan import _show
    from phonolith.plan.plan import Wish
    from tests.plan.worlds import every_licence, planned, world

    archive = world(tmp_path, every_licence())
    told, lines = planned(archive, Wish(10_000_000))
    out = io.StringIO()
    _show(Rich(Console(file=out, width=80, highlight=False)), told, Path("plan.jsonl"), lines[:3])
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "access copy only" in text and "would buy" in text and "left for later" in text
