"""Writes the reference pages that the program itself knows best: verbs, exit codes, settings. Run by `make docs`."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from urllib.parse import urlsplit

import click

from phonolith.catalogue.comments import reference
from phonolith.catalogue.corrections import FIELDS
from phonolith.cli.exits import all_exits
from phonolith.cli.main import SECTIONS, program
from phonolith.rights import public_domain
from phonolith.setting import SETTINGS

HERE = Path(__file__).parent
_NOTE = "<!-- Written by `make docs` from the program; a test compares them. -->\n"


def pages() -> dict[str, str]:
    """Every generated page by file name."""
    return {
        "cli.md": cli(),
        "exit-codes.md": exit_codes(),
        "settings.md": settings(),
        "catalogue.md": catalogue(),
        "public-domain.md": free_by_date(),
    }


def catalogue() -> str:
    """The tables of the catalogue with what each column means, from the comments in its schema."""
    fields = [f"- {kind}: {', '.join(f'`{name}`' for name in named)}" for kind, named in FIELDS.items()]
    parts = [
        "# The catalogue\n",
        _NOTE,
        "`derived/catalogue.sqlite` is one SQLite file that `sqlite3`, DuckDB and Datasette open as it is.",
        "`phonolith build` makes it from held/; it is never changed afterwards, only replaced. The same words stand in",
        "its table `comment`, and the SQL of every number it states in `claim`. People start with the views `tracks`,",
        "`releases`, `artists`, `labels` and `things`.\n",
        "Row numbers are ranks and belong to one build: name things by public id (`permalink`), never by number. A",
        "source that gives an artist or label no id knows it by `artist:` or `label:` and its folded name (Unicode",
        "NFKC, case folded, runs of space as one); the release made for a track without one is `release-of:` and its",
        "id.\n",
        "Where several records describe one thing, each column comes from the fullest description that fills it; lists",
        "(aliases, links, identifiers) have what any of them says. Where two records contradict each other, the word",
        "of the fuller one stands here, and both stay in held/. What no column has is kept as JSON, a note of kind",
        "`remainder`; in it an alias, a relation or a release event says which `name` or `link` it belongs to.\n",
        "What `phonolith set` may correct:\n",
        *fields,
        "",
        "## Tables and views\n",
        reference(),
    ]
    return "\n".join(parts).rstrip() + "\n"


def cli() -> str:
    """The verbs, section by section, with arguments and options."""
    parts = [
        "# Command line\n",
        _NOTE,
        "Every verb takes `--archive DIR` (default: `PHONOLITH_ARCHIVE`, else the current folder) and `--json`:",
        "one JSON object on stdout and nothing else there, whether it went well or not; progress and",
        "messages go to stderr.",
        "Into a pipe, lists come one row a line with columns by tab, whole and without colour. An ID is 16 characters,",
        "with or without its kind: `track:nbswy3dpeb3w64tm`. Exit codes are [a contract](exit-codes.md).\n",
        'Shell completion: `eval "$(_PHONOLITH_COMPLETE=bash_source phonolith)"` in `~/.bashrc`, the same with',
        "`zsh_source` in `~/.zshrc`, and `_PHONOLITH_COMPLETE=fish_source phonolith | source` for fish.\n",
    ]
    context = click.Context(program, info_name="phonolith")
    for section, verbs in SECTIONS.items():
        parts.append(f"## {section}\n")
        for name in verbs:
            command = program.get_command(context, name)
            assert command is not None
            parts += _command(command, f"phonolith {name}", 3)
    return "\n".join(parts).rstrip() + "\n"


def _command(command: click.Command, path: str, depth: int) -> list[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")])
    parts = [f"{'#' * depth} {path}\n", f"```\n{usage}\n```\n", inspect.cleandoc(command.help or "") + "\n"]
    options = [option for option in command.params if isinstance(option, click.Option) and not _common(option)]
    if options:
        parts += ["| option | meaning |", "|---|---|", *map(_option, options), ""]
    if command.epilog:
        lines = command.epilog.partition("Examples:\n")[2].splitlines()
        parts += ["```", *(line.strip() for line in lines), "```", ""]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            parts += _command(child, f"{path} {name}", depth + 1)
    return parts


def _common(option: click.Option) -> bool:
    return option.name in ("archive", "as_json", "help")


def _option(option: click.Option) -> str:
    value = "" if option.is_flag or option.count else f" {option.make_metavar(click.Context(click.Command('x')))}"
    notes = [option.help or ""]
    if option.required:
        notes.append("Required.")
    if option.show_default and option.default is not None:
        notes.append(f"Default: {option.default}.")
    shown = f"`{', '.join(option.opts)}{value}`".replace("|", "\\|")
    return f"| {shown} | {' '.join(notes).replace('|', chr(92) + '|')} |"


def exit_codes() -> str:
    """The table of exit codes."""
    rows = [f"| {item.code} | `{item.name}` | {item.meaning} |" for item in all_exits()]
    return "\n".join(
        [
            "# Exit codes\n",
            _NOTE,
            "A contract: a number never gets another meaning. Under `--json` an error is one object on stdout with the",
            "keys `error` (the name below), `subject`, `problem`, `remedy` and `exit`.\n",
            "| code | name | meaning |",
            "|---:|---|---|",
            *rows,
            "",
        ]
    )


def settings() -> str:
    """The table of settings."""
    variables = {item.key: "" if item.in_file_only else f"`{item.variable}`" for item in SETTINGS}
    read = ", ".join(f"`{item.key}`" for item in SETTINGS if item.in_catalogue)
    rows = [
        f"| `{item.key}` | {_default(item.default)} | {variables[item.key]} | {item.meaning} |" for item in SETTINGS
    ]
    return "\n".join(
        [
            "# Settings\n",
            _NOTE,
            "Read from `phonolith.toml` in the archive, then from the environment, then from flags; the later wins.",
            "`phonolith config` shows each value with its origin. A key `a.b` stands as `b` under `[a]`.\n",
            "| key | default | variable | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
            "An unknown key and a value of the wrong kind are errors that name file, line and key.\n",
            f"Of these a build reads {read} alone, from the file. The same held/, date and {read} give the same",
            "catalogue; its `meta` has the digest of that under `settings`. A port or a folder changes nothing.\n",
        ]
    )


def free_by_date() -> str:
    """The rules by which dates put a work into the public domain, each with its law."""
    parts = [
        "# The public domain by dates\n",
        _NOTE,
        "A track is in the public domain in a territory when a rule frees its recording there and another one its",
        "composition. Each rule asks one date: a year is its last day, a month its last, and what is no plain date",
        "frees nothing. Where several rules hold the earliest day counts. A territory that is not named here is",
        "unknown, and unknown is denied. How dates become evidence: [Rights](../explanation/rights.md).\n",
        "This is a reading of the law by people who write programs, made to err on the side of protection. It is no",
        "legal advice. Where it says read, the law or an account of it was read there. Works of governments, and",
        "rights of persons in their names and voices, are not looked at.\n",
        f"Territories: {', '.join(public_domain.territories())}.\n",
    ]
    for layer in public_domain.LAYERS:
        parts += [f"## {layer.capitalize()}s\n"]
        for rule in (one for one in public_domain.rules() if one.layer == layer):
            parts += _free_by_rule(rule)
    return "\n".join(parts).rstrip() + "\n"


_DATES = {
    "recorded": "recorded",
    "published": "first published",
    "composition_published": "first published as a composition",
    "writers_died": "by writers of whom the last died",
}


def _free_by_rule(rule: public_domain.Rule) -> list[str]:
    when = f"{_DATES[rule.by]}{f' by {rule.until}' if rule.until else ''}"
    free = f"from {rule.free}" if rule.free else f"from 1 January after {rule.years} years"
    places = ", ".join(rule.territories) if len(rule.territories) < 20 else f"European Union ({len(rule.territories)})"
    read = ", ".join(f"[{urlsplit(one).hostname}]({one})" for one in rule.url.split())
    return [
        f"**{rule.id}** ({places}): {when}: free {free}, as the law stands since {rule.since}. {rule.note}",
        f"{rule.statute}; read at {read} on {rule.read}.\n",
    ]


def _default(value: object) -> str:
    """As the settings file has it."""
    return f"`{json.dumps(value).strip(chr(34))}`" if value not in ("", (), {}) else ""


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, "utf-8")
