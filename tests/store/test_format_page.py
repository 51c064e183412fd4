"""The page about the format names every table, column and field there is, and holds what it promises."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest

from phonolith.model.event import KINDS
from phonolith.model.record import Record
from phonolith.releases.commit import commit
from phonolith.store.archive import FORMAT, Archive
from phonolith.store.ledger import AWAITED, DROPPED, EXPUNGED
from phonolith.store.lines import Line
from phonolith.verifier import (
    COUNTERSIGNATURE,
    HEAD,
    LEAF_BYTES,
    LINK,
    LIST_HEAD,
    PROOF,
    Countersignature,
    Head,
    Leaf,
    ListHead,
    Proof,
)

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "on-disk-format.md").read_text(encoding="utf-8")
NOW = "2026-01-02T03:04:05Z"


def test_every_table_and_column_is_named(archive: Archive) -> None:
    archive.records().close()
    archive.observations().close()
    archive.schedule().close()
    seen = 0
    for path in [path for part in (archive.held, archive.private, archive.state) for path in part.rglob("*.sqlite")]:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        assert path.name in PAGE and db.pragma("user_version") == 1
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            assert f"`{table}`" in PAGE
            for column in db.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall():
                assert f"`{column[0]}`" in PAGE, f"{table}.{column[0]}"
                seen += 1
        db.close()
    assert seen > 40


def test_every_field_of_a_line_is_named_in_order() -> None:
    fields = [field.name for field in msgspec.structs.fields(Line)]
    table = PAGE[PAGE.index("| field |") : PAGE.index("A line about an item")]
    named = [name for row in table.split("\n|")[1:] for name in re.findall(r"`(\w+)`", row.split("|")[0])]
    assert named == fields


def test_every_kind_of_event_is_named_with_its_fields() -> None:
    for kind, fields in KINDS.items():
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |")]
        assert all(f"`{field}`" in row for field in fields), kind
    assert f"version **{FORMAT}**" in PAGE


def test_every_field_of_what_is_signed_is_named() -> None:
    section = PAGE[PAGE.index("## Log") : PAGE.index("## Outside held/")]
    for kind in (Head, Countersignature, Leaf, Proof):
        for field in kind._fields:
            field = {"number": "index", "heads": "head"}.get(field, field)
            assert f"`{field}`" in section, f"{kind.__name__}.{field}"
    for kind in (HEAD, COUNTERSIGNATURE, PROOF, LINK):
        assert f"`{kind}`" in section
    assert f"{LEAF_BYTES} bytes" in section
    assert [row.split("|")[2].strip() for row in section.splitlines() if re.match(r"\| (4|8|32) \|", row)] == [
        "",
        *(f"`{name}`" for name in ("piece_length", "size", "sha256", "root", "bare", "padded")),
    ]


def test_every_field_of_the_list_and_of_tombstones_is_named() -> None:
    section = PAGE[PAGE.index("## Withdrawals") : PAGE.index("## Outside held/")]
    assert all(f"`{name}`" in section for name in ListHead._fields) and f"`{LIST_HEAD}`" in section
    objects = PAGE[PAGE.index("`tombstone`, made") : PAGE.index("## Register")]
    names = ("object", "why", "origin", "ground", "event", "time", *(EXPUNGED, DROPPED, AWAITED))
    assert all(f"`{name}`" in objects for name in names)


@pytest.mark.peers
def test_a_stranger_verifies_the_log_with_common_tools(
    archive: Archive, tmp_path: Path, peer: Callable[..., str]
) -> None:
    """The page's own commands on the newest head, and its recipe for leaves and root, without a line of ours."""
    for name in ("jq", "openssl", "xxd"):
        peer(name)
    with archive.objects() as objects:
        held = [objects.add_bytes(data).sha256 for data in (b"one", b"two", b"three" * 20_000)]
    commit(archive, held[:1], lambda: NOW)
    commit(archive, held, lambda: NOW)
    line = (archive.held / "log" / "heads.jsonl").read_text().splitlines()[-1]
    (tmp_path / "head.json").write_text(line)
    (block,) = re.findall(r"```\n(jq .*?)```", PAGE, re.DOTALL)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "Verified Successfully" in done.stdout, done.stderr

    def sha256(data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    data = (archive.held / "log" / "leaves").read_bytes()
    leaves = [data[start : start + 144] for start in range(0, len(data), 144)]
    assert [leaf[16:48].hex() for leaf in leaves] == held
    one, two, three = [sha256(b"\0" + leaf) for leaf in leaves]
    assert sha256(b"\1" + sha256(b"\1" + one + two) + three).hex() == json.loads(line)["root"]


@pytest.mark.peers
def test_a_stranger_reads_everything_with_common_tools(
    archive: Archive, tmp_path: Path, peer: Callable[..., str]
) -> None:
    """held/ alone, no Phonolith: zstd, sqlite3, sha256sum."""
    for name in ("zstd", "sqlite3", "sha256sum"):
        peer(name)
    with archive.records() as store, archive.objects() as objects:
        store.put_many([Record("s", "a", "u", NOW, b"old"), Record("s", "b", "u", NOW, b"\xff")])
        store.seal()
        store.put_many([Record("s", "a", "u", NOW, b"new")])
        digest = objects.add_bytes(b"bytes").sha256
    alone = tmp_path / "alone"
    shutil.copytree(archive.held, alone)

    def tool(*words: str) -> str:
        return subprocess.run(words, cwd=alone, capture_output=True, text=True, check=True).stdout

    lines = tool("zstd", "-dc", "records/s/000001.jsonl.zst") + tool(
        "sqlite3", "records/open.sqlite", "SELECT CAST(text AS TEXT) FROM open ORDER BY source, line"
    )
    assert [json.loads(line).get("payload") for line in lines.splitlines()] == ["old", None, "new"]
    assert tool("sha256sum", f"objects/main/{digest[:2]}/{digest[2:]}").split()[0] == digest
    assert tool("sqlite3", "ledger.sqlite", "SELECT lower(hex(sha256)) FROM object").strip() == digest
    row = json.loads(tool("sqlite3", "-json", "register.sqlite", "SELECT * FROM event"))[0]
    stated, row["body"] = row.pop("digest"), json.loads(row["body"])
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == stated
    assert "zstd -dc" in (alone / "README.txt").read_text() and (alone / "FORMAT").read_text() == "1\n"
