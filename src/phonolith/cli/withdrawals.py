"""``withdrawals``: the signed list of what was published and is not offered any more, and checks of any such list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View

if TYPE_CHECKING:
    from phonolith.store.archive import Archive

_MOST = 50  # files shown to a person
_WORDS = {"withdrawn": "withdrawn", "expunged": "removed for good", "reinstated": "offered again"}
_GROUNDS = {"owner": "its owner asked", "licence": "its licence", "law": "the law"}


@verb(
    "withdrawals",
    short_help="The signed list of what was published and is not offered any more.",
    examples=(
        "withdrawals",
        "withdrawals --check https://music.example.org",
        "withdrawals --check withdrawn.jsonl --key KEY --seen older.heads.jsonl",
    ),
)
@click.option("--check", metavar="PLACE", help="Check this list instead: a file, its folder, or an address.")
@click.option("--key", default="", metavar="KEY", help="The log or the public key that has to sign it.")
@click.option("--seen", metavar="FILE", help="Heads of that list from earlier: it must keep what they sign.")
def withdrawals(place: Place, check: str | None, key: str, seen: str | None) -> Answer:
    """Show the list of withdrawals: each published file that the gate refuses now, by digest, with its ground.

    Everybody who has a copy is told by it which files to drop; it never says who asked, or why. It is kept by `seed`
    and `serve` while they run, else at the end of each decision and build. With --check, say whether a list is signed,
    whole, and keeps what earlier heads of it signed; exit code 1 if not.
    """
    from phonolith.errors import UsageError

    if check is not None:
        return _checked(place, check, key, seen)
    if key or seen:
        raise UsageError("withdrawals", "--key and --seen are about a list to check", "Name it: --check PLACE")
    return _own(place.archive())


def _own(archive: Archive) -> Answer:
    from phonolith.store.withdrawals import listed
    from phonolith.verifier import dump

    state = archive.withdrawals().read()
    every = sorted(listed(state.lines).values(), key=lambda one: one.time, reverse=True)
    now = [one for one in every if one.event != "reinstated"]
    data: dict[str, Any] = {
        "lines": len(state.lines),
        "files": every,
        "withdrawn": len(now),
        "head": dump(state.heads[-1]) if state.heads else None,
    }

    def show(view: View) -> None:
        from phonolith.cli.text import plural

        if not now:
            view.line("Everything that was published is offered; nobody has to drop anything.")
        else:
            view.line(f"{plural(len(now), 'published file')} not offered any more.")
            columns = [Column("when"), Column("what"), Column("ground"), Column("SHA-256", grow=1)]
            rows = [(one.time[:10], _WORDS[one.event], _GROUNDS[one.ground], one.sha256) for one in now[:_MOST]]
            view.table(columns, rows, header=True)
        if len(now) > _MOST:
            view.line(f"{len(now) - _MOST:,} more; --json has all of them.", "dim")
        if state.heads:
            head = state.heads[-1]
            view.line(f"{plural(head.size, 'line')}, signed at {head.time} by log {head.log}", "dim")

    return Answer(data, show)


def _checked(place: Place, where: str, key: str, seen: str | None) -> Answer:
    from pathlib import Path

    from phonolith.releases.verify.withdrawals import earlier_heads, read_place
    from phonolith.verifier import check_list, dump

    found = read_place(where)
    state = found.state
    problems = check_list(state, earlier_heads(Path(seen)) if seen else ())
    wrong = [{"code": one.code, "subject": one.subject, "problem": one.problem} for one in problems]
    if not problems and key and not found.speaks_for(key):
        problem = f"it is signed by log {state.heads[-1].log}, not by {key}"
        wrong.append({"code": "withdrawals.key", "subject": where, "problem": problem})
    head = state.heads[-1] if state.heads else None
    data = {
        "sound": not wrong,
        "signed": bool(head),
        "lines": len(found.entries),
        "head": dump(head) if head else None,
        "problems": wrong,
    }

    def show(view: View) -> None:
        from phonolith.cli.text import plural

        for one in wrong:
            view.line(f"✗ {one['code']}  {one['subject']}: {one['problem']}", "red")
        if not wrong and head:
            view.line(f"✓ {plural(head.size, 'line')}, signed by its own word at {head.time} by log", "green")
            view.line(head.log, "green", 2)
        elif not head:
            view.hint("It can be used all the same: have it from where you trust it.")

    return Answer(data, show, 1 if wrong else 0)


def keep_list(place: Place, archive: Archive) -> int | None:
    """Bring the list into step with what was just decided or built; None while another process is at it."""
    from phonolith.errors import Busy, PhonolithError
    from phonolith.releases.withdrawals import keep
    from phonolith.rights.gate import Policy

    settings = place.settings()
    try:
        with place.bars() as bars:
            policy = Policy(settings.operator_territory, settings.publish_territories)
            return keep(archive, policy, now=place.now, progress=bars)
    except Busy:
        return None
    except PhonolithError as error:  # what was decided stands all the same
        click.echo(f"The list of withdrawals does not follow: {error}", err=True)
        return None


COMMANDS = {"withdrawals": withdrawals}
