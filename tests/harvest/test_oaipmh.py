"""Harvesting a repository by OAI-PMH: real answers, and a repository that is asked in every way it may answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest

from phonolith.errors import BadInput, Interrupted, UsageError
from phonolith.harvest.online import Means, Order, harvest_online, resume, runs
from phonolith.harvest.report import HarvestReport
from phonolith.model.frontier import Run
from phonolith.model.progress import Silent
from phonolith.sources.base import SETTINGS, open_source
from phonolith.sources.client.answers import Answer, Manners
from phonolith.sources.oai_answers import Refusal, read_list, read_repository
from phonolith.store.archive import Archive
from tests.harvest.test_gather import Clock
from tests.sources.asked import Asked

URL = "https://music.example/oai"
NAME = "oaipmh.music-example"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>{time}</responseDate><request>x</request>{body}</OAI-PMH>"
)


@dataclass
class Repository(Asked):
    """Answers as a repository does: ``held`` maps identifiers to (date, title), a title of None is deleted."""

    kind = "text/xml"
    held: dict[str, tuple[str, str | None]]
    size: int = 2
    granularity: str = "YYYY-MM-DDThh:mm:ssZ"
    time: str = "2026-01-05T00:00:00Z"
    total: int | None = None
    expired: set[str] = field(default_factory=set)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    answer: Callable[[Mapping[str, str]], str | None] = lambda _: None

    def told(self, url: str, headers: Mapping[str, str], manners: Manners | None, body: bytes | None) -> bytes:
        query = {name: some[0] for name, some in parse_qs(urlsplit(url).query).items()}
        self.asked.append(query)
        text = HEAD.format(time=self.time, body=self.answer(query) or self._answer(query))
        return text.encode()

    def _answer(self, query: Mapping[str, str]) -> str:
        if query["verb"] == "Identify":
            return (
                f"<Identify><repositoryName>R</repositoryName><granularity>{self.granularity}</granularity></Identify>"
            )
        token = query.get("resumptionToken", "")
        if token in self.expired:
            self.expired.remove(token)
            return '<error code="badResumptionToken">expired</error>'
        start, _, since = token.partition("|") if token else ("0", "", query.get("from", ""))
        start = start if start.isdecimal() else "0"  # a liar's token, to an honest one
        found = sorted((date, key, title) for key, (date, title) in self.held.items() if date >= since)
        if not found:
            return '<error code="noRecordsMatch"/>'
        part = found[int(start) : int(start) + self.size]
        after = int(start) + self.size
        size = f' completeListSize="{len(found) if self.total is None else self.total}"'
        leads = f"<resumptionToken{size}>{f'{after}|{since}' if after < len(found) else ''}</resumptionToken>"
        return "<ListRecords>" + "".join(_record(*one) for one in part) + leads + "</ListRecords>"


def _record(date: str, key: str, title: str | None) -> str:
    status = ' status="deleted"' if title is None else ""
    header = f"<header{status}><identifier>{key}</identifier><datestamp>{date}</datestamp></header>"
    if title is None:
        return f"<record>{header}</record>"
    return (
        f'<record>{header}<metadata><dc:dc xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}'
        "</dc:title><dc:type>Sound</dc:type></dc:dc></metadata></record>"
    )


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", name="test", contact="a@example.org", now=Clock()())


def means(repository: Repository, clock: Clock | None = None) -> Means:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Repository]:
        yield repository

    return Means(connect, {}, Silent(), clock or Clock(datetime(2026, 2, 1, tzinfo=UTC)))


def harvest(archive: Archive, repository: Repository, **order: object) -> tuple[HarvestReport, Run]:
    return harvest_online(archive, Order("oaipmh", {"url": (URL,)}, **order), means(repository))  # type: ignore[arg-type]


def titles(archive: Archive) -> dict[str, str]:
    source = open_source(NAME)
    with archive.records() as store:
        said = ((record.item, list(source.interpret(record))) for record in store.scan([NAME]))
        return {item: getattr(some[0], "title", "") for item, some in said if item != SETTINGS}


def test_a_list_in_parts_and_then_what_changed(archive: Archive) -> None:
    repository = Repository({f"oai:x:{n}": (f"2026-01-0{n}T00:00:00Z", f"T{n} & é") for n in range(1, 6)})
    report, run = harvest(archive, repository)
    assert titles(archive) == {f"oai:x:{n}": f"T{n} & é" for n in range(1, 6)}
    assert (report.new, run.listed, run.total, run.high_water) == (6, 5, 5, "2026-01-05T00:00:00Z")
    assert [query.get("resumptionToken") for query in repository.asked[1:]] == [None, "2|", "4|"]

    later = Repository(dict(repository.held), time="2026-01-09T00:00:00Z")
    later.held |= {"oai:x:2": ("2026-01-06T00:00:00Z", None), "oai:x:3": ("2026-01-07T00:00:00Z", "anew")}
    report, run = harvest(archive, later)
    assert later.asked[1]["from"] == "2026-01-05T00:00:00Z"
    assert (report.changed, report.gone, report.unchanged) == (1, 1, 2)  # who it is, and the item of that very second
    assert "oai:x:2" not in titles(archive) and titles(archive)["oai:x:3"] == "anew"
    report, run = harvest(archive, Repository({}, time="2026-01-10T00:00:00Z"))
    assert run.high_water == "2026-01-10T00:00:00Z" and not report.findings  # nothing changed is no fault


def test_a_repository_that_counts_days_is_asked_for_days(archive: Archive) -> None:
    harvest(archive, Repository({"oai:x:1": ("2026-01-01", "T")}, granularity="YYYY-MM-DD"))
    again = Repository({"oai:x:1": ("2026-01-06", "T")}, granularity="YYYY-MM-DD")
    harvest(archive, again)
    assert again.asked[1]["from"] == "2026-01-05"


@pytest.mark.parametrize("time", ["2999-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "soon"])
def test_a_clock_that_runs_ahead_hides_nothing_that_is_still_to_come(archive: Archive, time: str) -> None:
    harvest(archive, Repository({"oai:x:1": ("2026-01-01T00:00:00Z", "T")}, time=time))
    again = Repository({"oai:x:2": ("2026-02-02T00:00:00Z", "U")}, time=time)
    harvest(archive, again)
    assert again.asked[1].get("from", "") <= "2026-02-01T00:00:00Z"
    assert "oai:x:2" in titles(archive)


def test_what_is_no_identifier_is_not_kept_as_what_we_say_of_the_collection(archive: Archive) -> None:
    report, _ = harvest(archive, Repository({SETTINGS: ("2026-01-01T00:00:00Z", "T")}))
    assert [one.code for one in report.findings] == ["oai.nameless"] and report.new == 1
    with archive.records() as store:
        assert [b"repositoryName" in one.payload for one in store.scan([NAME])] == [True]


def test_a_token_that_is_none_is_not_the_end_of_the_list(archive: Archive) -> None:
    held = {f"oai:x:{n}": ("2026-01-01T00:00:00Z", "T") for n in range(2)}
    nested = _page("oai:x:0", "<b>2|</b>")
    liar = Repository(held, answer=lambda query: nested if query["verb"] == "ListRecords" else None)
    report, run = harvest(archive, liar)
    assert run.high_water == "" and "no token" in report.findings[0].problem
    assert report.findings[0].severity == "error"


def test_an_expired_token_begins_the_list_again_and_keeps_nothing_twice(archive: Archive) -> None:
    held = {f"oai:x:{n}": ("2026-01-01T00:00:00Z", f"T{n}") for n in range(5)}
    report, run = harvest(archive, Repository(held, expired={"2|"}))
    assert len(titles(archive)) == 5 and report.new == 6 and run.finished


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda query: None, "ended after 2 of the 9"),
        (lambda query: _page("a", "same") if query["verb"] == "ListRecords" else None, "circle"),
        (
            lambda query: _page("", f"t{query.get('resumptionToken', '')}") if query["verb"] == "ListRecords" else None,
            "two of its lists in a row",
        ),
    ],
    ids=["short", "the same token for ever", "empty parts without end"],
)
def test_lists_that_lie_are_findings_and_can_be_gone_on_with(
    archive: Archive, answer: Callable[[Mapping[str, str]], str | None], words: str
) -> None:
    liar = Repository({f"oai:x:{n}": ("2026-01-01T00:00:00Z", "T") for n in range(2)}, total=9, answer=answer)
    report, run = harvest(archive, liar)
    assert words in run.problem and not run.finished and run.high_water == ""
    assert [one.code for one in report.findings] == ["harvest.list"]
    assert len(liar.asked) <= 6
    with archive.records() as store:
        assert [one.source for one in runs(store)] == [NAME]
    with pytest.raises(UsageError, match="something else"):
        harvest_online(archive, Order("oaipmh", {"url": (URL,), "prefix": ("mods",)}), means(Repository({})))
    honest = Repository({f"oai:x:{n}": ("2026-01-01T00:00:00Z", "T") for n in range(3)})
    _, run = resume(archive, NAME, means(honest))
    assert run.finished and len(titles(archive)) >= 3


def _page(key: str, token: str) -> str:
    record = _record("2026-01-01T00:00:00Z", key, "T") if key else ""
    return f"<ListRecords>{record}<resumptionToken>{token}</resumptionToken></ListRecords>"


def test_a_limit_is_kept(archive: Archive) -> None:
    report, run = harvest(archive, Repository({f"oai:x:{n}": ("2026-01-01", "T") for n in range(50)}), limit=7)
    assert report.total <= 9 and run.finished and run.high_water == ""


@pytest.mark.parametrize("url", ["music.example", "ftp://music.example/oai", "https://music.example/oai?verb=Identify"])
def test_an_address_that_is_none_is_refused(archive: Archive, url: str) -> None:
    with pytest.raises(UsageError, match="address"):
        harvest_online(archive, Order("oaipmh", {"url": (url,)}), means(Repository({})))


def test_real_answers(shared_data: Path) -> None:
    folder = shared_data / "oai-pmh" / "sickle" / "sample_data"

    def data(name: str) -> bytes:
        return (folder / f"{name}.xml").read_bytes()

    parts = [read_list(data(f"ListRecords{n}"), "x") for n in ("", "2", "3", "4")]
    assert [bool(part.token) for part in parts] == [True, True, True, False]
    assert sum(len(part.items) + part.nameless for part in parts) == 8 == parts[0].total
    assert [part.nameless for part in parts] == [0, 0, 0, 1]
    assert [one.deleted for one in parts[0].items].count(True) >= 1
    told = read_repository(data("Identify"), "x")
    assert (told.name, told.granularity, told.deleted) == ("A Test Repository", "YYYY-MM-DD", "persistent")
    words = ("badArgument", "badResumptionToken", "cannotDisseminateFormat", "idDoesNotExist", "noRecordsMatch")
    for word in (*words, "noSetHierarchy"):
        with pytest.raises(Refusal) as caught:
            read_list(data(word), "x")
        assert caught.value.word == word
    with pytest.raises(BadInput) as broken:
        read_list(data("ListRecordsBroken"), "x")
    assert broken.value.code == "xml.broken"
    helda = read_list((shared_data / "oai-pmh" / "helda" / "ListRecords.xml").read_bytes(), "x")
    assert len(helda.items) == 1 and helda.token == ""


def test_nothing_is_left_running_after_a_stop(archive: Archive) -> None:
    class Stopped(Repository):
        async def get(self, url: str, **more: object) -> Answer:  # type: ignore[override]
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return await super().get(url)

    held = {f"oai:x:{n}": ("2026-01-01T00:00:00Z", "T") for n in range(5)}
    with pytest.raises(Interrupted, match="stopped"):
        harvest(archive, Stopped(held))
    _, run = resume(archive, NAME, means(Repository(held)))
    assert run.finished and len(titles(archive)) == 5
