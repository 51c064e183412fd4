"""``release`` and ``publish``: cut bundles of what may be passed on, look at them, and publish them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.released import difference, fields, no_web_seed, published_and_drafts, show_difference, table
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.model.publication import Bundle, Publication
    from phonolith.releases.cut import Made, Recipe

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}"
_KINDS = (
    click.option("--v1-twin", is_flag=True, help="A second torrent for clients that refuse hybrid ones."),
    click.option("--v2-only", is_flag=True, help="One torrent of version 2 alone."),
    click.option("--recut-all", is_flag=True, help="Put everything into new bundles, also what is published."),
)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A cut under way: its bundles, one after another, what it follows, and the words that ask for the same again."""

    made: Iterator[Made]
    recipe: Recipe
    past: Sequence[Publication]
    taken: int
    again: str


def _with_kinds(function: Any) -> Any:
    for option in reversed(_KINDS):
        function = option(function)
    return function


@verb(
    "release",
    short_help="Cut a release: bundles of what may be passed on, as bags and torrents.",
    examples=("release 2026-11 --dry-run", "release 2026-11 --v1-twin", "release jazz genre:jazz", "release --list"),
)
@click.argument("name", required=False)
@click.argument("selection", nargs=-1, metavar="[SELECTION...]")
@_with_kinds
@click.option("--list", "listing", is_flag=True, help="What was published, and what was cut and is not.")
@click.option("--diff", metavar="OLD", help="What this cut has beyond the published release OLD, and what it lacks.")
@click.option("--dry-run", is_flag=True, help="Say what would be in it and write nothing.")
def release(
    place: Place,
    name: str | None,
    selection: tuple[str, ...],
    v1_twin: bool,
    v2_only: bool,
    recut_all: bool,
    listing: bool,
    diff: str | None,
    dry_run: bool,
) -> Answer:
    """Cut the release NAME: everything held that may be passed on and is in no published bundle yet.

    SELECTION narrows it, as for `rights attest`. Bundles hold one licence, one tier of popularity and one size of file.
    The signed log commits to what is in it, then tag files and torrents are written into derived/releases/NAME to be
    looked at; nothing is published before `phonolith publish NAME`.
    """
    if listing:
        return published_and_drafts(place)
    with _cutting(place, name, selection, v1_twin, v2_only, recut_all, commits=not dry_run) as cutting:
        return _cut(place, cutting, diff, write=not dry_run)


@verb(
    "publish",
    short_help="Publish a release that was cut.",
    examples=("publish 2026-11", "publish 2026-11 --v1-twin"),
)
@click.argument("name")
@click.argument("selection", nargs=-1, metavar="[SELECTION...]")
@_with_kinds
@click.option("--yes", is_flag=True, help="With --recut-all: let mirrors move what that means.")
def publish(
    place: Place, name: str, selection: tuple[str, ...], v1_twin: bool, v2_only: bool, recut_all: bool, yes: bool
) -> Answer:
    """Publish the release NAME, cut as `phonolith release` with the same words would cut it now.

    Each file is put to the gate again. Tag files and torrents become held objects, and one event of the register says
    what was published. What is published once stays in its bundle.
    """
    from phonolith.cli.log import ask_witnesses, witness_rows
    from phonolith.cli.text import number, plural, size
    from phonolith.cli.withdrawals import keep_list
    from phonolith.errors import UsageError
    from phonolith.releases.publish import publish as publish_

    options = v1_twin, v2_only, recut_all
    with _cutting(place, name, selection, *options, commits=True) as cutting, place.bars() as bars:
        if recut_all and not yes and cutting.taken:
            moved = _moved(cutting.past)
            problem = f"mirrors would have to move {size(moved)} that they hold already"
            raise UsageError(f"release {name}", problem, "Say --yes if that is meant, or leave --recut-all out")
        done = publish_(
            place.archive(),
            cutting.made,
            cutting.recipe,
            _append(place),
            clock=place.now,
            progress=bars,
            anew=recut_all,
        )
    seen = ask_witnesses(place)
    keep_list(place, place.archive())

    def show(view: View) -> None:
        files = sum(one.files for one in done.bundles)
        total = sum(one.size for one in done.bundles)
        view.line(
            f"Published {done.name}: {plural(len(done.bundles), 'bundle')}, {number(files)} files, {size(total)}."
        )
        view.line(f"Event {done.event} of the register; the catalogue was as of {done.as_of}.", "dim")
        table(view, done.bundles)
        for one in seen:
            words = one.problem or plural(one.new, "countersignature") + " new"
            view.line(f"Witness {one.witness.url}: {words}.", "dim")
        no_web_seed(view, cutting.recipe.web_seed, when="in what is published next")
        view.hint("Next: phonolith serve shows them at /releases, phonolith seed gives them over BitTorrent")

    data = {"name": done.name, "event": done.event, "as_of": done.as_of, "bundles": fields(done.bundles)}
    return Answer({**data, "witnesses": witness_rows(seen)}, show)


@contextmanager
def _cutting(
    place: Place,
    name: str | None,
    selection: Sequence[str],
    v1_twin: bool,
    v2_only: bool,
    recut_all: bool,
    *,
    commits: bool,
) -> Iterator[_Cut]:
    """A cut of the archive here, to be read while its library is open; ``commits`` to what is in it before."""
    import re
    from functools import partial

    from phonolith.audit.torrents import AUDIO, kind_of
    from phonolith.cli.reading import reading
    from phonolith.errors import UsageError
    from phonolith.library.excerpt import excerpt
    from phonolith.library.permitted import permitted
    from phonolith.library.select import select
    from phonolith.model.rights import Use
    from phonolith.releases.choose import choose
    from phonolith.releases.cut import Told, cut
    from phonolith.releases.publish import assigned, commit_to, heads_of, published
    from phonolith.releases.worn import worn

    if name is None or not re.fullmatch(_NAME, name):
        problem = "has to be 1 to 40 letters, digits, dots, dashes or underscores, beginning with a letter or a digit"
        raise UsageError(f"release {name or ''}".strip(), problem, "As in: phonolith release 2026-11")
    if v1_twin and v2_only:
        raise UsageError("release", "--v1-twin and --v2-only contradict each other", "Choose one of them")
    archive = place.archive()
    past = published(archive)
    taken = assigned(archive, past)
    with reading(place) as running, archive.objects() as objects:
        library = running.as_built()
        wanted = frozenset(select(library, selection).ids) if selection else None
        with place.bars() as bars:
            bars.start("Asking what may be passed on", None, "files")
            chosen = choose(permitted(library, Use.REDISTRIBUTE), wanted)
            bars.finish()
        with library.reading() as one:
            as_of = str(one.rows("SELECT value FROM meta WHERE key = 'as_of'")[0][0])
            recipe = _recipe(place, name, as_of, v1_twin=v1_twin, v2_only=v2_only)
            if commits:
                commit_to(archive, (file for file in chosen if recut_all or file.file.sha256 not in taken), place.now)
            held = {file.file.sha256 for file in chosen}
            heads = partial(heads_of, archive) if commits else lambda _: b""
            told = Told(objects.passport, partial(excerpt, one, held), heads, lambda name: kind_of(name) in AUDIO)
            again = () if recut_all or selection else worn(objects, _own(past), chosen)
            made = cut(chosen, frozenset() if recut_all else taken.keys(), told, recipe, again)
            options = {"--v1-twin": v1_twin, "--v2-only": v2_only, "--recut-all": recut_all}
            again_words = [name, *selection, *(option for option, given in options.items() if given)]
            yield _Cut(made, recipe, past, len(taken), shlex.join(again_words))


def _recipe(place: Place, name: str, as_of: str, *, v1_twin: bool, v2_only: bool) -> Recipe:
    from phonolith.releases.bag import About
    from phonolith.releases.compose import Kind
    from phonolith.releases.cut import Recipe

    settings = place.settings()
    kinds = (Kind.V2,) if v2_only else (Kind.HYBRID, Kind.V1) if v1_twin else (Kind.HYBRID,)
    about = About(settings.name or "Phonolith", settings.contact, settings.publish_url, as_of)
    web_seed = f"{settings.publish_url}/bundle/" if settings.publish_url else ""
    return Recipe(name, about, tuple((one,) for one in settings.publish_trackers), web_seed, kinds)


def _cut(place: Place, cutting: _Cut, diff: str | None, *, write: bool) -> Answer:
    from phonolith.cli.text import number, plural, size
    from phonolith.releases.publish import drafts, write_drafts

    folder = drafts(place.archive(), cutting.recipe.name)
    payload: dict[str, str] = {}

    def watched() -> Iterator[Made]:
        with place.bars() as bars:
            bars.start("Composing bundles", None, "bundles")
            for one in cutting.made:
                payload.update({file.file.sha256: "/".join(file.path) for file in one.group.files})
                bars.advance(1)
                yield one
            bars.finish()

    bundles = write_drafts(folder, watched()) if write else [one.bundle for one in watched()]
    files, total = sum(one.files for one in bundles), sum(one.size for one in bundles)
    data: dict[str, Any] = {
        "name": cutting.recipe.name,
        "as_of": cutting.recipe.about.as_of,
        "files": files,
        "bytes": total,
        "published_before": cutting.taken,
        "bundles": fields(bundles),
        "folder": str(folder) if write else None,
    }
    if diff is not None:
        data["diff"] = difference(place, cutting.past, diff, payload)

    def show(view: View) -> None:
        if not bundles:
            view.line("Nothing is left to publish: all that may be passed on is in a bundle, or nothing may be.")
            view.hint("What lacks evidence: phonolith todo")
            return
        view.line(f"{plural(len(bundles), 'bundle')}, {number(files)} files, {size(total)}, as of {data['as_of']}.")
        if cutting.taken:
            view.line(f"{number(cutting.taken)} files are in published bundles and stay there.", "dim")
        anew = [one for one in bundles if one.replaces]
        if anew:
            words = (
                "takes the place of a published one that has" if len(anew) == 1 else "take the place of such as have"
            )
            view.line(f"{number(len(anew))} of these {words} lost files; mirrors hold the bytes.", "dim")
        table(view, bundles)
        if diff is not None:
            show_difference(view, diff, data["diff"])
        if write:
            view.line(f"Tag files and torrents to look at: {folder}", "dim")
            no_web_seed(view, cutting.recipe.web_seed, when="before it is published")
            view.hint(f"To publish: phonolith publish {cutting.again}")

    return Answer(data, show)


def _moved(past: Sequence[Publication]) -> int:
    """Bytes that mirrors hold in bundles that would be given up."""
    from phonolith.library.publications import bundles

    return sum(one.size for one in bundles(past).values())


def _own(past: Sequence[Publication]) -> list[Bundle]:
    """Current bundles that were published here: those of other archives are theirs to cut again."""
    from phonolith.library.publications import bundles

    theirs = {bundle.name for one in past if one.origin for bundle in one.bundles}
    return [one for name, one in bundles(past).items() if name not in theirs]


def _append(place: Place) -> Any:
    """A function that adds one event to the register here."""
    from phonolith.cli.decide import record

    archive = place.archive()
    return lambda kind, body: record(archive, place, [(kind, body)])[0]


COMMANDS = {"release": release, "publish": publish}
