"""The catalogue states its figures as a file of claims, and auditing the catalogue by it proves every one."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from phonolith.config import Settings
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from tests.cli.conftest import Made, Result

Run = Callable[..., Result]


@pytest.fixture
def stated(archive: Made, phonolith: Run) -> str:
    return str(phonolith("stats", "--claims", "--archive", archive.root).out)


def words_of(archive: Made, phonolith: Run, text: str) -> tuple[int, dict[str, str], list[object]]:
    path = archive.root / "claims.toml"
    path.write_text(text)
    evidence = f"library={archive.root / 'derived' / 'catalogue.sqlite'}"
    done = phonolith("audit", path, "--evidence", evidence, "--json")
    return done.code, {one["id"]: one["verdict"] for one in done.data["verdicts"]}, done.data["findings"]


def test_our_own_catalogue_by_its_own_claims_is_proven(archive: Made, phonolith: Run, stated: str) -> None:
    code, words, findings = words_of(archive, phonolith, stated)
    assert (code, findings, set(words.values())) == (0, [], {"proven"})
    assert words.keys() > {"tracks", "bytes", "duration", "genres", "status.held", "licence.by", "decade."}


@pytest.mark.parametrize("claim", ["tracks", "duration", "licence.by", "format.pcm_s16le", "decade."])
def test_one_figure_that_is_changed_is_refuted(archive: Made, phonolith: Run, stated: str, claim: str) -> None:
    """The control."""
    before, found, after = stated.partition(f'id = "{claim}"')
    changed = before + found + after.replace("quantity = ", "quantity = 1", 1)
    code, words, _ = words_of(archive, phonolith, changed)
    assert code == 1 and {name for name, word in words.items() if word != "proven"} == {claim}
    assert words[claim] == "refuted"


def test_the_page_and_the_verb_give_the_same_file(archive: Made, phonolith: Run, stated: str) -> None:
    with TestClient(create_app(Archive.open(archive.root), Settings())) as client:
        answer = client.get("/claims.toml")
        page = client.get("/about").text
    assert answer.headers["content-type"].startswith("application/toml")
    assert "".join(line for line in answer.text.splitlines(keepends=True) if not line.startswith("where")) == stated
    assert 'href="#claim-held"' in page and 'id="claim-held"' in page and 'href="/claims.toml"' in page
    assert phonolith("stats", "--claims", "--archive", archive.root, "--json").data["claims"] == stated


def test_every_figure_of_the_page_leads_to_a_claim_on_it(archive: Made) -> None:
    with TestClient(create_app(Archive.open(archive.root), Settings())) as client:
        page = client.get("/about").text
    ids, leads = set(re.findall(r'id="(claim-[^"]+)"', page)), set(re.findall(r'href="#(claim-[^"]+)"', page))
    assert leads and leads <= ids, leads - ids
    assert len(re.findall(r"<dd>", page)) == len(re.findall(r'<dd><a href="#claim-', page)) > 3
