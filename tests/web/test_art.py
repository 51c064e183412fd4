"""Drawn covers follow from the id; held pictures become small ones or nothing, whatever they are."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from phonolith.web import art
from phonolith.web.art import SIZES, drawn, small


@pytest.mark.parametrize("size", SIZES)
def test_a_drawn_cover_follows_from_the_id(size: int) -> None:
    first, again, other = drawn("aaaa", size), drawn("aaaa", size), drawn("bbbb", size)
    assert first == again != other
    with Image.open(io.BytesIO(first)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (size, size))


def test_drawn_covers_of_a_list_are_light() -> None:
    assert max(len(drawn(f"id{n}", 256)) for n in range(12)) < 7_000


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_held_picture_becomes_a_square(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture"
    Image.new("RGB", (300, 120), "red").save(path, kind)
    made = small(str(path), "0" * 64, 96)
    assert made is not None
    with Image.open(io.BytesIO(made)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (96, 96))
        assert picture.getexif() == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"\x89PNG\r\n\x1a\n broken",
        b"\xff\xd8\xff\xe0 cut",
        b"GIF89a",
        b"BM" + b"\0" * 60,
    ],
)
def test_what_is_no_picture_of_a_known_kind_is_nothing(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "picture"
    path.write_bytes(data)
    assert small(str(path), "0" * 64, 96) is None


def test_a_picture_too_large_to_open_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "picture"
    Image.new("1", (400, 400)).save(path, "PNG")
    monkeypatch.setattr(art, "MOST_PIXELS", 100_000)
    assert small(str(path), "0" * 64, 96) is None
