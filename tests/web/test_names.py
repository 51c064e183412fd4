"""Words from metadata made safe: for showing, for file names, for addresses."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.web.names import (
    contact_address,
    content_disposition,
    host_of,
    safe_name,
    served_type,
    shown,
    web_address,
)

TEXT = st.text(st.characters(exclude_categories=()), max_size=200)  # lone surrogates too


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("two\nlines\tand\rmore", "two lines and more"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("isolates\u2066\u2069", "isolates"),
        ("bad\ud800surrogate", "bad?surrogate"),
        ("東京 Añá شارق 👩\u200d🚀", "東京 Añá شارق 👩\u200d🚀"),  # joiners make letters: they stay
    ],
)
def test_shown(raw: str, text: str) -> None:
    assert shown(raw) == text


@given(TEXT)
def test_shown_is_always_encodable_and_free_of_controls(raw: str) -> None:
    text = shown(raw)
    text.encode("utf-8")
    assert not [c for c in text if unicodedata.category(c) == "Cc"]
    assert not set(text) & set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("../../etc/passwd", "etc passwd"),
        ("C:\\CON.mp3", "C CON.mp3"),
        ("...", "file"),
        ("", "file"),
        ('a"b;c\r\nSet-Cookie: x.ogg', "a b;c Set-Cookie x.ogg"),
        ("x" * 500 + ".flac", "x" * 111 + ".flac"),
        ("\u202egnp.exe", "gnp.exe"),
    ],
)
def test_safe_name(raw: str, name: str) -> None:
    assert safe_name(raw) == name


@given(TEXT)
def test_a_disposition_is_one_header_line(raw: str) -> None:
    value = content_disposition(raw, attachment=True)
    value.encode("ascii")
    assert value.startswith('attachment; filename="')
    assert not set(value) & set("\r\n\x00/\\")
    assert value.count('"') == 2


@pytest.mark.parametrize("url", ["https://example.org/a?b=c#d", "http://example.org:8080/", "https://例え.jp/"])
def test_addresses_that_become_links(url: str) -> None:
    assert web_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//example.org", "/track/x",
        "https://", "https://user@example.org/", "https://exa mple.org/", 'https://example.org/"onclick=', "",
        "https://example.org/\u202e", "java\nscript:alert(1)", "https://[::1", "https://example.org:99999/",
        "https://example.org/" + "a" * 2000, " https://example.org/", "ftp://example.org/",
    ],
)  # fmt: skip
def test_addresses_that_do_not(url: str) -> None:
    assert web_address(url) == ""


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("me@example.org", "mailto:me@example.org"),
        ("mailto:me@example.org", "mailto:me@example.org"),
        ("https://example.org/contact", "https://example.org/contact"),
        ("the desk in room 3", ""),
        ("javascript:alert(1)", ""),
        ("me@example.org?body=x", ""),
        ("", ""),
    ],
)
def test_a_contact_is_linked_where_it_is_an_address(contact: str, address: str) -> None:
    assert contact_address(contact) == address


@given(TEXT)
def test_no_address_fails(raw: str) -> None:
    url = web_address(raw)
    assert url in ("", raw)
    if url:
        assert host_of(url) is not None


@pytest.mark.parametrize(
    ("media_type", "answer"),
    [
        ("audio/ogg", ("audio/ogg", False)),
        ("Audio/FLAC", ("audio/flac", False)),
        ("audio/ogg; codecs=opus", ("audio/ogg", False)),
        ("text/html", ("application/octet-stream", True)),
        ("image/svg+xml", ("application/octet-stream", True)),
        ("", ("application/octet-stream", True)),
        ("audio/ogg\r\nX: y", ("application/octet-stream", True)),
    ],
)
def test_only_known_types_open_in_place(media_type: str, answer: tuple[str, bool]) -> None:
    assert served_type(media_type) == answer
