"""``diff`` as a person and as a program meets it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from phonolith.catalogue.build import build
from phonolith.cli import verb, view
from phonolith.model.music import Credit, File, Level, LicenceStatement, ReleaseDescription, TrackDescription
from phonolith.model.progress import Silent
from phonolith.sources import base
from phonolith.store.archive import Archive
from tests.catalogue.said import SaidSource, add, make_archive, records
from tests.cli.conftest import Result

Run = Callable[..., Result]
BY, NC = (
    (LicenceStatement(f"https://creativecommons.org/licenses/{one}/4.0/", Level.PLATFORM, "said"),)
    for one in ("by", "by-nc")
)

GOLDEN = """\
said  harvest 1 (2026-03-01) to harvest 2 (2026-03-01)
1 appeared, 2 changed, 1 vanished
! 1 licence stricter: refused already, without a build
! 1 held thing gone from the source: the copy here is the last known one
changed\ttrack\tDust\tlicence stricter: CC-BY-4.0, level 2 → CC-BY-NC-4.0, level 2
vanished\ttrack\tLost\tthe copy here is the last known one
changed\trelease\tRoad\tdate: 2001 → 2002
appeared\ttrack\tRain\t
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    real = base._one
    monkeypatch.setattr(base, "_one", lambda kind: SaidSource() if kind == "said" else real(kind))
    archive = Archive.create(tmp_path / "a", name="Test", contact="a@b.example", now="2026-03-01T00:00:00Z")
    with archive.objects() as objects:
        held = objects.add_bytes(b"sound", "audio/wav").sha256
    lost = TrackDescription("l", "Lost", "r", files=(File("audio", sha256=held),))
    road = ReleaseDescription("r", "Road", (Credit("Ann"),), date="2001")
    add(archive, road, TrackDescription("t", "Dust", licences=BY), lost)
    build(archive, as_of=None, progress=Silent(), workers=1)
    changed = ReleaseDescription("r", "Road", (Credit("Ann"),), date="2002")
    with archive.records() as store:
        store.put_many(records(changed, TrackDescription("t", "Dust", licences=NC), TrackDescription("u", "Rain", "x")))
        store.gone("said", ["track:l"], "2026-03-02T12:00:00Z")
    return archive.root


def test_a_person_reads_counts_first(root: Path, phonolith: Run) -> None:
    told = phonolith("diff", "--archive", root)
    assert (told.code, told.out) == (1, GOLDEN)
    one = phonolith("diff", "--archive", root, "-n", "1")
    assert one.out.count("\ttrack\t") == 1 and "3 more" in one.err
    assert phonolith("diff", "last", "last", "--archive", root).out.endswith("Nothing changed.\n")
    assert phonolith("diff", "last", "last", "--archive", root).code == 0


def test_it_fits_on_eighty_columns(root: Path, phonolith: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_terminal(*_: object) -> view.View:
        return view.Rich(Console(file=sys.stdout, width=80, highlight=False))

    monkeypatch.setattr(view, "view_for", on_a_terminal)
    out = phonolith("diff", "--archive", root).out
    assert max(map(len, out.splitlines())) <= 80 and "Lost" in out and "stricter" in out


def test_a_program_gets_all_of_it(root: Path, phonolith: Run) -> None:
    told = phonolith("diff", "0", "last", "--collection", "said", "-n", "0", "--json", "--archive", root).data
    assert [one["what"] for one in told["changes"]] == ["appeared"] * 3
    told = phonolith("diff", "--json", "--archive", root).data
    assert [one["code"] for one in told["findings"]] == ["licence.stricter", "copy.last"]
    (one,) = told["collections"]
    assert one["counts"] == {
        "appeared": 1, "changed": 2, "vanished": 1, "moved": 0, "merged": 0, "stricter": 1, "copies": 1,
    }  # fmt: skip
    assert (one["from"]["harvest"], one["to"]["harvest"], len(told["changes"])) == (1, 2, 4)
    assert phonolith("diff", "last", "last", "--json", "--archive", root).data["changes"] == []


def test_harvests_are_listed_and_odd_moments_refused(root: Path, phonolith: Run, tmp_path: Path) -> None:
    listed = phonolith("diff", "--list", "--json", "--archive", root).data["harvests"]
    assert [(one["number"], one["new"], one["changed"], one["gone"]) for one in listed] == [(1, 3, 0, 0), (2, 1, 2, 1)]
    assert phonolith("diff", "--list", "--archive", root).out.count("said\t") == 2
    assert phonolith("diff", "last", "previous", "--archive", root).code == 2
    assert phonolith("diff", "7", "--archive", root).code == 2
    assert phonolith("diff", "--collection", "other", "--archive", root).code == 4
    make_archive(tmp_path / "empty")
    assert phonolith("diff", "--archive", tmp_path / "empty").out == "Nothing was harvested yet.\n"


@pytest.mark.parametrize("whole", [{}, {"a": 1, "b": {"c": [], "d": "x\ny"}}])
@pytest.mark.parametrize("values", [[], [1], [{"e": {"f": [1, 2]}}, "g\nh", []]])
def test_json_in_pieces_is_json_as_a_whole(
    whole: dict[str, object], values: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    verb.write_json({**whole, "streamed": iter(values)})
    sys.stdout.flush()
    assert capfd.readouterr().out == json.dumps({**whole, "streamed": values}, indent=2) + "\n"
