"""Harvesting archive.org from a server on loopback: real items and made-up ones, and everything that goes wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from phonolith.errors import NotFound, UsageError
from phonolith.harvest.fetch import Means as Files
from phonolith.harvest.fetch import Wanted, fetch
from phonolith.harvest.online import Means, Order, harvest_online, resume
from phonolith.harvest.report import HarvestReport
from phonolith.model.frontier import Fate, Run
from phonolith.model.progress import Silent
from phonolith.model.record import Record
from phonolith.rights.gate import Policy
from phonolith.sources.base import SETTINGS
from phonolith.sources.client import client as clients
from phonolith.sources.client.pace import Clock as Pace
from phonolith.store.archive import Archive
from tests.harvest.archive_org import ArchiveOrg
from tests.harvest.test_gather import Clock

NAME = "internetarchive.netlabels"
BY = "https://creativecommons.org/licenses/by/4.0/"
BY_NC = "https://creativecommons.org/licenses/by-nc/4.0/"


class Stopped(Exception):
    """The program ends here."""


class Client(clients.Client):
    """The one client, on a clock that takes no time to wait; it ends the program before its ``after``-th question."""

    def __init__(self, base: str, after: int | None) -> None:
        self._now, self._after = 1_000.0, after
        super().__init__("a@example.org", clock=Pace(self._time, self._time, self._sleep), trusted=[base])

    async def get(self, url: str, **how: Any) -> Any:
        if self._after is not None:
            self._after -= 1
            if self._after < 0:
                raise Stopped
        return await super().get(url, **how)

    def _time(self) -> float:
        return self._now

    async def _sleep(self, seconds: float) -> None:
        self._now += seconds


def item(identifier: str, licence: str = BY, **metadata: Any) -> dict[str, Any]:
    said = {"identifier": identifier, "mediatype": "audio", "title": f"T {identifier}", "collection": ["netlabels"]}
    files = [{"name": "01.flac", "source": "original", "format": "Flac", "title": "One", "size": "9", "md5": "a" * 32}]
    return {"metadata": {**said, **({"licenseurl": licence} if licence else {}), **metadata}, "files": files}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", name="test", contact="a@example.org", now="2026-01-01T00:00:00Z")


@pytest.fixture
def there() -> Iterator[ArchiveOrg]:
    collection = {"metadata": {"identifier": "netlabels", "mediatype": "collection", "licenseurl": BY_NC}}
    with ArchiveOrg({"netlabels": collection, **{f"i{n}": item(f"i{n}") for n in range(5)}}) as one:
        yield one


def means(there: ArchiveOrg, after: int | None = None) -> Means:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Client]:
        async with Client(there.base, after) as client:
            yield client

    clock = Clock()

    def hour() -> str:  # later, so that nobody waits for what is tried again
        clock.now += timedelta(hours=1)
        return clock()

    return Means(connect, {"internetarchive": there.base}, Silent(), hour)


def harvest(archive: Archive, there: ArchiveOrg, after: int | None = None, **order: Any) -> tuple[HarvestReport, Run]:
    wish = order.pop("wish", {"collection": ("netlabels",)})
    return harvest_online(archive, Order("internetarchive", wish, **order), means(there, after))


def records(archive: Archive) -> dict[str, Record]:
    with archive.records() as store:
        return {one.item: one for one in store.scan([NAME]) if one.item != SETTINGS}


def test_a_list_in_parts_then_only_what_changed(archive: Archive, there: ArchiveOrg) -> None:
    there.updated = {"i4": "2025-06-01T10:00:00Z"}
    report, run = harvest(archive, there)
    assert sorted(records(archive)) == ["i0", "i1", "i2", "i3", "i4"]
    assert (report.new, run.listed, run.total, run.high_water) == (6, 5, 5, "2025-06-01T10:00:00Z")
    first = there.queries[0]
    assert first["q"] == "mediatype:(audio OR etree) AND collection:(netlabels)" and "count" not in first
    assert [one.get("cursor") for one in there.queries] == [None, "c2", "c4"]
    kept = json.loads(records(archive)["i0"].payload)
    assert set(kept) == {"metadata", "files"}, "what is about the answer only is not kept"

    there.updated |= {"i1": "2025-06-02T00:00:00Z"}
    there.items["i1"]["metadata"]["title"] = "Anew"
    there.asked.clear()
    report, run = harvest(archive, there)
    assert there.queries[-1]["q"].endswith("oai_updatedate:[2025-06-01T00:00:00Z TO null]")
    assert there.metadata() == ["netlabels", "i1", "i4"]
    assert (report.changed, report.unchanged, report.gone) == (1, 2, 0)  # i4, of that day, and the collection
    assert run.high_water == "2025-06-02T00:00:00Z"


def test_a_limit_brings_the_next_ones_each_time_until_all_are_there(archive: Archive, there: ArchiveOrg) -> None:
    met: list[str] = []
    for turn in range(3):  # two of six records each time: the collection has one
        report, run = harvest(archive, there, limit=2)
        if turn < 2:
            assert run.finished and run.high_water == "" and report.waiting > 0 and report.gone == 0
            assert not report.findings
        met += [one for one in there.metadata() if one != "netlabels"]
        there.asked.clear()
    assert sorted(records(archive)) == sorted(met) == ["i0", "i1", "i2", "i3", "i4"], "each was asked for once"
    assert [one.get("cursor") for one in there.queries] == [None, "c2", "c4"], "the list was read once"
    assert (report.waiting, run.high_water != "") == (0, True), "at its end it is a whole harvest"


def test_what_waits_at_a_limit_is_gone_on_with_or_begun_anew(archive: Archive, there: ArchiveOrg) -> None:
    harvest(archive, there, limit=2)
    named = harvest(archive, there, limit=2, since="2024-01-01")[1]
    assert named.since == "2024-01-01" and len(there.queries) > 3, "another order is another list"
    harvest(archive, there, limit=2, anew=True)
    with archive.records() as store:
        waiting = store.frontier(NAME).counts()[Fate.WAITING]
    report, run = resume(archive, NAME, means(there))
    assert (report.waiting, run.finished != "") == (0, True) and waiting >= report.total - 1
    assert sorted(records(archive)) == ["i0", "i1", "i2", "i3", "i4"]
    with pytest.raises(UsageError, match="no harvest to go on with"):
        resume(archive, NAME, means(there))


@pytest.mark.parametrize("validates", [True, False], ids=["with entity tags", "without"])
def test_the_same_item_is_no_new_record_whatever_serves_it(
    archive: Archive, there: ArchiveOrg, validates: bool
) -> None:
    there.validates = validates
    harvest(archive, there)
    report, _ = harvest(archive, there, everything=True)
    assert (report.new, report.changed, report.unchanged) == (0, 0, 6)


def test_a_query_is_asked_as_it_is_written(archive: Archive, there: ArchiveOrg) -> None:
    report, run = harvest(archive, there, wish={"query": ("creator:Ann OR subject:drone",)}, since="2024-01-01")
    assert run.source == "internetarchive.creator-ann-or-subject-drone"
    assert "AND (creator:Ann OR subject:drone) AND oai_updatedate:[2024-01-01T00:00:00Z" in there.queries[0]["q"]
    assert report.new == 5


def test_files_are_asked_of_who_stands_in_for_the_archive(archive: Archive, there: ArchiveOrg) -> None:
    """``harvest.origins`` says where items are asked, and the collection's files are asked there too."""
    asked: list[str] = []

    class Nowhere(Client):
        async def download(self, url: str, folder: Path, **how: Any) -> Any:
            asked.append(url)
            raise NotFound(url, "is not there")

    harvest(archive, there)
    known = {"internetarchive": there.base}
    fetch(archive, NAME, Wanted(), Files(lambda: Nowhere(there.base, None), known, Policy(), Silent(), Clock()))
    assert sorted(asked) == [f"{there.base}/download/i{n}/01.flac" for n in range(5)]


@pytest.mark.parametrize("after", range(10))
def test_ended_anywhere_it_goes_on_without_loss_or_repetition(archive: Archive, there: ArchiveOrg, after: int) -> None:
    with pytest.raises(Stopped):
        harvest(archive, there, after=after % 9)
    _, run = harvest(archive, there) if after % 2 else resume(archive, NAME, means(there))
    assert sorted(records(archive)) == ["i0", "i1", "i2", "i3", "i4"] and run.finished
    asked = Counter(there.metadata())
    assert all(asked[f"i{n}"] == 1 for n in range(5)), asked
    assert (run.listed, run.new) == (5, 6)


def test_items_that_vanished_went_dark_or_are_empty_are_gone(archive: Archive, there: ArchiveOrg) -> None:
    harvest(archive, there)
    there.listed = ("i0", "i1", "i2")
    del there.items["i0"]  # {}
    there.items["i1"] = {"is_dark": True, "metadata": {"identifier": "i1"}}
    there.instead = lambda request: (404, "no") if request.path.endswith("/i2") else None
    there.updated = dict.fromkeys(("i0", "i1", "i2"), "2025-07-01T00:00:00Z")
    report, run = harvest(archive, there)
    assert report.gone == 3 and sorted(records(archive)) == ["i3", "i4"] and run.finished


def test_a_licence_that_changed_counts_and_the_older_one_stays_on_record(archive: Archive, there: ArchiveOrg) -> None:
    harvest(archive, there)
    was = records(archive)["i3"]
    there.items["i3"] = item("i3", BY_NC)
    there.updated = {"i3": "2025-07-01T00:00:00Z"}
    report, _ = harvest(archive, there)
    assert report.changed == 1
    now = records(archive)["i3"]
    assert (
        json.loads(now.payload)["metadata"]["licenseurl"] == BY_NC != json.loads(was.payload)["metadata"]["licenseurl"]
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"items": [{"identifier": "i0"}], "cursor": "c2", "total": 5}, "circle"),
        ({"items": [{"identifier": "i0"}], "total": 5}, "ended after 1 of the 5"),
    ],
    ids=["the cursor again", "short of its own total"],
)
def test_lists_that_lie_are_findings_and_nothing_moves(
    archive: Archive, there: ArchiveOrg, body: dict[str, Any], words: str
) -> None:
    there.instead = lambda request: (200, body) if "scrape" in request.path else None
    report, run = harvest(archive, there)
    assert words in run.problem and not run.finished and run.high_water == ""
    assert [one.code for one in report.findings] == ["harvest.list"]
    assert sum("scrape" in path for path in there.asked) <= 3


def test_two_parts_that_name_nothing_end_the_list(archive: Archive, there: ArchiveOrg) -> None:
    def empty(request: web.Request) -> tuple[int, Any] | None:
        cursor = int(request.query.get("cursor", "0"))
        return (200, {"items": [], "cursor": str(cursor + 1)}) if "scrape" in request.path else None

    there.instead = empty
    _, run = harvest(archive, there)
    assert "name nothing" in run.problem and not run.finished


def test_more_than_its_total_is_no_fault(archive: Archive, there: ArchiveOrg) -> None:
    there.total = 4
    report, run = harvest(archive, there)
    assert run.finished and run.high_water and not report.findings and len(records(archive)) == 5


@pytest.mark.parametrize(
    ("path", "answer", "code"),
    [
        ("/metadata/i1", (200, {"error": "the item is busy"}), "harvest.failed"),
        ("/metadata/i1", (200, "<html>soon</html>"), "harvest.failed"),
        ("/metadata/i1", (200, [1]), "harvest.failed"),
        ("/metadata/i1", (200, '{"metadata": {"identifier": "i1", "mediatype": "audio"}, "x": NaN}'), "harvest.failed"),
        ("/metadata/i1", (200, '{"metadata": {"identifier": "i1"}, "x": "\\ud800"}'), "harvest.failed"),
        ("/metadata/i1", (200, '{"x":' + "[" * 100_000 + "]" * 100_000 + "}"), "harvest.failed"),
        ("/metadata/i1", (200, {"metadata": {"identifier": "i2"}}), "harvest.failed"),
        ("/metadata/i1", (403, "no"), "harvest.refused"),
        ("/scrape", (200, {"error": "the search is busy"}), "harvest.failed"),
        ("/scrape", (200, {"items": "i1"}), "harvest.failed"),
        ("/scrape", (200, {"items": [], "cursor": 7}), "harvest.failed"),
        ("/scrape", (200, '{"items": [], "cursor": "\\ud800"}'), "harvest.failed"),
        ("/scrape", (200, {"items": [], "cursor": "c" * 5_000}), "harvest.failed"),
    ],
)
def test_what_is_no_answer_is_told_and_the_rest_is_kept(
    archive: Archive, there: ArchiveOrg, path: str, answer: tuple[int, Any], code: str
) -> None:
    there.instead = lambda request: answer if request.path.endswith(path) else None
    report, run = harvest(archive, there)
    assert [one.code for one in report.findings] == [code]
    assert len(records(archive)) == (4 if path.startswith("/metadata") else 0)
    assert (run.high_water == "") == (code == "harvest.failed"), "what failed is asked for again"


def test_identifiers_that_lead_elsewhere_are_not_asked(archive: Archive, there: ArchiveOrg) -> None:
    bad = [{"identifier": one} for one in ("../control", "a/b", "", "a?x", "é", 7, None)] + ["i0", {}]
    answer = {"items": [*bad, {"identifier": "i1"}], "total": 10}
    there.instead = lambda request: (200, answer) if "scrape" in request.path else None
    report, run = harvest(archive, there)
    assert there.metadata() == ["netlabels", "i1"] and run.finished
    assert [one.code for one in report.findings] == ["ia.nameless"]


def test_a_date_that_has_not_come_moves_no_mark(archive: Archive, there: ArchiveOrg) -> None:
    there.updated = {"i1": "2999-01-01T00:00:00Z", "i2": "2025-03-01T00:00:00Z"}
    _, run = harvest(archive, there)
    assert run.high_water == "2025-03-01T00:00:00Z"


def test_a_collection_that_is_none_is_told(archive: Archive, there: ArchiveOrg) -> None:
    report, run = harvest(archive, there, wish={"collection": ("netlabels", "nothing")})
    assert [one.code for one in report.findings] == ["ia.collection"] and run.finished


@pytest.mark.parametrize(
    ("wish", "since", "words"),
    [
        ({}, "", "not asked for anything"),
        ({"collection": ("a b",)}, "", "no identifier"),
        ({"collection": ("a) OR (b",)}, "", "no identifier"),
        ({"query": ("x" * 3_000,)}, "", "longer"),
        ({"query": ("a\nb",)}, "", "plain text"),
        ({"collection": ("a",)}, "yesterday", "no date"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(
    archive: Archive, there: ArchiveOrg, wish: dict[str, tuple[str, ...]], since: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        harvest(archive, there, wish=wish, since=since)
    assert not there.asked


def test_real_items_come_through_whole(archive: Archive, there: ArchiveOrg, shared_data: Path) -> None:
    folder = shared_data / "ia-metadata" / "voice-apps" / "tests"
    for name in ("smoke-gets-in-your-eyes-plate", "grateful-dead-1973", "i-want-a-hippopotamus-for-christmas"):
        said = json.loads((folder / "provider" / "fixtures" / f"{name}.json").read_bytes())
        there.items[said["metadata"]["identifier"]] = said
    report, run = harvest(archive, there)
    assert report.new == 9 and run.finished
    for identifier, record in records(archive).items():
        assert json.loads(record.payload)["files"] == there.items[identifier]["files"]


def test_a_real_part_of_a_list_is_read(archive: Archive, there: ArchiveOrg, shared_data: Path) -> None:
    page = (shared_data / "ia-metadata" / "internetarchive-py" / "tests" / "data" / "scrape_response.json").read_text()
    listed = json.loads(page)

    def real(request: web.Request) -> tuple[int, Any] | None:
        if "scrape" not in request.path:
            return None
        return (200, {"items": [], "total": 0}) if "cursor" in request.query else (200, page)

    there.instead = real
    there.items = {one["identifier"]: item(one["identifier"]) for one in listed["items"]}
    _, run = harvest(archive, there)
    assert run.total == listed["total"] == run.listed == len(records(archive)) and run.finished
