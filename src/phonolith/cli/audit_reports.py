"""``audit check``, ``audit combine`` and ``audit compare``: reports of audits, anybody's, put beside each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from phonolith.cli.findings import show_findings
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

STYLES = {"proven": "green", "sampled": "green", "circulating": "yellow", "refuted": "red", "disputed": "red"}

_FILE = click.Path(path_type=Path)
_HTML = click.option("--html", type=_FILE, metavar="FILE", help="The same as one page, written there.")
_TITLE = click.option("--title", metavar="TEXT", help="Title of that page.")


@verb(
    "check",
    short_help="Check the signature of a report.",
    examples=("audit check report.json", "audit check report.json --key 6d2a…"),
)
@click.argument("report", type=_FILE)
@click.option("--key", metavar="KEY", help="Whose it has to be: 64 hexadecimal digits.")
def check(place: Place, report: Path, key: str | None) -> Answer:
    """Check that REPORT is as its auditor signed it, and by which key. Exit code 1 if it is not.

    It says who said something, not whether that is true: for the latter, look at the same evidence.
    """
    from phonolith.audit.received import Seal, read

    wanted = _keys([key] if key else [])
    found = read(report)
    told = found.report
    right = found.seal is Seal.SIGNED and (not wanted or told.key in wanted)
    problem = {
        Seal.SIGNED: "" if right else f"it is by key {told.key}, and not by the one that was named",
        Seal.UNSIGNED: "nobody signed it",
        Seal.FORGED: f"its signature is not by key {told.key or '(none)'}: it was changed, or never signed by it",
    }[found.seal]

    def show(view: View) -> None:
        if right:
            view.line(f"✓ {told.auditor or 'An auditor without a name'} signed it, key {told.key}.", "green")
            view.line(f"Made {told.made} by {told.by}: {len(told.verdicts)} claims. SHA-256 {found.digest}")
        else:
            view.line(f"✗ {found.subject}: {problem}", "red")

    data: dict[str, Any] = {"path": found.subject, "seal": found.seal.value, "key": told.key, "auditor": told.auditor}
    data |= {"made": told.made, "sha256": found.digest, "sound": right, "problem": problem}
    return Answer(data, show, exit=int(not right))


@verb(
    "combine",
    short_help="What several auditors say together of the same claims.",
    examples=("audit combine ours.json theirs.json", "audit combine *.json --since 2026-11-01 --html together.html"),
)
@click.argument("reports", type=_FILE, nargs=-1, required=True)
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Count this key alone, and others so named.")
@click.option("--since", default="", metavar="DATE", help="Count no report that is older.")
@click.option("--out", type=_FILE, metavar="FILE", help="The same as JSON, written there.")
@_HTML
@_TITLE
def combine(
    place: Place,
    reports: tuple[Path, ...],
    keys: tuple[str, ...],
    since: str,
    out: Path | None,
    html: Path | None,
    title: str | None,
) -> Answer:
    """Put REPORTS beside each other, claim by claim: corroborated by how many keys, on the same evidence or on other.

    Only reports that are properly signed count, for each key the newest, and each as far as its own facts carry its
    words. Equal samples drawn by one seed count once. Where auditors differ, all words stand with their reasons;
    nothing is averaged. A key is not a person: name those you know with --key. Exit code 1: something does not fit.
    """
    from phonolith.audit.combine import combine as together
    from phonolith.audit.combine import data_of
    from phonolith.audit.received import read
    from phonolith.audit.report import combined_page

    known, day = _keys(keys), _day(since)
    told = together(map(read, reports), now=place.now(), known=known, since=day)
    data = data_of(told)
    _write(data, out, html, title or "Audits together", combined_page)

    def show(view: View) -> None:
        for one in data["claims"]:
            view.line(f"{one['verdict']}{_support(one)}: {one['sentence']}", STYLES.get(one["verdict"], "bold"))
            for vote in one["votes"]:
                name = f"{vote['auditor'] or 'without a name'}, key {vote['key'][:16]}"
                view.line(f"{vote['word']} ({name}): {'; '.join(vote['why'])}", "", 4)
            for line in one["notes"]:
                view.line(line, "dim", 4)
        show_findings(view, told.findings)
        counted = sum(one["counted"] for one in data["reports"])
        view.line(f"{len(data['claims'])} claims; {counted} of {len(data['reports'])} reports count.")
        _where(view, out, html)

    return Answer(data, show, exit=_exit(told.findings, data["words"]["refuted"]))


@verb(
    "compare",
    short_help="What changed between two audits.",
    examples=("audit compare 2025.json 2026.json", "audit compare 2025.json 2026.json --html changes.html"),
)
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option("--out", type=_FILE, metavar="FILE", help="The same as JSON, written there.")
@_HTML
@_TITLE
def compare(place: Place, old: Path, new: Path, out: Path | None, html: Path | None, title: str | None) -> Answer:
    """Compare the reports OLD and NEW, signed or not: what each claim said, the word on it, and its evidence.

    A word is raised or lowered; refuted is the lowest. Exit code 1: a signature is wrong.
    """
    from phonolith.audit.compare import data_of, findings
    from phonolith.audit.received import read
    from phonolith.audit.report import compared_page

    before, after = read(old), read(new)
    data, found = data_of(before, after, now=place.now()), findings(before, after)
    _write(data, out, html, title or "What changed between two audits", compared_page)

    def show(view: View) -> None:
        for one in data["claims"]:
            if one["went"] != "same" or one["changes"]:
                _show_change(view, one)
        show_findings(view, found)
        counted = ", ".join(f"{count} {way}" for way, count in data["went"].items() if count)
        view.line(f"{len(data['claims'])} claims: {counted}.")
        _where(view, out, html)

    return Answer(data, show, exit=_exit(found, 0))


def write_out(path: Path, data: Mapping[str, Any]) -> None:
    """A report as a file of JSON."""
    import json

    from phonolith.store.files import atomic_write

    text = json.dumps(data, ensure_ascii=False, indent=2)
    atomic_write(path, (text + "\n").encode("utf-8", "backslashreplace"))


_WAYS = {"raised": "green", "lowered": "red", "gone": "yellow"}


def _show_change(view: View, one: Mapping[str, Any]) -> None:
    words = f"{one['was']} → {one['now']}" if one["was"] and one["now"] != one["was"] else one["now"] or one["was"]
    view.line(f"{one['went']}: {one['sentence']}", _WAYS.get(one["went"], "bold"))
    view.line(words if one["was"] and one["now"] else f"it was {one['was']}" if one["was"] else f"it is {words}", "", 4)
    for part in one["changes"]:
        if part["kind"] != "verdict":
            view.line(f"{part['what']}: {part['was'] or 'nothing'} → {part['now'] or 'nothing'}", "dim", 4)


def _support(one: Mapping[str, Any]) -> str:
    if one["corroborated"]:
        return f", corroborated by {one['independent']} {'samples' if one['verdict'] == 'sampled' else 'keys'}"
    if one["verdict"] in ("claimed", "unverifiable", "disputed"):
        return ""
    return f", by {one['keys']} keys and one sample" if one["keys"] > 1 else ", by one key alone"


def _keys(told: Sequence[str]) -> frozenset[str]:
    from phonolith.errors import UsageError

    for one in told:
        if not re.fullmatch("[0-9a-f]{64}", one):
            raise UsageError(f"--key {one}", "is no public key", "Give 64 hexadecimal digits, lower case")
    return frozenset(told)


def _day(told: str) -> str:
    from phonolith.errors import UsageError

    if told and not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", told):
        raise UsageError(f"--since {told}", "is no date", "As in: --since 2026-11-01")
    return told


def _write(
    data: Mapping[str, Any], out: Path | None, html: Path | None, title: str, page: Callable[[Any, str], str]
) -> None:
    from phonolith.store.files import atomic_write

    if out is not None:
        write_out(out, data)
    if html is not None:
        atomic_write(html, page(data, title).encode())


def _where(view: View, *paths: Path | None) -> None:
    for path in filter(None, paths):
        view.hint(f"Written to {path}")


def _exit(findings: Sequence[Any], refuted: int) -> int:
    return int(bool(refuted) or any(one.severity == "error" for one in findings))
