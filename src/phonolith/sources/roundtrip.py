"""Measures what becomes of what a source says: in columns, in the remainder, withheld by its terms, or lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from phonolith.model.music import Description
from phonolith.model.record import Record
from phonolith.sources.base import Source
from phonolith.sources.cells import NO, YES
from phonolith.sources.text import clean, holds_mail

_MOST_EXAMPLES = 50


class Measurable(Source, Protocol):
    """A source whose descriptions can be turned back."""

    def document(self, record: Record) -> Any:
        """The record's payload as a tree."""

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Any:
        """A tree of the same shape whose leaves come from the descriptions."""


@dataclass
class Measure:
    """Counted leaves: scalars that say something (not null, not a text that is empty without its control characters).

    ``columns`` counts those that descriptions hold without their remainder, ``remainder`` those that the remainder
    adds; ``withheld`` and ``private`` those the terms keep back (and every text with an e-mail address); ``lost`` those
    that nothing holds, with examples.
    """

    records: int = 0
    columns: int = 0
    remainder: int = 0
    withheld: int = 0
    private: int = 0
    lost: int = 0
    examples: list[str] = field(default_factory=list)
    by_path: Counter[str] = field(default_factory=Counter)

    @property
    def publishable(self) -> int:
        """Leaves that may be passed on."""
        return self.columns + self.remainder + self.lost

    @property
    def share(self) -> float:
        """The share of publishable leaves in columns, 0 to 1; 1 where there are none."""
        return self.columns / self.publishable if self.publishable else 1.0

    def sentence(self) -> str:
        """For a person."""
        total = self.publishable + self.withheld + self.private
        kept_back = self.withheld + self.private
        return (
            f"{self.records:,} records with {total:,} leaves, {_share(kept_back, total)} of them withheld; "
            f"of the {self.publishable:,} others {_share(self.columns, self.publishable)} are in columns, "
            f"{_share(self.remainder, self.publishable)} in the remainder, {self.lost:,} lost"
        )


def measure(
    source: Measurable, records: Iterable[Record], said: Callable[[Record], Iterable[Description]] | None = None
) -> Measure:
    """Turn the descriptions of each record back into it, with and without remainders.

    ``said`` gives the descriptions of a record, by default the source's own interpretation: with those read back from a
    catalogue, what a build loses is measured too. Raises BadInput on a broken record.
    """
    total = Measure()
    for record in records:
        total.records += 1
        descriptions = list((said or source.interpret)(record))
        bare = [replace(one, remainder="") if hasattr(one, "remainder") else one for one in descriptions]
        trees = source.rebuild(record, bare), source.rebuild(record, descriptions)
        for path, leaf in leaves(source.document(record)):
            _count(total, source, record, path, leaf, trees)
    return total


def leaves(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every leaf that says something, with its path."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    elif isinstance(tree, list | tuple):
        for place, value in enumerate(tree):
            yield from leaves(value, (*path, place))
    elif tree is not None and not (isinstance(tree, str) and not clean(tree)):
        yield path, tree


def same(one: Any, other: Any) -> bool:
    """Whether two leaves say the same: equal, equal without control characters, the same number, yes and true."""
    if one == other and isinstance(one, bool) == isinstance(other, bool):
        return True
    if isinstance(other, bool) and isinstance(one, str):
        return one.lower() in (YES if other else NO)
    if isinstance(one, str) and isinstance(other, str) and clean(one) == other:
        return True
    try:
        return not isinstance(one, bool) and not isinstance(other, bool) and float(one) == float(other)
    except (TypeError, ValueError):
        return False


def equal_leaves(tree: Any, other: Any) -> int:
    """How many leaves of a tree another has at the same places."""
    return sum(same(leaf, _at(other, path)) for path, leaf in leaves(tree))


def _count(total: Measure, source: Measurable, record: Record, path: Any, leaf: Any, trees: tuple[Any, Any]) -> None:
    keys = tuple(str(step) for step in path if not isinstance(step, int))
    kind = "private" if holds_mail(leaf) else source.terms.disposition(keys)
    if kind != "publish":
        total.withheld += kind == "withhold"
        total.private += kind == "private"
    elif same(leaf, _at(trees[0], path)):
        total.columns += 1
    elif same(leaf, _at(trees[1], path)):
        total.remainder += 1
        total.by_path["/".join(keys)] += 1
    else:
        total.lost += 1
        total.by_path["lost " + "/".join(keys)] += 1
        if len(total.examples) < _MOST_EXAMPLES:
            total.examples.append(f"{record.item} {'/'.join(map(str, path))} = {str(leaf)[:120]!r}")


def _at(tree: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        if step == 0 and not isinstance(tree, list | tuple | dict):
            continue  # a list of one is held as the one
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "0 %"
