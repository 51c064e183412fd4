"""What a harvest has met: a set that grows on the disk, and tables that use it."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.errors import StorageError
from phonolith.harvest import seen as module
from phonolith.harvest.seen import Seen
from phonolith.store.archive import Archive
from tests.harvest.harvesting import MAP, counts, new_archive, table


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return new_archive(tmp_path / "archive")


@settings(max_examples=50)
@given(st.lists(st.text(st.characters(), max_size=3) | st.integers(-(2**63), 2**63 - 1)), st.integers(1, 9))
def test_it_is_a_set_however_little_stays_in_memory(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str | int], most: int
) -> None:
    path = tmp_path_factory.mktemp("seen") / "file"
    expected: set[str | int] = set()
    with Seen(path, most) as seen:
        for key in keys:
            assert seen.add(key) == (key not in expected)
            expected.add(key)
        assert all(key in seen for key in keys) and "\udcff" * 5 not in seen
    assert not path.exists()


def test_what_a_crash_left_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"half of a database")
    with Seen(tmp_path / "file", 2) as seen:
        assert [seen.add(key) for key in "aabbcc"] == [True, False] * 3


def test_a_disk_that_does_not_take_it_is_said(tmp_path: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(StorageError), Seen(tmp_path / "file", 1000) as seen:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limit[1]))
        try:
            for number in range(10_000):
                seen.add(f"a key of some length {number}")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert list(tmp_path.iterdir()) == []


def test_a_table_harvested_with_little_memory_says_the_same(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal keys in any number, across what is stored and what is not; a second run; rows that vanish."""
    place = tmp_path / "data"
    place.mkdir()
    (place / "map.toml").write_text(MAP)
    rows = [f"{number % 7},T{number},A,R{number % 3}\n" for number in range(100)]
    (place / "tracks.csv").write_text("id,title,artist,album\n" + "".join(rows))
    other = new_archive(tmp_path / "other")
    assert counts(table(other, place, place / "map.toml")) == (101, 0, 0, 0)
    init = Seen.__init__
    monkeypatch.setattr(Seen, "__init__", lambda self, path: init(self, path, 5))
    assert counts(table(archive, place, place / "map.toml")) == (101, 0, 0, 0)
    assert _payloads(archive) == _payloads(other)
    assert sorted(item for item in _payloads(archive) if item.startswith("tracks:3"))[:3] == [
        "tracks:3",
        "tracks:3#10",
        "tracks:3#11",
    ]
    assert counts(table(archive, place, place / "map.toml")) == (0, 0, 101, 0)
    (place / "tracks.csv").write_text("id,title,artist,album\n" + "".join(rows[:40]))
    monkeypatch.setattr("phonolith.harvest.report._GONE", 7)
    assert counts(table(archive, place, place / "map.toml"))[3] == 60
    assert len(_payloads(archive)) == 41
    assert not list(archive.state.glob("*.sqlite"))


MEMORY = """
import resource, sys
from pathlib import Path
from phonolith.harvest.seen import Seen
keys = int(sys.argv[2])
with Seen(Path(sys.argv[1]), 20_000) as seen:
    for number in range(keys):
        seen.add(f"tracks:{number * 2654435761 % 2**32:08x}-0000-4000-8000-{number:012x}")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_keys(tmp_path: Path) -> None:
    """Five times the keys take less than a tenth more; a set of them would take some 50 MB more."""

    def peak(keys: int) -> int:
        command = [sys.executable, "-c", MEMORY, str(tmp_path / "seen"), str(keys)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    few, many = peak(80_000), peak(400_000)
    assert many - few < 15_000, f"{few} KiB became {many} KiB"
    assert module.MOST < 1_000_000


def _payloads(archive: Archive) -> dict[str, bytes]:
    with archive.records() as store:
        return {record.item: record.payload for record in store.scan()}
