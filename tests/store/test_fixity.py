"""One flipped bit anywhere in held bytes is a finding, and sound bytes are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from phonolith.model.record import Record
from phonolith.store.archive import Archive
from phonolith.store.fixity import check_object, check_segments

NOW = "2026-01-02T03:04:05Z"


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("at", [0, 40_000, -1])
def test_a_flipped_bit_in_an_object(archive: Archive, at: int) -> None:
    with archive.objects() as objects:
        digest = objects.add_bytes(b"x" * 70_000).sha256
        assert list(check_object(objects, digest)) == []
        flip(objects.path(digest), at)  # same size: a look at the folder sees nothing
        (finding,) = check_object(objects, digest)
        assert (finding.code, finding.severity) == ("object.damaged", "error") and digest in finding.problem
        objects.path(digest).unlink()
        assert [f.code for f in check_object(objects, digest)] == ["object.unreadable"]
        assert [f.code for f in check_object(objects, "0" * 64)] == ["object.unknown"]


@pytest.mark.parametrize("at", [0, 60, -1])
def test_a_flipped_bit_in_a_segment(archive: Archive, at: int) -> None:
    with archive.records() as records:
        records.put_many(Record("s", f"{i}", "u", NOW, b"%d" % i) for i in range(100))
        (path,) = records.seal()
        assert list(check_segments(records)) == []
        flip(path, at)
        assert [f.code for f in check_segments(records)] == ["segment.damaged"]
        path.unlink()
        assert [f.code for f in check_segments(records)] == ["segment.unreadable"]
