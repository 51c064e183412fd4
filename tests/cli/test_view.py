"""Views and progress: harmless, within the width of the terminal, and quiet where nobody looks."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from phonolith.cli.bars import Bars
from phonolith.cli.text import clean, number, plural, shortened, size, span
from phonolith.cli.view import Column, Plain, Rich


@given(st.text(alphabet=st.characters(codec=None, categories=["Cc", "Cf", "Cs", "Ll", "Lo", "Mn"])))
def test_clean_text_is_one_line_that_cannot_steer_a_terminal(text: str) -> None:
    shown = clean(text)
    shown.encode("utf-8")
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def test_clean_shows_what_it_took_out() -> None:
    assert clean("a\x1b[31mb\u202ec") == "a�1b[31mb�202ec"
    assert clean("Björk 東京") == "Björk 東京"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (size(999), "999 B"),
        (size(1_234_000), "1.2 MB"),
        (size(3e14), "300.0 TB"),
        (span(0.44), "0.4 s"),
        (span(200), "3 min 20 s"),
        (span(7_500), "2 h 5 min"),
        (number(21_502), "21,502"),
        (plural(1, "copy", "copies"), "1 copy"),
        (plural(2000, "copy", "copies"), "2,000 copies"),
    ],
)
def test_numbers_are_as_people_read_them(shown: str, expected: str) -> None:
    assert shown == expected


_COLUMNS = [Column("id", keep=True), Column("title", grow=4), Column("artist", grow=2), Column("time", right=True)]


@pytest.mark.parametrize("width", [80, 120])
@given(
    rows=st.lists(
        st.tuples(st.just("abcdefghijklmnop"), st.text(max_size=90), st.text(max_size=60), st.just("3:07")), min_size=1
    )
)
def test_a_table_fits_the_terminal_and_keeps_ids_whole(width: int, rows: list[tuple[str, ...]]) -> None:
    drawn = io.StringIO()
    Rich(Console(file=drawn, width=width, force_terminal=True, color_system=None, highlight=False)).table(
        _COLUMNS, rows
    )
    lines = drawn.getvalue().splitlines()
    assert len(lines) == len(rows) + 1
    assert all(cell_len(line) <= width for line in lines)
    assert all("abcdefghijklmnop" in line for line in lines[1:])


def test_piped_rows_are_whole_and_tab_separated() -> None:
    drawn = io.StringIO()
    Plain(drawn).table(_COLUMNS, [("i", "t" * 300, "tab\there", None)])
    assert drawn.getvalue() == f"i\t{'t' * 300}\ttab here\t\n"


def test_long_titles_of_bars_keep_both_ends_and_leave_room_for_the_time_left() -> None:
    short = shortened("Fetching phonolith-demonstration-2026-11-cc0-deep-large-001", 28)
    assert len(short) == 28 and short.startswith("Fetching phon") and short.endswith("large-001")
    assert shortened("Checking", 28) == "Checking"
    assert cell_len(shortened("日本の音楽" * 9, 21)) <= 21


def test_bars_are_in_proportion_and_a_little_is_more_than_nothing() -> None:
    drawn = io.StringIO()
    view = Rich(Console(file=drawn, width=80, force_terminal=True, color_system=None, highlight=False))
    view.bars([("all", 1000, "1,000"), ("half", 500, "500"), ("few", 1, "1"), ("none", 0, "0")])
    filled = [line.count("█") for line in drawn.getvalue().splitlines()]
    assert filled[0] == 2 * filled[1] > 0
    assert filled[2] == filled[3] == 0
    assert "▏" in drawn.getvalue().splitlines()[2] and "▏" not in drawn.getvalue().splitlines()[3]


def test_progress_is_silent_without_a_terminal_but_messages_arrive() -> None:
    stream = io.StringIO()
    with Bars(stream) as bars:
        bars.phase(1, 2, "interpret")
        bars.start("records", 10, "records")
        bars.advance(10)
        bars.say("12.3 GB are needed\x1b[2J")
        bars.finish()
    assert stream.getvalue() == "12.3 GB are needed�1b[2J\n"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_shows_amount_and_survives_an_error() -> None:
    stream = _Terminal()
    with pytest.raises(ValueError, match="odd"), Bars(stream) as bars:
        bars.phase(2, 6, "write")
        bars.start("tracks", 100, "tracks")
        bars.advance(50)
        raise ValueError("odd")
    assert "2/6 write" in stream.getvalue()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h")


@pytest.mark.parametrize(
    ("unit", "total", "done", "shown"),
    [
        ("tracks", 24, 1, "1 of 24 tracks"),
        ("rows", None, 1, "1 row"),
        ("rows", None, 1500, "1,500 rows"),
        ("bytes", 60_300_000, 1_200_000, "1.2 MB of 60.3 MB"),
    ],
)
def test_a_bar_says_how_much_of_how_much(unit: str, total: int | None, done: int, shown: str) -> None:
    stream = _Terminal()
    with Bars(stream) as bars:
        bars.start("work", total, unit)
        bars.advance(done)
    assert shown in stream.getvalue()


def test_a_column_of_names_that_differ_at_their_ends_keeps_both() -> None:
    for ends in (True, False):
        drawn = io.StringIO()
        view = Rich(Console(file=drawn, width=40))
        view.table([Column("bundle", grow=1, ends=ends), Column("files")], [("music-" * 8 + "large-001", 7)])
        assert ("large-001" in drawn.getvalue()) == ends and "…" in drawn.getvalue()


@pytest.mark.parametrize(("header", "lines"), [(False, 0), (True, 1)])
def test_a_table_without_rows_is_nothing_unless_its_columns_are_the_answer(header: bool, lines: int) -> None:
    told = io.StringIO()
    Rich(Console(file=told, width=80)).table(_COLUMNS, [], header=header)
    assert len(told.getvalue().splitlines()) == lines
    plain = io.StringIO()
    Plain(plain).table(_COLUMNS, [], header=header)
    assert len(plain.getvalue().splitlines()) == lines


def test_a_bar_gets_an_end_when_it_becomes_known() -> None:
    stream = _Terminal()
    with Bars(stream) as bars:
        bars.start("museum", None, "records")
        bars.advance(8)
        bars.expect(12)
    assert "8 of 12 records" in stream.getvalue()
