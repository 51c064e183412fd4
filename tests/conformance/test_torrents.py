"""Strangers' torrents: each file in torrents/ is refused under the name of its folder, and none costs much."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import BadInput
from phonolith.store import bencode
from phonolith.store.bencode import MOST_VALUES, NotBencode, Value, decode, encode
from phonolith.store.metainfo import LARGEST, Metainfo, read

CORPUS = Path(__file__).parent / "torrents"
FILES = sorted(CORPUS.glob("*/*.torrent"))
SOUND = sorted((CORPUS / "sound").iterdir())
#: What programs of this world made, with the code of those that are to be refused.
REAL = {"corrupt": "metainfo.incomplete"} | dict.fromkeys(
    ("alice", "bunny", "folder", "leaves", "leaves-metadata", "lots-of-numbers", "numbers", "sintel"), "sound"
)
BYTES_IN_MEMORY = 800_000_000
SECONDS = 30.0  # of a processor, for the largest; two or three where nothing else runs

MEASURE = """
import json, resource, sys, time
from pathlib import Path
from phonolith.errors import BadInput
from phonolith.store.metainfo import read
resource.setrlimit(resource.RLIMIT_AS, (%d, %d))
for path in map(Path, sys.argv[1:]):
    began = time.process_time()
    try:
        code = read(path.read_bytes(), path.name) and "sound"
    except BadInput as error:
        code = error.code
    print(json.dumps([code, time.process_time() - began]))
"""


def verdict(data: bytes) -> str:
    """The code under which a metainfo file is refused; "sound" where it is read."""
    try:
        read(data, "it")
    except BadInput as error:
        return error.code
    return "sound"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_has_the_verdict_of_its_folder(path: Path) -> None:
    assert verdict(path.read_bytes()) == path.parent.name


def test_there_is_one_for_everything_that_can_be_wrong() -> None:
    import re

    from phonolith.model import paths
    from phonolith.store import metainfo

    text = Path(metainfo.__file__).read_text() + Path(paths.__file__).read_text()
    named = set(re.findall(r'_Refused\(\s*"([a-z.-]+)"|return "(path\.[a-z-]+)"|else "(incomplete)"', text))
    codes = {code if "." in code else f"metainfo.{code}" for found in named for code in found if code}
    assert len(codes) > 20 and codes - {path.parent.name for path in FILES} == {"metainfo.too-many"}


def test_what_other_programs_made_has_the_verdict_that_is_expected(shared_data: Path) -> None:
    found = (shared_data / "torrents-webtorrent").rglob("*.torrent")
    assert {path.stem: verdict(path.read_bytes()) for path in found} == REAL


def bombs() -> Iterator[tuple[str, bytes]]:
    """Files that are made to cost as much as they can, in the ways that cost most."""
    yield "lists in lists", b"l" * LARGEST
    yield "one long text", b"%d:" % (LARGEST - 20) + b"x" * (LARGEST - 20)
    yield "many keys", b"d" + b"".join(b"7:%07dle" % number for number in range(MOST_VALUES + 1)) + b"e"
    yield "more than is read", bytes(LARGEST + 1)


def test_none_costs_more_than_it_may(memory: Path) -> None:
    """In a child whose memory is limited, one after another: the corpus, then what was made to be expensive."""
    made = []
    for name, data in bombs():
        made.append(memory / f"{name}.torrent")
        made[-1].write_bytes(data)
    child = [sys.executable, "-c", MEASURE % (BYTES_IN_MEMORY, BYTES_IN_MEMORY), *map(str, [*FILES, *made])]
    done = subprocess.run(child, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [code for code, _ in found[: len(FILES)]] == [path.parent.name for path in FILES]
    assert "sound" not in {code for code, _ in found[len(FILES) :]}
    assert max(seconds for _, seconds in found[: len(FILES)]) < SECONDS / 100
    assert max(seconds for _, seconds in found) < SECONDS, found[len(FILES) :]


def test_values_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = SOUND[0].read_bytes()
    count = sum(1 for _ in nodes(decode(data))) - 1
    monkeypatch.setattr(bencode, "MOST_VALUES", count)
    assert verdict(data) == "sound"
    monkeypatch.setattr(bencode, "MOST_VALUES", count - 1)
    assert verdict(data) == "metainfo.not-canonical"


def nodes(value: Value, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where everything in a value is."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from nodes(one, (*path, key))


VALUES = (
    *(0, -1, 1, 1 << 62, 1 << 31, 65_536, 16_384, b"", b"x", b"..", b"p", b"l", b"\xff", [], {}, [b"a"]),
    {b"": {b"length": 0}},
)
KEYS = (
    *(b"length", b"attr", b"path", b"name", b"pieces", b"files", b"file tree", b"meta version", b"symlink path"),
    *(b"path.utf-8", b"name.utf-8", b"piece layers", b"pieces root", b"md5sum", b"private", b"", b"x"),
)
WORDS = (b"0:", b"i0e", b"i-1e", b"le", b"de", b"4:attr1:p", b"4:attr1:l", b"2:..", b"1:/", b"5:path.", b"\0")


def changed_inside(data: bytes, chance: random.Random) -> bytes:
    """Canonical bencode that says something else in one place or two."""
    whole = decode(data)
    for _ in range(chance.choice([1, 1, 2])):
        every = [path for path in nodes(whole) if path]
        near = [path for path in every if len(path) <= 3]
        if not every:
            break
        *way, last = chance.choice(every if chance.random() < 0.5 else near or every)
        at: Any = whole
        for key in way:
            at = at[key]
        _change(at, last, chance)
    return encode(whole)


def _change(at: Any, last: Any, chance: random.Random) -> None:
    value, how = at[last], chance.randrange(6)
    if how == 0:
        del at[last]
    elif how == 1:
        at[last] = chance.choice(VALUES)
    elif how == 2 and isinstance(at, dict):
        at[chance.choice(KEYS)] = value
    elif how == 3 and isinstance(at, list):
        at.insert(last, value)
    elif isinstance(value, int):
        at[last] = value + chance.choice([-1, 1, 100, 65_536, -65_536])
    elif isinstance(value, bytes) and value:
        place = chance.randrange(len(value))
        at[last] = value[:place] + (bytes([chance.randrange(256)]) + value[place + 1 :]) * chance.randrange(2)


def changed_outside(data: bytes, chance: random.Random) -> bytes:
    """Bytes that were flipped, left out, put in, repeated or cut off, most of them near the beginning."""
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        at = chance.randrange(min(len(found), 2000) if chance.random() < 0.7 else len(found))
        how = chance.randrange(6)
        if how == 0:
            found[at] ^= chance.randrange(1, 256)
        elif how == 1:
            del found[at : at + chance.randrange(1, 9)]
        elif how == 2:
            found[at:at] = chance.choice(WORDS)
        elif how == 3:
            begin = chance.randrange(len(found))
            found[at:at] = found[begin : begin + chance.randrange(40)]
        elif how == 4 and (digits := [place for place in range(min(len(found), 2000)) if 48 <= found[place] <= 57]):
            found[chance.choice(digits)] = 48 + chance.randrange(10)
        elif chance.random() < 0.3:
            del found[at:]
        found = found or bytearray(b"x")
    return bytes(found)


def theirs(data: bytes) -> tuple[Any, ...] | None:
    """Files, sizes, infohashes and piece length as libtorrent has them; None where it refuses."""
    import libtorrent

    try:
        told = libtorrent.load_torrent_buffer(data).ti
    except RuntimeError:
        return None
    layout, hashes, pad = told.layout(), told.info_hashes(), libtorrent.file_flags_t.flag_pad_file
    real = [at for at in range(layout.num_files()) if not layout.file_flags(at) & pad]
    one = hashes.v1.to_bytes() if hashes.has_v1() else b""
    two = hashes.v2.to_bytes() if hashes.has_v2() else b""
    return [(layout.file_path(at), layout.file_size(at)) for at in real], (one, two), layout.piece_length()


def ours(found: Metainfo) -> tuple[Any, ...]:
    alone = found.v1 is None and [len(one.path) for one in found.files] == [1]  # there libtorrent makes no folder
    folder = (found.folder,) if found.folder and not alone else ()
    return (
        [("/".join((*folder, *one.path)), one.size) for one in found.files],
        found.infohashes,
        found.piece_length,
    )


@pytest.mark.parametrize("seed", range(2))
def test_what_was_changed_anywhere_is_refused_or_means_what_libtorrent_says(seed: int, shared_data: Path) -> None:
    """Nothing but a coded refusal comes out; what is accepted here is accepted there, and is the same there."""
    pytest.importorskip("libtorrent", reason="the libtorrent wheel is not installed")
    seeds = [path.read_bytes() for path in (*sorted(shared_data.glob("torrents-webtorrent/*/*.torrent")), *SOUND)]
    chance, counts = random.Random(seed), Counter[str]()
    for _ in range(4000):
        data = chance.choice(seeds)
        try:
            data = (changed_inside if chance.random() < 0.6 else changed_outside)(data, chance)
        except NotBencode:
            continue
        try:
            found = read(data, "it")
        except BadInput as error:
            assert error.code.startswith(("metainfo.", "path.")) and error.problem
            counts["refused"] += 1
            continue
        assert theirs(data) == ours(found), data[:500]
        counts["the same"] += 1
    assert min(counts["refused"], counts["the same"]) > 800, counts
