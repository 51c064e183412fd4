"""``mirror``: take a share of another archive, keep it current, and say how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.text import bytes_of
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.cli.mirroring import Outcome
    from phonolith.releases.share import Wanted

_SHOWN = 10  # findings, and bundles beyond the budget, on a terminal


class _UrlFirst(click.Group):
    """A group whose first verb need not be named: ``mirror URL`` takes, as ``mirror take URL`` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["take", *args]
        return super().parse_args(ctx, args)


@click.group(
    "mirror",
    cls=_UrlFirst,
    short_help="Take a share of another archive, and keep it current.",
    epilog="\b\nExamples:\n"
    "  phonolith mirror https://music.example.org --budget 500GB\n"
    "  phonolith mirror update\n"
    "  phonolith mirror list",
)
def mirror() -> None:
    """Become a mirror of another archive: `phonolith mirror URL` is short for `phonolith mirror take URL`.

    A mirror checks the other archive's signed log, takes the bundles with the fewest copies first, builds the same
    pages and seeds the same torrents. It does without the other archive from then on.
    """


_NO_BUILD = click.option("--no-build", is_flag=True, help="Leave the catalogue as it is, to be built later.")
_SEED = click.option("--seed", "seeds", is_flag=True, help="Go on seeding when all is here, until Ctrl-C.")


@verb(
    "take",
    short_help="Take a share of an archive, and remember to mirror it.",
    examples=(
        "mirror https://music.example.org --budget 500GB",
        "mirror https://music.example.org --at-risk --seed",
        "mirror https://music.example.org --licence cc0 --tier top --dry-run",
    ),
)
@click.argument("url")
@click.option("--budget", metavar="SIZE", help="What its bundles together may take, as in 500GB; those here count.")
@click.option(
    "--at-risk",
    type=click.IntRange(1),
    is_flag=False,
    flag_value=3,
    metavar="[N]",
    help="Only bundles that the archive lists as at risk, or of which fewer than N copies are known; 3 without N.",
)
@click.option(
    "--licence", "licences", multiple=True, metavar="FAMILY", help="Only bundles of this licence, as in by-sa."
)
@click.option("--tier", "tiers", multiple=True, type=click.Choice(["top", "middle", "deep"]), help="Only this tier.")
@click.option(
    "--by",
    type=click.Choice(["either", "swarm", "web"]),
    default="either",
    show_default=True,
    help="How bytes come: from peers, from the web seed, or from peers first and the web seed for the rest.",
)
@click.option("--key", default="", metavar="HEX", help="A key of that archive, or the name of its log, to be its own.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be taken. Nothing is fetched or remembered but the log's head.",
)
@_NO_BUILD
@_SEED
def take(
    place: Place,
    url: str,
    budget: str | None,
    at_risk: int | None,
    licences: tuple[str, ...],
    tiers: tuple[str, ...],
    by: str,
    key: str,
    dry_run: bool,
    no_build: bool,
    seeds: bool,
) -> Answer:
    """Fetch bundles that the archive at URL publishes and this one lacks, and take them in.

    Those with the fewest copies come first, as many as the budget holds; only bytes that are not held here already are
    moved, whatever bundle they come in. What is asked for is remembered, and `phonolith mirror update` repeats it.
    """
    from phonolith.cli.mirroring import look
    from phonolith.releases.following import Following
    from phonolith.releases.share import Wanted

    wanted = Wanted(frozenset(licences), frozenset(tiers), bytes_of("--budget", budget), at_risk)
    outcome = look(place, Following(url.rstrip("/"), "", wanted, by), key=key, dry_run=dry_run)
    built = _built(place, [outcome], build=not no_build and not dry_run)

    def show(view: View) -> None:
        _show(view, outcome, dry_run=dry_run)
        _show_built(view, built, seeds=seeds, dry_run=dry_run)

    return _then(place, {**outcome.told(), "built": built}, show, [outcome], seeds=seeds and not dry_run)


@verb(
    "update",
    short_help="Fetch what was published since, and drop what was withdrawn.",
    examples=("mirror update", "mirror update music.example.org"),
)
@click.argument("archive_or_url", metavar="[NAME|URL]", default="")
@_NO_BUILD
@_SEED
def update(place: Place, archive_or_url: str, no_build: bool, seeds: bool) -> Answer:
    """Look again at the archive of this name or address, or at every archive that is mirrored here.

    Each is asked for what `phonolith mirror URL` asked for last. Only bytes that are lacking are moved.
    """
    from phonolith.cli.mirroring import look, mirrors
    from phonolith.errors import PhonolithError, UsageError
    from phonolith.releases.following import named

    known = mirrors(place.archive())
    if not known:
        raise UsageError("mirror update", "nothing is mirrored here yet", "Begin with: phonolith mirror URL")
    outcomes: list[Outcome] = []
    failed: list[PhonolithError] = []
    for one in [named(known, archive_or_url)] if archive_or_url else known:
        try:
            outcomes.append(look(place, one))
        except PhonolithError as error:  # the others are looked at all the same
            failed.append(error)
    if failed and not outcomes and len(failed) == 1:
        raise failed[0]
    built = _built(place, outcomes, build=not no_build)
    data = {"archives": [one.told() for one in outcomes], "failed": [_failed(one) for one in failed], "built": built}

    def show(view: View) -> None:
        for one in outcomes:
            view.heading(one.index.archive or one.url, one.url)
            _show(view, one, dry_run=False)
        for error in failed:
            view.line(str(error), "red")
        _show_built(view, built, seeds=seeds, dry_run=False)

    return _then(place, data, show, outcomes, seeds=seeds, failed=bool(failed))


@verb(
    "list", short_help="Which archives are mirrored here, and how far.", examples=("mirror list", "mirror list --ask")
)
@click.option("--ask", is_flag=True, help="Ask each of them what it offers now: how far this mirror is behind.")
def list_(place: Place, ask: bool) -> Answer:
    """The archives that are mirrored here, what is wanted of them, and what is held of that."""
    from phonolith.cli.mirrored import stands

    found = stands(place, ask=ask)

    def show(view: View) -> None:
        if not found:
            view.line("Nothing is mirrored here.")
            view.hint("Begin with: phonolith mirror URL")
        for one in found:
            view.heading(one["archive"] or one["url"], one["url"])
            view.pairs(_pairs(one))
        if found and not ask:
            view.hint("How far each is behind: phonolith mirror list --ask")

    return Answer({"archives": found}, show, exit=1 if any(one.get("problem") for one in found) else 0)


@verb("stop", short_help="Mirror an archive no longer.", examples=("mirror stop music.example.org",))
@click.argument("archive_or_url", metavar="NAME|URL")
def stop(place: Place, archive_or_url: str) -> Answer:
    """No longer look at an archive. What was taken of it stays held, served and seeded."""
    from phonolith.cli.decide import record
    from phonolith.cli.mirroring import mirrors
    from phonolith.releases.following import named

    archive = place.archive()
    one = named(mirrors(archive), archive_or_url)
    record(archive, place, [("mirror.left", {"url": one.url})])
    text = f"{one.name or one.url} is looked at no more. What was taken of it stays."
    return Answer({"url": one.url, "archive": one.name}, lambda view: view.line(text))


def _then(
    place: Place,
    data: dict[str, Any],
    show: Any,
    outcomes: Sequence[Outcome],
    *,
    seeds: bool,
    failed: bool = False,
) -> Answer:
    """The answer, after which seeding may go on."""
    found = failed or any(one.findings for one in outcomes)

    def seed() -> None:
        from phonolith.cli.seed import seeded
        from phonolith.cli.verb import put_out

        answer = seeded(place, place.settings(), events=False)
        if not place.json:
            put_out(answer, as_json=False)
        if answer.then is not None:
            answer.then()

    return Answer(data, show, exit=1 if found else 0, then=seed if seeds else None)


def _built(place: Place, outcomes: Sequence[Outcome], *, build: bool) -> bool:
    """Build the catalogue where something came or was taken down, or there is none yet."""
    archive = place.archive()
    came = any(one.taken for one in outcomes) or (
        any(one.here.whole for one in outcomes) and not archive.catalogue.exists()
    )
    if not (build and came):
        return False
    import os

    from phonolith.catalogue.build import build as run

    settings = place.settings()
    with place.bars() as bars:
        run(archive, as_of=None, progress=bars, workers=settings.build_workers or os.cpu_count() or 1)
    return True


def _show(view: View, one: Outcome, *, dry_run: bool) -> None:
    from phonolith.cli.text import plural, size

    chosen, over = one.share.chosen, one.share.too_large
    held = f"{plural(len(one.here.whole), 'bundle')} here already" if one.here.whole else "none here yet"
    view.line(f"{plural(len(one.index.offers), 'bundle')} offered, {held}, {len(chosen)} to take.")
    rows = [(o.name, o.licence, size(o.size), _copies(one.copies.get(o.name))) for o in chosen]
    names = [Column("bundle", "bold", grow=1), Column("licence"), Column("size", right=True), Column("copies")]
    view.table(names, rows)
    if over:
        view.line(f"{plural(len(over), 'bundle')} more ({size(sum(o.size for o in over))}) would not fit the budget.")
    if one.share.left is not None:
        view.line(f"{size(one.share.left)} of the budget left.")
    gone = one.withdrawn + sum(t["files_withdrawn"] for t in one.taken)
    if gone:
        view.line(
            f"{plural(gone, 'file')} withdrawn there: not served or seeded here. phonolith verify drops the bytes."
        )
    for finding in one.findings[:_SHOWN]:
        view.line(str(finding), "yellow")
    if len(one.findings) > _SHOWN:
        view.line(f"and {len(one.findings) - _SHOWN:,} more: --json has them all", "dim")
    if one.taken:
        swarm, web = (sum(t[f"bytes_by_{road}"] for t in one.taken) for road in ("swarm", "web"))
        about = size(one.moved - swarm - web)
        view.line(f"Moved: {size(swarm)} by swarm, {size(web)} by web seed, {about} of tag files.")
        _show_proven(view, one)
    elif dry_run and chosen:
        view.hint("To fetch them, leave --dry-run out")


def _show_proven(view: View, one: Outcome) -> None:
    """What the log proves of what came, and what it does not."""
    from phonolith.cli.text import plural

    proven = sum(each["proven"] == "head" for each in one.taken)
    if proven:
        view.line(f"{plural(proven, 'bundle')} under a signed head. That it covers each file was not checked.", "dim")
    if bare := len(one.taken) - proven:
        view.line(f"{plural(bare, 'bundle')} under no signed head: no log proves when it was there.", "yellow")


def _show_built(view: View, built: bool, *, seeds: bool, dry_run: bool) -> None:
    if built:
        view.line("The catalogue is built.")
    if not dry_run and not seeds:
        view.hint("To give it on: phonolith seed, and phonolith serve")


def _pairs(one: dict[str, Any]) -> list[tuple[str, str]]:
    from phonolith.cli.text import plural, size

    rows = [
        ("wanted", _wanted(one["wanted"])),
        ("held", f"{plural(one['held']['bundles'], 'bundle')}, {size(one['held']['bytes'])}"),
        ("log", f"{one['log'][:16]}…" if one["log"] else "signs nothing"),
        ("since", f"{one['since'][:10]}, decided last {one['changed'][:10]}"),
    ]
    if "problem" in one:
        rows.append(("now", one["problem"]))
    elif "offered" in one:
        rows.append(("offered", plural(one["offered"], "bundle")))
        rows.append(("behind", _behind(one)))
        rows.append(("copies", _least(one["copies"])))
    return rows


def _behind(one: dict[str, Any]) -> str:
    from phonolith.cli.text import plural, size

    lacking, over = one["lacking"], one["over_budget"]
    text = f"{plural(lacking['bundles'], 'bundle')}, {size(lacking['bytes'])}" if lacking["bundles"] else "nothing"
    return text + (f"; {plural(over['bundles'], 'bundle')} more beyond the budget" if over["bundles"] else "")


def _least(copies: dict[str, int]) -> str:
    """``1 copy: 3 bundles, 2 copies: 1 bundle, unknown: 5 bundles``."""
    from phonolith.cli.text import plural

    names = ((name, "unknown" if name == "unknown" else plural(int(name), "copy", "copies")) for name in copies)
    return ", ".join(f"{words}: {plural(copies[name], 'bundle')}" for name, words in names)


def _wanted(one: Wanted) -> str:
    from phonolith.cli.text import size

    parts = [f"up to {size(one.budget)}" if one.budget is not None else "all"]
    parts += [f"fewer than {one.at_risk} copies"] if one.at_risk is not None else []
    parts += sorted(one.licences) + sorted(one.tiers)
    return ", ".join(parts)


def _copies(known: int | None) -> str:
    return "unknown" if known is None else str(known)


def _failed(error: Any) -> dict[str, str]:
    from phonolith.cli.exits import exit_of

    told = {"subject": error.subject, "problem": error.problem, "remedy": error.remedy}
    return {"error": exit_of(error).name, **told}


for _one in (take, update, list_, stop):
    mirror.add_command(_one)
COMMANDS = {"mirror": mirror}
