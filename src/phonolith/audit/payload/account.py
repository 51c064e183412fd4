"""An account of what was drawn and read, so that another auditor can draw and read the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phonolith.audit.payload.listing import Item, Listing
from phonolith.audit.payload.plan import Plan
from phonolith.audit.payload.reading import Seen
from phonolith.audit.payload.run import Done
from phonolith.audit.torrents import AUDIO, kind_of
from phonolith.model.finding import Finding
from phonolith.store.files import printable

RULE = (
    "Files are taken in the order of SHA-256 over the seed, a zero byte and the file's name in the list; of each "
    "stratum the first of them, as many as its share of the draws, rounded up."
)
PLAIN = "Files are taken in the order of SHA-256 over the seed, a zero byte and the file's name in the list."
_NAMED = 3  # files that a finding names


@dataclass(frozen=True, slots=True)
class Account:
    """One exhibit of bytes: ``seed_from`` says where the seed is from, ``read`` counts bytes."""

    listing: Listing
    plan: Plan
    done: Done
    seed_from: str
    rule: str

    def data(self) -> Mapping[str, Any]:
        """As an object for JSON."""
        plan, seen = self.plan, self.done.looks.seen
        drawn = {item.id for some in plan.drawn.values() for item in some}
        return {
            "files": len(self.listing.items),
            "here": sum(item.path is not None for item in self.listing.items),
            "seed": plan.seed,
            "seed_from": self.seed_from,
            "rule": self.rule,
            "budget": plan.budget,
            "bytes_read": self.done.read,
            "everything": plan.everything,
            "stopped_early": self.done.stopped,
            "why": list(plan.why),
            "strata": [
                {
                    "group": one.group,
                    "kind": one.kind,
                    "sizes": one.sizes,
                    "files": len(one.items),
                    "bytes": sum(item.size or 0 for item in one.items),
                    "drawn": sum(item.id in drawn for item in one.items),
                    "read": sum(item.id in seen for item in one.items),
                }
                for one in plan.strata
            ],
            "drawn": [] if plan.everything else [_drawn(one) for one in seen.values()],
            "kinds": [
                {"kind": kind, "files": files, "bytes": size} for kind, (files, size) in sorted(self.kinds().items())
            ],
        }

    def kinds(self) -> dict[str, tuple[int, int]]:
        """Files and bytes of what was read whole, by what it turned out to be."""
        found: dict[str, tuple[int, int]] = {}
        for seen in self.done.looks.seen.values():
            if seen.shown:
                files, size = found.get(seen.kind, (0, 0))
                found[seen.kind] = (files + 1, size + (seen.item.size or 0))
        return found

    def findings(self) -> Iterator[Finding]:
        """What is not as it should be, a finding for each kind of it."""
        subject = printable(self.listing.root)
        missing = [item for item in self.listing.items if item.path is None]
        if missing:
            problem = f"{_count(missing)} listed and not here, which shows nothing: {_names(missing)}"
            yield Finding("evidence.missing", subject, problem, "Get the rest, or give it as a part")
        looks = self.done.looks
        odd: dict[str, list[Item]] = defaultdict(list)
        for seen in looks.seen.values():
            if code := _oddity(seen):
                odd[f"{code} {seen.why}"].append(seen.item)
        for key, items in odd.items():
            code, _, why = key.partition(" ")
            what = "what is named as sound" if code == "evidence.no-sound" else "what is here"
            problem = f"{what} {why}: {_names(items)} ({len(items):,})"
            yield Finding(code, subject, problem, "They are not counted as what they are called")
        yield from self._again(subject)

    def _again(self, subject: str) -> Iterator[Finding]:
        same: dict[str, list[Item]] = defaultdict(list)
        for seen in self.done.looks.seen.values():
            if seen.shown and seen.item.size:
                same[seen.sha256].append(seen.item)
        again = [item for items in same.values() for item in items[1:]]
        if again:
            problem = f"{len(again):,} of the files that were read have the bytes of another: {_names(again)}"
            yield Finding("evidence.again", subject, problem, "They count once among different files", "note")


def _oddity(seen: Seen) -> str:
    """The code of what is wrong with a file, "" if nothing is."""
    if seen.item.path is None or seen.track:
        return ""
    if not seen.shown:
        return "evidence.damaged"
    return "evidence.no-sound" if kind_of(seen.item.name) in AUDIO and seen.why else ""


def _drawn(seen: Seen) -> dict[str, Any]:
    return {
        "file": seen.item.id,
        "bytes": seen.item.size,
        "shown": seen.shown,
        "kind": seen.kind,
        "track": seen.track,
        "seconds": round(seen.seconds[1], 3),
        "sha256": seen.sha256,
        "why": seen.why,
    }


def _count(items: Sequence[Item]) -> str:
    return f"{len(items):,} file is" if len(items) == 1 else f"{len(items):,} files are"


def _names(items: Sequence[Item]) -> str:
    shown = ", ".join(printable(item.name) for item in sorted(items, key=lambda one: one.id)[:_NAMED])
    return f"{shown} …" if len(items) > _NAMED else shown
