"""Where on a page a code counts: its head and rel=me, and never what visitors may have written."""

from __future__ import annotations

import time

import pytest

from phonolith.door.placed import in_file, placed, written

CODE = "abcdefghijklmnopqrstuvwx"
HTML = "text/html"


def where(page: str, kind: str = HTML) -> str:
    return placed(page.encode(), kind, CODE)


@pytest.mark.parametrize(
    "page",
    [
        f"<!doctype html><html><head><meta name='phonolith-door' content='{CODE}'></head>",
        f"<meta content={CODE} name=phonolith-door>",
        f'<title>x</title><META NAME="Description" CONTENT="We play. {written(CODE)}">',
        f'<head><script>if (a<b) "</head>"</script><meta property="og:description" content="a {CODE} b">',
        f'<head><!-- <body> --><meta name="twitter:description" content="{CODE}"/>',
    ],
)
def test_the_head_counts(page: str) -> None:
    assert where(page) == "head"


@pytest.mark.parametrize(
    "page",
    [
        f'<body><p>Hi</p><a rel="me" href="https://music.example.org/artist/x?phonolith-door={CODE}">me</a>',
        f'<head><link href="https://music.example.org/?{CODE}" rel="alternate ME"></head>',
        f"<body><a class=x rel='me nofollow noopener' href='/{CODE}'>",
    ],
)
def test_links_that_say_it_is_me_count(page: str) -> None:
    assert where(page) == "me"


HOSTILE = {
    "a comment in words": f"<body><h1>Quiet</h1><div class=comments>{written(CODE)}</div>",
    "a link in a comment": f'<body><a href="https://x.example/{CODE}">x</a>',
    "a link marked as a visitor's": f'<body><a rel="me ugc" href="https://x.example/{CODE}">x</a>',
    "a meta tag in the body": f'<body><p>x</p><meta name="phonolith-door" content="{CODE}">',
    "a meta tag after the head": f'<head></head><meta name="phonolith-door" content="{CODE}">',
    "a meta tag after text": f'hello <meta name="phonolith-door" content="{CODE}">',
    "commented out": f'<head><!-- <meta name="phonolith-door" content="{CODE}"> --></head>',
    "in a script": f'<head><script>var c = \'<meta name="phonolith-door" content="{CODE}">\'</script>',
    "in a template": f'<body><template><a rel=me href="/{CODE}"></template>',
    "in a textarea": f'<body><textarea><a rel=me href="/{CODE}"></textarea>',
    "in the title": f"<head><title>{CODE}</title></head>",
    "in another attribute": f"<body><img alt='<a rel=me href=\"/{CODE}\">'>",
    "escaped": f"<body>&lt;a rel=me href=/{CODE}&gt;",
    "another meta tag": f'<head><meta name="keywords" content="{CODE}">',
    "an attribute given twice": f'<body><a rel=nofollow rel=me href="/{CODE}">',
    "a tag that does not end": f'<head><meta name="phonolith-door" content="{CODE}"',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_visitors_may_have_written_is_words_at_most(name: str) -> None:
    assert where(HOSTILE[name]) == "text"


def test_what_is_no_page_or_has_another_code_is_nothing() -> None:
    assert where(f"<head><meta name='phonolith-door' content='{CODE[:-1]}'>") == ""
    assert where(f"<meta name=phonolith-door content={CODE}>", "application/json") == ""
    assert where(written(CODE), "text/plain") == "text"
    assert where(written(CODE), "image/svg+xml") == ""


def test_the_file_has_the_code_on_a_line_of_its_own() -> None:
    assert in_file(f"# us\r\n{written(CODE)}\r\n".encode(), CODE)
    for other in (f"x {written(CODE)}", CODE, written(CODE) + "x", f"<p>{written(CODE)}</p>"):
        assert not in_file(other.encode(), CODE)


@pytest.mark.parametrize(
    "piece", ["<", "<a", "<a ", "<!--", "<!", "</", "<script>", "<meta a='", '<a b="', "<a =", "<a b", "&#"]
)
def test_no_page_takes_long(piece: str) -> None:
    """A megabyte of each, with the code in front, so that it is looked through: bounded work for each byte."""
    page = (CODE + piece * (1_000_000 // len(piece))).encode()
    begun = time.process_time()
    placed(page, HTML, CODE)
    assert time.process_time() - begun < 10
