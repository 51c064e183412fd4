"""``mirror``: take a share of another archive, and keep it current."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.text import bytes_of
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.model.event import Event
    from phonolith.model.finding import Finding


@verb(
    "mirror",
    short_help="Take a share of another archive, and keep it current.",
    examples=(
        "mirror https://music.example.org --budget 500GB",
        "mirror https://music.example.org --licence cc0 --tier top",
        "mirror https://music.example.org --dry-run",
    ),
)
@click.argument("url")
@click.option("--budget", metavar="SIZE", help="What all bundles together may take, as in 500GB; those here count.")
@click.option(
    "--licence", "licences", multiple=True, metavar="FAMILY", help="Only bundles of this licence, as in by-sa."
)
@click.option("--tier", "tiers", multiple=True, type=click.Choice(["top", "middle", "deep"]), help="Only this tier.")
@click.option("--dry-run", is_flag=True, help="Say what would be taken and fetch nothing.")
def mirror(
    place: Place, url: str, budget: str | None, licences: tuple[str, ...], tiers: tuple[str, ...], dry_run: bool
) -> Answer:
    """Fetch bundles that the archive at URL publishes and this one lacks, and take them in.

    Only bytes that are not held here already are moved, whatever bundle they come in. Run again, it fetches what was
    published since. Then `phonolith build` makes the same pages here, and `phonolith seed` seeds the same torrents.
    """
    from functools import partial

    from phonolith.cli.decide import record
    from phonolith.cli.text import plural, size
    from phonolith.harvest.bundle import Options, harvest_bundle
    from phonolith.library.publications import bundles, files
    from phonolith.releases.mirror import Here, Wanted, choose, fetch, heads_seen, offers, over_http
    from phonolith.releases.publish import published

    archive, url = place.archive(), url.rstrip("/")
    get = over_http(place.settings().contact)
    with archive.objects() as objects:
        held = {
            name: one.size
            for name, one in bundles(published(archive)).items()
            if all(objects.has(file.sha256) for file in files(objects, one))
        }
    every = offers(url, get)
    chosen = choose(every, Wanted(frozenset(licences), frozenset(tiers), bytes_of("--budget", budget)), held)
    taken: list[dict[str, Any]] = []
    findings: list[Finding] = []

    def append(kind: str, body: dict[str, Any]) -> Event:
        return record(archive, place, [(kind, body)])[0]

    for one in () if dry_run else chosen:
        with place.bars() as bars, archive.objects() as objects:
            here = Here(objects.has, partial(heads_seen, objects, published(archive)))
            fetched = fetch(url, one, archive.state / "mirror" / one.name, here, get, progress=bars)
        with place.bars() as bars:
            report = harvest_bundle(
                archive, fetched.folder, Options(adopt="move"), append, progress=bars, clock=place.now
            )
        shutil.rmtree(fetched.folder.parent)  # what is held has a second name
        missing = {finding.subject for finding in fetched.findings}
        findings += [*fetched.findings, *(found for found in report.findings if found.subject not in missing)]
        taken.append({"name": one.name, "bytes_moved": fetched.moved, "files_held": report.objects})
    offered = [{"name": one.name, "licence": one.licence, "tier": one.tier, "bytes": one.size} for one in chosen]
    data = {"url": url, "offered": len(every), "chosen": offered, "taken": taken, "findings": findings}

    def show(view: View) -> None:
        view.line(f"{plural(len(every), 'bundle')} offered there, {plural(len(chosen), 'bundle')} to take.")
        rows = [(one.name, one.licence, size(one.size)) for one in chosen]
        view.table([Column("bundle", "bold", grow=1), Column("licence"), Column("size", right=True)], rows)
        for finding in findings[:10]:
            view.line(str(finding), "yellow")
        if taken:
            view.line(f"{size(sum(one['bytes_moved'] for one in taken))} moved.")
            view.hint("Next: phonolith build")
        elif dry_run and chosen:
            view.hint("To fetch them, leave --dry-run out")

    return Answer(data, show, exit=1 if findings else 0)


COMMANDS = {"mirror": mirror}
