"""The source ``oaipmh`` against a provider that others wrote: pyoai's server, over HTTP on loopback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from phonolith.harvest.online import Order, harvest_online
from phonolith.harvest.report import HarvestReport
from phonolith.model.frontier import Run
from phonolith.sources.base import SETTINGS, open_source
from phonolith.store.archive import Archive
from tests.harvest.serving import Reply, Served, means, served
from tests.harvest.test_gather import Clock

# It is of 2022 and imports what newer Pythons have no more: of cgi it uses parse_qs, of pkg_resources nothing here.
sys.modules.setdefault("pkg_resources", ModuleType("pkg_resources"))
sys.modules.setdefault("cgi", ModuleType("cgi")).parse_qs = parse_qs  # type: ignore[attr-defined]
common = pytest.importorskip("oaipmh.common", reason="pyoai is not installed")

from oaipmh.metadata import MetadataRegistry  # noqa: E402 - after it is known to be there
from oaipmh.server import Server, oai_dc_writer  # noqa: E402


class Shelf:
    """What the provider asks for its records: ``held`` maps a number to (day, title), a title of None is deleted."""

    def __init__(self, held: Mapping[int, tuple[int, str | None]]) -> None:
        self.held = held

    def identify(self) -> Any:
        earliest = datetime(2026, 1, 1)
        named = ("A shelf", "http://127.0.0.1/oai", "2.0", ["a@example.org"], earliest, "persistent")
        return common.Identify(*named, "YYYY-MM-DDThh:mm:ssZ", ["identity"], toolkit_description=False)

    def listRecords(self, metadataPrefix: str, set: str = "", from_: Any = None, until: Any = None) -> list[Any]:
        found = []
        for number, (day, title) in sorted(self.held.items()):
            kind, stamp = ("odd", "even")[number % 2 == 0], datetime(2026, 1, day)
            if (set and set != kind) or (from_ and stamp < from_):
                continue
            header = common.Header(None, f"oai:shelf:{number}", stamp, [kind], title is None)
            said = {"title": [title], "creator": ["Ann"], "type": ["Sound"], "rights": ["CC BY & more <words>"]}
            found.append((header, common.Metadata(None, said) if title else None, None))
        return found


def provider(shelf: Shelf) -> Callable[[str, Mapping[str, str]], Reply | None]:
    registry = MetadataRegistry()
    registry.registerWriter("oai_dc", oai_dc_writer)
    server = Server(shelf, registry, resumption_batch_size=3)

    def answers(path: str, _: Mapping[str, str]) -> Reply | None:
        parts = urlsplit(path)
        if parts.path != "/oai":
            return None
        asked = {name: some[0] for name, some in parse_qs(parts.query).items()}
        return 200, {"Content-Type": "text/xml"}, server.handleRequest(asked)

    return answers


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", name="test", contact="a@example.org", now=Clock()())


def harvest(
    archive: Archive, server: Served, *, wish: Mapping[str, str] = {}, **order: Any
) -> tuple[HarvestReport, Run]:
    said = {"url": (f"{server.base}/oai",), **{name: (value,) for name, value in wish.items()}}
    return harvest_online(archive, Order("oaipmh", said, "shelf", **order), means(server.base, clock=Clock()))


def titles(archive: Archive) -> list[str]:
    source = open_source("oaipmh.shelf")
    with archive.records() as store:
        records = [record for record in store.scan(["oaipmh.shelf"]) if record.item != SETTINGS]
    return sorted(one.title for record in records for one in source.interpret(record))  # type: ignore[union-attr]


def test_all_of_it_in_parts_then_what_changed_and_what_was_deleted(archive: Archive) -> None:
    held: dict[int, tuple[int, str | None]] = {number: (2, f"T{number} é & <b>") for number in range(8)}
    with served(provider(Shelf(held))) as server:
        report, run = harvest(archive, server)
        assert run.finished and not report.findings and run.listed == 8
        assert titles(archive) == [f"T{number} é & <b>" for number in range(8)]
        assert len(server.asked) == 4, "who it is, and three parts"
        held |= {1: (28, None), 2: (28, "anew")}
        report, run = harvest(archive, server, since="2026-01-20T00:00:00Z")
        assert (report.changed, report.gone, report.unchanged) == (1, 1, 1)
        assert "anew" in titles(archive) and len(titles(archive)) == 7


def test_a_set_alone_and_a_set_of_nothing(archive: Archive) -> None:
    with served(provider(Shelf({number: (2, f"T{number}") for number in range(8)}))) as server:
        harvest(archive, server, wish={"set": "odd"})
        assert titles(archive) == ["T1", "T3", "T5", "T7"]
        report, run = harvest(archive, server, wish={"set": "none"}, anew=True)
        assert run.finished and not report.findings


def test_a_form_that_it_does_not_have_is_a_finding(archive: Archive) -> None:
    with served(provider(Shelf({1: (2, "T")}))) as server:
        report, _ = harvest(archive, server, wish={"prefix": "mods"})
        assert [one.code for one in report.findings] == ["harvest.failed"]
        assert "cannotDisseminateFormat" in report.findings[0].problem
