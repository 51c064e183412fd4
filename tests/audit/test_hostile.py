"""Hostile evidence: a finding or a count each, within ten seconds of a processor and 512 MB, in a child."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb

from phonolith.audit.counted import Check, Request
from phonolith.audit.counting import count
from tests.audit.hostile import MADE

ROOT = Path(__file__).parents[2]
SECONDS = 10.0  # of a processor: the clock of a busy machine says nothing
MEMORY = 512_000_000

#: What is not refused is what can be counted in a little memory; its number is true.
COUNTED = {
    "dictionary.parquet": 10_000, "large.parquet": 2, "deep.parquet": 4, "sorting.sqlite": 1000,
    "many columns.csv": 0, "wide.jsonl": 1, "number.jsonl": 1,
}  # fmt: skip

AUDIT = """
import json, resource, sys
from pathlib import Path
from phonolith.audit.audit import audit
from phonolith.audit.claims import parse
from phonolith.audit.evidence import Given
from phonolith.model.progress import Silent

def spent():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

for path in map(Path, sys.argv[1:]):
    table, before = " track" if path.suffix == ".sqlite" else "", spent()
    asked = (f"rows{table}", f"distinct {table.strip()}{'.' if table else ''}a")
    keys = 'sentence = "s"\\nof = "e"\\nunit = "files"\\nquantity = 1\\n'
    rows = [f'[[claim]]\\nid = "c{number}"\\nprocedure = "{one}"\\n{keys}' for number, one in enumerate(asked)]
    text = "format = 1\\n" + "".join(rows)
    told = audit(parse(text.encode(), "c").claims, [Given("e", path)], Silent(), now="2026-11-30T00:00:00Z")
    codes = [one.code for one in told.findings if not one.code.startswith("arithmetic")]
    counts = [fact.low for one in told.verdicts for fact in one.facts]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps([path.name, codes, counts, spent() - before, memory]), flush=True)
"""


def test_none_costs_more_than_it_may_and_each_is_a_finding_or_a_true_count(tmp_path: Path) -> None:
    for name, make in MADE.items():
        make(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, *(str(tmp_path / name) for name in MADE)],
        capture_output=True, text=True, timeout=500, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, *_ in lines] == list(MADE)
    for name, codes, counts, seconds, memory in lines:
        assert codes or counts, f"{name}: neither a finding nor a count"
        assert codes or counts[0] == COUNTED[name], (name, counts)
        assert memory < MEMORY and seconds < SECONDS, (name, memory, seconds)


def test_a_row_count_that_lies_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "lies.parquet"
    MADE["lies.parquet"](path)
    with duckdb.connect() as db:  # the control: whoever asks the footer is lied to
        assert db.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchall() == [(63,)]
    answer = count(Request(str(path), (Check("rows"),), 60.0))
    assert answer.problem or answer.counted[0].problem
