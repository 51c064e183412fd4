"""``status``: what this archive holds and what to do next."""

from __future__ import annotations

from phonolith.cli.text import number, plural, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.pipeline import STAGES, next_stage
from phonolith.store.archive import LOCKS, Archive


@verb("status", short_help="What this archive holds and what to do next.")
def status(place: Place) -> Answer:
    """Say in a few lines what is held, when it was built last, who is at work, and what to do next."""
    archive, settings = place.archive(), place.settings()
    with archive.objects() as objects:
        count, held = objects.totals()
    with archive.records() as records:
        sources = {name: records.count(name) for name in sorted(records.sources())}
    with archive.register() as register:
        decisions = register.head()[0]
    built = _built(archive)
    busy = {name: who for name in LOCKS if (who := working(archive, name))}
    following = next_stage(archive.root)
    data = {
        "archive": str(archive.root),
        "name": settings.name,
        "records": sources,
        "objects": count,
        "bytes": held,
        "events": decisions,
        "catalogue": built,
        "at_work": busy,
        "stages": {stage.name: stage.left(archive.root) for stage in STAGES},
        "next": following.command,
    }

    def show(view: View) -> None:
        view.heading(settings.name or "This archive", str(archive.root))
        view.pairs(
            [
                ("records", _records_line(sources)),
                *((f"  {name}", number(n)) for name, n in sources.items() if len(sources) > 1),
                ("objects", f"{plural(count, 'object')}, {size(held)}"),
                ("register", plural(decisions, "event")),
                ("catalogue", _catalogue_line(built)),
                *((f"{name} lock", who) for name, who in busy.items()),
            ]
        )
        view.hint(f"Next: {following.command}")

    return Answer(data, show)


def _built(archive: Archive) -> dict[str, object] | None:
    """What the catalogue says about itself; None before the first build."""
    if not archive.catalogue.is_file():
        return None
    from contextlib import closing

    from phonolith.library.catalogue import Catalogue

    with closing(Catalogue.open(archive.catalogue)) as catalogue, catalogue.reading() as snapshot:
        rows = snapshot.db.execute("SELECT value FROM meta WHERE key = 'as_of'").fetchone()
        tracks = snapshot.db.execute("SELECT value FROM tally WHERE name = 'tracks' AND bucket = ''").fetchone()
    return {
        "as_of": rows[0] if rows else "",
        "tracks": tracks[0] if tracks else 0,
        "bytes": archive.catalogue.stat().st_size,
    }


def _records_line(sources: dict[str, int]) -> str:
    if not sources:
        return "none yet"
    origin = next(iter(sources)) if len(sources) == 1 else plural(len(sources), "source")
    return f"{number(sum(sources.values()))} of {origin}"


def _catalogue_line(built: dict[str, object] | None) -> str:
    if built is None:
        return "not built yet"
    return f"{plural(int(str(built['tracks'])), 'track')} as of {built['as_of']}, {size(float(str(built['bytes'])))}"


def working(archive: Archive, lock: str) -> str:
    """Who holds a lock and since when; "" if nobody does, or nobody can because the disk is read-only."""
    from phonolith.errors import Busy, StorageError

    try:
        with archive.lock(lock, what="a look at who is at work"):
            return ""
    except Busy as error:
        return error.problem
    except StorageError:
        return ""


COMMANDS = {"status": status}
