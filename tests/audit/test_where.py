"""Procedures that choose rows by the text in one column, and what arithmetic makes of such claims."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.audit.claims import parse
from phonolith.audit.counted import Check, Request
from phonolith.audit.counting import count
from phonolith.audit.lint import lint
from phonolith.audit.procedures import check_of
from phonolith.errors import BadInput
from tests.audit.test_counting import as_csv, as_json_lines, as_parquet

CLAIM = 'format = 1\n[[claim]]\nid = "a"\nsentence = "s"\nquantity = 2\nunit = "tracks"\nof = "x"\n'


@pytest.mark.parametrize("make", [as_csv, as_json_lines, as_parquet])
def test_rows_are_chosen_alike_in_every_format(make: Callable[[Path], Path], tmp_path: Path) -> None:
    where = {"where": "artist", "value": "Quiet"}
    checks = (Check("rows", **where), Check("distinct", "", "title", **where), Check("sum", "", "seconds", **where))
    none = Check("rows", where="artist", value="Nobody"), Check("rows", where="nothing", value="x")
    answer = count(Request(str(make(tmp_path)), (*checks, *none), 20))
    assert [one.value for one in answer.counted] == [2, 2, 380, 0, None]
    assert "nothing" in answer.counted[-1].problem


def test_what_is_within_an_object_of_a_line_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.jsonl"
    rows = [{"kind": "release", "said": {"title": "x"}}, *({"kind": "track", "said": {"ms": n}} for n in (5, 7, None))]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    check = Check("sum", "said", "ms", where="kind", value="track")
    assert [one.value for one in count(Request(str(path), (check,), 20)).counted] == [12]


@pytest.mark.parametrize(
    ("procedure", "check"),
    [
        ("rows where licence = CC0-1.0", Check("rows", where="licence", value="CC0-1.0")),
        ("rows t where a = b c", Check("rows", "t", where="a", value="b c")),
        ("sum said.ms in seconds where kind=track", Check("sum", "said", "ms", where="kind", value="track")),
        ("distinct artist", Check("distinct", "", "artist")),
    ],
)
def test_procedures_are_read(procedure: str, check: Check) -> None:
    unit = "seconds" if "seconds" in procedure else "tracks"
    text = CLAIM.replace('"tracks"', f'"{unit}"') + f'procedure = "{procedure}"\n'
    found, _ = check_of(parse(text.encode(), "x").claims[0], "JSON lines")
    assert found == check


def test_sqlite_is_asked_by_a_select_instead() -> None:
    (claim,) = parse((CLAIM + 'procedure = "rows t where a = b"\n').encode(), "x").claims
    with pytest.raises(BadInput, match="Write one SELECT"):
        check_of(claim, "SQLite")


def test_claims_of_chosen_rows_are_not_held_against_others() -> None:
    two = CLAIM + 'procedure = "{}"\n' + CLAIM.partition("\n")[2].replace('"a"', '"b"').replace("= 2", "= 9")
    for procedure, codes in (("rows where a = b", []), ("SELECT 1", []), ("rows", ["arithmetic.two"])):
        found = lint(parse(two.format(procedure).encode(), "x").claims)
        assert [one.code for one in found] == codes
