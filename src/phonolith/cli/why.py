"""``why``: what may be done with a track or a release, and on what that rests."""

from __future__ import annotations

import click

from phonolith.cli.reading import reading
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.errors import UsageError
from phonolith.library.access import standing
from phonolith.library.reading import Reading
from phonolith.library.views import Rights
from phonolith.model.music import Level, LicenceStatement
from phonolith.model.rights import Use
from phonolith.model.status import Status
from phonolith.rights.explain import explain
from phonolith.rights.gate import decide


@verb("why", short_help="Why something may or may not be held, played or given on.")
@click.argument("identifier", metavar="ID")
def why(place: Place, identifier: str) -> Answer:
    """Explain what may be done with a track or a release: what was stated, by whom, and what would change it."""
    from phonolith.cli.select import split

    one = split(identifier, identifier)
    with reading(place) as library, library.reading() as now:
        kind, row = now.snapshot.find(one)
        if kind not in ("track", "release"):
            raise UsageError(identifier, f"is the id of a {kind}, which has no bytes", "Ask about a track or a release")
        own = standing(now, kind, row)
        withdrawn = now.decisions.withdrawn
        subject = now.subject(own, held=_held(now, kind, row))
        attestations = now.decisions.attestations(*own.witnesses)
        said = _statements(own.rights) if own.rights.basis != "attested" else []
        reference = f"{kind}:{one}"
        lines = explain(reference, subject, said, policy=now.policy, withdrawn=withdrawn, attestations=attestations)
        decisions = {use.value: decide(use, subject, policy=now.policy, withdrawn=withdrawn) for use in Use}

    def show(view: View) -> None:
        for line in lines:
            view.line(line)

    return Answer({"id": one, "kind": kind, "rights": own.rights, "decisions": decisions, "text": lines}, show)


def _held(now: Reading, kind: str, row: int) -> bool:
    """Whether audio of it is here."""
    column = "id" if kind == "track" else "release"
    return (
        now.one(f"SELECT 1 FROM track WHERE {column} = ? AND status = ? LIMIT 1", (row, int(Status.HELD))) is not None
    )


def _statements(rights: Rights) -> list[LicenceStatement]:
    return [LicenceStatement(rights.stated, Level(rights.level), rights.stated_by)] if rights.stated else []


COMMANDS = {"why": why}
