"""The page of a report: its figures show what the report has and nothing else, and no text in it does anything."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html.parser import HTMLParser
from itertools import cycle, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from phonolith.audit import figures
from phonolith.audit.audit import audit, data_of
from phonolith.audit.claims import read
from phonolith.audit.effort import Effort
from phonolith.audit.evidence import Given
from phonolith.audit.report import page
from phonolith.model.progress import Silent
from tests.audit.planted_bytes import honest
from tests.audit.planted_bytes import write as write_files
from tests.audit.planted_torrents import make_stacks
from tests.browser.hostile import STRINGS

NOW = "2026-11-30T12:00:00Z"
CLAIMS = """
format = 1
title = "Four things"
[[claim]]
id = "stack"
sentence = "Twelve batches hold 720 files."
quantity = 720
unit = "files"
of = "tiers"
[[claim]]
id = "bytes"
sentence = "They have about 3 GB."
quantity = 3
unit = "GB"
bound = "about"
of = "tiers"
procedure = "metainfo"
[[claim]]
id = "mixed"
sentence = "At least 400 MB."
quantity = 400
unit = "MB"
bound = "at least"
of = "mixed"
[[claim]]
id = "tracks"
sentence = "At least 20 tracks."
quantity = 20
unit = "tracks"
bound = "at least"
of = "music"
[[claim]]
id = "parts"
sentence = "600 GB are shared."
quantity = 600
unit = "GB"
of = "parts"
[[claim]]
id = "users"
sentence = "At most ten thousand use it."
quantity = 10_000
unit = "users"
bound = "at most"
[[claim]]
id = "held"
sentence = "86 million"
quantity = 86_000_000
unit = "tracks"
bound = "about"
[[claim]]
id = "known"
sentence = "of 256 million"
quantity = 256_000_000
unit = "tracks"
bound = "about"
[[claim]]
id = "share"
sentence = "are 37 %."
quantity = 37
unit = "%"
bound = "about"
part = "held"
whole = "known"
"""
PLAIN = re.split(
    r"\s+",
    """html head meta title style body main h1 h2 h3 p b a ul li article span small figure figcaption svg desc g line
    path rect circle text div table thead tbody tfoot tr th td code details summary dl dt dd pre br""",
)
LOOKS = (("2026-03-01", (4, 1, 2)), ("2026-03-05", (1, 0, 0)), ("2026-03-20", (1, 1, 0)))


@cache
def report() -> Mapping[str, Any]:
    """An audit with every kind of figure: a stack, sizes, a sample, looks at swarms, a ratio of two claims."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_stacks(folder)
        write_files(folder / "music", honest())
        rows = ["infohash,name,size,seeders,scraped_at"]
        for day, counts in LOOKS:
            rows += [f"{f'0{n}' * 20},part {n},200000000000,{seen},{day}" for n, seen in enumerate(counts, 1)]
        (folder / "parts.csv").write_text("\n".join(rows))
        (folder / "claims.toml").write_text(CLAIMS)
        given = [Given(of, folder / of) for of in ("tiers", "music")]
        given += [Given("mixed", folder / "mixed", whole=False), Given("parts", folder / "parts.csv")]
        told = audit(
            read(folder / "claims.toml").claims, given, Silent(), now=NOW, effort=Effort(400_000, "dice", False)
        )
    return data_of(told, ["phonolith", "audit", "claims.toml", "--seed", "some dice"])


class Seen(HTMLParser):
    """What a browser would have: elements with attributes, and the letters within each of some kinds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.letters: list[tuple[tuple[str, ...], str, str]] = []
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "!doctype"}:
            self._open.append((tag, dict(attrs).get("class") or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag, f"{tag} is closed and was not open"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.letters.append((tuple(tag for tag, _ in self._open), self._open[-1][1], data.strip()))


def drawn(html: str) -> Iterator[str]:
    """The letters in figures, but for the ends of axes and what a title or description says of the whole figure."""
    for tags, kind, text in Seen(html).letters:
        if "svg" in tags and "tick" not in kind and (tags[-1] == "text" or (tags[-1] == "title" and tags[-2] != "svg")):
            yield text


def numbers(text: str) -> Iterator[float]:
    for one in re.findall(r"-?\d[\d\u202f]*(?:\.\d+)?", text):
        yield float(one.replace("\u202f", ""))


def known(told: Any) -> Iterator[float]:
    """Every number in the report, and the numbers in its names and dates."""
    if isinstance(told, Mapping):
        for value in told.values():
            yield from known(value)
    elif isinstance(told, str):
        yield from numbers(told)
    elif isinstance(told, Sequence):
        for value in told:
            yield from known(value)
    elif told is not None:
        yield float(told)


def strange(told: Mapping[str, Any], html: str) -> list[str]:
    """Letters in figures with a number that the report has not, in six digits."""
    had = {float(f"{one:.6g}") for one in known(told)}
    for one in told["verdicts"]:
        had |= {float(f"{end:.6g}") for end in figures.claimed(one) if end is not None}
        had |= {
            float(f"{end:.6g}")
            for mark in figures.scale(one, told["verdicts"], told["evidence"]).marks
            if mark.name == "arithmetic"
            for end in (mark.low, mark.high)
            if end is not None
        }
    had |= set(map(float, range(1, 14)))  # of legends
    return [text for text in drawn(html) if {float(f"{one:.6g}") for one in numbers(text)} - had]


def test_each_number_in_a_figure_is_in_the_report() -> None:
    html = page(report(), "Four things")
    assert len(list(drawn(html))) > 100
    assert strange(report(), html) == []


def test_control_a_number_that_is_in_the_figure_alone_is_found() -> None:
    other = copy.deepcopy(dict(report()))
    other["verdicts"][3]["facts"][0]["low"] = 7.125
    other["evidence"][0]["described"]["parts"][0]["bytes"] = 123_456_789
    assert len(strange(report(), page(other, ""))) == 2


def test_a_claim_and_what_was_shown_are_on_one_scale() -> None:
    told = report()
    scales = {one["id"]: figures.scale(one, told["verdicts"], told["evidence"]) for one in told["verdicts"]}
    for scale in scales.values():
        per = [
            (mark.left - 2) / 96 - (mark.low - scale.low) / (scale.high - scale.low)
            for mark in scale.marks
            if mark.low is not None
        ]
        assert all(abs(one) < 1e-4 for one in per)
    assert (scales["bytes"].marks[0].low, scales["bytes"].marks[0].high) == (2.5, 3.5)
    least = scales["mixed"].marks
    assert [(one.high, one.right) for one in least] == [(None, 100), (None, 100)]
    assert (scales["users"].marks[0].low, scales["users"].marks[0].left) == (None, 0)
    ratio = scales["share"].marks[1]
    assert ratio.name == "arithmetic" and ratio.claims == ("held", "known")
    assert 33.3 < (ratio.low or 0) < 86 / 256 * 100 < (ratio.high or 0) < 33.9
    assert ratio.right < scales["share"].marks[0].left  # it is seen that 37 % is not that


def test_parts_of_a_size_add_up() -> None:
    for one in report()["evidence"]:
        if one["described"]:
            told = figures.pieces(one["described"])
            assert sum(piece.width for piece in told) == pytest.approx(100, abs=0.01)
            whole = one["described"]["bytes"] + one["described"]["padding"]
            assert sum(piece.part["bytes"] or 0 for piece in told) == whole
            seen = [piece.colour for piece in told if piece.width >= 0.5]
            assert all(one != other for one, other in pairwise(seen))


def test_a_stack_shows_each_batch_and_where_it_changes() -> None:
    anatomy = report()["evidence"][0]["described"]["anatomy"]
    told = figures.stack(anatomy)
    assert told and [len(run) for run in told.runs] == [12]
    assert [turn.change["at"] for turn in told.turns] == ["batch-8"]
    assert told.turns[0].at == pytest.approx(100 * 7 / 12, abs=0.01)
    assert all(one.p97 < one.p50 < one.p3 for one in told.runs[0])
    each = figures.histograms(anatomy)
    assert [sum(bar.count for bar in one.bars) for one in each] == [60] * 12
    assert all(max(bar.height for bar in one.bars) == 100 for one in each)


def test_of_many_batches_those_at_the_ends_of_runs_are_drawn() -> None:
    anatomy = copy.deepcopy(dict(report()["evidence"][0]["described"]["anatomy"]))
    anatomy["batches"] = [one | {"name": f"{n}-{one['name']}"} for one in anatomy["batches"] for n in range(10)]
    anatomy["runs"] = [{"batches": 70}, {"batches": 50}]
    names = [one.batch["name"] for one in figures.histograms(anatomy)]
    assert len(names) == figures.MOST_DRAWN
    assert {anatomy["batches"][index]["name"] for index in (0, 69, 70, 119)} < set(names)


def test_looks_at_swarms_are_told_by_day() -> None:
    offered = next(one["offered"] for one in report()["evidence"] if one["of"] == "parts")
    assert offered == {"torrents": 3, "days": [["2026-03-01", 3], ["2026-03-05", 1], ["2026-03-20", 2]]}
    told = figures.days(offered)
    assert [one.x for one in told] == pytest.approx([3, 3 + 94 * 4 / 19, 97], abs=0.01)
    assert [one.height for one in told] == pytest.approx([100, 33.333, 66.667], abs=0.01)


def test_the_sample_and_the_command_are_told() -> None:
    html = page(report(), "Four things")
    read_ = next(one["read"] for one in report()["evidence"] if one["read"])
    assert 0 < len(read_["drawn"]) < read_["files"]
    for one in read_["drawn"]:
        assert one["sha256"] in html
    assert "<code>phonolith audit claims.toml --seed &#39;some dice&#39;</code>" in html
    assert read_["rule"].partition("'")[0] in html


def ways(html: str) -> None:
    """Headings come in order, ids are there once, links lead to one, figures have a description and a table."""
    seen = Seen(html)
    levels = [int(tag[1]) for tag, _ in seen.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and all(after - before <= 1 for before, after in pairwise(levels))
    ids = [told["id"] for _, told in seen.elements if "id" in told]
    assert len(ids) == len(set(ids))
    for _, told in seen.elements:
        assert (told.get("href") or "#Again").removeprefix("#") in ids
        assert set((told.get("aria-labelledby") or "").split()) <= set(ids)
    for figure in html.split("<figure>")[1:]:
        inside = figure.partition("</figure>")[0]
        assert "<table>" in inside and 'href="#Again"' in inside and "<desc" in inside


def test_the_page_is_one_file_that_asks_for_nothing() -> None:
    html = page(report(), "Four things")
    ways(html)
    assert inert(html)


def inert(html: str) -> bool:
    """Whether nothing in the page does anything, asks for anything or hides anything."""
    assert not re.search("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u206f\ufeff]", html)
    for tag, told in Seen(html).elements:
        assert tag in PLAIN, tag
        assert not any(name.startswith("on") or name in ("src", "style", "xlink:href") for name in told), told
    html.encode("utf-8")
    return True


def spoiled(told: Any, strings: Iterator[str], key: str = "") -> Any:
    """The same with an attack in each text that comes from outside; what this program alone writes stays."""
    if isinstance(told, Mapping):
        return {key: spoiled(value, strings, key) for key, value in told.items()}
    if isinstance(told, list):
        return [spoiled(value, strings, key) for value in told]
    own = ("id", "verdict", "bound", "unit", "basis", "part", "whole", "days", "type", "severity")
    return told if not isinstance(told, str) or key in own else next(strings)


def hostile() -> Mapping[str, Any]:
    told: Mapping[str, Any] = spoiled(report(), cycle([*STRINGS, "lone \ud800 surrogate", "\u202eno\u2069"]))
    return told


def test_hostile_text_is_inert() -> None:
    html = page(hostile(), "</title><script>alert(1)</script>\u202e")
    ways(html)
    assert inert(html)
    assert "\\u202e" in html  # it is seen that it was there


def test_control_what_is_not_inert_is_found() -> None:
    for bad in ("<script>", "<img src=x>", "<p onclick=x>", "\u202e"):
        with pytest.raises(AssertionError):
            inert(page(report(), "").replace("<main>", f"<main>{bad}"))
