"""Hostile evidence: a finding or a count each, within ten seconds of a processor and 512 MB, in a child."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audit.hostile import MADE

ROOT = Path(__file__).parents[2]
SECONDS = 10.0  # of a processor: the clock of a busy machine says nothing
MEMORY = 512_000_000

#: What is not refused is what can be counted in a little memory; its number is true.
COUNTED = {"dictionary.parquet": 10_000, "large.parquet": 2, "deep.parquet": 4, "sorting.sqlite": 1000}

AUDIT = """
import json, resource, sys
from pathlib import Path
from phonolith.audit.audit import audit, data_of
from phonolith.audit.claims import parse
from phonolith.audit.evidence import Given
from phonolith.model.progress import Silent
path = Path(sys.argv[1])
keys = 'sentence = "s"\\nof = "e"\\nunit = "files"\\nquantity = 1\\n'
asked = ["rows", "distinct a"] if path.suffix != ".sqlite" else ["rows track", "distinct track.a"]
text = "format = 1\\n" + "".join(f'[[claim]]\\nid = "c{n}"\\nprocedure = "{one}"\\n{keys}' for n, one in enumerate(asked))
told = audit(parse(text.encode(), "c").claims, [Given("e", path)], Silent(), now="2026-11-30T00:00:00Z")
used = resource.getrusage(resource.RUSAGE_CHILDREN)
counts = [fact.low for one in told.verdicts for fact in one.facts]
print(json.dumps([[one.code for one in told.findings if one.severity != "note" and not one.code.startswith("arithmetic")],
    counts, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""


@pytest.mark.parametrize("name", MADE)
def test_none_costs_more_than_it_may_and_each_is_a_finding_or_a_true_count(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    MADE[name](path)
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, str(path)],
        capture_output=True, text=True, timeout=180, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": "src"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    codes, counts, seconds, memory = json.loads(done.stdout.splitlines()[-1])
    assert codes or counts, "neither a finding nor a count"
    if counts and name in COUNTED:
        assert counts[0] == COUNTED[name]
    assert name in COUNTED or not counts
    assert memory < MEMORY and seconds < SECONDS, (memory, seconds)
