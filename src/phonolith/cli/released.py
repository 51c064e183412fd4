"""How releases look in a terminal: bundles as a table, what was published and cut, and how two cuts differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phonolith.cli.verb import Answer, Place
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.model.publication import Bundle, Publication


def published_and_drafts(place: Place) -> Answer:
    """What was published, and drafts."""
    from phonolith.releases.publish import published

    archive = place.archive()
    past = published(archive)
    names = {one.name for one in past}
    cut = (path.name for path in archive.derived.glob("releases/*") if not path.name.startswith("."))
    waiting = sorted(name for name in cut if name not in names)
    data = {
        "published": [
            {"name": one.name, "time": one.time, "event": one.event, "as_of": one.as_of, "bundles": fields(one.bundles)}
            for one in past
        ],
        "drafts": waiting,
    }

    def show(view: View) -> None:
        if not past:
            view.line("Nothing was published yet.")
        for one in past:
            view.heading(one.name, f"published {one.time[:10]}, event {one.event}")
            table(view, one.bundles)
        for name in waiting:
            view.line(f"{name} was cut and is not published.", "yellow")
            view.hint(f"To publish: phonolith publish {name}{_kinds(archive.derived / 'releases' / name)}")

    return Answer(data, show)


def difference(place: Place, past: Sequence[Publication], old: str, now: dict[str, str]) -> dict[str, list[str]]:
    """Paths that a cut has beyond a published release, and that this has beyond the cut."""
    from phonolith.errors import NotFound
    from phonolith.library.publications import files

    found = [one for one in past if one.name == old]
    if not found:
        names = ", ".join(one.name for one in past) or "none"
        raise NotFound(f"release {old}", "was never published", f"Published are: {names}")
    with place.archive().objects() as objects:
        before = {one.sha256: one.path for bundle in found[0].bundles for one in files(objects, bundle) if one.payload}
    return {
        "added": sorted(path for sha256, path in now.items() if sha256 not in before),
        "not_here": sorted(path for sha256, path in before.items() if sha256 not in now),
    }


def show_difference(view: View, old: str, difference: dict[str, list[str]]) -> None:
    """The first paths on either side of a difference."""
    from phonolith.cli.text import number, plural

    for key, words in (("added", f"beyond {old}"), ("not_here", f"of {old} not in this cut")):
        view.line(f"{plural(len(difference[key]), 'file')} {words}.")
        for path in difference[key][:10]:
            view.line(path, "dim", indent=2)
        if len(difference[key]) > 10:
            view.line(f"and {number(len(difference[key]) - 10)} more; --json has all of them.", "dim", indent=2)


def table(view: View, bundles: Sequence[Bundle]) -> None:
    """Bundles with files and bytes of payload."""
    from phonolith.cli.text import number, size

    columns = [Column("bundle", "bold", grow=1, ends=True), Column("files", right=True), Column("size", right=True)]
    view.table(columns, [(one.name, number(one.files), size(one.size)) for one in bundles])


def no_web_seed(view: View, web_seed: str, *, when: str) -> None:
    """Say so where torrents name no address at which the bytes can always be had."""
    if not web_seed:
        problem = "! publish.url is empty: the torrents name no web seed, so they give nothing while nobody seeds them."
        view.line(problem, "yellow")
        view.hint(f'To name one {when}: [publish] url = "https://…" in phonolith.toml')


def _kinds(folder: Path) -> str:
    """The options with which a draft was cut, as its torrents tell."""
    torrents = [path.name for path in folder.glob("**/*.torrent")]
    if any(name.endswith(".v1.torrent") for name in torrents):
        return " --v1-twin"
    return " --v2-only" if any(name.endswith(".v2.torrent") for name in torrents) else ""


def fields(bundles: Sequence[Bundle]) -> list[dict[str, Any]]:
    """Bundles for ``--json``."""
    from dataclasses import asdict

    return [asdict(one) for one in bundles]
