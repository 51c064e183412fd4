"""``prove``, ``check-proof`` and ``check-log``: what was committed to, shown to anybody and checked by anybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.model.finding import Finding
    from phonolith.verifier import Head, Problem, State

_FILE = click.Path(path_type=Path)
Read = TypeVar("Read")

#: What a person can do about a finding, by its code.
_REMEDIES = {
    "log.refuted": "Keep both heads and show them: they prove it to anybody",
    "log.undecided": "Ask for a link (phonolith log link OLD), or compare with a copy of the log's folder",
    "log.shrank": "Ask for the newer state; if there is none, something was taken back",
    "log.other": "Compare two states of one log",
    "log.leaves": "Get that copy of the log again",
    "proof.file": "Check that it is the file itself, unchanged",
}


@verb("prove", short_help="Prove that a file was committed to.", examples=("prove song.flac --out song.proof.json",))
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, metavar="PROOF", help="Write the proof there.")
def prove(place: Place, file: Path, out: Path | None) -> Answer:
    """Prove that this archive committed to the bytes of FILE, and since when.

    The proof has all that is needed to check it, also without this program. It leads to the first head that covers the
    file. Under --json the answer is the proof.
    """
    from phonolith.cli.text import plural
    from phonolith.releases import prove as room

    proof = room.prove(place.archive(), file)
    write(out, proof)
    head, signed = proof["head"], proof["countersignatures"]

    def show(view: View) -> None:
        view.line(f"Log {head['log']} has it as leaf {proof['index']:,}, signed at {head['time']}.")
        if signed:
            view.line(f"{plural(len(signed), 'other key')} countersigned that head.")
        view.hint(f"Written to {out}. To check it: phonolith check-proof {out} {file}" if out else "To keep it: --out")

    return Answer(proof, show)


@verb(
    "check-proof",
    short_help="Check a proof that a file was committed to.",
    examples=("check-proof song.proof.json song.flac",),
)
@click.argument("proof", type=_FILE)
@click.argument("file", type=_FILE, required=False)
def check_proof(place: Place, proof: Path, file: Path | None) -> Answer:
    """Check PROOF, and that FILE is what it is about. Needs no archive; exit code 1 if it does not prove that.

    It proves that whoever has the log's key signed these digests. When, is that key's word and the countersigners'.
    """
    from phonolith import verifier
    from phonolith.store.files import storage_errors

    read_it = read_value(proof, verifier.read_proof)
    if file is None:
        problems = verifier.check_proof(read_it)
    else:
        _there(file)
        with storage_errors(file), file.open("rb") as stream:
            problems = verifier.check_proof(read_it, stream)
    head, found = read_it.heads[-1], _findings(problems)
    state = verifier.State(read_it.heads, countersignatures=read_it.countersignatures)
    seen = _seen(state) if not problems else []

    def show(view: View) -> None:
        _show_findings(view, found)
        if found:
            return
        what = f"{file}" if file else f"The object {read_it.leaf.sha256.hex()}"
        view.line(f"✓ {what} was committed to by log {head.log}, by its own word at {head.time}.", "green")
        _show_seen(view, seen)

    data = {
        "proven": not found,
        "log": head.log,
        "time": head.time,
        "head": verifier.digest(head),
        "sha256": read_it.leaf.sha256.hex(),
        "index": read_it.number,
        "seen": seen,
        "findings": found,
    }
    return Answer(data, show, exit=1 if found else 0)


@verb(
    "check-log",
    short_help="Check that a log only grew.",
    examples=("check-log old-copy/ new-copy/", "check-log head.jsonl link.json"),
)
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
def check_log(place: Place, old: Path, new: Path) -> Answer:
    """Check that NEW keeps everything that OLD has. Needs no archive; exit code 1 unless it is shown to.

    Each is an archive or a copy of its held/log, a file of heads, a proof, or a link. Refuted means: two heads, both
    properly signed, contradict each other. They are given out, for they prove it to anybody.
    """
    from phonolith import verifier

    before, after = read(old, verifier.read_state), read(new, verifier.read_state)
    found = verifier.check_log(before, after)
    findings = _findings(found.problems)
    seen = _seen(after) if found.verdict == "consistent" else []

    def show(view: View) -> None:
        _show_findings(view, findings)
        style = {"consistent": "green", "refuted": "red"}.get(found.verdict, "yellow")
        mark = "✓ " if found.verdict == "consistent" else ""
        view.line(f"{mark}{found.verdict.capitalize()}: {_sizes(before.heads, after.heads)}.", style)
        for head in found.evidence:
            view.line(verifier.canonical(verifier.dump(head)).decode())
        if found.verdict == "consistent":
            _show_seen(view, seen)

    evidence = [verifier.dump(head) for head in found.evidence]
    data = {"verdict": found.verdict, "evidence": evidence, "seen": seen, "findings": findings}
    return Answer(data, show, exit=0 if found.verdict == "consistent" else 1)


def read(path: Path, reader: Callable[[Path], Read]) -> Read:
    """What the verifier reads of a path. Raises NotFound, BadInput, StorageError."""
    from phonolith.errors import BadInput
    from phonolith.store.files import printable, storage_errors
    from phonolith.verifier import Unreadable

    _there(path)
    try:
        with storage_errors(path):
            return reader(path)
    except Unreadable as error:
        raise BadInput(printable(path), str(error), "Name a log's folder, heads, a proof or a link") from error


def read_value(path: Path, reader: Callable[[Any], Read]) -> Read:
    """What the verifier reads of the JSON object in a file. Raises NotFound, BadInput, StorageError."""
    from phonolith.verifier import read_json

    return read(path, lambda path: reader(read_json(path.read_bytes())))


def write(out: Path | None, value: dict[str, Any]) -> None:
    """Write a JSON object, if there is somewhere to write it."""
    import json

    from phonolith.store.files import atomic_write

    if out is not None:
        atomic_write(out, (json.dumps(value, indent=1) + "\n").encode())


def _there(path: Path) -> None:
    from phonolith.errors import NotFound
    from phonolith.store.files import printable

    if not path.exists():
        raise NotFound(printable(path), "there is no such file", "Check the path")


def _seen(state: State) -> list[dict[str, str]]:
    """Other keys whose countersignatures of a state hold, with what they said last: the latest first."""
    from phonolith.verifier import seen_by

    found = [{"key": one.key, "time": one.time} for one in seen_by(state).values()]
    return sorted(found, key=lambda one: one["time"], reverse=True)


def _show_seen(view: View, seen: Sequence[dict[str, str]]) -> None:
    from phonolith.cli.text import plural

    if seen:
        view.line(f"Seen by {plural(len(seen), 'other')}, last at {seen[0]['time']}:")
    for one in seen[:10]:
        view.line(f"{one['time'][:10]}  {one['key']}", "dim", indent=2)  # as much as 80 columns have room for


def _findings(problems: Sequence[Problem]) -> list[Finding]:
    from phonolith.model.finding import Finding

    return [Finding(one.code, one.subject, one.problem, _REMEDIES.get(one.code, ""), "error") for one in problems]


def _show_findings(view: View, findings: Sequence[Finding]) -> None:
    for one in findings:
        view.line(f"✗ {one.code}: {one}", "red")


def _sizes(old: Sequence[Head], new: Sequence[Head]) -> str:
    sizes = [f"{heads[-1].size:,} objects" if heads else "no head" for heads in (old, new)]
    return f"{sizes[0]} before, {sizes[1]} now"


COMMANDS = {"prove": prove, "check-proof": check_proof, "check-log": check_log}
