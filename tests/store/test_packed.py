"""Packed files are read from any place, and never beyond what they may cost."""

from __future__ import annotations

import lzma
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from phonolith.errors import BadInput
from phonolith.store import packed
from phonolith.store.packed import index_of, unpacked, zstd

DATA = random.Random(1).randbytes(3000) * 900 + b"the end"


def blocks(folder: Path, size: str = "512KiB") -> Path:
    """DATA packed by the program xz, in blocks."""
    if shutil.which("xz") is None:
        pytest.skip("xz is not installed")
    path = folder / "data"
    path.write_bytes(DATA)
    subprocess.run(["xz", "--keep", f"--block-size={size}", str(path)], check=True)
    return folder / "data.xz"


@pytest.mark.parametrize("start", [0, 1, 524_287, 524_288, 1_600_000, len(DATA) - 1, len(DATA)])
def test_any_place_of_a_file_of_blocks(tmp_path: Path, start: int) -> None:
    path = blocks(tmp_path)
    index = index_of(path)
    assert index is not None and len(index.blocks) == -(-len(DATA) // 524_288) and index.size == len(DATA)
    assert b"".join(unpacked(path, start)) == DATA[start:]


def test_blocks_before_the_place_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = blocks(tmp_path)
    given = 0
    real = packed._unpack

    def counted(path: Path, decoder: lzma.LZMADecompressor, data: bytes) -> bytes:
        nonlocal given
        piece = real(path, decoder, data)
        given += len(piece)
        return piece

    monkeypatch.setattr(packed, "_unpack", counted)
    assert b"".join(unpacked(path, 2_000_000)) == DATA[2_000_000:]
    assert given < len(DATA) - 1_500_000
    given = 0
    one = tmp_path / "one.xz"
    one.write_bytes(lzma.compress(DATA))
    assert b"".join(unpacked(one, 2_000_000)) == DATA[2_000_000:]
    assert given == len(DATA), "a file of one block has to be unpacked from its beginning"


def test_several_streams_padding_and_other_packings(tmp_path: Path) -> None:
    half = len(DATA) // 2
    forms = {
        "streams.xz": lzma.compress(DATA[:half]) + b"\0" * 8 + lzma.compress(DATA[half:]),
        "frames.zst": zstd.compress(DATA[:half]) + zstd.compress(DATA[half:]),
        "plain": DATA,
    }
    for name, content in forms.items():
        (tmp_path / name).write_bytes(content)
        assert b"".join(unpacked(tmp_path / name)) == DATA, name
        assert b"".join(unpacked(tmp_path / name, half - 5)) == DATA[half - 5 :], name


def test_cut_and_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = blocks(tmp_path).read_bytes()
    single = lzma.compress(DATA)
    harmed = bytearray(whole)
    harmed[len(whole) // 2] ^= 1
    for content in (whole[: len(whole) // 2], single[:-100], single[:50], bytes(harmed), zstd.compress(DATA)[:-20]):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(BadInput, match="cannot be unpacked"):
            b"".join(unpacked(tmp_path / "bad"))


def test_an_index_that_lies_is_not_believed(tmp_path: Path) -> None:
    whole = bytearray(blocks(tmp_path).read_bytes())
    whole[-20] ^= 1  # in the index: its sum does not fit any more
    (tmp_path / "bad.xz").write_bytes(bytes(whole))
    assert index_of(tmp_path / "bad.xz") is None
    with pytest.raises(BadInput):
        b"".join(unpacked(tmp_path / "bad.xz"))


def test_a_dictionary_beyond_measure_is_not_made(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    (tmp_path / "huge.xz").write_bytes(lzma.compress(b"x" * 100, filters=filters))
    with pytest.raises(BadInput, match=r"[Mm]emory"):
        b"".join(unpacked(tmp_path / "huge.xz"))
