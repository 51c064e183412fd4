"""The application over the sample archive: every page answers, every answer is guarded, every error is an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import apsw
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from phonolith import errors
from phonolith.config import Settings
from phonolith.library.publications import bundles
from phonolith.releases.publish import published
from phonolith.store.archive import Archive
from phonolith.web.app import create_app
from phonolith.web.errors import STATUS, status_of
from phonolith.web.security import HEADERS
from tests.sample import NOW, make_archive, make_catalogue
from tests.web.conftest import Served

PAGES = {
    "/": 200, "/search": 200, "/search?q=love": 200, "/search?q=love&kind=track&held=1&from=1990&to=2020": 200,
    "/search?kind=release&licence=by": 200, "/search?kind=artist": 200, "/search?q=zzzzzzz": 200, "/genres": 200,
    "/years": 200, "/labels": 200, "/genre/ambient": 200, "/year/2004": 200, "/shuffle?seed=1": 200, "/about": 200,
    "/coverage": 200, "/at-risk": 200,
    "/offline": 200, "/sw.js": 200, "/manifest.webmanifest": 200, "/robots.txt": 200, "/api/openapi.json": 200,
    "/api/v1/stats": 200, "/api/v1/search?q=love": 200, "/api/v1/shuffle": 200,
    "/releases": 200, "/releases?after=none": 200, "/releases.json": 200, "/releases.rss": 200,
    "/api/v1/publications": 200, "/releases/none": 404, "/releases/none.torrent": 404, "/releases/.torrent": 404,
    "/bundle/": 404, "/bundle/none": 404, "/bundle/none/bagit.txt": 404, "/api/v1/bundles/none": 404,
    "/api/v1/publications?limit=0": 400,
    "/notices": 200, "/notices.rss": 200, "/notices/new": 200, "/notices/new?form=copyright": 200,
    "/notices/new?form=x": 400, "/notices/aaaaaaaaaaaa": 404, "/notices/x": 400, "/api/v1/notices": 200,
    "/nothing": 404, "/track/aaaaaaaaaaaaaaaa": 404, "/release/xx": 400, "/genre/none%20such": 404, "/year/1": 404,
    "/year/abc": 400, "/search?from=x": 400, "/search?q=a&q=b": 400, "/search?kind=song": 400, "/static/x/y": 404,
    "/art/aaaaaaaaaaaaaaaa/96": 404, "/media/aaaaaaaaaaaaaaaa/00": 404, "/api/v1/nothing": 404,
    "/api/v1/tracks/aaaaaaaaaaaaaaaa": 404, "/api/v1/shuffle?limit=1000": 400, "/genre/": 404, "/search?q=%00%ff": 200,
}  # fmt: skip
NAMED = ("track:road/1", "track:quartets/1", "release:road", "release:hostile", "artist:quiet", "label:north")


def guarded(answer: object) -> bool:
    headers = answer.headers  # type: ignore[attr-defined]
    return all(headers.get(name.decode()) for name, _ in HEADERS) and headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("path", "status"), PAGES.items())
def test_every_address_answers_with_every_header(served: Served, path: str, status: int) -> None:
    answer = served.client.get(path)
    assert (answer.status_code, path) == (status, path)
    assert guarded(answer)


@pytest.mark.parametrize("name", NAMED)
def test_permalinks_answer(served: Served, name: str) -> None:
    kind = name.split(":")[0]
    for address in (f"/{kind}/{served.ids[name]}", f"/api/v1/{kind}s/{served.ids[name]}"):
        answer = served.client.get(address)
        assert answer.status_code == 200
        assert guarded(answer)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(served: Served, method: str) -> None:
    answer = served.client.request(method, "/search")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert guarded(answer)


@pytest.mark.parametrize("path", ["/", "/search?q=love", "/nothing", "/api/v1/stats", "/year/2004"])
def test_head_is_like_get(served: Served, path: str) -> None:
    assert served.client.head(path).status_code == served.client.get(path).status_code


class Inline(HTMLParser):
    """Collects what a page may not have: handlers, styles, scripts without an address, addresses that run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("style", "base", "iframe", "object", "embed") or (tag == "script" and not named.get("src")):
            self.found.append(tag)
        self.found += [name for name in named if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action"):
            if not re.match(r"(/|#|https?://|magnet:\?xt=urn:bt|$)", named.get(name) or ""):
                self.found.append(f"{name}={named[name]}")


def test_pages_have_no_inline_script_or_style(served: Served) -> None:
    paths = [path for path, status in PAGES.items() if status == 200]
    paths += [f"/{name.split(':')[0]}/{identifier}" for name, identifier in served.ids.items()]
    paths += [f"/releases/{name}" for name in bundles(published(served.archive))]
    for path in paths:
        answer = served.client.get(path)
        if answer.headers["content-type"].startswith("text/html"):
            page = Inline()
            page.feed(answer.text)
            assert (path, page.found) == (path, [])


def test_the_collector_finds_what_it_should() -> None:
    page = Inline()
    page.feed("<p onclick=x style=y><script>1</script><a href='javascript:x'>")
    assert page.found == ["onclick", "style", "script", "href=javascript:x"]


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(served: Served) -> None:
    policy = served.client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"unsafe|http|\*|data:|blob:", policy)


def test_what_is_played_is_what_is_held(served: Served) -> None:
    files = served.client.get(f"/api/v1/tracks/{served.ids['track:road/1']}/files").json()["files"]
    answer = served.client.get(files[0]["url"], headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (206, b"RIFF")
    assert answer.headers["content-type"] == files[0]["type"] == "audio/wav"
    assert guarded(answer)


@pytest.mark.parametrize(
    ("name", "status"),
    [("track:disputed/1", 403), ("track:sampler/6", 403), ("track:quartets/1", 404), ("track:listed/1", 404)],
)
def test_what_may_not_be_played_is_refused(served: Served, name: str, status: int) -> None:
    identifier = served.ids[name]
    assert served.client.get(f"/api/v1/tracks/{identifier}/files").json() == {"files": []}
    held = served.client.get(f"/api/v1/tracks/{identifier}").json()["page"]["files"]
    digest = held[0]["sha256"] if held and held[0]["sha256"] else "0" * 64
    answer = served.client.get(f"/media/{identifier}/{digest}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert 'data-do="play"' not in served.client.get(f"/track/{identifier}").text


def test_a_digest_of_something_else_opens_nothing(served: Served) -> None:
    files = served.client.get(f"/api/v1/tracks/{served.ids['track:road/1']}/files").json()["files"]
    digest = files[0]["url"].rsplit("/", 1)[1]
    assert served.client.get(f"/media/{served.ids['track:road/2']}/{digest}").status_code == 404


def test_unknown_types_are_offered_for_keeping_only(served: Served) -> None:
    files = served.client.get(f"/api/v1/releases/{served.ids['release:road']}").json()["files"]
    booklet = next(file for file in files if file["role"] == "booklet")
    answer = served.client.get(f"/media/{served.ids['release:road']}/{booklet['sha256']}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="booklet.pdf"'


def test_a_held_track_that_may_not_be_played_says_why(served: Served) -> None:
    page = served.client.get(f"/track/{served.ids['track:disputed/1']}").text
    assert "Held, but not played here. What is stated about its licence conflicts." in page
    listed = served.client.get(f"/track/{served.ids['track:listed/1']}").text
    assert "Held, but" not in listed and "Metadata only: no licence evidence." in listed


def test_a_visitor_is_told_no_commands(served: Served) -> None:
    page = served.client.get("/release/aaaaaaaaaaaaaaaa")
    assert page.status_code == 404 and "Nothing in this catalogue has this id." in page.text
    assert "phonolith search" not in page.text


def test_a_draw_where_nothing_plays_shows_what_is_known(tmp_path: Path) -> None:
    archive, _ = make_archive(tmp_path / "archive")
    with closing(apsw.Connection(str(archive.catalogue))) as db:
        db.execute("UPDATE track SET status = 2")
    with TestClient(create_app(archive, Settings())) as client:
        page = client.get("/shuffle?seed=1").text
    assert "Nothing is held here yet that may be played; these are known of." in page
    assert 'class="track absent"' in page and "data-track" not in page


def test_covers_are_held_ones_or_drawn(served: Served) -> None:
    held = served.client.get(f"/art/{served.ids['release:road']}/96")
    drawn = served.client.get(f"/art/{served.ids['release:kyoto']}/96")
    assert held.headers["content-type"] == "image/webp"
    assert drawn.headers["content-type"] == "image/webp"
    again = served.client.get(
        f"/art/{served.ids['release:kyoto']}/96", headers={"If-None-Match": drawn.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert served.client.get(f"/art/{served.ids['release:kyoto']}/97").status_code == 404


def test_shuffle_without_a_seed_leads_to_one_with(served: Served) -> None:
    answer = served.client.get("/shuffle", follow_redirects=False)
    assert answer.status_code == 303
    assert re.fullmatch(r"/shuffle\?seed=[0-9a-f]{8}", answer.headers["location"])
    page = served.client.get(answer.headers["location"]).text
    assert page == served.client.get(answer.headers["location"]).text


def test_gzip_only_where_it_is_taken(served: Served) -> None:
    assert served.client.get("/about", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
    for refused in ("", "br", "gzip;q=0"):
        assert "content-encoding" not in served.client.get("/about", headers={"Accept-Encoding": refused}).headers


def test_static_files_may_be_kept_for_ever(served: Served) -> None:
    page = served.client.get("/").text
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        answer = served.client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_the_table_of_errors_is_complete() -> None:
    def tree(base: type[errors.PhonolithError]) -> Iterator[type[errors.PhonolithError]]:
        yield base
        for sub in base.__subclasses__():
            yield from tree(sub)

    known = {one for one in tree(errors.PhonolithError) if one.__module__ == "phonolith.errors"}
    assert known <= set(STATUS)
    assert status_of(RuntimeError()) == 500
    assert status_of(errors.Withdrawn("x", "y", status=451)) == 451


@pytest.mark.parametrize("api", [False, True])
@pytest.mark.parametrize("error", [one for one in STATUS if one.__module__ == "phonolith.errors"])
def test_every_error_becomes_an_answer(tmp_path: Path, error: type[errors.PhonolithError], api: bool) -> None:
    path = "/api/fails" if api else "/fails"
    with TestClient(
        failing(tmp_path, error("/secret/path", "is <b>wrong</b>", "mend it")), raise_server_exceptions=False
    ) as client:
        answer = client.get(path)
    assert answer.status_code == STATUS[error]
    assert guarded(answer)
    assert "<b>wrong" not in answer.text or api
    if answer.status_code >= 500:
        assert "/secret/path" not in answer.text
    if api:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == STATUS[error]
        assert re.fullmatch(r"urn:phonolith:incident:[0-9a-f]{8}", answer.json()["instance"])


def test_an_error_of_nobody_is_an_answer_without_its_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(failing(tmp_path, RuntimeError("secret")), raise_server_exceptions=False) as client:
        answer = client.get("/fails")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    incident = re.search(r"<code>([0-9a-f]{8})</code>", answer.text)
    assert incident and incident[1] in caplog.text


def failing(root: Path, error: Exception) -> Starlette:
    app = create_app(Archive.create(root / "archive", name="Fails", contact="x@example.org", now=NOW), Settings())

    async def fails(_: object) -> None:
        raise error

    app.router.routes[:0] = [Route("/fails", fails), Route("/api/fails", fails)]
    return app


def test_without_a_catalogue_a_friendly_page_and_later_the_library(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", name="New", contact="x@example.org", now=NOW)
    with TestClient(create_app(archive, Settings(name="New"))) as client:
        before = client.get("/")
        assert before.status_code == 503
        assert "phonolith build" in before.text
        assert client.get("/api/v1/stats").headers["content-type"] == "application/problem+json"
        assert client.get("/offline").status_code == 200
        make_catalogue(archive.catalogue)
        assert client.get("/").status_code == 200


def test_a_catalogue_deleted_under_the_server_goes_on_being_served(tmp_path: Path) -> None:
    archive, ids = make_archive(tmp_path / "archive")
    with TestClient(create_app(archive, Settings(name="Sample"))) as client:
        assert client.get("/").status_code == 200
        archive.catalogue.unlink()
        assert client.get(f"/track/{ids['track:road/1']}").status_code == 200


@pytest.mark.parametrize(("ground", "status"), [("owner", 410), ("licence", 410), ("law", 451)])
def test_a_takedown_reaches_every_page_and_byte(tmp_path: Path, ground: str, status: int) -> None:
    archive, ids = make_archive(tmp_path / "archive")
    with archive.register() as register:
        body = {"subjects": [ids["release:road"]], "because": "asked for", "ground": ground}
        register.append("item.withdrawn", body, actor="operator", time=NOW)
    with TestClient(create_app(archive, Settings(name="Sample"))) as client:
        assert client.get(f"/release/{ids['release:road']}").status_code == status
        assert client.get(f"/track/{ids['track:road/1']}").status_code == status
        assert client.get(f"/api/v1/releases/{ids['release:road']}").status_code == status
        assert "The Long Road<" not in client.get("/search?q=long+road").text
        assert client.get(f"/api/v1/tracks/{ids['track:road/1']}/files").json() == {"files": []}


def test_an_attestation_opens_page_and_bytes_without_a_build(tmp_path: Path) -> None:
    archive, ids = make_archive(tmp_path / "archive")
    address = f"/track/{ids['track:disputed/1']}"
    with TestClient(create_app(archive, Settings(name="Sample"), look_every=0)) as client:
        before = client.get(address).text
        assert "attests it as" not in before and f"/media/{ids['track:disputed/1']}" not in before
        body = {"subjects": [ids["track:disputed/1"]], "licence": "CC0-1.0", "as": "licensee", "because": "a letter"}
        with archive.register() as register:
            event = register.append("rights.attested", body, actor="operator", time=NOW).seq
        after = client.get(address).text
        assert "attests it as licensee" in after and "publicdomain/zero/1.0" in after
        media = re.search(rf"/media/{ids['track:disputed/1']}/[0-9a-f]{{64}}", after)
        assert media and client.get(media[0]).status_code == 200
        with archive.register() as register:
            register.append("rights.attestation_revoked", {"event": event, "because": "x"}, actor="operator", time=NOW)
        assert client.get(media[0]).status_code == 403
        assert "attests it as" not in client.get(address).text


def test_a_kept_page_goes_with_a_decision(tmp_path: Path) -> None:
    archive, ids = make_archive(tmp_path / "archive")
    with TestClient(create_app(archive, Settings(name="Sample"), look_every=0)) as client:
        assert client.get("/search?q=night").text == client.get("/search?q=night").text
        assert "Night Train" in client.get("/search?q=night").text
        with archive.register() as register:
            body = {"subjects": [ids["track:road/5"]], "because": "asked for", "ground": "owner"}
            register.append("item.withdrawn", body, actor="operator", time=NOW)
        assert "Night Train" not in client.get("/search?q=night").text
