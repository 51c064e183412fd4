"""Planted claims about bytes: what is read decides them, nothing false is proven, nothing true refuted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from phonolith.audit.audit import Audit, audit
from phonolith.audit.claims import parse
from phonolith.audit.effort import Effort
from phonolith.audit.evidence import Given
from phonolith.audit.payload.hearing import COMMAND, DEADLINE, Hear, heard_of
from phonolith.model.progress import Silent
from phonolith.sources.tags import TagReader
from tests.audit.planted import Planted
from tests.audit.planted_bytes import honest, make_bytes, planted_bytes

NOW = "2026-11-30T12:00:00Z"
Judged = list[tuple[Planted, str]]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bytes")
    make_bytes(folder)
    return folder


def judged(folder: Path, effort: Effort) -> tuple[Judged, Audit]:
    planted = planted_bytes({"honest": sum(map(len, honest().values()))})
    rows = [f'[[claim]]\nid = "c{number}"\nsentence = "{number}"\n{one.keys}\n' for number, one in enumerate(planted)]
    claims = parse(("format = 1\n" + "".join(rows)).encode(), "claims.toml").claims
    given = [Given(path.name, path) for path in sorted(folder.iterdir())]
    told = audit(claims, given, Silent(), now=NOW, effort=effort)
    return [(one, verdict.word.value) for one, verdict in zip(planted, told.verdicts, strict=True)], told


@pytest.fixture(scope="module")
def hear() -> Iterator[Hear]:
    """One child for all, which decodes each file once."""
    with TagReader(DEADLINE, list(COMMAND)) as reader:
        yield cache(lambda path: heard_of(reader.read(path)))


@pytest.fixture(scope="module")
def everything(evidence: Path, hear: Hear) -> tuple[Judged, Audit]:
    return judged(evidence, Effort(None, hear=hear))


def test_each_ends_as_the_bytes_have_it(everything: tuple[Judged, Audit]) -> None:
    verdicts, _ = everything
    assert len(verdicts) >= 50
    assert [(one.keys, word) for one, word in verdicts if word not in one.right] == []


def test_what_is_not_what_it_is_called_is_named(everything: tuple[Judged, Audit]) -> None:
    found = {(Path(one.subject).name, one.code) for one in everything[1].findings}
    assert ("doctored", "evidence.no-sound") in found
    assert ("doctored", "evidence.again") in found
    assert ("short-bag", "evidence.missing") in found
    assert ("filled", "evidence.damaged") in found
    assert ("honest", "evidence.no-sound") not in found
    whys = [one.problem for one in everything[1].findings if one.code == "evidence.no-sound"]
    for why in ("zero bytes", "silent", "is empty", "ends before its header says", "texts", "images", "no sound"):
        assert any(why in one for one in whys), why


@pytest.mark.parametrize("budget", [0, 20_000, 300_000, 1_200_000])
@pytest.mark.parametrize("until_settled", [False, True])
def test_whatever_may_be_read_nothing_false_is_said(
    evidence: Path, hear: Hear, budget: int, until_settled: bool
) -> None:
    """Of a part of the bytes as well: no lie is proven or sampled, no truth refuted."""
    verdicts, told = judged(evidence, Effort(budget, f"seed {budget}", until_settled, hear=hear))
    said = ("proven", "sampled", "circulating")
    assert [one.keys for one, word in verdicts if word in said and not one.true] == []
    assert [one.keys for one, word in verdicts if word == "refuted" and one.true] == []
    assert sum(one.read["bytes_read"] for one in told.exhibits if one.read) <= budget
