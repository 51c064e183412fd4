"""``set`` and ``unset``: correct a field of a track, release, artist or label, and undo that."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View
from phonolith.errors import BadInput, NotFound, UsageError
from phonolith.store.archive import Archive
from phonolith.store.files import storage_error

_CSV_COLUMNS = ("id", "field", "value", "because")


@dataclass(frozen=True, slots=True)
class Change:
    """One correction to make: ``value`` None says that there is none; ``where`` is named when it is impossible."""

    subject: str
    field: str
    value: str | None
    because: str
    where: str


@verb(
    "set",
    short_help="Correct a field, one or many by CSV.",
    examples=(
        'set ID title "Gymnopédie no. 1" --because "the usual spelling"',
        'set ID date --clear --because "nobody knows"',
        "set --csv fixes.csv --dry-run",
    ),
)
@click.argument("identifier", metavar="[ID", required=False)
@click.argument("field", metavar="FIELD", required=False)
@click.argument("value", metavar="VALUE]", required=False)
@click.option("--because", metavar="TEXT", help="Why; kept in the register and shown beside the field.")
@click.option("--clear", is_flag=True, help="Say that there is no such thing, instead of giving a VALUE.")
@click.option(
    "--csv", "table", type=click.Path(path_type=Path), metavar="FILE", help="Many: columns id, field, value, because."
)
@click.option("--dry-run", is_flag=True, help="Say what would change and change nothing.")
def set_field(
    place: Place,
    identifier: str | None,
    field: str | None,
    value: str | None,
    because: str | None,
    clear: bool,
    table: Path | None,
    dry_run: bool,
) -> Answer:
    """Correct FIELD of ID to VALUE; or many at once from a CSV file with the columns id, field, value, because.

    Fields are title, credit, date, genres, label and more; a wrong one is answered with the list.
    What the sources say stays as it is; the correction is applied at the next build and shown as yours. A CSV is taken
    whole or not at all. An empty value in it says that there is none. --because stands for rows without a reason.
    """
    archive = place.archive()
    changes = _from_csv(table, because) if table else [_from_words(identifier, field, value, because, clear)]
    rows = _checked(archive, changes)
    fresh = [change for change, in_force in rows if change["now"] != in_force]
    events = [] if dry_run else _record(archive, place, fresh)
    for row, seq in zip(fresh, events, strict=False):
        row["event"] = seq

    def show(view: View) -> None:
        columns = [Column("id", "dim", keep=True), Column("field", keep=True), Column("was", grow=2)]
        columns += [Column("now", "bold", grow=3), Column("event", "dim", right=True, keep=True)]
        shown = [(row["id"], row["field"], row["was"], row["now"], row.get("event", "–")) for row in fresh[:40]]
        if shown:
            view.table(columns, shown)
        _summary(view, len(fresh), len(rows), events, dry_run)

    return Answer({"dry_run": dry_run, "changes": fresh, "unchanged": len(rows) - len(fresh)}, show)


@verb("unset", short_help="Undo a correction.")
@click.argument("target", metavar="EVENT|ID")
@click.argument("field", required=False)
@click.option("--because", required=True, metavar="TEXT", help="Why; kept in the register.")
def unset(place: Place, target: str, field: str | None, because: str) -> Answer:
    """Undo a correction, named by the number of its EVENT, or by ID and FIELD. The one before it is in force again."""
    from phonolith.cli.decide import events_of, record
    from phonolith.rights.decisions import Decisions

    archive = place.archive()
    decisions = Decisions.load(events_of(archive))
    event = _event_of(decisions, target, field)
    done = record(archive, place, [("field.unset", {"event": event, "because": because})])[0]

    def show(view: View) -> None:
        view.line(f"Event {event} is undone by event {done.seq}. It takes effect with the next: phonolith build")

    return Answer({"event": done.seq, "undone": event}, show)


def _from_words(
    identifier: str | None, field: str | None, value: str | None, because: str | None, clear: bool
) -> Change:
    if identifier is None or field is None or (value is None) is not clear:
        raise UsageError("set", "needs ID FIELD VALUE, or ID FIELD --clear, or --csv FILE", "See: phonolith set --help")
    if not because or not because.strip():
        raise UsageError("--because", "is missing", "Say in a sentence why; it is kept in the register")
    from phonolith.cli.select import split

    return Change(split(identifier, identifier), field, value, because.strip(), f"{identifier} {field}")


def _from_csv(path: Path, because: str | None) -> list[Change]:
    from phonolith.cli.select import split

    changes = []
    for line, row in _rows(path):
        reason = (row.get("because") or because or "").strip()
        where = f"{path}:{line}"
        if not reason:
            raise UsageError(where, "has no reason", "Fill the column because, or give --because for all rows")
        value = row["value"] if row["value"].strip() else None
        changes.append(Change(split(row["id"], where), row["field"], value, reason, where))
    return changes


def _rows(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    """Line number and cells of each row. Raises BadInput naming the line that cannot be one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = {"id", "field", "value"} - set(reader.fieldnames or ())
            if missing:
                raise BadInput(
                    str(path), f"lacks the column {', '.join(sorted(missing))}", f"It needs {', '.join(_CSV_COLUMNS)}"
                )
            rows: list[tuple[int, Mapping[str, str]]] = []
            for row in reader:
                if None in row or None in row.values():
                    raise BadInput(
                        f"{path}:{reader.line_num}", "has more or fewer cells than the header", "Mend the row"
                    )
                rows.append((reader.line_num, row))
            return rows
    except FileNotFoundError:
        raise NotFound(str(path), "there is no such file", "Name a CSV file") from None
    except UnicodeDecodeError as error:
        raise BadInput(str(path), f"is not UTF-8 (byte {error.start})", "Save it as UTF-8") from None
    except csv.Error as error:
        raise BadInput(str(path), f"is not CSV: {error}", "Mend the row; nothing was changed") from None
    except OSError as error:
        raise storage_error(path, error) from None


def _checked(archive: Archive, changes: Sequence[Change]) -> list[tuple[dict[str, Any], object]]:
    """Each change with what it changes, and the correction in force; raises before any is made if one is impossible."""
    from phonolith.catalogue.corrections import check
    from phonolith.cli.decide import events_of
    from phonolith.library.catalogue import Catalogue
    from phonolith.rights.decisions import Decisions

    decisions = Decisions.load(events_of(archive))
    checked = []
    with Catalogue.open(archive.catalogue).reading() as snapshot:
        for change in changes:
            try:
                kind, row = snapshot.find(change.subject)
                check(kind, change.field, change.value)
            except (NotFound, UsageError) as error:
                remedy = f"{error.remedy}; nothing was changed"
                raise type(error)(change.where, f"{error.subject}: {error.problem}", remedy) from None
            in_force = decisions.fields(change.subject).get(change.field)
            was = in_force.value if in_force else _present(snapshot.db, kind, row, change.field)
            found = {"id": change.subject, "kind": kind, "field": change.field, "was": was, "now": change.value}
            checked.append((found | {"because": change.because}, in_force.value if in_force else _UNSET))
    return checked


_UNSET = object()  # no correction is in force; not the same as one that says None
_PLAIN = frozenset(
    {"title", "name", "kind", "country", "disc", "position", "duration", "popularity", "barcode", "sort_name"}
)


def _present(db: Any, kind: str, row: int, field: str) -> str | None:
    """What the catalogue says now, for the fields that are plain columns; None for others."""
    if field not in _PLAIN:
        return None
    column = f"(SELECT name FROM kind WHERE kind.id = {kind}.kind)" if field == "kind" else field
    value = db.execute(f"SELECT {column} FROM {kind} WHERE id = ?", (row,)).fetchone()[0]
    return None if value is None else str(value)


def _record(archive: Archive, place: Place, rows: Sequence[dict[str, Any]]) -> list[int]:
    from phonolith.cli.decide import record

    bodies = [
        {"subject": row["id"], "field": row["field"], "value": row["now"], "because": row["because"]} for row in rows
    ]
    return [event.seq for event in record(archive, place, [("field.set", body) for body in bodies])]


def _event_of(decisions: Any, target: str, field: str | None) -> int:
    """The event of the correction that is meant. Raises NotFound where none in force is."""
    from phonolith.cli.select import split

    if target.isdecimal() and field is None:
        events = {
            fs.event for one in decisions.corrected_ids() for sets in decisions.corrected[one].values() for fs in sets
        }
        if int(target) not in events:
            raise NotFound(f"event {target}", "is no correction in force", "phonolith show ID lists those of an item")
        return int(target)
    if field is None:
        raise UsageError(target, "names no field", "Give ID and FIELD, or the number of the event")
    found = decisions.fields(split(target, target)).get(field)
    if found is None:
        raise NotFound(
            f"{target} {field}", "no correction of it is in force", "phonolith show ID lists those of an item"
        )
    event: int = found.event
    return event


def _summary(view: View, fresh: int, all_rows: int, events: Sequence[int], dry_run: bool) -> None:
    from phonolith.cli.text import plural

    same = f"; {all_rows - fresh:,} are in force already" if all_rows > fresh else ""
    if dry_run:
        view.line(f"Would make {plural(fresh, 'correction')}{same}. Nothing was changed.")
        return
    view.line(f"{plural(fresh, 'correction')} recorded{same}. They take effect with the next: phonolith build")
    if events:
        view.hint(f"To undo: phonolith unset {events[0]} --because …")


COMMANDS = {"set": set_field, "unset": unset}
