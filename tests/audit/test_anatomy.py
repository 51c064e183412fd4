"""Sizes taken apart, and batches told by their sizes."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.audit.anatomy import (
    AGAIN,
    ALONE,
    BESIDE,
    LOSSLESS,
    PADDING,
    SAME_AUDIO,
    SORTS,
    File,
    apart,
    columns_of,
    kind_of,
    taken_apart,
)
from phonolith.audit.audit import Audit, audit, data_of
from phonolith.audit.batches import Batch, batch_of, changes, implied, in_order, sentence
from phonolith.audit.claims import parse
from phonolith.audit.evidence import Given
from phonolith.audit.report import page
from phonolith.model.progress import Silent
from tests.audit.planted_torrents import make_stacks, planted_torrents

NAMES = st.sampled_from(
    [
        "a/x.flac",
        "a/x.mp3",
        "b/x.mp3",
        "a/x.m4a",
        "c.jpg",
        "d.sqlite",
        "e.cue",
        "f.part",
        "g.r07",
        ".pad/1-2",
        "h",
        "i.mkv",
    ]
)
FILES = st.lists(
    st.builds(
        lambda path, size, digest, audio: File(path.split("/"), size, digest or None, audio or None),
        NAMES,
        st.integers(0, 1 << 40),
        st.sampled_from([b"", b"1" * 32, b"2" * 32, b"3" * 32]),
        st.sampled_from([b"", b"same"]),
    ),
    max_size=12,
)


@given(FILES, st.integers(0, 1 << 40))
def test_parts_add_up_to_the_whole_whatever_the_files(files: list[File], padding: int) -> None:
    told = taken_apart(files, padding)
    assert sum(one.size or 0 for one in told.parts) == told.size == sum(one.size for one in files) + padding
    assert sum(one.files or 0 for one in told.parts) == told.files == len(files)
    assert all(one.how for one in told.parts)


@given(FILES, st.integers(0, 12))
def test_files_that_come_in_two_parts_are_taken_apart_alike(files: list[File], cut: int) -> None:
    assert apart([columns_of(files[:cut]), columns_of(files[cut:])]) == taken_apart(files)


def test_each_file_is_in_the_part_that_it_is_of() -> None:
    told = taken_apart(
        [
            File(["Road (FLAC)", "01 a.flac"], 100, b"1" * 32, b"r1"),
            File(["Road [V0]", "01 A.mp3"], 10, b"2" * 32),
            File(["Sea", "01 a.mp3"], 7, b"3" * 32),
            File(["Other", "b.flac"], 100, b"1" * 32),
            File(["Live", "c.wav"], 300, b"4" * 32, b"r1"),
            File([".pad", "1-5"], 5),
        ]
    )
    found = {one.name: (one.files, one.size) for one in told.parts}
    assert found == {
        LOSSLESS: (1, 100), BESIDE: (1, 10), ALONE: (1, 7), AGAIN: (1, 100), SAME_AUDIO: (1, 300), PADDING: (1, 5),
    }  # fmt: skip
    assert told.rootless == 1


def test_audio_that_is_there_twice_is_not_known_where_nothing_tells() -> None:
    told = taken_apart([File(["a.flac"], 1), File(["b.flac"], 1)]).part(SAME_AUDIO)
    assert told.files is None and told.how.startswith("not known")


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("x.FLAC", LOSSLESS),
        ("x", "unknown"),
        ("a/flac.x", "unknown"),
        ("x.001", "partial downloads"),
        ("2001", "unknown"),
    ],
)
def test_a_sort_is_told_by_the_end_of_a_name(name: str, sort: str) -> None:
    assert kind_of(name) == sort


def batch(name: str, middle: float, dice: random.Random) -> Batch:
    """A batch by its middle size, which is off by some per cent."""
    return Batch(name, 200, 200, 1, (1, int(middle * 2 ** dice.gauss(0, 0.03)), 2 * int(middle)), {}, {"opus": 200})


def test_a_stack_changes_where_its_files_become_smaller() -> None:
    dice = random.Random(1)
    stack = [batch(f"b-{n}", 5e6 if n < 180 else 2.5e6, dice) for n in range(300)]
    (found,) = changes(stack)
    assert found.span[0] <= 180 <= found.span[1] and found.span[1] - found.span[0] <= 2
    assert found.low < 0.5 < found.high and found.high - found.low < 0.05


def test_the_same_all_the_way_changes_nowhere() -> None:
    """The control, a hundred times: noise is no change."""
    wrong = 0
    for seed in range(100):
        dice = random.Random(seed)
        wrong += bool(changes([batch(f"b-{n}", 5e6, dice) for n in range(40)]))
    assert wrong == 0


def test_changes_are_found_within_their_intervals() -> None:
    inside = 0
    for seed in range(100):
        dice = random.Random(seed)
        at, factor = dice.randrange(5, 35), dice.choice([0.5, 0.7, 1.6])
        found = changes([batch(f"b-{n}", 5e6 * (factor if n >= at else 1), dice) for n in range(40)])
        inside += (
            len(found) == 1 and found[0].span[0] <= at <= found[0].span[1] and found[0].low <= factor <= found[0].high
        )
    assert inside >= 90


def test_batches_are_in_order_of_their_numbers() -> None:
    names = [one.name for one in in_order([batch(name, 1e6, random.Random(1)) for name in ("b-10", "b-9", "a-2")])]
    assert names == ["a-2", "b-9", "b-10"]


def test_a_rate_is_that_of_the_lengths_it_names() -> None:
    assert implied(3_000_000, (240, 240)) == (100_000, 100_000)
    sizes = np.array([int(2.65e6 * random.Random(n).uniform(0.7, 1.3)) for n in range(200)], np.uint64)
    one = batch_of("b", sizes | np.uint64(SORTS.index("lossy audio") << 56), {"opus": 200})
    assert sum(one.histogram.values()) == one.audio == 200
    told = sentence([one])
    assert told.startswith("94 % of its audio files (.opus) have 1.") and "if that lasts 2 to 5 minutes" in told
    assert sentence([batch_of("b", np.zeros(0, np.uint64), {})]) == "no audio by the names of its files"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    folder = tmp_path_factory.mktemp("stacks")
    make_stacks(folder)
    rows = [
        f'[[claim]]\nid = "c{number}"\nsentence = "{number}"\n{one.keys}\n'
        for number, one in enumerate(planted_torrents())
    ]
    given = [Given(path.name, path) for path in sorted(folder.iterdir())]
    claims = parse(("format = 1\n" + "".join(rows)).encode(), "claims.toml").claims
    return audit(claims, given, Silent(), now="2026-11-30T12:00:00Z")


def test_claims_on_parts_end_as_the_torrents_have_it(told: Audit) -> None:
    found = list(zip(planted_torrents(), told.verdicts, strict=True))
    assert [(one.keys, verdict.word.value) for one, verdict in found if verdict.word.value not in one.right] == []
    assert [one.keys for one, verdict in found if verdict.word == "proven" and not one.true] == []


def test_what_is_named_lossless_and_has_no_room_for_it_is_said(told: Audit) -> None:
    (odd,) = [one for one in told.findings if one.code == "anatomy.coding"]
    assert odd.subject.endswith("small") and "kbit/s if it lasts two minutes" in odd.problem


def test_the_report_has_parts_that_add_up_and_batches_fit_for_plots(told: Audit) -> None:
    data = data_of(told)
    assert json.loads(json.dumps(data)) == data
    for one in data["evidence"]:
        shown = one["described"]
        assert sum(part["bytes"] or 0 for part in shown["parts"]) == shown["bytes"] + shown["padding"]
        for each in shown["anatomy"]["batches"]:
            assert sum(count for _, count in each["histogram"]) == each["audio"]
    (tiers,) = [one["described"]["anatomy"] for one in data["evidence"] if one["of"] == "tiers"]
    assert [(one["first"], one["last"]) for one in tiers["runs"]] == [("batch-1", "batch-7"), ("batch-8", "batch-12")]
    assert [one["at"] for one in tiers["changes"]] == ["batch-8"]
    text = page(data, "x")
    assert "batch-8" in text and "lossy audio beside a lossless original" in text
