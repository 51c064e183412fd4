"""The verbs that look: one object under --json, whole rows into a pipe, clear words for what cannot be."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.cli.doctor import CHECKS, LOOKS_AT
from phonolith.cli.serve import listen, reachable, url
from phonolith.errors import UsageError
from tests.cli.conftest import Made, Result
from tests.store.test_full_disk import mounted

Run = Callable[..., Result]

VERBS = [
    ["status"],
    ["config"],
    ["config", "serve.port"],
    ["search", "love"],
    ["search", "東京"],
    ["search", "--kind", "track", "--held", "-n", "3"],
    ["search", "--licence", "by-sa", "--year", "1900-2030", "--duration", "1-9"],
    ["show", "track:road/1"],
    ["show", "release:road"],
    ["show", "artist:radio"],
    ["show", "label:north"],
    ["show", "label:hungaria"],
    ["show", "thing:road"],
    ["show", "thing:quartet"],
    ["why", "track:road/1"],
    ["why", "release:reserved"],
    ["stats"],
    ["shuffle", "-n", "4", "--seed", "1"],
    ["sql", "SELECT id, title FROM servable LIMIT 3"],
    ["todo"],
    ["todo", "no-evidence"],
]


def _words(archive: Made, words: list[str]) -> list[str]:
    return [archive.ids.get(word, word) for word in words]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_json_is_one_object_and_nothing_else(archive: Made, phonolith: Run, words: list[str]) -> None:
    done = phonolith(*_words(archive, words), "--archive", archive.root, "--json")
    assert done.code == 0, done.err
    assert done.data and done.out.endswith("}\n") and done.err == ""


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_into_a_pipe_it_is_plain_and_harmless(archive: Made, phonolith: Run, words: list[str]) -> None:
    done = phonolith(*_words(archive, words), "--archive", archive.root)
    assert done.code == 0 and done.out
    assert not any(ord(char) < 32 and char not in "\n\t" for char in done.out)
    assert "\u202e" not in done.out


def test_the_archive_is_named_by_flag_variable_or_place(
    archive: Made, phonolith: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert phonolith("status").code == 5
    monkeypatch.setenv("PHONOLITH_ARCHIVE", str(archive.root))
    assert phonolith("status").code == 0
    assert phonolith("status", "--archive", tmp_path).code == 5
    monkeypatch.delenv("PHONOLITH_ARCHIVE")
    monkeypatch.chdir(archive.root)
    assert phonolith("status").code == 0


def test_search_pages_on_and_says_what_it_corrected(archive: Made, phonolith: Run) -> None:
    words = ["search", "--kind", "track", "-n", "7", "--json", "--archive", archive.root]
    seen: list[str] = []
    page = phonolith(*words).data["tracks"]
    while True:
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        page = phonolith(*words, "--after", page["next"]).data["tracks"]
    assert len(seen) == len(set(seen)) == page["total"] == 50
    typo = phonolith("search", "departrue", "--json", "--archive", archive.root).data["tracks"]
    assert typo["corrected"] == "departure" and typo["items"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["search", "x", "--year", "soon"], 2),
        (["search", "x", "--year", "1990 2000"], 2),
        (["search", "x", "--duration", "long"], 2),
        (["search", "x", "--after", "mark"], 2),
        (["show", "nonsense"], 2),
        (["show", "a" * 16], 4),
        (["why", "artist:radio"], 2),
        (["shuffle", "-n", "0"], 2),
        (["sql", "DELETE FROM track"], 2),
        (["sql", "SELECT * FROM nowhere"], 2),
        (
            [
                "sql",
                "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM t) SELECT sum(x) FROM t",
                "--deadline",
                "0.1",
            ],
            12,
        ),
        (["build", "--as-of", "yesterday"], 2),
        (["config", "no.such"], 4),
        (["todo", "everything"], 2),
        (["harvest", "folder", "/nonexistent"], 4),
        (["harvest", "table", "/nonexistent", "--map", "/nonexistent"], 4),
        (["harvest", "documents", "/nonexistent", "--kind", "nosuch"], 4),
        (["init", "/dev/null/x", "--name", "a", "--contact", "b"], 11),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else str(value),
)
def test_what_cannot_be_is_one_clear_line(archive: Made, phonolith: Run, words: list[str], code: int) -> None:
    done = phonolith(*_words(archive, words), "--archive", archive.root)
    assert done.code == code, done.err
    assert done.out == "" and len(done.err.splitlines()) == 1 and ": " in done.err


def test_before_the_first_build_readers_are_told_what_to_do(tmp_path: Path, phonolith: Run) -> None:
    phonolith("init", tmp_path / "new", "--name", "n", "--contact", "c")
    for words in (["search", "x"], ["stats"], ["shuffle"], ["todo"], ["export", "parquet"]):
        done = phonolith(*words, "--archive", tmp_path / "new")
        assert done.code == 4 and "phonolith build" in done.err
    assert phonolith("doctor", "--archive", tmp_path / "new").code == 0


def test_an_archive_of_a_newer_version_is_left_alone(archive: Made, phonolith: Run) -> None:
    (archive.root / "held" / "FORMAT").write_text("999\n")
    done = phonolith("status", "--archive", archive.root)
    assert done.code == 8 and "newer" in done.err


def test_an_archive_on_a_read_only_disk_is_looked_at_and_refuses_decisions_in_words(
    archive: Made, phonolith: Run, tmp_path: Path
) -> None:
    assert phonolith("status", "--archive", archive.root).code == 0  # which leaves no write-ahead logs behind
    with mounted(tmp_path / "ro", "--bind", "-o", "ro", str(archive.root)) as view:
        words = ["--archive", view]
        assert phonolith("status", *words).code == 0
        for verb in (
            ["rights", "attest", archive.ids["release:road"], "--licence", "CC0-1.0", "--as", "licensee"],
            ["withdraw", archive.ids["release:road"], "--ground", "owner"],
        ):
            done = phonolith(*verb, "--because", "b", *words)
            assert done.code == 11 and ("cannot be written" in done.err or "read-only" in done.err), done.err
        assert phonolith("doctor", *words).code == 1


def test_findings_of_a_harvest_say_what_to_do(archive: Made, phonolith: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"id,title\n1,\xd6ne\n")
    (tmp_path / "m.toml").write_text(
        'name = "x"\ntitle = "X"\n[[table]]\nname = "t"\nfile = "t.csv"\nkey = "id"\n[table.track]\ntitle = "title"\n'
    )
    done = phonolith("harvest", "table", tmp_path / "t.csv", "--map", tmp_path / "m.toml", "--archive", archive.root)
    assert done.code == 0 and "t.csv line 2" in done.out and "encoding = " in done.err


def test_the_doctor_says_what_each_check_looks_at(archive: Made, phonolith: Run) -> None:
    assert list(LOOKS_AT) == list(CHECKS)
    told = phonolith("doctor", "--archive", archive.root).out
    assert all(what in told for what in LOOKS_AT.values())
    assert "bytes are not read" in told


def test_the_doctor_finds_what_is_wrong_and_says_how_to_mend_it(archive: Made, phonolith: Run) -> None:
    (archive.root / "private").chmod(0o755)
    (archive.root / "state" / "crash-1.txt").write_text("x")
    (archive.root / "held" / "objects" / "main" / "VOLUME").unlink()
    done = phonolith("doctor", "--archive", archive.root, "--json")
    assert done.code == 1 and done.data["healthy"] is False
    codes = {one["code"] for one in done.data["findings"] if one["severity"] != "note"}
    assert codes == {"folders.open", "leftovers.crash", "disks.absent"}
    assert all(one["remedy"] for one in done.data["findings"])


def test_an_edited_register_is_noticed(archive: Made, phonolith: Run) -> None:
    phonolith("withdraw", archive.ids["track:road/1"], "--because", "b", "--archive", archive.root)
    code = (
        "import apsw, sys; db = apsw.Connection(sys.argv[1]); db.execute('DROP TRIGGER event_is_never_changed');"
        "db.execute(\"UPDATE event SET body = replace(body, 'because', 'becouse') WHERE seq = 2\"); db.close()"
    )
    subprocess.run([sys.executable, "-c", code, str(archive.root / "held" / "register.sqlite")], check=True, timeout=60)
    done = phonolith("doctor", "--archive", archive.root, "--json")
    assert done.code == 1 and any(one["code"] == "register.broken" for one in done.data["findings"])


def test_an_odd_locale_changes_nothing(archive: Made) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    command = [
        sys.executable,
        "-m",
        "phonolith.cli.main",
        "search",
        "--genre",
        "ambient",
        "--archive",
        str(archive.root),
    ]
    piped = subprocess.run(command, capture_output=True, timeout=60, env=environment)
    assert piped.returncode == 0 and b"\\u6771" in piped.stdout
    told = subprocess.run([*command, "--json"], capture_output=True, timeout=60, env=environment)
    assert "東京" in json.dumps(json.loads(told.stdout.decode("utf-8")), ensure_ascii=False)


def test_answers_are_sent_at_once() -> None:
    """With Nagle's algorithm (RFC 896) an answer in two parts waits for the other side's delayed acknowledgement."""

    async def no_delay() -> int:
        found = asyncio.get_running_loop().create_future()

        async def told(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen("127.0.0.1", 0) as listener:
            async with await asyncio.start_server(told, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                value = await found
                writer.close()
        return int(value)

    assert asyncio.run(no_delay()) != 0


def test_listening_says_what_to_do_when_it_cannot() -> None:
    with listen("127.0.0.1", 0) as first:
        assert url("127.0.0.1", first.getsockname()[1]).startswith("http://127.0.0.1:")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(UsageError, match="--port 0"):
                listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(UsageError, match="address of this machine"):
        listen("203.0.113.1", 0)
    assert url("::1", 1) == "http://[::1]:1/"
    assert reachable("127.0.0.1") == ["127.0.0.1"] and "127.0.0.1" in reachable("0.0.0.0")
