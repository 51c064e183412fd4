"""``audit``: puts what somebody claims of an archive to the test, with whatever evidence there is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.findings import show_findings
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.audit.evidence import Given

_STYLES = {"proven": "green", "sampled": "green", "circulating": "yellow", "refuted": "red"}


@verb(
    "audit",
    short_help="Put claims about an archive to the test: anybody's.",
    examples=(
        "audit claims.toml",
        "audit claims.toml --evidence tracks.csv=data/tracks.csv",
        "audit claims.toml --evidence audio=listing:2026-01.csv --part audio=torrents/",
        "audit claims.toml --part audio=torrents/ --html report.html",
        "audit claims.toml --evidence audio=copy/ --budget 2GB --seed 'words of a witness'",
    ),
)
@click.argument("claims", type=click.Path(path_type=Path))
@click.option("--evidence", "whole", multiple=True, metavar="OF=PATH", help="All of what claims call OF.")
@click.option("--part", multiple=True, metavar="OF=PATH", help="A part of it: what it has not may be elsewhere.")
@click.option("--log", default="", metavar="LOG", help="The log that proofs must be of: its name, or a key of it.")
@click.option("--budget", metavar="SIZE", help="Bytes to read at most: 2GB, 500MiB, all. Default: 1GB.")
@click.option("--seed", metavar="TEXT", help="What samples are drawn by. Default: the seed of the claims.")
@click.option("--until-settled", is_flag=True, help="Stop reading when every verdict is settled.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="The report as one page, written there.")
@click.option("--title", metavar="TEXT", help="Title of that page.")
def audit(
    place: Place,
    claims: Path,
    whole: tuple[str, ...],
    part: tuple[str, ...],
    log: str,
    budget: str | None,
    seed: str | None,
    until_settled: bool,
    html: Path | None,
    title: str | None,
) -> Answer:
    """Judge each of the CLAIMS, a file as docs/reference/claims.md describes it: anybody's, about any archive.

    Evidence is of any kind: a .torrent or a folder of them, a listing of torrents with sizes and seeders, magnet links,
    an SQLite file, CSV, TSV, JSON lines, Parquet, a saved page, a commitment log or a proof from it, a published bundle
    or a whole archive; or bytes: a folder, a bag, a torrent's copy beside it. What it is, its content tells; else write
    OF=KIND:PATH. Of bytes as much is read as the budget allows, drawn by the seed. Claims are compared with each other
    first. Each ends as claimed, circulating, sampled, proven, refuted or unverifiable, with why, and with what would
    show more. Nothing is fetched from the net and nothing is taken over. Exit code 1: something does not fit.
    """
    from phonolith.audit.audit import audit as judge
    from phonolith.audit.audit import data_of
    from phonolith.audit.claims import read
    from phonolith.audit.effort import Effort, budget_of

    effort = Effort(budget_of(budget), seed or "", until_settled)
    evidence = [*_given(whole, log, whole=True), *_given(part, log, whole=False)]
    stated = read(claims)
    said = stated.claims
    with place.bars() as bars:
        told = judge(said, evidence, bars, now=place.now(), effort=effort)
    data = data_of(told)
    if html is not None:
        _write_page(html, data, title or stated.title or f"Audit of {claims.name}")

    def show(view: View) -> None:
        for one in data["verdicts"]:
            view.line(f"{one['verdict']}: {one['sentence']}", _STYLES.get(one["verdict"], "bold"))
            for line in one["why"]:
                view.line(line, "", 4)
            for line in one["needed"]:
                view.line(f"To say more: {line[:1].lower()}{line[1:]}", "dim", 4)
        for one in data["evidence"]:
            for line in (one["read"] or {}).get("why", ()):
                view.line(f"{one['of'] or one['path']}: {line}", "dim")
        show_findings(view, told.findings)
        counted = ", ".join(f"{count} {word}" for word, count in data["words"].items() if count)
        view.line(f"{len(said)} claims: {counted}.")
        if html is not None:
            view.hint(f"The report: {html}")

    wrong = data["words"]["refuted"] or any(one.severity == "error" for one in told.findings)
    return Answer(data, show, exit=int(bool(wrong)))


def _given(told: Sequence[str], log: str, *, whole: bool) -> list[Given]:
    from phonolith.audit.evidence import READERS, Given

    kinds = {reader.kind for reader in READERS}
    found = []
    for text in told:
        name, _, place = text.partition("=") if "=" in text else ("", "", text)
        kind, sign, rest = place.partition(":")
        kind, path = (kind, Path(rest)) if sign and kind in kinds else ("", Path(place))
        found.append(Given(name or path.name, path, whole, kind, log))
    return found


def _write_page(path: Path, data: Any, title: str) -> None:
    from phonolith.audit.report import page
    from phonolith.store.files import atomic_write

    atomic_write(path, page(data, title).encode())


COMMANDS = {"audit": audit}
