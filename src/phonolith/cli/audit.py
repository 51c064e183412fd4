"""``audit``: puts what somebody claims of an archive to the test, with whatever evidence there is, and signs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.audit_reports import STYLES, check, combine, compare, write_out
from phonolith.cli.family import Family, First, file_or
from phonolith.cli.findings import show_findings
from phonolith.cli.text import plural
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.audit.claims import Claim
    from phonolith.audit.evidence import Given


@verb(
    "audit",
    cls=First,
    short_help="Put claims about an archive to the test: anybody's.",
    examples=(
        "audit claims.toml",
        "audit claims.toml --evidence tracks.csv",
        "audit claims.toml --evidence music.torrent tracks.sqlite listing.csv",
        "audit claims.toml --evidence audio=listing:2026-01.csv --part audio=torrents/",
        "audit claims.toml --part audio=torrents/ --html report.html",
        "audit claims.toml --evidence audio=copy/ --budget 2GB --seed 'words of a witness'",
        "audit claims.toml --evidence torrents/ --sign --out report.json",
        "audit combine report.json theirs.json",
    ),
)
@click.argument("claims", type=click.Path(path_type=Path), shell_complete=file_or(("check", "combine", "compare")))
@click.argument("more", metavar="[PATH]...", nargs=-1)
@click.option("--evidence", "whole", multiple=True, metavar="[OF=]PATH", help="All of what claims call OF.")
@click.option("--part", multiple=True, metavar="[OF=]PATH", help="A part of it: what it has not may be elsewhere.")
@click.option("--log", default="", metavar="LOG", help="The log that proofs must be of: its name, or a key of it.")
@click.option("--budget", metavar="SIZE", help="Bytes to read at most: 2GB, 500MiB, all. Default: 1GB.")
@click.option("--seed", metavar="TEXT", help="What samples are drawn by. Default: the seed of the claims.")
@click.option("--until-settled", is_flag=True, help="Stop reading when every verdict is settled.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="The report as one page, written there.")
@click.option("--title", metavar="TEXT", help="Title of that page.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="The report as JSON, written there.")
@click.option("--sign", is_flag=True, help="Sign the report, with this archive's key.")
@click.option(
    "--key", type=click.Path(path_type=Path), metavar="FILE", help="Sign with this Ed25519 key in PEM instead."
)
@click.option("--auditor", metavar="NAME", help="Whose report it is. Default: the archive's name, where its key signs.")
def audit(
    place: Place,
    claims: Path,
    more: tuple[str, ...],
    whole: tuple[str, ...],
    part: tuple[str, ...],
    log: str,
    budget: str | None,
    seed: str | None,
    until_settled: bool,
    html: Path | None,
    title: str | None,
    out: Path | None,
    sign: bool,
    key: Path | None,
    auditor: str | None,
) -> Answer:
    """Judge each of the CLAIMS, a file as docs/reference/claims.md describes it: anybody's, about any archive.

    Evidence is of any kind: a .torrent or a folder of them, a listing of torrents with sizes and seeders, magnet links,
    an SQLite file, CSV, TSV, JSON lines, Parquet, a saved page, a commitment log or a proof from it, a published bundle
    or a whole archive; or bytes: a folder, a bag, a torrent's copy beside it. What it is, its content tells; else write
    OF=KIND:PATH. Further PATHs are further --evidence. Without OF= it is about the claims whose of is the file's name,
    else about all of them if they name one set alone. Of bytes as much is read as the budget allows, drawn by the seed.
    Claims are compared with each other first. Each ends as claimed, circulating, sampled, proven, refuted or
    unverifiable, with why, and with what would show more. Nothing is fetched from the net and nothing is taken over.
    Exit code 1: something does not fit. With --sign the report is one that others can combine with theirs; it names
    evidence by the paths given.
    """
    from phonolith.audit.audit import audit as judge
    from phonolith.audit.audit import data_of
    from phonolith.audit.claims import read
    from phonolith.audit.effort import Effort, budget_of

    signer = _signer(place, sign, key, auditor, kept=place.json or out is not None)
    effort = Effort(budget_of(budget), seed or "", until_settled)
    stated = read(claims)
    said = stated.claims
    evidence = [*_given((*whole, *more), said, log, whole=True), *_given(part, said, log, whole=False)]
    with place.bars() as bars:
        told = judge(said, evidence, bars, now=place.now(), effort=effort)
    data = data_of(told, _command(claims, (*whole, *more), part, log, budget, seed, until_settled))
    data = signer(data) if signer else data
    if out is not None:
        write_out(out, data)
    if html is not None:
        _write_page(html, data, title or stated.title or f"Audit of {claims.name}")

    def show(view: View) -> None:
        for one in data["verdicts"]:
            view.line(f"{one['verdict']}: {one['sentence']}", STYLES.get(one["verdict"], "bold"))
            for line in one["why"]:
                view.line(line, "", 4)
            for line in one["needed"][:1]:  # the cheapest; the report has them all
                view.line(f"To say more: {line[:1].lower()}{line[1:]}", "dim", 4)
        for one in data["evidence"]:
            for line in (one["read"] or {}).get("why", ()):
                view.line(f"{one['of'] or one['path']}: {line}", "dim")
        show_findings(view, told.findings)
        counted = ", ".join(f"{count} {word}" for word, count in data["words"].items() if count)
        view.line(f"{plural(len(said), 'claim')}: {counted}.")
        if signer:
            view.line(f"Signed by {data['auditor'] or 'an auditor without a name'}, key {data['key']}.")
        for path in filter(None, (html, out)):
            view.hint(f"The report: {path}")

    wrong = data["words"]["refuted"] or any(one.severity == "error" for one in told.findings)
    return Answer(data, show, exit=int(bool(wrong)))


def _command(
    claims: Path,
    whole: Sequence[str],
    part: Sequence[str],
    log: str,
    budget: str | None,
    seed: str | None,
    until_settled: bool,
) -> list[str]:
    """The words that give the same verdicts from the same files, paths as they were given."""
    words = ["phonolith", "audit", str(claims)]
    words += [word for one in whole for word in ("--evidence", one)]
    words += [word for one in part for word in ("--part", one)]
    for name, value in (("--log", log), ("--budget", budget), ("--seed", seed)):
        words += [name, value] if value else []
    return [*words, "--until-settled"] if until_settled else words


def _given(told: Sequence[str], claims: Sequence[Claim], log: str, *, whole: bool) -> list[Given]:
    from phonolith.audit.evidence import READERS, Given, of_unnamed

    kinds = {reader.kind for reader in READERS}
    found = []
    for text in told:
        name, sign, place = text.partition("=")
        if not sign or (Path(text).exists() and not Path(place).exists()):
            name, place = "", text
        kind, sign, rest = place.partition(":")
        kind, path = (kind, Path(rest)) if sign and kind in kinds else ("", Path(place))
        found.append(Given(name or of_unnamed(path, claims), path, whole, kind, log))
    return found


def _signer(
    place: Place, sign: bool, key: Path | None, auditor: str | None, *, kept: bool
) -> Callable[[Mapping[str, Any]], Mapping[str, Any]] | None:
    """What signs the report; looked for before the work is done, so that a missing key is told at once."""
    from phonolith.audit.signed import seal
    from phonolith.errors import UsageError
    from phonolith.store.keys import key_in

    if not sign:
        if key is not None or auditor is not None:
            raise UsageError("audit", "--key and --auditor are for reports that are signed", "Say --sign too")
        return None
    if not kept:
        raise UsageError("audit", "a signed report has to go somewhere", "Say --out FILE, or --json")
    if key is not None:
        public, signs = key_in(key)
        return lambda told: seal(told, auditor or "", public, signs)
    public, signs = _own_key(place)
    name = auditor if auditor is not None else place.settings().name
    return lambda told: seal(told, name, public, signs)


def _own_key(place: Place) -> tuple[str, Callable[[bytes], str]]:
    from phonolith.releases.commit import signing_key
    from phonolith.store.keys import Keys

    archive = place.archive()
    with archive.lock("log", what="looking up the signing key"):
        public = signing_key(archive, place.now())
    return public, lambda message: Keys(archive.keys).sign(public, message)


def _write_page(path: Path, data: Any, title: str) -> None:
    from phonolith.audit.report import page
    from phonolith.store.files import atomic_write

    atomic_write(path, page(data, title).encode())


COMMANDS = {"audit": Family(audit, check, combine, compare)}
