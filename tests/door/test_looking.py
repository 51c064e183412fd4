"""Looking at real pages of a site on this machine: what is read, what is refused, and that it never takes long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from phonolith.door import looking
from phonolith.door.looking import LIMITS, Looking
from phonolith.door.placed import placed, written
from phonolith.door.seen import Seen
from phonolith.rights.door_pages import Page, judge
from phonolith.sources.client.client import Client
from tests.door.conftest import head
from tests.door.web import Reply, Site, site

CODE = "abcdefghijklmnopqrstuvwx"
CONTACT = "operator@example.org"


@pytest.fixture
def own() -> Iterator[Site]:
    with site() as one:
        yield one


@pytest.fixture
def other() -> Iterator[Site]:
    with site() as one:
        yield one


def look(*sites: Site, path: str = "/me", trusted: bool = True) -> Seen:
    origins = [f"http://{host}:{one.port}" for one in sites for host in ("127.0.0.1", "localhost")] if trusted else []
    page = judge("artist", "homepage", f"{sites[0].url}{path}")
    assert not page.why
    return Looking(lambda: Client(CONTACT, trusted=origins))(page, CODE)


def test_a_page_with_the_code_is_seen_with_its_digest(own: Site) -> None:
    own.pages["/me"] = Reply(head(CODE))
    seen = look(own)
    assert (seen.found, seen.at, len(seen.snapshot)) == ("head", f"{own.url}/me", 64)
    assert all(CONTACT in agent for _, agent in own.asked)  # whoever has the site sees who asks


def test_a_redirect_on_the_same_site_is_followed(own: Site) -> None:
    own.pages |= {"/me": Reply(status=301, to="/home"), "/home": Reply(head(CODE))}
    assert look(own).at == f"{own.url}/home"


def test_the_file_speaks_for_a_first_page_and_for_no_other(own: Site) -> None:
    own.pages["/.well-known/phonolith.txt"] = Reply(f"{written(CODE)}\n", kind="text/plain")
    own.pages |= {"/": Reply("hello"), "/me": Reply("hello")}
    assert look(own, path="/").found == "well-known"
    assert look(own).found == ""
    own.pages["/.well-known/phonolith.txt"] = Reply(f"{written(CODE)}\n")  # a page of a platform that answers anything
    assert look(own, path="/").found == ""


def test_a_site_that_wants_no_robots_is_left_alone(own: Site) -> None:
    own.pages |= {"/me": Reply(head(CODE)), "/robots.txt": Reply("User-agent: *\nDisallow: /", kind="text/plain")}
    assert look(own).found == "" and "/me" not in {path for path, _ in own.asked}


HOSTILE = (
    "another host",
    "another port",
    "there and back to words",
    "not found",
    "forbidden",
    "ten megabytes",
    "stalled",
)


def answers(name: str, own: Site, other: Site) -> Site:
    """A site that has the code, in a way that proves nothing."""
    good = head(CODE)
    other.pages["/me"] = Reply(good)
    own.pages["/me"] = {
        "another host": Reply(status=302, to=f"http://localhost:{own.port}/copy"),
        "another port": Reply(status=302, to=f"{other.url}/me"),
        "there and back to words": Reply(status=302, to=f"{other.url}/back"),
        "not found": Reply(good, 404),
        "forbidden": Reply(good, 403),
        "ten megabytes": Reply(good + "x" * 10_000_000),
        "stalled": Reply(good * 10, stalls=True),
    }[name]
    own.pages["/copy"] = Reply(good)
    other.pages["/back"] = Reply(status=302, to=f"{own.url}/guestbook")
    own.pages["/guestbook"] = Reply(f"<body>{written(CODE)}")
    return own


@pytest.mark.parametrize("name", HOSTILE)
def test_what_proves_nothing(name: str, own: Site, other: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LIMITS", replace(LIMITS, head=1.0, idle=0.5, total=1.5))
    seen = look(answers(name, own, other), other)
    assert seen.found in ("", "text") and (seen.problem or seen.found)
    assert seen.found == "" or name == "there and back to words"


def test_a_page_inside_the_network_is_not_asked_for(own: Site) -> None:
    own.pages["/me"] = Reply(head(CODE))
    assert look(own, trusted=False).found == "" and own.asked == []


def test_without_the_check_of_the_site_a_redirect_elsewhere_would_prove_it(
    own: Site, other: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the first two hostile answers."""
    monkeypatch.setattr(looking, "same_site", lambda *_: True)
    for name in HOSTILE[:2]:
        assert look(answers(name, own, other), other).found == "head"
    assert isinstance(judge("artist", "homepage", own.url), Page) and placed(b"", "text/html", CODE) == ""
