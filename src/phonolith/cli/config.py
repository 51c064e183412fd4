"""``config``: each setting with value, origin and meaning."""

from __future__ import annotations

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View


@verb("config", short_help="Each setting with its value, origin and meaning.")
@click.argument("key", required=False)
def config(place: Place, key: str | None) -> Answer:
    """Show each setting with its value, where it comes from, and what it means; or KEY alone.

    Settings come from phonolith.toml, then PHONOLITH_… variables, then flags; the later wins.
    """
    settings = place.settings()
    rows = [row for row in settings.explain() if key in (None, row["key"])]
    if not rows:
        from phonolith.errors import NotFound

        raise NotFound(str(key), "is not a setting", "phonolith config lists them all")

    def show(view: View) -> None:
        if key is not None:
            view.pairs((name, _text(value)) for name, value in rows[0].items())
            return
        for row in rows:
            origin = row["origin"].removeprefix(f"{place.root}/")
            view.heading(f"{row['key']} = {_text(row['value'])}", origin)
            view.line(row["meaning"], "dim")

    return Answer({"settings": rows}, show)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "–"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {folder}" for name, folder in value.items()) or "–"
    return str(value) if value != "" else "–"


COMMANDS = {"config": config}
