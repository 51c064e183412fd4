"""A catalogue of Phonolith's as evidence, anybody's: it is counted in by this program's own SQL, whatever it states.

A catalogue stores each of its figures with the SQL that gives it. Neither is believed: the figure is counted again, and
where the file states another one, or other SQL, that is a finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from phonolith.audit.claims import ROWS, Claim
from phonolith.audit.counted import Check
from phonolith.audit.exhibits import Exhibit, Given, Looked, unreadable
from phonolith.audit.kinds import rows
from phonolith.audit.procedures import CATALOGUE
from phonolith.audit.tables import ask
from phonolith.audit.verdicts import Basis, Fact
from phonolith.model.figures import FIGURES
from phonolith.model.finding import Finding
from phonolith.store.files import storage_errors

#: What a catalogue states by name, and how that is counted.
COUNTS: Mapping[str, str] = {one.name: one.procedure for one in FIGURES}
#: Which of them is meant by a claim that names none.
_BY_DIMENSION = {
    **{name: name for name in ("tracks", "releases", "artists", "labels", "genres", "bytes")},
    "files": "objects",
    "objects": "objects",
    "seconds": "duration",
}
#: What a claim may speak of to be about a figure of this unit: dimensions, and definitions of what is one.
_ALIKE = {
    "ISRCs": (("tracks",), ("isrcs",)),
    "files": (("files", "objects"), ("", ROWS, "files")),
    "bytes": (("bytes",), ("", ROWS, "files")),
    "milliseconds": (("seconds",), ("", ROWS)),
}
_UNITS = {one.name: one.unit for one in FIGURES}
_MAGIC = b"SQLite format 3\0"
_IS_ONE = Check("sql", sql="SELECT count(*) FROM claim WHERE name = 'tracks'")


def fits(path: Path) -> bool:
    """Whether this is a catalogue: an SQLite file that states, in a table ``claim``, how many tracks it has."""
    if not path.is_file():
        return False
    with storage_errors(path), path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return False
    answer = ask(path, [_IS_ONE, Check("rows", "meta"), Check("rows", "track")])
    return not answer.problem and all(one.value is not None for one in answer.counted)


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Count in a catalogue, and compare with what it states. Raises StorageError.

    A claim without a procedure is about what is there, which a catalogue describes; one with ``catalogue NAME`` is
    about the catalogue, which was read. Other procedures are counted as in any file of rows.
    """
    told.exhibits.append(Exhibit(given, "catalogue", rows.digest_of(given.path), given.path.stat().st_size))
    mine = [(claim, name) for claim in claims if (name := _name(claim))]
    others = [claim for claim in claims if not _name(claim)]
    names = list(COUNTS)
    answer = ask(given.path, [Check("sql", sql=COUNTS[name]) for name in names] + [_states(name) for name in names])
    if answer.problem:
        told.findings.append(unreadable(given, answer.problem))
        return
    counted = {name: one.value for name, one in zip(names, answer.counted, strict=False)}
    stated = {name: one.value for name, one in zip(names, answer.counted[len(names) :], strict=True)}
    for name, value in stated.items():
        if value is not None and counted[name] is not None and value != counted[name]:
            problem = f"it states {value:,} under {name!r}, and counting in it gives {counted[name]:,}"
            told.findings.append(Finding("catalogue.claim", str(given.path), problem, "Trust what is counted", "error"))
    whole = rows.is_whole(told, given)
    for claim, name in mine:
        _add(told, given, claim, name, counted.get(name), whole=whole)
    if others:
        rows.count(told, given, "SQLite", others)


def _add(told: Looked, given: Given, claim: Claim, name: str, value: float | int | None, *, whole: bool) -> None:
    if value is None:
        known = ", ".join(COUNTS)
        problem = f"the catalogue counts nothing by the name {name!r}"
        told.findings.append(Finding("evidence.procedure", f"claim {claim.id}", problem, f"Names are {known}"))
        return
    if not _speaks_of(claim, name):
        speaks = f"{claim.unit.name}{f' by {claim.definition}' if claim.definition else ''}"
        problem, remedy = f"it speaks of {speaks}, and {name!r} counts {_UNITS[name]}", "Name what it speaks of"
        severity = "warning" if claim.procedure else "note"
        told.findings.append(Finding("claims.procedure", f"claim {claim.id}", problem, remedy, severity))
        return
    scale = 0.001 if name == "duration" else 1.0
    amount = value * scale
    high = amount if whole else float("inf")
    basis = Basis.READ if claim.procedure else Basis.DESCRIBED
    how = f"{name}, counted in the catalogue {given.path.name} by this program's own SQL"
    about = claim.of, claim.definition
    told.facts[claim.id].append(Fact(claim.unit.dimension, amount, high, basis, str(given.path), how, *about))


def _speaks_of(claim: Claim, name: str) -> bool:
    dimensions, definitions = _ALIKE.get(_UNITS[name], ((_UNITS[name],), ("", ROWS, "ids")))
    return claim.unit.dimension in dimensions and claim.definition in definitions


def _name(claim: Claim) -> str:
    """What of a catalogue the claim is about, "" if its procedure is another."""
    word, _, name = claim.procedure.partition(" ")
    if word == CATALOGUE:
        return name.strip() or "tracks"
    if claim.definition == "isrcs" and claim.unit.dimension == "tracks":
        return "isrcs" if not claim.procedure else ""
    return _BY_DIMENSION.get(claim.unit.dimension, "") if not claim.procedure else ""


def _states(name: str) -> Check:
    return Check("sql", sql=f"SELECT value FROM claim WHERE name = '{name}'")
