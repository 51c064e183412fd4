"""Carries out a plan: looks at ends and headers, reads what was drawn, and ends early where that is wished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from phonolith.audit.payload.content import is_sound
from phonolith.audit.payload.hearing import COMMAND, DEADLINE, Hear, heard_of
from phonolith.audit.payload.listing import Item
from phonolith.audit.payload.looks import Looks
from phonolith.audit.payload.plan import Plan, ends_cost, headers_cost
from phonolith.audit.payload.reading import probe, read
from phonolith.audit.sampling import place
from phonolith.model.progress import Progress
from phonolith.sources.tags import TagReader

_FIRST, _MORE = 20, 1.25  # files after which it is first asked whether verdicts are settled, and how many more then


@dataclass(frozen=True, slots=True)
class Done:
    """What was looked at, how many bytes were read for that, and whether reading ended before all draws were read."""

    looks: Looks
    read: int
    stopped: bool = False


def carry_out(
    plan: Plan, items: Sequence[Item], progress: Progress, settled: Callable[[Looks], bool] | None, hear: Hear | None
) -> Done:
    """Read what a plan says. ``settled`` is asked now and then whether more would change nothing; None: read it all.

    ``hear`` decodes; None starts a limited child for that, which ends with this.
    """
    looks, spent = Looks(), 0
    with ExitStack() as closing:
        if hear is None:
            child = closing.enter_context(TagReader(DEADLINE, list(COMMAND)))
            hear = _hearing(child)
        progress.start("Reading", plan.cost, "bytes")
        if plan.ends:
            _look_at_ends(looks, items, progress)
            spent += ends_cost(items)
        if plan.headers:
            _read_headers(looks, items, progress)
            spent += headers_cost(items)
        for item in plan.equal:
            seen = read(item, None, progress.advance)
            looks.hashes |= {item.id: seen.sha256} if seen.shown else {}
            spent += item.cost
        drawn = sorted(
            (item for some in plan.drawn.values() for item in some), key=lambda item: place(plan.seed, item.id)
        )
        ask_at = float(_FIRST)
        for number, item in enumerate(drawn, 1):
            progress.note(item.name)
            looks.seen[item.id] = read(item, hear, progress.advance)
            spent += item.cost
            if settled is not None and number >= ask_at and number < len(drawn):
                if settled(looks):
                    progress.finish()
                    return Done(looks, spent, stopped=True)
                ask_at = number * _MORE
        progress.finish()
    return Done(looks, spent)


def _hearing(child: TagReader) -> Hear:
    return lambda path: heard_of(child.read(path))


def _look_at_ends(looks: Looks, items: Sequence[Item], progress: Progress) -> None:
    for item in items:
        if item.path is not None:
            looks.kinds[item.id] = probe(item)
            progress.advance(ends_cost([item]))


def _read_headers(looks: Looks, items: Sequence[Item], progress: Progress) -> None:
    with TagReader() as reader:
        for item in items:
            cost = headers_cost([item])
            if item.path is not None and cost and is_sound(looks.kinds.get(item.id, "unknown")) is None:
                told = reader.read(item.path)
                if told.duration_ms:
                    looks.stated[item.id] = told.duration_ms / 1000
            progress.advance(cost)
