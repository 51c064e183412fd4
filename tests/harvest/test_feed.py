"""Harvesting feeds: what is said in them, what they break, and that what leaves them is not gone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from phonolith.errors import BadInput, UsageError
from phonolith.harvest.fetch import Means as Files
from phonolith.harvest.fetch import fetch
from phonolith.harvest.online import Order, harvest_online
from phonolith.harvest.report import HarvestReport
from phonolith.harvest.wanted import Wanted
from phonolith.model.frontier import Run
from phonolith.model.music import Level, ReleaseDescription, TrackDescription
from phonolith.model.progress import Silent
from phonolith.model.record import Record
from phonolith.rights.gate import Policy
from phonolith.sources.base import open_source
from phonolith.sources.client.client import Client
from phonolith.sources.feed_document import Feed, read_document
from phonolith.sources.feed_words import day_of, milliseconds, plain, same_site, sha256_of, whole
from phonolith.sources.media import candidates
from phonolith.store.archive import Archive
from tests.harvest.serving import Reply, Served, means, served
from tests.harvest.test_gather import Clock
from tests.lying import LIES

HERE = "https://label.example/feed.xml"
SPACES = (
    'xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:atom="http://www.w3.org/2005/Atom"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://backend.userland.com/creativeCommonsRssModule"'
)
BYTES = b"music"
SRI = (
    f"sha384-{base64.b64encode(bytes(48)).decode()} sha256-{base64.b64encode(hashlib.sha256(BYTES).digest()).decode()}"
)
BY = "https://creativecommons.org/licenses/by/4.0/"


def rss(items: str, head: str = "<link>https://label.example/</link>") -> bytes:
    return f'<rss version="2.0" {SPACES}><channel><title>Hav</title>{head}{items}</channel></rss>'.encode()


def item(guid: str, more: str = "", title: str = "") -> str:
    enclosure = f'<enclosure url="/{guid}.mp3" length="7" type="audio/mpeg"/>'
    return f"<item><title>{title or guid}</title><guid>{guid}</guid>{enclosure}{more}</item>"


def read(data: bytes, address: str = HERE) -> Feed:
    found = read_document(data, address)
    assert isinstance(found, Feed)
    return found


def described(data: bytes, address: str = HERE) -> list[object]:
    """What a feed and each of its items say."""
    source, feed = open_source("feed.x"), read(data, address)
    payloads = [(address, feed.head), *((f"{address} {one.names[0]}", one.payload) for one in feed.entries)]
    records = (Record("feed.x", name, address, "2026-01-01T00:00:00Z", payload) for name, payload in payloads)
    return [one for record in records for one in source.interpret(record)]


def track(more: str, head: str = "<link>https://label.example/</link>", address: str = HERE) -> TrackDescription:
    found = described(rss(item("g", more), head), address)[-1]
    assert isinstance(found, TrackDescription)
    return found


# What is said


def test_an_item_says_a_track_and_its_feed_a_release() -> None:
    more = (
        "<podcast:person role='Artist'>Ann</podcast:person><podcast:person role='composer'>Cy</podcast:person>"
        "<itunes:duration>3:05</itunes:duration><itunes:explicit>no</itunes:explicit><itunes:episode>2</itunes:episode>"
        "<podcast:season>1</podcast:season><pubDate>Fri, 09 Oct 2020 04:30:38 GMT</pubDate>"
        "<podcast:license>cc-by-4.0</podcast:license><podcast:value type='lightning'>x</podcast:value>"
    )
    head = (
        "<link>https://label.example/</link><podcast:medium>music</podcast:medium><itunes:author>Ann</itunes:author>"
        "<podcast:guid>917393e3</podcast:guid><itunes:image href='cover.jpg'/><language>sv</language>"
    )
    release, song = described(rss(item("g", more), head))
    assert isinstance(release, ReleaseDescription) and isinstance(song, TrackDescription)
    assert (release.id, release.title, release.kind, release.language) == (HERE, "Hav", "album", "sv")
    assert release.identifiers == (("podcast.guid", "917393e3"),)
    assert [(one.role, one.url) for one in release.files] == [("cover", "https://label.example/cover.jpg")]
    assert (song.id, song.release, song.title, song.date) == (f"{HERE} g", HERE, "g", "2020-10-09")
    assert (song.duration_ms, song.explicit, song.disc, song.position) == (185_000, False, 1, 2)
    assert [(one.name, one.role) for one in song.credits] == [("Ann", ""), ("Cy", "composer")]
    assert song.composition_by_others, "a platform's licence covers the recording then"
    assert [(one.url, one.size, one.media_type) for one in song.files] == [
        ("https://label.example/g.mp3", 7, "audio/mpeg")
    ]
    assert [(one.uri, one.level) for one in song.licences] == [("cc-by-4.0", Level.PLATFORM)]
    assert "lightning" not in repr(song)


@pytest.mark.parametrize(
    ("more", "stated"),
    [
        (f"<podcast:license url='{BY}'>my own words</podcast:license>", [BY]),
        ("<podcast:license>CC-BY-4.0</podcast:license>", ["CC-BY-4.0"]),
        (f"<podcast:license url='{BY}'>cc0-1.0</podcast:license>", [BY, "cc0-1.0"]),
        (f"<cc:license>{BY}</cc:license>", [BY]),
        (f"<atom:link rel='license' href='{BY}'/>", [BY]),
        (f"<media:license href='{BY}' type='text/html'>CC BY</media:license>", [BY]),
        ("<podcast:license>HoliznaCC0</podcast:license>", []),
        ("<copyright>CC BY 4.0</copyright><dc:rights>CC0</dc:rights><description>CC0-1.0</description>", []),
        ("<media:copyright>https://creativecommons.org/licenses/by/4.0/</media:copyright>", []),
    ],
)
def test_licences_are_addresses_and_identifiers_and_never_prose(more: str, stated: list[str]) -> None:
    assert [one.uri for one in track(more).licences] == stated


@pytest.mark.parametrize(
    ("address", "link", "enclosure", "level"),
    [
        (HERE, "https://label.example/", "https://label.example/a.mp3", 2),
        (HERE, "https://www.label.example/", "https://cdn.label.example/a.mp3", 2),
        ("https://feeds.label.example/x", "https://label.example/", "https://feeds.label.example/a.mp3", 2),
        ("https://feeds.label.example/x", "https://label.example/", "https://label.example/a.mp3", 1),
        ("https://evil.host.example/x", "https://host.example/", "https://victim.host.example/a.mp3", 1),
        (HERE, "https://label.example/", "https://other.example/a.mp3", 1),
        ("https://aggregator.example/x", "https://label.example/", "https://label.example/a.mp3", 1),
        ("https://label.example.evil.example/x", "https://label.example/", "https://label.example/a.mp3", 1),
        ("https://notlabel.example/x", "https://label.example/", "https://notlabel.example/a.mp3", 1),
        (HERE, "", "https://label.example/a.mp3", 1),
    ],
)
def test_a_licence_is_the_platforms_word_where_the_feed_is_of_its_site_and_has_the_file(
    address: str, link: str, enclosure: str, level: int
) -> None:
    head = (
        f"<link>{link}</link><podcast:license>cc0-1.0</podcast:license>" if link else "<cc:license>cc0-1.0</cc:license>"
    )
    body = rss(f"<item><guid>g</guid><enclosure url='{enclosure}' type='audio/mpeg'/></item>", head)
    song = described(body, address)[-1]
    assert isinstance(song, TrackDescription)
    assert [one.level for one in song.licences] == [level]


def test_the_digest_that_is_stated_goes_with_the_best_encoding() -> None:
    more = (
        "<podcast:alternateEnclosure type='audio/flac' length='90' bitrate='900000' default='true'>"
        "<podcast:source uri='https://label.example/g.flac'/><podcast:source uri='ipfs://abc'/>"
        f"<podcast:integrity type='sri' value='{SRI}'/></podcast:alternateEnclosure>"
        "<podcast:alternateEnclosure type='audio/flac' length='999' rel='commentary'>"
        "<podcast:source uri='https://label.example/talk.flac'/></podcast:alternateEnclosure>"
    )
    source, feed = open_source("feed.x"), read(rss(item("g", more)))
    record = Record("feed.x", f"{HERE} g", HERE, "", feed.entries[0].payload)
    found = candidates(source, record, list(source.interpret(record)))
    assert [(one.address, one.size, one.sha256) for one in found] == [
        ("https://label.example/g.flac", 90, hashlib.sha256(BYTES).hexdigest())
    ]
    assert sha256_of("sha256-short sha512-abc") == sha256_of("md5-abc") == sha256_of("") == ""


def test_a_cover_is_offered_only_under_a_licence_of_the_whole_feed() -> None:
    source = open_source("feed.x")

    def offered(stated: str) -> list[str]:
        feed = read(rss("", f"<link>https://label.example/</link><itunes:image href='/c.jpg'/>{stated}"))
        record = Record("feed.x", HERE, HERE, "", feed.head)
        return [one.address for one in candidates(source, record, list(source.interpret(record)))]

    assert offered("<podcast:license>cc-by-4.0</podcast:license>") == []
    assert offered(f"<cc:license>{BY}</cc:license>") == ["https://label.example/c.jpg"]


def test_atom_and_rss_1_say_the_same() -> None:
    atom = (
        b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://label.example/music/"><title>Hav</title>'
        b'<link href="https://label.example/"/><link rel="license" href="https://creativecommons.org/licenses/by/4.0/"/>'
        b'<entry><id>tag:1</id><title type="html">&lt;i&gt;One&lt;/i&gt; &amp;amp; two</title><author><name>Ann</name>'
        b"<email>ann@label.example</email></author><published>2020-10-09T00:00:00Z</published>"
        b'<link rel="enclosure" href="1.ogg" type="audio/ogg" length="7"/></entry></feed>'
    )
    song = described(atom)[-1]
    assert isinstance(song, TrackDescription)
    assert (song.title, song.date, song.credits[0].name) == ("One & two", "2020-10-09", "Ann")
    assert song.files[0].url == "https://label.example/music/1.ogg"
    assert [one.uri for one in song.licences] == [BY] and "ann@" not in repr(song)
    rdf = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        b' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://web.resource.org/cc/"'
        b' xmlns:media="http://search.yahoo.com/mrss/"><channel rdf:about="x"><title>Hav</title>'
        b'<link>https://label.example/</link></channel><item rdf:about="https://label.example/1"><title>One</title>'
        b'<dc:creator>Ann</dc:creator><dc:date>2020-10-09</dc:date><cc:license rdf:resource="cc-by-4.0"/>'
        b'<media:group><media:content url="https://label.example/1.mp3" type="audio/mpeg" fileSize="7" bitrate="128"'
        b' duration="185"/></media:group></item></rdf:RDF>'
    )
    song = described(rdf)[-1]
    assert isinstance(song, TrackDescription)
    assert (song.title, song.date, song.duration_ms, song.files[0].bitrate) == ("One", "2020-10-09", 185_000, 128_000)
    assert song.id == f"{HERE} https://label.example/1" and [one.uri for one in song.licences] == ["cc-by-4.0"]


@pytest.mark.parametrize(
    "head",
    [
        "<podcast:locked owner='a@label.example'>yes</podcast:locked>",
        "<itunes:block>Yes</itunes:block>",
        "<podcast:block>yes</podcast:block>",
        "<podcast:medium>audiobook</podcast:medium>",
        "<podcast:medium>podcast</podcast:medium>",
    ],
)
def test_a_feed_that_wants_to_be_left_alone_or_is_no_music_is_kept_and_not_described(head: str) -> None:
    assert described(rss(item("g"), head)) == []
    assert described(rss(item("g", "<itunes:block>yes</itunes:block>")))[1:] == []
    assert (
        len(described(rss(item("g"), "<podcast:locked>no</podcast:locked><podcast:block id='x'>yes</podcast:block>")))
        == 2
    )


# What is broken


def test_values_as_they_come() -> None:
    days = ("Fri, 09 Oct 2020 04:30:38 GMT", "2020-10-09T04:30:38+02:00", "9 Oct 2020", "Fri,9 Oct 20 04:30 EST")
    assert {day_of(one) for one in days} == {"2020-10-09"}
    assert day_of("yesterday") == "yesterday" and day_of("99 Foo 2020") == "99 Foo 2020" and day_of("") == ""
    assert [milliseconds(one) for one in ("185", "3:05", "0:03:05", "185.0")] == [185_000] * 4
    assert [milliseconds(one) for one in ("", "0", "long", "3:05:", "-4", "9999999", "1:2:3:4", "٣")] == [None] * 8
    assert [whole(one) for one in ("7", "7.2", "0", "", "-1", "seven", "9" * 40)] == [
        7,
        7,
        None,
        None,
        None,
        None,
        None,
    ]
    assert plain(" <b>A</b> &lt; B\n&amp; <3 C") == "A < B & <3 C"
    assert same_site("https://a.example", "http://www.a.example:8080/x") and not same_site(
        "http://com/", "https://a.com"
    )
    assert not same_site("", "") and not same_site("http://[", "http://[")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "xml.broken"),
        (b"<!DOCTYPE html><html><body><p>Not found</body></html>", "xml.broken"),
        (b"<html><body/></html>", "feed.strange"),
        (b"<rss/>", "feed.strange"),
        (rss(item("g"))[:-20], "xml.broken"),
        (b"<rss><channel><title>&nbsp;</title></channel></rss>", "xml.broken"),
        (b'<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel>&b;</channel></rss>', "xml.entities"),
        (b'<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel>&a;</channel></rss>', "xml.entities"),
        (b"<rss><channel>" + b"<a>" * 99 + b"</a>" * 99 + b"</channel></rss>", "xml.too-large"),
        (b"{}", "xml.broken"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_code(data: bytes, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_document(data, HERE)
    assert caught.value.code == code


def test_what_is_only_untidy_is_read() -> None:
    feed = read(
        b"\n\n <?xml version='1.0'?>" + rss("<item><enclosure url='http://[' length='0' type='audio/mpeg'/></item>")
    )
    assert feed.entries[0].names == ()
    song = track(
        "<enclosure url='http://[x/a.mp3' type='audio/mpeg'/><link>http://[</link><itunes:image href='http://['/>"
    )
    assert [one.url for one in song.files] == ["https://label.example/g.mp3"]


# Over the network


def harvest(archive: Archive, server: Served, *paths: str, **order: object) -> tuple[HarvestReport, Run]:
    urls = tuple(f"{server.base}{path}" for path in paths)
    return harvest_online(archive, Order("feed", {"url": urls}, "x", **order), means(server.base, clock=Clock()))  # type: ignore[arg-type]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", name="test", contact="a@example.org", now=Clock()())


def held(archive: Archive) -> list[str]:
    """Names of the items that are there now; the heads of feeds are left out."""
    with archive.records() as store:
        return sorted(one.item.partition(" ")[2] for one in store.scan(["feed.x"]) if " " in one.item)


def codes(report: HarvestReport) -> list[str]:
    return sorted(one.code for one in report.findings)


def xml(body: bytes, **headers: str) -> Reply:
    return 200, {"Content-Type": "application/rss+xml", **{k.replace("_", "-"): v for k, v in headers.items()}}, body


def fixed(**pages: bytes) -> Callable[[str, Mapping[str, str]], Reply | None]:
    return lambda path, _: xml(pages[path[1:]]) if path[1:] in pages else None


def test_what_leaves_a_feed_is_not_gone_and_what_it_takes_back_is(archive: Archive) -> None:
    with served(fixed(f=rss(item("a") + item("b") + item("c")))) as server:
        report, run = harvest(archive, server, "/f")
        assert (report.new, run.partial, held(archive)) == (4, True, ["a", "b", "c"])
        gone = (
            '<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="b" when="2026-01-01T00:00:00Z"/>'
        )
        server.answers = fixed(f=rss(gone + item("c", title="anew") + item("d")))
        report, run = harvest(archive, server, "/f", everything=True)
        assert (report.new, report.changed, report.gone, report.unchanged) == (1, 1, 1, 1)
        assert run.finished and held(archive) == ["a", "c", "d"]


def test_a_feed_that_did_not_change_is_not_sent_again(archive: Archive) -> None:
    def answers(path: str, headers: Mapping[str, str]) -> Reply | None:
        if path != "/f":
            return None
        return (304, {}, b"") if headers.get("if-none-match") == '"1"' else xml(rss(item("a")), ETag='"1"')

    with served(answers) as server:
        harvest(archive, server, "/f")
        report, run = harvest(archive, server, "/f")
        assert [one.get("if-none-match") for one in server.headers] == [None, '"1"']
        assert (report.new, report.changed, report.unchanged, report.gone) == (0, 0, 1, 0)
        assert run.finished and held(archive) == ["a"]


def test_pages_are_followed_to_their_end_and_later_only_as_far_as_is_new(archive: Archive) -> None:
    def page(number: int, year: int, last: int) -> bytes:
        more = f"<atom:link rel='next' href='/p{number + 1}'/>" if number < last else ""
        day = f"<pubDate>Fri, 09 Oct {year} 04:30:38 GMT</pubDate>"
        return rss(item(f"{number}a", day) + item(f"{number}b", day), f"<link>http://127.0.0.1/</link>{more}")

    with served(fixed(p1=page(1, 2025, 3), p2=page(2, 2024, 3), p3=page(3, 2023, 3))) as server:
        harvest(archive, server, "/p1")
        assert held(archive) == ["1a", "1b", "2a", "2b", "3a", "3b"] and server.asked == ["/p1", "/p2", "/p3"]
        server.asked.clear()
        server.answers = fixed(p1=page(0, 2026, 9), p2=page(1, 2025, 9), p3=page(2, 2024, 9))
        server.answers = fixed(p1=page(1, 2026, 3), p2=page(2, 2025, 3), p3=page(3, 2024, 3))
        harvest(archive, server, "/p1")
        assert server.asked == ["/p1", "/p2"], "the second page is from before the last harvest, so the third is known"


def test_pages_that_lead_in_a_circle_or_elsewhere_or_on_for_ever_end(archive: Archive) -> None:
    def answers(path: str, _: Mapping[str, str]) -> Reply | None:
        leads = {
            "/circle": "/circle",
            "/other": "https://elsewhere.example/x",
            "/empty": "/empty2",
            "/empty2": "/empty3",
        }
        if path not in leads:
            return None
        items = "" if path.startswith("/empty") else item("a")
        return xml(rss(items, f"<link>http://127.0.0.1/</link><atom:link rel='next' href='{leads[path]}'/>"))

    with served(answers) as server:
        report, run = harvest(archive, server, "/circle", "/other", "/empty")
        assert run.finished and run.problem == "" and codes(report) == ["feed.elsewhere"]
        assert sorted(server.asked) == ["/circle", "/circle", "/empty", "/other"]


def test_broken_items_are_kept_as_far_as_they_can_be_told_apart(archive: Archive) -> None:
    items = (
        "<item><title>no name</title></item>"
        "<item><title>by its file</title><enclosure url='/x.mp3' type='audio/mpeg' length='0'/></item>"
        "<item><link>/page</link></item>"
        "<item><guid>same</guid><link>/one</link></item><item><guid>same</guid><link>/two</link></item>"
        "<item><guid>twice</guid></item><item><guid>twice</guid></item>"
        "<item><guid>somebody@label.example</guid></item>"
    )
    with served(fixed(f=rss(items))) as server:
        report, run = harvest(archive, server, "/f")
        names = held(archive)
        base = server.base
        assert [one for one in names if not one.startswith("sha256:")] == [
            f"{base}/one", f"{base}/page", f"{base}/two", f"{base}/x.mp3", "twice",
        ]  # fmt: skip
        assert len(names) == 6 and "@" not in "".join(names)
        assert codes(report) == ["feed.nameless", "feed.twice"] and run.finished


def test_no_feed_can_speak_of_anothers_items(archive: Archive) -> None:
    with served(fixed(a=rss(item("same", title="A")), b=rss(item("same", title="B")))) as server:
        harvest(archive, server, "/a", "/b")
        assert held(archive) == ["same", "same"]


def test_who_stands_in_for_feeds_has_their_files_too(archive: Archive) -> None:
    """``harvest.origins`` for a source of any host: pages and enclosures of all hosts are asked of one."""
    licensed = f"<podcast:license>{BY}</podcast:license><podcast:medium>music</podcast:medium>"
    page = rss(item("a"), f"<link>https://label.example/</link>{licensed}")
    sound = b"ID3\x04\x00\x00\x00"  # as long as the feed says
    with served(lambda path, _: xml(page) if path == "/f" else (200, {"Content-Type": "audio/mpeg"}, sound)) as server:
        order = Order("feed", {"url": ("https://label.example/f",)}, "x")
        harvest_online(archive, order, means(server.base, clock=Clock(), feed=server.base))
        known = {"feed": server.base}
        to = Files(lambda: Client("a@example.org", trusted=[server.base]), known, Policy(), Silent(), Clock())
        fetch(archive, "feed.x", Wanted(), to)
        assert server.asked == ["/f", "/a.mp3"]
    with archive.objects() as objects:
        assert hashlib.sha256(sound).hexdigest() in {one.sha256 for one in objects.all()}


def test_an_opml_file_leads_to_its_feeds(archive: Archive) -> None:
    def answers(path: str, _: Mapping[str, str]) -> Reply | None:
        listed = f"{server.base}/a", "b", "ftp://x.example/c", "https://x.example/d?token=secret", f"{server.base}/list"
        outlines = "".join(f'<outline text="x" xmlUrl="{one}"/>' for one in listed)
        body = f'<opml version="2.0"><body><outline text="group">{outlines}</outline></body></opml>'
        return xml(body.encode()) if path == "/list" else fixed(a=rss(item("a")), b=rss(item("b")))(path, {})

    with served(answers) as server:
        report, run = harvest(archive, server, "/list")
        assert sorted(server.asked) == ["/a", "/b", "/list"] and held(archive) == ["a", "b"]
        assert codes(report) == ["feed.list"] and run.finished


def test_one_feed_that_is_away_does_not_stop_the_others(archive: Archive) -> None:
    pages = {
        "good": rss(item("a")),
        "bad": b"<html>",
        "moved": rss(item("m"), "<itunes:new-feed-url>https://x.example/n</itunes:new-feed-url>"),
    }
    with served(fixed(**pages)) as server:
        report, run = harvest(archive, server, "/gone", "/bad", "/good", "/moved")
        assert held(archive) == ["a", "m"] and codes(report) == ["feed.moved", "harvest.failed", "harvest.failed"]
        assert run.finished and run.high_water == ""


def test_lying_origins_leave_nothing_behind_and_do_not_stop_the_honest(archive: Archive) -> None:
    """The lies that end at once; those that take an hour are the client's tests."""
    import asyncio
    import threading

    from tests.lying import Origin, reply

    quick = ("http.large", "http.bomb", "http.encoding", "http.loop", "http.inward", "http.address", "http.status")
    paths = [
        path for path, (_, code) in LIES.items() if code in (*quick, "http.malformed", "http.gone", "http.forbidden")
    ]
    handlers = {path: LIES[path][0] for path in paths} | {"/honest": reply(200, rss(item("a")))}
    ready, stop, found = threading.Event(), threading.Event(), list[str]()

    async def serve() -> None:
        async with Origin(handlers) as origin:
            found.append(origin.base)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        order = Order("feed", {"url": tuple(found[0] + path for path in (*paths, "/honest"))}, "x")
        report, run = harvest_online(archive, order, means(found[0], clock=Clock()))
    finally:
        stop.set()
        thread.join()
    assert held(archive) == ["a"] and run.finished
    told = {one.subject.removeprefix(f"item:{found[0]}") for one in report.findings}
    assert told == set(paths) and {one.code for one in report.findings} == {"harvest.failed", "harvest.refused"}


def test_a_stand_in_is_asked_in_place_of_the_origin(archive: Archive) -> None:
    with served(fixed(**{"feed.xml?x=1": rss(item("a"))})) as server:
        order = Order("feed", {"url": ("https://label.example/feed.xml?x=1",)}, "x")
        report, _ = harvest_online(archive, order, means(clock=Clock(), feed=server.base))
        assert server.asked == ["/feed.xml?x=1"] and report.new == 2
    with archive.records() as store:
        said = [one for record in store.scan(["feed.x"]) for one in open_source("feed.x").interpret(record)]
    assert [one.id for one in said] == ["https://label.example/feed.xml?x=1", "https://label.example/feed.xml?x=1 a"]


@pytest.mark.parametrize(
    "url", ["label.example", "ftp://label.example/f", "https://label.example/f?auth_token=abc", "https://a b/"]
)
def test_addresses_that_are_none_or_private_are_refused(archive: Archive, url: str) -> None:
    with pytest.raises(UsageError, match=r"address|password"):
        harvest_online(archive, Order("feed", {"url": (url,)}), means(clock=Clock()))
