"""Verdicts on files, and the findings that they make."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from phonolith.model.finding import Finding
from phonolith.releases.verify.copies import Copy
from phonolith.store.files import TEMPORARY, printable

#: All there are, worst last. What is not ``ok`` or a matter of course makes a finding.
VERDICTS = ("ok", "extra", "expunged", "withdrawn", "unproven", "missing", "unreadable", "corrupt")
#: What a repair can mend.
MENDABLE = ("corrupt", "missing", "unproven", "unreadable")

_DELETE = "Delete the file, or run this again with --drop"

_LITTER = re.compile(r"(.*/)?(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]+)")
_PAD = re.compile(r"(.*/)?\.pad/[^/]+")
_ASIDE = re.compile(r"corrupt-[0-9TZ]+(-[0-9]+)?/.*|.*\.corrupt-[0-9TZ]+(-[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of one file. ``size``: bytes that are there, None where none are.

    ``ranges`` are the bytes that are bad or unproven, start and end, the end not included, as narrow as the proofs
    allow; ``pieces`` the numbers of their pieces, in the file's v2 tree or in the version 1 torrent.
    """

    path: str
    verdict: str
    size: int | None
    ranges: tuple[tuple[int, int], ...] = ()
    pieces: tuple[int, ...] = ()
    note: str = ""


def merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Ranges in order, those that touch as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def findings_of(copy: Copy, verdicts: Mapping[str, Verdict]) -> Iterator[Finding]:
    """The findings that the verdicts on expected files make."""
    for one in verdicts.values():
        if one.verdict == "ok":
            continue
        subject = printable(one.path)
        match one.verdict:
            case "corrupt":
                yield _error("corrupt", subject, f"is damaged: {_told(one)}", "Repair it: --repair --from ANOTHER_COPY")
            case "missing":
                yield _error("missing", subject, "is not there", "Repair it: --repair --from ANOTHER_COPY")
            case "unproven":
                yield _error("unproven", subject, one.note or "has nothing that proves it", "Look for a better list")
            case "unreadable":
                yield _error("unreadable", subject, one.note, "Check the disk, or remove what stands there")
            case "withdrawn" if one.size is not None:
                yield _error(
                    "withdrawn",
                    subject,
                    f"was withdrawn ({one.note}) and is still here",
                    _DELETE,
                )
            case "expunged" if one.size is not None:
                yield _error(
                    "expunged",
                    subject,
                    f"was expunged ({one.note}) and is still here",
                    _DELETE,
                )


def extras(copy: Copy, used: Collection[str], ignored: Collection[str]) -> tuple[list[Verdict], list[Finding]]:
    """What is there and in no list."""
    verdicts, findings = [], []
    for path, file in sorted(copy.listing.files.items()):
        if path in used or path in copy.own or str(copy.root.absolute() / path) in ignored:
            continue
        note = harmless(path)
        verdicts.append(Verdict(path, "extra", file.size, note=note))
        if copy.strict and path.startswith(copy.strict) and not note:
            findings.append(_error("extra", printable(path), "is in the payload and in no manifest", "Take it out"))
    for path, odd in sorted(copy.listing.odd.items()):
        code = "path.link" if "link" in odd else "path.unlisted" if "cannot" in odd else "path.special"
        findings.append(Finding(code, printable(path), odd, "Remove it, or put the file itself there", "error"))
    return verdicts, findings


def harmless(path: str) -> str:
    """What an extra file is, where that is known and harms nobody."""
    if _LITTER.fullmatch(path):
        return "left by a file manager"
    if _PAD.fullmatch(path):
        return "padding of a hybrid torrent"
    if _ASIDE.fullmatch(path):
        return "set aside by a repair"
    return "left by work that was stopped" if path.rpartition("/")[2].startswith(TEMPORARY) else ""


def _told(one: Verdict) -> str:
    """The bad bytes in words: the first few ranges and how many more."""
    ranges = [f"bytes {start:,} to {end:,}" for start, end in one.ranges[:5]]
    more = f" and {len(one.ranges) - 5:,} more stretches" if len(one.ranges) > 5 else ""
    pieces = f" (pieces {', '.join(map(str, one.pieces[:5]))}{', …' if len(one.pieces) > 5 else ''})"
    return ", ".join(ranges) + more + (pieces if one.pieces else "")


def _error(what: str, subject: str, problem: str, remedy: str) -> Finding:
    return Finding(f"verify.{what}", subject, problem, remedy, "error")
