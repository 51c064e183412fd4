"""Counting in strangers' files: right numbers from sound ones, and a sentence, not a crash, from all others."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from phonolith.audit.counted import Answer, Check, Request
from phonolith.audit.counting import count
from phonolith.audit.tables import ask, seconds_for

ROWS = [("Road", "Quiet", 180), ("Sea", "Quiet", 200), ("Sea", "Loud", 60), ("Air", "", None)]
CHECKS = [Check("rows", "track"), Check("distinct", "track", "artist"), Check("sum", "track", "seconds")]


def as_csv(folder: Path) -> Path:
    path = folder / "track.csv"
    lines = ["title,artist,seconds", *(f"{a},{b},{'' if c is None else c}" for a, b, c in ROWS)]
    path.write_text("\n".join(lines) + "\n")
    return path


def as_json_lines(folder: Path) -> Path:
    path = folder / "track.jsonl"
    path.write_text("".join(json.dumps({"title": a, "artist": b, "seconds": c}) + "\n" for a, b, c in ROWS))
    return path


def as_sqlite(folder: Path) -> Path:
    path = folder / "track.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE track (title TEXT, artist TEXT, seconds INTEGER)")
        db.executemany("INSERT INTO track VALUES (?, nullif(?, ''), ?)", ROWS)
    db.close()
    return path


def as_parquet(folder: Path) -> Path:
    path = folder / "track.parquet"
    with duckdb.connect() as db:
        db.execute("CREATE TABLE track (title TEXT, artist TEXT, seconds INTEGER)")
        db.executemany("INSERT INTO track VALUES (?, nullif(?, ''), ?)", ROWS)
        db.execute(f"COPY track TO '{path}' (FORMAT parquet)")
    return path


@pytest.mark.parametrize("make", [as_csv, as_json_lines, as_sqlite, as_parquet])
def test_the_same_rows_give_the_same_numbers_in_every_format(make: Callable[[Path], Path], tmp_path: Path) -> None:
    answer = ask(make(tmp_path), CHECKS)
    assert not answer.problem
    assert [(one.value, one.problem) for one in answer.counted] == [(4, ""), (2, ""), (440, "")]


def in_process(path: Path, *checks: Check, seconds: float = 5) -> Answer:
    return count(Request(str(path), checks or (Check("rows", "track"),), seconds))


def one_problem(path: Path, *checks: Check) -> str:
    answer = in_process(path, *checks)
    return answer.problem or answer.counted[0].problem


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.csv", b"", "it is empty"),
        ("a.csv", b"a,a\n1,2\n", "two of its columns have one name"),
        ("a.csv", b"a,b\n1\n", "row 2 has 1 fields"),
        ("a.csv", b'a\n"x', "unexpected end of data"),
        ("a.csv", b"a\n\xff\n", "can't decode"),
        ("a.csv", b"a\nx\0y\n", "a zero byte"),
        ("a.csv", b"a\n" + b"x" * (17 << 20), "a line of more than 16 MiB"),
        ("a.csv", b'a\n"' + b"x" * (2 << 20) + b'"\n', "field larger than field limit"),
        ("a.jsonl", b"[1]\n", "line 1 is no object"),
        ("a.jsonl", b"{]\n", "JSON is malformed"),
        ("a.jsonl", b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"\n", "nested more than 64 deep"),
        ("a.txt", b"hello", "no file that can be counted in"),
        ("a.sqlite", b"SQLite format 3\0" + bytes(84), "SQLite cannot read it"),
        ("a.parquet", b"PAR1" + bytes(100), "Parquet"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, data: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert problem.lower() in one_problem(path).lower()


@pytest.mark.parametrize("value", ["x", "nan", "inf", "1,5"])
def test_a_sum_of_what_is_no_number_is_none(value: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'a\n1\n"{value}"\n')
    assert "is no number" in one_problem(path, Check("sum", column="a"))


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A database of ordinary rows, and of everything that would run if it were asked."""
    path = tmp_path / "hostile.sqlite"
    db = sqlite3.connect(path)
    db.executescript(
        """
        CREATE TABLE track (id INTEGER PRIMARY KEY, title TEXT);
        INSERT INTO track (title) VALUES ('a'), ('b'), ('c');
        CREATE TABLE made (a INTEGER, b INTEGER AS (a * 2) VIRTUAL);
        INSERT INTO made (a) VALUES (1);
        CREATE VIEW seen AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;
        CREATE VIRTUAL TABLE words USING fts5(text);
        INSERT INTO words VALUES ('a');
        CREATE TRIGGER pull AFTER INSERT ON track BEGIN DELETE FROM track; END;
        """
    )
    db.commit()
    db.close()
    return path


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM seen",
        "SELECT sum(b) FROM made",
        "SELECT count(*) FROM made",
        "SELECT count(*) FROM words",
        "SELECT count(*) FROM words_data",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n",
        "SELECT load_extension('x')",
        "SELECT length(randomblob(1000000000))",
        "SELECT length(zeroblob(1000000000))",
        "SELECT length(printf('%.*c', 1000000000, 'x'))",
        "SELECT count(*) FROM pragma_table_list",
        "PRAGMA user_version",
        "ATTACH 'x' AS y",
        "DELETE FROM track",
        "INSERT INTO track (title) VALUES ('d')",
        "CREATE TABLE x (a)",
        "SELECT 1 FROM generate_series(1, 1000000000)",
        "SELECT id FROM track",
        "SELECT 1, 2",
        "SELECT 'x'",
        "SELECT 1; DELETE FROM track",
        "",
    ],
)
def test_a_strangers_database_runs_nothing(statement: str, hostile: Path) -> None:
    before = hostile.read_bytes()
    assert one_problem(hostile, Check("sql", sql=statement))
    assert hostile.read_bytes() == before
    assert [one.name for one in hostile.parent.iterdir()] == [hostile.name]
    assert in_process(hostile).counted[0].value == 3  # the control: what is ordinary can be counted


def test_a_journal_beside_a_database_is_not_believed(hostile: Path) -> None:
    hostile.with_name("hostile.sqlite-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    hostile.with_name("hostile.sqlite-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(60))
    assert in_process(hostile).counted[0].value == 3


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "slow.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (a INTEGER)")
        db.executemany("INSERT INTO t VALUES (?)", ((number,) for number in range(3000)))
    db.close()
    began = time.monotonic()
    answer = in_process(path, Check("sql", sql="SELECT sum(a.a * b.a * c.a) FROM t a, t b, t c"), seconds=0.3)
    assert "longer than 0.3 seconds" in answer.problem
    assert time.monotonic() - began < 5


#: How a child of a test answers: the length of the message, and the message.
FRAMED = "say = lambda text: __import__('sys').stdout.buffer.write(len(text).to_bytes(4, 'big') + text.encode())"
_ENDLESS = (sys.executable, "-c", "import sys\nwhile True: sys.stdout.write('x' * 4096)")
_ASLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
_DEAD = (sys.executable, "-c", "import os; os.abort()")
_OTHER = (sys.executable, "-c", f"{FRAMED}; say('{{\"counted\": []}}')")


@pytest.mark.parametrize("command", [_ENDLESS, _ASLEEP, _DEAD, _OTHER], ids=["endless", "asleep", "dead", "other"])
def test_a_child_that_was_taken_over_gets_nothing_out_of_it(command: tuple[str, ...], tmp_path: Path) -> None:
    began = time.monotonic()
    answer = ask(as_csv(tmp_path), [Check("rows")], command=command, seconds=0.2)
    assert answer.problem and not answer.counted
    assert time.monotonic() - began < 9


def test_a_child_can_write_no_file_and_has_little_memory(tmp_path: Path) -> None:
    code = (
        "from phonolith.audit.counting import MEMORY\n"
        "from phonolith.store.limited import limit_memory\n"
        "limit_memory(MEMORY)\n"
        f"try:\n open({str(tmp_path / 'x')!r}, 'wb', 0).write(b'x')\n print('written')\n"
        "except OSError:\n print('refused')\n"
        "try:\n bytearray(1 << 30); print('taken')\nexcept MemoryError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n{code}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["refused", "refused"], done.stderr


def test_a_larger_file_has_more_time() -> None:
    assert seconds_for(1000) < 10
    assert seconds_for(2_000_000_000) > 100


@pytest.mark.parametrize("change", ["open(PATH, 'ab').write(b'x')", "os.utime(PATH)", "pass"])
def test_a_file_that_changes_while_it_is_counted_shows_nothing(change: str, tmp_path: Path) -> None:
    path = as_csv(tmp_path)
    code = f'import os; PATH = {str(path)!r}; {change}; {FRAMED}; say(\'{{"counted": [{{"value": 3}}]}}\')'
    answer = ask(path, [Check("rows")], command=(sys.executable, "-c", code))
    if change == "pass":
        assert answer.counted[0].value == 3  # the control
    else:
        assert not answer.counted and "changed while it was read" in answer.problem


def test_a_database_whose_pages_change_all_the_time_crashes_nothing(hostile: Path) -> None:
    sound, stop = hostile.read_bytes(), threading.Event()

    def change() -> None:
        seed = 0
        with hostile.open("r+b", buffering=0) as file:
            while not stop.is_set():
                seed += 1
                file.seek(0)
                file.write(mutated(sound, seed) if seed % 2 else sound)

    writer = threading.Thread(target=change)
    writer.start()
    try:
        answers = [ask(hostile, CHECKS) for _ in range(3)]
    finally:
        stop.set()
        writer.join()
    assert [one.counted for one in answers] == [()] * 3
    assert all("changed" in one.problem for one in answers)


DAMAGED = int(os.environ.get("PHONOLITH_DAMAGED", "300"))  # 5000: the whole set
_RUN = ("SELECT count(*) FROM seen", "SELECT sum(b) FROM made", "SELECT count(*) FROM words")


def test_damaged_databases_end_in_a_number_or_a_sentence(hostile: Path) -> None:
    """Bytes flipped, pages exchanged, ends cut off; all in a child, so that a crash is seen and a hang ends it.

    A view that ran would go on for ever and end at the deadline; a generated column or a virtual table that ran would
    give a number.
    """
    code = (
        "import sys\nfrom pathlib import Path\nfrom phonolith.audit.counted import Check, Request\n"
        "from phonolith.audit.counting import count\n"
        "from tests.audit.test_counting import _RUN, mutated\n"
        "folder = Path(sys.argv[1]); sound = folder.joinpath('hostile.sqlite').read_bytes()\n"
        "checks = (Check('rows', 'track'), Check('distinct', 'track', 'title'), Check('sum', 'track', 'id'),"
        " Check('sql', sql='SELECT count(*) FROM track t JOIN track u ON u.id = t.id'),"
        " *(Check('sql', sql=one) for one in _RUN))\n"
        "counted = 0\n"
        "for seed in range(int(sys.argv[2])):\n"
        "    path = folder / 'm.sqlite'; path.write_bytes(mutated(sound, seed))\n"
        "    answer = count(Request(str(path), checks, 20.0))\n"
        "    assert answer.problem or len(answer.counted) == len(checks), seed\n"
        "    assert 'longer than' not in answer.problem, seed\n"
        "    ran = [one.value for one in answer.counted[4:] if one.value is not None]\n"
        "    assert not ran, (seed, answer)\n"
        "    counted += bool(answer.counted) and answer.counted[0].value is not None\n"
        "print(counted)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(hostile.parent), str(DAMAGED)],
        capture_output=True, text=True, timeout=60 + DAMAGED, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    assert 0 < int(done.stdout) < DAMAGED  # some are counted in, and some cannot be


def mutated(data: bytes, seed: int) -> bytes:
    """The file with a few things wrong, the first page as often as all others together."""
    dice = random.Random(seed)
    found = bytearray(data)
    for _ in range(dice.randint(1, 12)):
        at = dice.randrange(100 if dice.random() < 0.3 else 4096 if dice.random() < 0.5 else len(found))
        match dice.randrange(4):
            case 0:
                found[at % len(found)] ^= 1 << dice.randrange(8)
            case 1:
                found[at % len(found)] = dice.choice((0, 1, 127, 128, 255))
            case 2:
                end = min(len(found), at + dice.randint(1, 600))
                found[at:end] = dice.randbytes(max(0, end - at))
            case _:
                other = dice.randrange(max(1, len(found) // 4096)) * 4096
                page = at // 4096 * 4096
                found[page : page + 4096], found[other : other + 4096] = (
                    found[other : other + 4096],
                    found[page : page + 4096],
                )
    return bytes(found[: dice.randrange(100, len(found)) if dice.random() < 0.15 else len(found)])
