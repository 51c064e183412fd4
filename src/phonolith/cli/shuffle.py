"""``shuffle``: tracks drawn at random from the whole catalogue."""

from __future__ import annotations

import secrets

import click

from phonolith.cli import lists
from phonolith.cli.reading import reading
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.library.shuffle import shuffle as draw


@verb("shuffle", short_help="Tracks drawn at random from the whole catalogue.")
@click.option("-n", "--number", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many tracks.")
@click.option("--seed", metavar="TEXT", help="The same seed draws the same tracks from the same catalogue.")
@click.option("--playable", is_flag=True, help="Only tracks that may be played here.")
def shuffle(place: Place, number: int, seed: str | None, playable: bool) -> Answer:
    """Draw tracks at random: each track of the catalogue is as likely as any other, however many there are."""
    chosen = seed if seed is not None else secrets.token_hex(4)
    with reading(place) as library:
        rows = draw(library, number, seed=chosen, playable=playable)

    def show(view: View) -> None:
        lists.tracks(view, rows)
        if seed is None:
            view.hint(f"The same again: phonolith shuffle -n {number} --seed {chosen}")

    return Answer({"seed": chosen, "tracks": rows}, show)


COMMANDS = {"shuffle": shuffle}
