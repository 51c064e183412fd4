"""Kinds of evidence: planted claims about listings, magnets, pages, logs and catalogues, and what is said of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from phonolith.audit.audit import Audit, audit
from phonolith.audit.claims import parse
from phonolith.audit.evidence import Given
from phonolith.model.progress import Silent
from tests.audit.planted import Planted
from tests.audit.planted_kinds import make_evidence, planted

NOW = "2026-11-30T12:00:00Z"


def judged(text: str, *evidence: Given) -> Audit:
    return audit(parse(text.encode(), "claims.toml").claims, evidence, Silent(), now=NOW)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Planted], Audit]:
    given, size = make_evidence(tmp_path_factory.mktemp("kinds"))
    claims = list(planted(size))
    rows = [f'[[claim]]\nid = "c{number}"\nsentence = "{number}"\n{one.keys}\n' for number, one in enumerate(claims)]
    return claims, judged("format = 1\n" + "".join(rows), *given)


def words(told: tuple[list[Planted], Audit]) -> list[tuple[Planted, str]]:
    return [(one, verdict.word.value) for one, verdict in zip(told[0], told[1].verdicts, strict=True)]


def test_there_are_fifty_of_them(told: tuple[list[Planted], Audit]) -> None:
    assert len(told[0]) >= 50
    assert {word for _, word in words(told)} == {"claimed", "circulating", "proven", "refuted", "unverifiable"}


def test_nothing_false_is_circulating_or_proven_and_nothing_true_refuted(told: tuple[list[Planted], Audit]) -> None:
    assert [one.keys for one, word in words(told) if word in ("circulating", "proven") and not one.true] == []
    assert [one.keys for one, word in words(told) if word == "refuted" and one.true] == []


def test_each_ends_as_the_evidence_has_it(told: tuple[list[Planted], Audit]) -> None:
    assert [(one.keys, word) for one, word in words(told) if word not in one.right] == []


def codes(told: tuple[list[Planted], Audit], name: str) -> set[str]:
    return {one.code for one in told[1].findings if Path(one.subject.partition(": ")[0]).name == name}


def test_what_is_odd_about_each_is_a_finding(told: tuple[list[Planted], Audit]) -> None:
    expected = {
        "inflated.csv": {"listing.columns", "listing.size"},
        "later.csv": {"listing.columns", "listing.time"},
        "before.csv": {"listing.columns", "listing.time"},
        "undated.csv": {"listing.columns", "listing.undated"},
        "garbled.csv": {"listing.columns", "listing.seeders-unread"},
        "seeded.csv": {"listing.columns"},
        "magnets.txt": set(),
        "boasting.txt": {"magnet.length"},
        "page.html": {"page.silent"},
        "another-log.json": {"log.other"},
        "another-key.json": {"log.signature"},
        "another-file.json": {"proof.path"},
        "nobodys.json": {"log.unnamed"},
        "proof.json": set(),
        "stated.sqlite": {"catalogue.claim"},
        "bundle": set(),
    }
    assert {name: codes(told, name) for name in expected} == expected


def why(told: tuple[list[Planted], Audit], keys: str) -> str:
    return next("\n".join(one.why) for one, claim in zip(told[1].verdicts, told[0], strict=True) if keys in claim.keys)


def test_the_sentence_says_when_how_much_and_whose_word_it_is(told: tuple[list[Planted], Audit]) -> None:
    strangers = "by what peers told trackers, who are strangers"
    assert why(told, "of = 'seeded'\nquantity = 4\n") == (
        "The metainfo of 4 torrents describes it."
        f" seeded.csv saw a complete copy of 4 torrents on offer on 2026-04-01, {strangers}: 4 torrents"
    )
    half = why(told, "of = 'half'\nquantity = 16\n")
    assert half.startswith("half.csv saw a complete copy of 2 of 4 torrents on offer, 50 % of the bytes, on 2026-03-01")
    assert half.endswith("8 to 16 tracks, 50 % of what is claimed")
    turns = why(told, "of = 'by-turns'")
    assert turns.startswith("by-turns.csv saw a complete copy of 4 torrents on offer on 2026-04-01")
    assert why(told, "of = 'dated'").startswith(
        "list 2026-03-05.tsv saw a complete copy of 4 torrents on offer on 2026"
    )


def test_sizes_by_a_listings_own_word_are_told_as_such(told: tuple[list[Planted], Audit]) -> None:
    alone = next(one for one in told[1].verdicts if one.claim.of == "alone" and one.word == "circulating")
    assert "; bytes of 4 by its own word: " in alone.why[0]


def test_what_would_say_more_is_of_the_kind_that_is_missing(told: tuple[list[Planted], Audit]) -> None:
    needed = {one.claim.of: one.needed for one in told[1].verdicts if one.word == "claimed"}
    assert "--log LOG" in needed["nobodys"][0]
    assert needed["dead"][0].startswith("A dated listing of its torrents with seeders")
    assert needed["page"][0].startswith("Its .torrent files")


def test_a_log_says_since_when_and_not_that_it_is_there(told: tuple[list[Planted], Audit]) -> None:
    said = why(told, "of = 'log'\nquantity = 9\n")
    assert "had it by 2026-01-02T03:04:0" in said and "does not say that anybody has it" in said


def test_a_page_is_quoted(told: tuple[list[Planted], Audit]) -> None:
    assert "“We hold 120 tracks, 300 TB of them.”" in why(told, "of = 'page'\nquantity = 300\n")


CLAIM = 'format = 1\n[[claim]]\nid = "a"\nsentence = "{}"\nquantity = {}\nunit = "{}"\nof = "x"\n'
HASHES = [f"{number:040x}" for number in range(1, 4)]


def test_torrents_that_had_seeders_on_different_days_circulated_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    looks = [(HASHES[0], 2, "2026-01-01"), (HASHES[1], 0, "2026-01-01"), (HASHES[1], 1, "2026-02-01T00:30:00+02:00")]
    looks.append((HASHES[0], 0, "2026-02-01"))
    path.write_text("hash,seeds,size,last_seen\n" + "".join(f"{one},{seeds},10,{day}\n" for one, seeds, day in looks))
    verdict = judged(CLAIM.format("s", 2, "torrents"), Given("x", path)).verdicts[0]
    assert verdict.word == "circulating"
    assert "between 2026-01-01 and 2026-01-31, not all on one day" in verdict.why[0]
    assert "at its last look 1 had none any more" in verdict.why[0]


def test_who_never_had_a_seeder_is_told_with_the_day_of_the_last_look(told: tuple[list[Planted], Audit]) -> None:
    facts = [one for verdict in told[1].verdicts if verdict.claim.of == "dead" for one in verdict.facts]
    assert any("at no look, the last on 2026-04-01, had any a seeder" in one.how for one in facts)


def test_a_part_of_a_listing_leaves_open_what_else_there_is(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("infohash,size,seeders,time\n" + "".join(f"{one},10,1,2026-01-01\n" for one in HASHES))
    claim = CLAIM.format("s", 100, "bytes")
    assert judged(claim, Given("x", path)).verdicts[0].word == "refuted"
    part = judged(claim, Given("x", path, whole=False)).verdicts[0]
    assert part.word == "claimed"
    assert part.needed[0] == "A look that saw complete copies of the other 70 bytes as well"


def test_a_row_without_an_infohash_leaves_open_how_much_there_is(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"infohash,size,seeders,time\n{HASHES[0]},10,1,2026-01-01\nnone,10,1,2026-01-01\n")
    told = judged(CLAIM.format("s", 100, "bytes"), Given("x", path))
    assert told.verdicts[0].word == "claimed"
    assert {one.code for one in told.findings} == {"listing.columns", "listing.infohash"}


def test_a_listing_of_everybodys_torrents_dates_those_that_are_meant(tmp_path: Path) -> None:
    """Named ``swarm`` it says nothing of torrents that no other evidence names."""
    ours, all_of_them = tmp_path / "ours.csv", tmp_path / "all.csv"
    ours.write_text(f"infohash,size\n{HASHES[0]},10\n")
    all_of_them.write_text("infohash,seeders,time\n" + "".join(f"{one},1,2026-01-01\n" for one in HASHES))
    claim = CLAIM.format("s", 1, "torrents")
    assert judged(claim, Given("x", ours), Given("x", all_of_them, kind="swarm")).verdicts[0].word == "circulating"
    assert judged(claim, Given("x", ours), Given("x", all_of_them, kind="listing")).verdicts[0].word == "refuted"


def test_a_page_that_says_nothing_of_it_shows_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_text("We have 86 million files.\n")
    told = judged(CLAIM.format("86 million music files", 86_000_000, "files"), Given("x", page))
    assert (
        "which is what somebody said: “We have 86 million files.”: 85,500,000 to 86,500,000 files"
        in told.verdicts[0].why[0]
    )
    told = judged(CLAIM.format("87 million music files", 87_000_000, "files"), Given("x", page))
    assert [one.code for one in told.findings] == ["page.silent"]
    assert told.verdicts[0].word == "claimed"
