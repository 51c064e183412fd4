"""Samples of bytes: the same for every auditor, within the budget, true to the whole, and worst where bytes are not."""

from __future__ import annotations

import math
import random
import shutil
from pathlib import Path

import pytest

from bench.sampling import counted, music, playing_time
from phonolith.audit.audit import Audit, audit, data_of
from phonolith.audit.claims import Claim, parse
from phonolith.audit.effort import DEFAULT, Effort, budget_of
from phonolith.audit.evidence import Given
from phonolith.audit.payload.content import content_kind
from phonolith.audit.payload.fit import Stream
from phonolith.audit.payload.hearing import Heard
from phonolith.audit.payload.listing import Item, Listing, list_payload
from phonolith.audit.payload.plan import OTHER, SOUND, plan
from phonolith.audit.payload.reading import read
from phonolith.errors import BadInput
from phonolith.model.progress import Silent
from phonolith.store import metainfo
from phonolith.store.bencode import encode
from tests.audit.planted_bytes import JPEG, copy_of, write

FILES = {f"{number % 3}/{number:03}.flac": random.Random(number).randbytes(2_000 + number) for number in range(120)}


def plays(_: Path) -> Heard:
    return Heard("plays", 10.0, 10.0, 1600, "", "", lossless=True)


def half(path: Path) -> Heard:
    """Every other file is no sound."""
    return plays(path) if int(path.stem) % 2 else Heard("no sound")


def claims(*rows: str) -> tuple[Claim, ...]:
    text = "".join(f'[[claim]]\nid = "c{at}"\nsentence = "s"\nof = "a"\n{row}\n' for at, row in enumerate(rows))
    return parse(("format = 1\n" + text).encode(), "claims.toml").claims


TRACKS = 'unit = "tracks"\nquantity = '


def judged(folder: Path, effort: Effort, *rows: str) -> Audit:
    return audit(claims(*rows), [Given("a", folder)], Silent(), now="2026-11-30T12:00:00Z", effort=effort)


def drawn(told: Audit) -> list[str]:
    assert told.exhibits[0].read is not None
    return [one["file"] for one in told.exhibits[0].read["drawn"]]


# The draw


def test_another_auditor_draws_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another place, in another order of listing, with other files missing, from the same torrent."""
    copy_of(tmp_path / "one", FILES)
    shutil.copytree(tmp_path / "one", tmp_path / "deep/down/other")
    effort = {"seed": "a witness' words", "hear": plays}
    one = judged(tmp_path / "one", Effort(60_000, **effort), TRACKS + "120")
    from phonolith.audit.payload import listing

    files = listing._files
    monkeypatch.setattr(listing, "_files", lambda *args: reversed(list(files(*args))))
    other = judged(tmp_path / "deep/down/other", Effort(60_000, **effort), TRACKS + "120")
    assert 10 < len(drawn(one)) < 60
    assert drawn(one) == drawn(other)
    control = judged(tmp_path / "one", Effort(60_000, seed="other words", hear=plays), TRACKS + "120")
    assert drawn(control) != drawn(one)


def test_a_larger_sample_holds_the_smaller_one(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    some = [drawn(judged(tmp_path, Effort(budget, "s", hear=plays), TRACKS + "120")) for budget in (40_000, 150_000)]
    assert 0 < len(some[0]) < len(some[1]) and set(some[0]) <= set(some[1])


def test_the_seed_is_that_of_the_claims_or_of_whoever_asks_and_is_told(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    row = TRACKS + '120\nseed = "named before"'
    for seed, told_seed, source in (("", "named before", "claim c0"), ("mine", "mine", "--seed")):
        told = data_of(judged(tmp_path, Effort(60_000, seed, hear=plays), row))
        account = told["evidence"][0]["read"]
        assert (account["seed"], account["seed_from"]) == (told_seed, source)
        assert told["verdicts"][0]["seed"] == told_seed
        assert told_seed in told["verdicts"][0]["why"][0]


# The budget


@pytest.mark.parametrize("budget", [0, 5_000, 60_000, 200_000, 10_000_000])
@pytest.mark.parametrize("until_settled", [False, True])
def test_what_is_read_stays_within_the_budget(tmp_path: Path, budget: int, until_settled: bool) -> None:
    write(tmp_path, FILES | {"cover.jpg": JPEG})
    told = judged(tmp_path, Effort(budget, "s", until_settled, hear=half), TRACKS + "60", 'unit = "GB"\nquantity = 3')
    account = told.exhibits[0].read
    assert account is not None and account["bytes_read"] <= budget
    assert account["everything"] == (budget >= sum(map(len, FILES.values())) + len(JPEG))
    assert account["why"]


def test_everything_small_is_read_unless_a_budget_says_otherwise(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    told = judged(tmp_path, Effort(hear=plays), TRACKS + "120")
    assert told.verdicts[0].word == "proven"
    assert told.exhibits[0].read is not None and told.exhibits[0].read["budget"] == DEFAULT


def test_draws_go_where_claims_hang_on_them() -> None:
    items = [Item(f"{n}.flac", Path(f"{n}.flac"), 1_000_000) for n in range(500)]
    items += [Item(f"{n}.jpg", Path(f"{n}.jpg"), 1_000_000) for n in range(500)]
    listing = Listing("folder", Path("/nowhere"), items)
    for row, group in ((TRACKS + "1", SOUND), ('unit = "images"\nquantity = 1', OTHER)):
        chosen = plan(listing, claims(row), 100_000_000, "s")
        assert 80 <= len(chosen.drawn[group]) <= 100 and list(chosen.drawn) == [group]
        assert chosen.cost <= 100_000_000 and any(group in why for why in chosen.why)
    both = plan(listing, claims(TRACKS + "1", 'unit = "files"\nquantity = 1'), 100_000_000, "s")
    assert len(both.drawn[SOUND]) > len(both.drawn[OTHER]) > 20


def test_different_files_are_told_by_reading_those_of_equal_size(tmp_path: Path) -> None:
    """119 of 120 differ in size or in bytes: only two have to be read to prove it."""
    write(tmp_path, FILES | {"again.flac": FILES["0/003.flac"]})
    row = 'unit = "files"\nquantity = 120\ndefinition = "files"'
    lie = 'unit = "files"\nquantity = 121\ndefinition = "files"'
    told = judged(tmp_path, Effort(60_000, "s", hear=plays), lie)
    assert told.verdicts[0].word == "refuted"
    assert judged(tmp_path, Effort(None, "s", hear=plays), row).verdicts[0].word == "proven"


@pytest.mark.parametrize(
    ("text", "size"), [(None, DEFAULT), ("all", None), ("2GB", 2 * 10**9), ("1.5 MiB", 3 << 19), ("0", 0), ("7", 7)]
)
def test_budgets(text: str | None, size: int | None) -> None:
    assert budget_of(text) == size


@pytest.mark.parametrize("text", ["much", "2 days", "-1GB", "GB"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no amount of bytes"):
        budget_of(text)


# Verdicts of samples


def test_a_sample_earns_its_word_with_n_of_n_and_interval(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    told = judged(
        tmp_path,
        Effort(100_000, "s", hear=half),
        TRACKS + '60\ntolerance = "50 %"',
        TRACKS + "120",
        TRACKS + "60",
        'unit = "seconds"\nquantity = 600\ntolerance = "60 %"',
        'unit = "seconds"\nquantity = 1200',
    )
    words = [one.word.value for one in told.verdicts]
    assert words == ["sampled", "refuted", "claimed", "sampled", "refuted"]
    assert " of 120 files, drawn by the seed 's', were read: " in told.verdicts[0].why[0]
    fact = told.verdicts[0].facts[0]
    assert fact.surely is not None
    assert fact.surely[0] <= fact.low < 60 < fact.high <= fact.surely[1]


def test_reading_ends_when_every_verdict_is_settled(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    lie, truth = TRACKS + "120", TRACKS + '60\ntolerance = "1 %"'
    settled = judged(tmp_path, Effort(None, "s", until_settled=True, hear=half), lie)
    assert settled.verdicts[0].word == "refuted"
    account = settled.exhibits[0].read
    assert account is not None and account["stopped_early"] and 20 <= len(drawn(settled)) < 60
    open_ = judged(tmp_path, Effort(None, "s", until_settled=True, hear=half), lie, truth)
    assert [one.word.value for one in open_.verdicts] == ["refuted", "proven"]  # the second took all there is


def test_what_was_drawn_and_is_not_here_is_not_replaced(tmp_path: Path) -> None:
    """A third of a torrent is here, all of it sound: worst both ways."""
    copy_of(tmp_path, FILES)
    for number, path in enumerate(sorted((tmp_path / "music").rglob("*.flac"))):
        if number % 3:
            path.unlink()
    told = judged(tmp_path, Effort(None, "s", hear=plays), TRACKS + "120", TRACKS + '40\nbound = "at least"')
    assert [one.word.value for one in told.verdicts] == ["claimed", "proven"]
    fact = next(one for one in told.verdicts[0].facts if one.dimension == "tracks")
    assert (fact.low, fact.high) == (40, 120)
    told = judged(tmp_path, Effort(60_000, "s", hear=plays), TRACKS + "120")
    fact = next(one for one in told.verdicts[0].facts if one.dimension == "tracks")
    assert fact.low < 40 and fact.high == 120 and "80 that are listed are not here" in fact.how


def test_a_share_of_two_samples_refutes_nothing(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    different = '[[claim]]\nid = "c0"\nsentence = "s"\nof = "a"\ndefinition = "files"\n' + TRACKS + "60\n"
    rows = '[[claim]]\nid = "c1"\nsentence = "s"\nof = "a"\n' + TRACKS + "60\n"
    share = '[[claim]]\nid = "share"\nsentence = "s"\nquantity = 100\nunit = "%"\npart = "c0"\nwhole = "c1"\n'
    stated = parse(f"format = 1\n{different}{rows}{share}".encode(), "c").claims
    effort = Effort(90_000, "s", hear=half)
    told = audit(stated, [Given("a", tmp_path)], Silent(), now="2026-11-30T12:00:00Z", effort=effort)
    assert [one.basis.name for one in told.verdicts[2].facts] == ["SAMPLED"]
    fact = told.verdicts[2].facts[0]
    assert fact.surely == (0.0, math.inf) and fact.low < 1 < fact.high


# The truth of samples: quick versions of bench/sampling.py


@pytest.mark.parametrize("p", [0.5, 0.99, 0.999])
@pytest.mark.parametrize("size", [100, 300])
def test_counts_hold_the_truth_and_are_hardly_wider_than_exact_ones(p: float, size: int) -> None:
    found = counted(p, size, 60)
    assert found["held"] >= 0.9
    assert found["width"] <= 1.3


def test_counts_hold_the_truth_whenever_reading_ends() -> None:
    assert counted(0.9, 100, 60, any_time=True)["held"] >= 0.9


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("bad", [0.002, 0.05])
def test_totals_hold_the_truth(stated: bool, bad: float) -> None:
    assert playing_time(bad, 200, 25, stated=stated)["held"] >= 0.88


def test_control_a_whole_of_another_share_is_not_held() -> None:
    listing, tracks = music(0.9)
    assert len(listing.items) == 5000 and len(tracks) == 4500
    from bench.sampling import _span
    from phonolith.audit.payload.plan import Plan, first, strata_of

    strata = strata_of(listing, "s")
    some = first(strata, 300)
    span = _span(listing, Plan("s", None, tuple(strata), {SOUND: some, OTHER: ()}), tracks, some, any_time=False)
    assert span.low <= 4500 <= span.high < 4950


# Bytes against lists


def test_pieces_that_run_over_files_are_checked(tmp_path: Path) -> None:
    """Version 1 without padding: a changed byte is found, and neighbours that are not here leave it open."""
    import hashlib

    data = {f"{number}.bin": random.Random(number).randbytes(size) for number, size in enumerate((40_000, 10, 33_000))}
    stream = b"".join(data.values())
    pieces = b"".join(hashlib.sha1(stream[at : at + 16384]).digest() for at in range(0, len(stream), 16384))
    files = [{b"length": len(one), b"path": [name.encode()]} for name, one in data.items()]
    info = {b"files": files, b"name": b"music", b"piece length": 16384, b"pieces": pieces}
    raw = encode({b"info": info})
    write(tmp_path, {"music.torrent": raw} | {f"music/{name}": one for name, one in data.items()})
    assert [read(item, None).shown for item in list_payload(tmp_path).items] == [True] * 3
    (tmp_path / "music/2.bin").unlink()
    assert [read(item, None).shown for item in list_payload(tmp_path).items] == [True, False, False]
    changed = bytearray(data["0.bin"])
    changed[5] ^= 1
    (tmp_path / "music/0.bin").write_bytes(changed)
    assert read(list_payload(tmp_path).items[0], None).why == "is not what its list means"
    assert Stream(metainfo.read(raw, "x"), [None] * 3).read(0, 10) is None


def test_a_bag_whose_manifest_is_damaged_is_read_as_a_folder_and_said(tmp_path: Path) -> None:
    from tests.audit.planted_bytes import bag_of

    bag_of(tmp_path, {"a.flac": b"fLaC"})
    (tmp_path / "manifest-sha256.txt").write_text("nonsense")
    told = list_payload(tmp_path)
    assert [one.id for one in told.items] == ["data/a.flac"]
    assert told.findings[0].code == "bag.tag-corrupt"


def test_what_a_bag_lists_that_is_not_here_refutes_nothing_with_or_without_a_tag_manifest(tmp_path: Path) -> None:
    from tests.audit.planted_bytes import bag_of

    bag_of(tmp_path, {"a.flac": b"fLaC", "b.flac": b"OggS"})
    (tmp_path / "data/b.flac").unlink()
    for tag in ("", "tagmanifest-sha256.txt", "manifest-sha256.txt"):  # the last one makes it no bag
        (tmp_path / tag).unlink() if tag else None
        told = judged(
            tmp_path, Effort(), 'quantity = 2\nunit = "files"', 'quantity = 2\nunit = "files"\nbound = "at most"'
        )
        assert [one.word.value for one in told.verdicts] == [
            "claimed",
            "claimed" if tag.startswith("man") else "proven",
        ]
        assert ("bag.incomplete" in {one.code for one in told.findings}) is tag.startswith("man")


def test_links_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "a", {"real.flac": b"fLaC"})
    write(tmp_path, {"secret.txt": b"s"})
    (tmp_path / "a/link.flac").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "a/up").symlink_to(tmp_path)
    told = list_payload(tmp_path / "a")
    assert [one.id for one in told.items] == ["real.flac"]
    assert [one.code for one in told.findings] == ["evidence.link"] * 2


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "empty files"),
        (bytes(4096), "zero bytes"),
        (b"fLaC\0\0\0\x22", "lossless audio"),
        (b"ID3\x04\0", "lossy audio"),
        (JPEG[:4096], "images"),
        (b"<html>nothing</html>", "playlists, texts and checksums"),
        (b"PK\x03\x04", "catalogues and exports"),
        (b"\0\1\2\3", "unknown"),
    ],
)
def test_kinds_by_the_ends_of_files(head: bytes, kind: str) -> None:
    assert content_kind(head, head) == kind


def test_a_person_who_stops_it_leaves_no_child(tmp_path: Path) -> None:
    write(tmp_path, FILES)

    def stopped(_: Path) -> Heard:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judged(tmp_path, Effort(None, "s", hear=stopped), TRACKS + "120")
