"""Politeness as the server sees it: when requests arrive, how many at once, and what robots.txt closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from phonolith.errors import PhonolithError, RefusedByRights, SettingError, TimedOut
from phonolith.model.finding import Finding
from phonolith.sources.base import Terms
from phonolith.sources.client.answers import Limits, Manners, Validator
from phonolith.sources.client.client import Client
from phonolith.sources.client.exchange import Exchange
from phonolith.sources.client.origins import base
from phonolith.sources.client.pace import LONGEST_WAIT, back_off, retry_after
from tests.lying import Handler, Origin, in_turn, raw, reply
from tests.virtual import EPOCH, virtual_clock, virtually

_OPEN = Manners(rate=1000.0, robots=False)


async def _names(host: str, port: int) -> list[tuple[int, str]]:
    """Every name is this machine."""
    return [(2, "127.0.0.1")]


def _client(origin: Origin, *names: str, **more: Any) -> Client:
    trusted = [origin.base, *(f"http://{name}:{origin.port}" for name in names)]
    settings = {"clock": virtual_clock(), "chance": lambda: 0.0, "lookup": _names, "trusted": trusted} | more
    return Client("a@example.org", **settings)


def _run(handlers: dict[str, Handler], work: Callable[[Origin], Awaitable[None]]) -> Origin:
    async def main() -> Origin:
        async with Origin(handlers) as origin:
            await work(origin)
            return origin

    return virtually(main())


def _gaps(times: list[float]) -> list[float]:
    return [round(later - sooner, 6) for sooner, later in pairwise(times)]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("deaf", [False, True])
def test_retry_after_is_waited_for_by_the_whole_host(
    status: int, form: str, deaf: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if deaf:  # control: a client that does not listen has to be caught
        monkeypatch.setattr(Exchange, "_wait_as_told", lambda *_: None)
    said = "120" if form == "seconds" else formatdate(EPOCH + 120, usegmt=True)
    busy = in_turn(reply(status, Retry_After=said), reply(200, b"now"))

    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            paths = ["/busy", "/one", "/two"]
            await asyncio.gather(*(client.get(origin.url(path), manners=_OPEN) for path in paths))

    origin = _run({"/busy": busy, "*": reply(200, b"fine")}, work)
    early = [at for at in origin.times() if 0.001 < at < 119.0]
    assert len(origin.arrivals) == 4
    assert bool(early) is deaf


def test_one_at_a_time_and_never_faster_than_the_rate() -> None:
    async def slow(_: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            manners = Manners.of(Terms("CC0-1.0", "none", ("**",), rate=2.0, robots=False))
            await asyncio.gather(*(client.get(origin.url(f"/{n}"), manners=manners) for n in range(6)))

    origin = _run({"*": slow}, work)
    assert origin.most_flying == 1
    assert all(gap >= 0.5 - 1e-6 for gap in _gaps(origin.times())) and origin.times()[-1] < 3.0


def test_terms_may_allow_several_at_a_time() -> None:
    async def slow(_: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            manners = Manners(rate=10.0, parallel=3, robots=False)
            await asyncio.gather(*(client.get(origin.url(f"/{n}"), manners=manners) for n in range(7)))

    origin = _run({"*": slow}, work)
    assert origin.most_flying == 3


def test_hosts_do_not_wait_for_each_other() -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin, "a.test", "b.test") as client:
            urls = [origin.url(f"/{n}", f"{host}.test") for host in "ab" for n in range(3)]
            await asyncio.gather(*(client.get(url, manners=Manners(1.0, robots=False)) for url in urls))

    origin = _run({"*": reply(200)}, work)
    assert len([at for at in origin.times() if at < 0.1]) == 2 and origin.times()[-1] == pytest.approx(2, abs=0.1)


def test_a_late_connection_does_not_bring_two_requests_together() -> None:
    """What the first request lost while a name was looked up is not made good by sending the second sooner."""

    async def late(host: str, port: int) -> list[tuple[int, str]]:
        await asyncio.sleep(0.9)
        return [(2, "127.0.0.1")]

    async def work(origin: Origin) -> None:
        async with _client(origin, "a.test", lookup=late) as client:
            urls = [origin.url(f"/{n}", "a.test") for n in range(3)]
            await asyncio.gather(*(client.get(url, manners=Manners(1.0, robots=False)) for url in urls))

    origin = _run({"*": reply(200)}, work)
    assert all(gap >= 1.0 - 1e-6 for gap in _gaps(origin.times()))


def test_failures_back_off_further_each_time_and_end() -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            with pytest.raises(TimedOut, match="500"):
                await client.get(origin.url("/"), manners=_OPEN, limits=Limits(tries=5))

    origin = _run({"/": reply(500)}, work)
    assert _gaps(origin.times()) == [1.0, 2.0, 4.0, 8.0]
    assert [back_off(n, 0.999) > back_off(n, 0.0) for n in range(1, 20)] and back_off(99, 1.0) <= 256.0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        (formatdate(EPOCH + 60, usegmt=True), 60.0),
        (formatdate(EPOCH - 60, usegmt=True), 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("9" * 400, float("inf")),
    ],
)
def test_retry_after_as_number_date_and_garbage(said: str, seconds: float | None) -> None:
    assert retry_after(said, EPOCH) == seconds


def test_a_date_is_counted_from_the_servers_own_clock() -> None:
    ours, theirs = EPOCH, EPOCH - 5000
    assert retry_after(formatdate(theirs + 30, usegmt=True), ours, formatdate(theirs, usegmt=True)) == 30.0


def test_absurd_waits_are_capped_and_reported() -> None:
    findings: list[Finding] = []

    async def work(origin: Origin) -> None:
        async with _client(origin, report=findings.append) as client:
            await client.get(origin.url("/"), manners=_OPEN)

    origin = _run({"/": in_turn(reply(503, Retry_After="99999999"), reply(200))}, work)
    assert _gaps(origin.times()) == [LONGEST_WAIT]
    assert [finding.code for finding in findings] == ["http.retry-after"]


# robots.txt


def _robots(text: str, **more: Handler) -> dict[str, Handler]:
    return {"/robots.txt": reply(200, text.encode(), Content_Type="text/plain"), "*": reply(200, b"x"), **more}


def test_robots_is_fetched_once_obeyed_and_fetched_again_a_day_later() -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            manners = Manners(rate=1000.0)
            await asyncio.gather(*(client.get(origin.url(f"/open/{n}"), manners=manners) for n in range(5)))
            with pytest.raises(RefusedByRights, match="robots"):
                await client.get(origin.url("/closed/1"), manners=manners)
            assert len(origin.times("/robots.txt")) == 1 and not origin.times("/closed")
            await asyncio.sleep(86_401)
            await client.get(origin.url("/open/6"), manners=manners)

    # without connections that are kept, nothing happens all day
    handlers = _robots("User-agent: *\nDisallow: /closed/", **{"*": reply(200, b"x", Connection="close")})
    assert len(_run(handlers, work).times("/robots.txt")) == 2


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: phonolith\nDisallow: /", False),
        ("User-agent: PHONOLITH/0.1\nDisallow: /", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Phonolith\nAllow: /", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: phono\nAllow: /", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: phonolith-other\nAllow: /", False),
        ("User-agent: other\nDisallow: /", True),
        ("User-agent: other\nUser-agent: phonolith\nDisallow: /", False),
        ("\ufeffUser-agent: *\rDisallow: /\r", False),
        ("User-agent: *\nDisallow: /\nAllow: /x", True),
        ("User-agent: *\nDisallow: /*.html$", True),
        ("<html><body>Sign in</body></html>", True),
        ("", True),
    ],
)
def test_whom_robots_means(text: str, allowed: bool) -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            try:
                await client.get(origin.url("/x"), manners=Manners(1000.0))
                assert allowed
            except RefusedByRights:
                assert not allowed

    assert bool(_run(_robots(text), work).times("/x")) is allowed


@pytest.mark.parametrize("asked", ["Crawl-delay: 7", "Request-rate: 1/7", "Request-rate: 2/14s"])
def test_the_patience_robots_asks_for_counts(asked: str) -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            for n in range(4):
                await client.get(origin.url(f"/{n}"), manners=Manners(1000.0))

    origin = _run(_robots(f"User-agent: *\n{asked}"), work)
    assert all(gap >= 7.0 - 1e-6 for gap in _gaps(origin.times()[1:]))


def test_a_delay_beyond_reason_is_a_refusal() -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            with pytest.raises(RefusedByRights) as caught:
                await client.get(origin.url("/x"), manners=Manners(1000.0))
            assert caught.value.code == "robots.delay"

    _run(_robots("User-agent: *\nCrawl-delay: 1e9"), work)


@pytest.mark.parametrize(
    ("robots", "code"),
    [
        (reply(404), ""),
        (reply(403), ""),
        (reply(400), ""),
        (reply(500), "robots.unreachable"),
        (reply(501), "robots.unreachable"),
        (reply(304), "robots.unreachable"),
        (reply(503), "robots.unreachable"),
        (reply(429), "robots.unreachable"),
        (raw(), "robots.unreachable"),
        (raw(close=False), "robots.unreachable"),
        (reply(302, Location="/robots.txt"), ""),
        (reply(302, Location="http://192.168.0.1/robots.txt"), "robots.unreachable"),
        (reply(200, b"User-agent: *\nAllow: /\n" + b"# long\n" * 200_000 + b"Disallow: /"), ""),
        (raw(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /"), "robots.disallowed"),
    ],
)
def test_what_a_robots_that_fails_means(robots: Handler, code: str) -> None:
    """RFC 9309 section 2.3.1: 4xx allows everything, what cannot be read now allows nothing for now."""

    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            for _ in range(2):  # what was found is remembered
                try:
                    await client.get(origin.url("/x"), manners=Manners(1000.0), limits=Limits(tries=2))
                    assert not code
                except PhonolithError as error:
                    assert error.code == code

    origin = _run({"/robots.txt": robots, "/x": reply(200, b"x")}, work)
    assert len(origin.times("/robots.txt")) <= 2 and bool(origin.times("/x")) is not bool(code)


def test_robots_of_two_hosts_that_lead_to_each_other_end() -> None:
    async def there(request: Any, writer: asyncio.StreamWriter) -> None:
        host = "b.test" if request.headers["host"].startswith("a.test") else "a.test"
        port = request.headers["host"].rpartition(":")[2]
        await reply(301, Location=f"http://{host}:{port}/robots.txt")(request, writer)

    async def work(origin: Origin) -> None:
        async with _client(origin, "a.test", "b.test") as client:
            urls = [origin.url("/x", "a.test"), origin.url("/x", "b.test")]
            await asyncio.gather(*(client.get(url, manners=Manners(1000.0)) for url in urls))

    assert len(_run({"/robots.txt": there, "/x": reply(200, b"x")}, work).times("/x")) == 2


def test_terms_that_speak_for_a_host_do_not_speak_for_where_it_leads() -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin, "api.test", "other.test") as client:
            with pytest.raises(RefusedByRights):
                await client.get(origin.url("/go", "api.test"), manners=Manners(1000.0, robots=False))

    async def go(request: Any, writer: asyncio.StreamWriter) -> None:
        port = request.headers["host"].rpartition(":")[2]
        await reply(302, Location=f"http://other.test:{port}/x")(request, writer)

    origin = _run(_robots("User-agent: *\nDisallow: /", **{"/go": go}), work)
    assert [one.path for one in origin.arrivals] == ["/go", "/robots.txt"]


# who we say we are, and what goes along


def test_no_contact_no_client() -> None:
    for contact in ("", "  ", "nobody", "a@example.org\r\nX: y", "ä@example.org"):
        with pytest.raises(SettingError, match="contact"):
            Client(contact)


@pytest.mark.parametrize(("rate", "parallel"), [(0.0, 1), (-1.0, 1), (float("nan"), 1), (1.0, 0)])
def test_manners_that_never_ask_are_not_made(rate: float, parallel: int) -> None:
    with pytest.raises(SettingError):
        Manners(rate, parallel)


def test_each_request_says_who_asks_and_brings_no_more() -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            await client.get(origin.url("/set"), manners=_OPEN)
            await client.get(
                origin.url("/x"), manners=_OPEN, validator=Validator('"a"', "yesterday"), accept="text/xml"
            )

    first, second = _run({"*": reply(200, Set_Cookie="a=b")}, work).arrivals
    assert first.headers["user-agent"].startswith("Phonolith/") and "(+a@example.org)" in first.headers["user-agent"]
    assert set(first.headers) == {"host", "user-agent", "accept", "accept-encoding"}
    assert second.headers["accept"] == "text/xml" and second.headers["if-none-match"] == '"a"'
    assert "cookie" not in second.headers


def test_a_token_stays_with_the_origin_it_is_for() -> None:
    async def go(request: Any, writer: asyncio.StreamWriter) -> None:
        port = request.headers["host"].rpartition(":")[2]
        await reply(302, Location=f"http://b.test:{port}/x")(request, writer)

    async def work(origin: Origin) -> None:
        async with _client(origin, "a.test", "b.test") as client:
            token = {"Authorization": "Token abc"}
            for path in ("/near", "/go"):
                await client.get(origin.url(path, "a.test"), manners=_OPEN, headers=token)

    handlers = {"/go": go, "/near": reply(302, Location="/x"), "/robots.txt": reply(404), "/x": reply(200)}
    seen = [(one.path, one.headers.get("authorization")) for one in _run(handlers, work).arrivals]
    told = [("/near", "Token abc"), ("/x", "Token abc"), ("/go", "Token abc"), ("/robots.txt", None), ("/x", None)]
    assert seen == told


def test_unchanged() -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            first = await client.get(origin.url("/"), manners=_OPEN)
            assert not first.unchanged and first.body == b"text" and first.charset == "utf-8"
            assert (await client.get(origin.url("/"), manners=_OPEN, validator=first.validator)).unchanged

    async def page(request: Any, writer: asyncio.StreamWriter) -> None:
        if request.headers.get("if-none-match") == '"v1"':
            await reply(304, ETag='"v1"')(request, writer)
        else:
            await reply(200, b"text", ETag='"v1"', Content_Type="Text/Plain; Charset=UTF-8")(request, writer)

    _run({"/": page}, work)


@pytest.mark.parametrize("etag", ['"\xff"', '"' + "a" * 2000 + '"', '"a\tb"', ""])
def test_a_validator_that_cannot_be_sent_back_is_none(etag: str) -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            first = await client.get(origin.url("/"), manners=_OPEN)
            assert not first.validator
            assert not (await client.get(origin.url("/"), manners=_OPEN, validator=first.validator)).unchanged

    _run({"/": reply(200, b"x", ETag=etag)}, work)


def test_a_mistake_of_ours_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            monkeypatch.setattr(client, "_answer", None)
            with pytest.raises(TypeError):
                await client.get(origin.url("/"), manners=_OPEN)

    _run({"/": reply(200)}, work)


def test_what_is_waited_for_is_told() -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            asked = [asyncio.ensure_future(client.get(origin.url(f"/{n}"), manners=_OPEN)) for n in range(3)]
            await asyncio.sleep(5)
            (waiting,) = client.live().waiting
            assert (waiting.host, waiting.requests) == ("127.0.0.1", 3)
            assert waiting.why == "it answered 503 and asked for 100 s" and waiting.until == pytest.approx(100, abs=1)
            assert client.ready_at(origin.base) == waiting.until
            await asyncio.gather(*asked)
            live = client.live()
            assert (live.requests, live.answers, live.retries, live.bytes, live.waiting) == (4, 3, 1, 3, ())

    _run({"/0": in_turn(reply(503, Retry_After="100"), reply(200, b"x")), "*": reply(200, b"x")}, work)


def test_who_is_cancelled_while_waiting_gives_the_place_up() -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            manners = Manners(0.1, robots=False)
            asked = [asyncio.ensure_future(client.get(origin.url(f"/{n}"), manners=manners)) for n in range(4)]
            await asyncio.sleep(1)
            asked[1].cancel()
            asked[2].cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            assert not client.live().in_flight

    assert [one.path for one in _run({"*": reply(200)}, work).arrivals] == ["/0", "/3"]


def test_an_origin_may_be_another() -> None:
    assert base("musicbrainz", "https://musicbrainz.org", {"musicbrainz": "http://127.0.0.1:5000/mb/"}) == (
        "http://127.0.0.1:5000/mb"
    )
    assert base("musicbrainz", "https://musicbrainz.org/", {}) == "https://musicbrainz.org"


def test_a_question_too_long_for_an_address_is_posted(tmp_path: Path) -> None:
    async def work(origin: Origin) -> None:
        async with _client(origin) as client:
            kind = {"Content-Type": "application/json"}
            await client.get(origin.url("/"), manners=_OPEN, body=b'{"ids": []}', headers=kind)

    (asked,) = _run({"/": reply(200)}, work).arrivals
    assert (asked.method, asked.body, asked.headers["content-type"]) == ("POST", b'{"ids": []}', "application/json")
