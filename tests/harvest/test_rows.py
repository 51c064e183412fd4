"""Rows of CSV and TSV: a bad one is named by its line and costs nothing but itself."""

from __future__ import annotations

import csv
import io
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.errors import BadInput, NotFound
from phonolith.harvest.rows import Broken, Good, open_text


def rows(path: Path, data: bytes, **how: str) -> list[Good | Broken]:
    path.write_bytes(data)
    return list(open_text(path, **how).rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.csv"


def test_a_row_with_the_wrong_number_of_cells(path: Path) -> None:
    found = rows(path, b"a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert [type(row) for row in found] == [Good, Broken, Broken, Good]
    assert [row.line for row in found] == [2, 3, 4, 5]
    assert found[1].problem == "has 1 cells, and the header names 2 columns"
    assert found[1].text == "3"


def test_a_quotation_mark_never_closed_costs_its_own_line_only(path: Path) -> None:
    found = rows(path, b'a,b\n1,"open\n2,x\n3,"y"\n4,"two\nlines"\n5,z\n')
    assert [(row.line, type(row)) for row in found] == [(2, Broken), (3, Good), (4, Good), (5, Good), (7, Good)]
    assert found[3].cells == {"a": "4", "b": "two\nlines"}
    assert "never closed" in found[0].problem


def test_rubbish_after_a_quotation_mark(path: Path) -> None:
    found = rows(path, b'a,b\n1,"x"y\n2,z\n')
    assert [type(row) for row in found] == [Broken, Good]


def test_bytes_that_are_not_utf8_are_named_with_what_to_do(path: Path) -> None:
    found = rows(path, b"a,b\n1,Bj\xf6rk\n2,ok\n")
    assert isinstance(found[0], Broken)
    assert found[0].problem == "is not UTF-8: byte 0xf6 at place 5"
    assert 'encoding = "latin-1"' in found[0].remedy
    assert found[0].text.startswith("base64:")
    assert rows(path, b"a,b\n1,Bj\xf6rk\n", encoding="latin-1")[0].cells["b"] == "Björk"


def test_lone_surrogates_are_not_utf8(path: Path) -> None:
    assert isinstance(rows(path, b"a\n\xed\xa0\x80\n")[0], Broken)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_a_byte_order_mark_decides(path: Path, encoding: str) -> None:
    assert rows(path, "a,b\n東京,2\n".encode(encoding))[0].cells == {"a": "東京", "b": "2"}


def test_utf16_without_a_mark_is_recognised_and_can_be_declared(path: Path) -> None:
    data = "a,b\nx,2\n".encode("utf-16-le")
    with pytest.raises(BadInput, match="looks like UTF-16"):
        rows(path, data)
    assert rows(path, data, encoding="utf-16-le")[0].cells == {"a": "x", "b": "2"}


def test_an_unknown_encoding_is_refused(path: Path) -> None:
    with pytest.raises(BadInput, match="'martian' is not known"):
        rows(path, b"a\n1\n", encoding="martian")


@pytest.mark.parametrize("shape", ["plain", "quoted"])
def test_a_field_of_100_mb_is_a_finding_and_not_a_memory(path: Path, shape: str) -> None:
    with path.open("wb") as file:
        file.write(b"a,b\n1,x\n2," + (b'"' if shape == "quoted" else b""))
        for _ in range(100):
            file.write(b"y" * 1_000_000)
        file.write((b'"' if shape == "quoted" else b"") + b"\n3,z\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = list(open_text(path).rows)
    assert [(row.line, type(row)) for row in found] == [(2, Good), (3, Broken), (4, Good)]
    assert "100,000,00" in found[1].problem
    assert len(found[1].text) <= 65536
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KiB


def test_a_field_of_many_short_lines_is_capped(path: Path) -> None:
    found = rows(path, b'a,b\n1,"' + b"line\n" * 5000)
    assert isinstance(found[0], Broken)
    assert len(found) < 5001


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"", "is empty"), (b"a,a\n1,2\n", "two columns are called 'a'"), (b"\xff\xff,b\n", "is not UTF-8")],
)
def test_a_header_that_cannot_be(path: Path, data: bytes, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        rows(path, data)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is not there"):
        open_text(tmp_path / "no.csv")


def test_tabs_in_tsv_and_stray_quotation_marks(tmp_path: Path) -> None:
    found = rows(tmp_path / "x.tsv", b'a\tb\n12" Vinyl\tx\n1,2\ty\n')
    assert [row.cells for row in found if isinstance(row, Good)] == [
        {"a": '12" Vinyl', "b": "x"},
        {"a": "1,2", "b": "y"},
    ]


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0"), max_size=12)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=8))
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]
) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["a", "b"], *cells])
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    found = rows(path, out.getvalue().encode())
    assert [list(row.cells.values()) for row in found if isinstance(row, Good)] == cells
    assert len(found) == len(cells)
