"""A dump is read in parts, and from each place again as it would have gone on."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.errors import BadInput
from phonolith.sources import dump_file
from phonolith.sources.dump_file import Part, Place, members, parts


def tar(path: Path, files: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> Path:
    """A packed tar of these members."""
    with lzma.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def read(path: Path, place: Place | None = None) -> list[Part]:
    return list(parts(path, lambda name: name.startswith("mbdump/"), place))


def said(some: list[Part]) -> list[tuple[str, bytes]]:
    return [(part.member, line) for part in some for line in part.lines]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_members_by_lines_and_whole(tmp_path: Path, form: int) -> None:
    long = "folder/" * (5 if form == tarfile.USTAR_FORMAT else 40) + "x"
    files = {"TIMESTAMP": b"now\n", "mbdump/artist": b'{"id":1}\n{"id":2}', long: b"", "LAST": b"1\n"}
    found = said(read(tar(tmp_path / "a.tar.xz", files, form)))
    assert found == [
        ("TIMESTAMP", b"now\n"),
        ("mbdump/artist", b'{"id":1}'),
        ("mbdump/artist", b'{"id":2}'),
        (long, b""),
        ("LAST", b"1\n"),
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=30),
    st.integers(1, 6),
    st.integers(1, 60),
    st.booleans(),
)
def test_from_every_place_it_goes_on_as_it_would_have(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], most: int, size: int, ended: bool
) -> None:
    folder = tmp_path_factory.mktemp("dump")
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    path = tar(folder / "a.tar.xz", {"A": b"1", "mbdump/x": content, "B": b"2"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dump_file, "PART_LINES", most)
        patch.setattr(dump_file, "PART_BYTES", size)
        patch.setattr("phonolith.store.packed.CHUNK", 16)
        whole = read(path)
        for number, part in enumerate(whole, 1):
            again = read(path, Place.read(str(part.place)))
            assert said(again) == said(whole[number:])
            firsts = [one.first for one in again if one.member == "mbdump/x" and one.lines]
            assert firsts == [one.first for one in whole[number:] if one.member == "mbdump/x" and one.lines]
    expected = content.split(b"\n")
    expected = expected[:-1] if expected[-1] == b"" else expected
    assert [line for member, line in said(whole) if member == "mbdump/x"] == expected


def test_what_is_cut_or_no_tar_is_refused(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar.xz", {"mbdump/x": b"line\n" * 5000})
    content = lzma.decompress(path.read_bytes())
    for cut in (100, 3000, 20_000):
        (tmp_path / "cut.tar").write_bytes(content[:cut])
        with pytest.raises(BadInput, match="ends in the middle"):
            read(tmp_path / "cut.tar")
    (tmp_path / "no.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(BadInput, match="no tar"):
        read(tmp_path / "no.tar")


def test_a_line_without_end_is_refused_while_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump_file, "LONGEST_LINE", 1000)
    monkeypatch.setattr("phonolith.store.packed.CHUNK", 100)
    path = tar(tmp_path / "a.tar.xz", {"mbdump/x": b"short\n" + b"x" * 5000 + b"\n"})
    with pytest.raises(BadInput, match="number 2"):
        read(path)


def test_members_as_files_one_after_the_other(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar.xz", {"a.txt": b"1" * 700, "b.listens": b"2" * 1500, "c.listens": b""})
    work = tmp_path / "work"
    work.mkdir()
    found = [(name, file.read_bytes()) for name, file in members(path, work, lambda name: name.endswith(".listens"))]
    assert found == [("b.listens", b"2" * 1500), ("c.listens", b"")]
