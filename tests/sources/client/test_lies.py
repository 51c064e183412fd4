"""Every lie an origin can tell ends in its written verdict, within its time and memory."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from phonolith.errors import PhonolithError
from phonolith.model.finding import Finding
from phonolith.sources.client import answers, codes
from phonolith.sources.client.answers import Limits, Manners
from phonolith.sources.client.client import Client
from tests.lying import LIES, Origin, reply
from tests.virtual import virtual_clock, virtually

_LIMITS = Limits(body=8 << 20, tries=3)
_FREE = Manners(rate=1000, robots=False)

#: The longest any one try may take, and what lies between three of them at most (back-off, or an hour asked for).
_TRY = 62.0
_BETWEEN = 2 * 8.0


async def _told(path: str, limits: Limits = _LIMITS) -> tuple[str, float, list[Finding]]:
    """The code of the verdict ("answer" if it was believed), virtual seconds, findings. Each try is one request."""
    loop, findings = asyncio.get_running_loop(), list[Finding]()
    async with Origin({path: handler for path, (handler, _) in LIES.items()}) as origin:
        settings = {"clock": virtual_clock(), "chance": lambda: 0.99, "trusted": [origin.base]}
        async with Client("a@example.org", report=findings.append, **settings) as client:  # type: ignore[arg-type]
            began = loop.time()
            try:
                await client.get(origin.url(path), manners=_FREE, limits=limits)
            except PhonolithError as error:
                assert isinstance(error, codes.CODES[error.code][0])
                assert len(origin.times(path)) <= (limits.tries if codes.worth_another_try(error.code) else 2)
                assert "127.0.0.1" in error.subject or error.code in ("http.inward", "http.address")
                return error.code, loop.time() - began, findings
            return "answer", loop.time() - began, findings


@pytest.mark.parametrize("path", LIES)
def test_each_lie_has_its_verdict(path: str) -> None:
    code, seconds, findings = virtually(_told(path))
    assert code == LIES[path][1]
    asked_to_wait = 2 * 3600.0 if path == "/absurd-retry" else 0.0
    tries = 3 if codes.worth_another_try(code) else 1
    assert seconds <= tries * _TRY + _BETWEEN + asked_to_wait
    assert {finding.code for finding in findings} == ({"http.retry-after"} if path.endswith("-retry") else set())


def _peak(path: str, limits: Limits) -> int:
    """Most bytes of Python's memory above what was there, of origin and client together, while a lie is told."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        virtually(_told(path, limits))
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("path", ["/gzip-bomb", "/zstd-bomb", "/endless", "/header-endless", "/chunk-extension-flood"])
def test_a_flood_takes_little_memory(path: str) -> None:
    assert _peak(path, Limits(body=8 << 20, tries=1)) < 24 << 20


def test_control_without_caps_a_bomb_takes_what_it_wants() -> None:
    assert _peak("/gzip-bomb", Limits(body=1 << 30, ratio=1 << 30, tries=1)) > 256 << 20


def test_every_code_is_tried_or_raised_elsewhere() -> None:
    """The table of codes is complete: what no lie here ends in is tried in the other files of this folder."""
    others = "downgrade redirects elsewhere tls dns json kind size digest"
    elsewhere = {code for code in codes.CODES if code.startswith("robots.")} | {f"http.{one}" for one in others.split()}
    assert {code for _, code in LIES.values()} | elsewhere == set(codes.CODES)


def test_redirects_end() -> None:
    async def main() -> str:
        hops = {f"/{n}": reply(302, Location=f"/{n + 1}") for n in range(20)}
        async with (
            Origin(hops) as origin,
            Client("a@example.org", clock=virtual_clock(), trusted=[origin.base]) as client,
        ):
            with pytest.raises(PhonolithError) as caught:
                await client.get(origin.url("/0"), manners=_FREE)
            assert len(origin.arrivals) == 11
            return caught.value.code

    assert virtually(main()) == "http.redirects"


def test_who_is_asked_alone_does_not_lead_to_another() -> None:
    """Both were named and may be asked; the one may not lead to the other where redirects are to stay on its host."""

    async def main() -> None:
        async with Origin({"/": reply(200, b"four")}) as other:
            other_base = other.base.replace("127.0.0.1", "localhost")
            away = {"/": reply(302, Location=f"{other_base}/"), "/on": reply(302, Location="/two"), "/two": reply(200)}
            async with (
                Origin(away) as origin,
                Client("a@example.org", clock=virtual_clock(), trusted=[origin.base, other_base]) as client,
            ):
                stay = answers.Limits(leaves_host=False, tries=1)
                assert (await client.get(origin.url("/on"), manners=_FREE, limits=stay)).status == 200
                with pytest.raises(PhonolithError) as caught:
                    await client.get(origin.url("/"), manners=_FREE, limits=stay)
                assert caught.value.code == "http.elsewhere" and not other.arrivals
                assert (await client.get(origin.url("/"), manners=_FREE)).body == b"four"

    virtually(main())


_NO_JSON = {
    "cut": b"{",
    "empty": b"",
    "a number that is none": b'{"a": NaN}',
    "a number beyond any": b'{"a": 1e999}',
    "digits without end": b"9" * 10_000,
    "half a surrogate pair": b'"\\ud800"',
    "half a surrogate pair, encoded": b'"\xed\xa0\x80"',
    "Latin-1": '"Blå"'.encode("latin-1"),
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "deeper than any stack": b"[" * 100_000 + b"]" * 100_000,
}


def _said(body: bytes) -> answers.Answer:
    return answers.Answer(200, "http://a.test/", "application/json", "", body, 1, answers.Validator(), {})


@pytest.mark.parametrize("body", _NO_JSON.values(), ids=_NO_JSON)
def test_an_answer_that_is_no_json(body: bytes) -> None:
    with pytest.raises(PhonolithError) as caught:
        _said(body).json()
    assert caught.value.code == "http.json"


def test_an_answer_in_json() -> None:
    assert _said(b'\xef\xbb\xbf{"a": "Bl\xc3\xa5", "b": 1, "a": 2}').json() == {"a": 2, "b": 1}
