"""``init``: make a new archive."""

from __future__ import annotations

from pathlib import Path

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View


@verb(
    "init",
    short_help="Make a new archive.",
    examples=('init my-archive --name "My archive" --contact me@example.org',),
)
@click.argument("folder", metavar="DIR", required=False, type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What the archive is called, on its pages and in what it publishes.")
@click.option("--contact", required=True, help="Who answers for it: an e-mail address or a page.")
def init(place: Place, folder: Path | None, name: str, contact: str) -> Answer:
    """Make an archive in DIR (default: --archive, else here): its folders, its settings, its first event."""
    from phonolith.store.archive import Archive

    archive = Archive.create(folder or place.root, name=name, contact=contact, now=place.now())
    root = archive.root

    def show(view: View) -> None:
        view.line(f"{root} is an archive now.", "bold")
        view.pairs(
            [
                ("phonolith.toml", "settings; phonolith config explains them"),
                ("held/", "what is true: append-only, digested, to be backed up"),
                ("derived/", "what phonolith build makes again at any time"),
                ("private/", "about people; never published"),
                ("state/", "may be lost at the cost of time"),
                ("keys/", "signing keys; back them up by themselves"),
            ]
        )
        view.line()
        view.hint(f"Next: phonolith harvest folder PATH --archive {root}")

    return Answer({"archive": str(root), "name": name, "contact": contact}, show)


COMMANDS = {"init": init}
