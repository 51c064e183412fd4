"""What has to be read of a copy to prove its files, or to find out which bytes of them are bad."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from itertools import accumulate
from typing import NamedTuple

from phonolith.releases.verify.copies import Copy, Expected, Stream, Tree
from phonolith.releases.verify.hashing import Job, Pieces, Span, width_of
from phonolith.releases.verify.listing import Seen

#: Bytes of a stretch of pieces that one thread reads: what a kill may cost, and how a large file is shared out.
STRETCH = 64 << 20
_SHA1 = 20
_SHA256 = 32


def whole(one: Expected, place: str, file: Seen, tree: Tree | None) -> Job:
    """Read a file once for all its whole digests, and with a tree for its pieces too."""
    pieces = Pieces(tree.piece_length, tree.layer, width_of(file.size, tree.piece_length)) if tree else None
    return Job((Span(place, file, 0, file.size),), one.digests, pieces, one.path)


def pieces_of(one: Expected, place: str, file: Seen, tree: Tree) -> Iterator[Job]:
    """Read the pieces of a file that are there in full; those beyond the end of a file that is too short are not."""
    size, length = one.size or 0, tree.piece_length
    there = len(tree.layer) // _SHA256 if file.size >= size else file.size // length
    step = max(STRETCH // length, 1)
    for first in range(0, there, step):
        last = min(first + step, there)
        start, end = first * length, min(last * length, size)
        hashes = tree.layer[first * _SHA256 : last * _SHA256]
        span = Span(place, file, start, end - start)
        yield Job((span,), (), Pieces(length, hashes, width_of(size, length)), one.path, first)


class Part(NamedTuple):
    """The bytes of one file that lie in one piece of a stream; the path is "" in padding."""

    path: str
    start: int
    size: int


class Layout:
    """Which files each piece of a version 1 torrent runs over; worked out as it is asked for, as pieces may be many."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._spans = [(path, size) for path, size in stream.spans if size]
        self._starts = [0, *accumulate(size for _, size in self._spans)]
        self._at = {path: index for index, (path, _) in enumerate(self._spans) if path}

    def of(self, path: str) -> range:
        """The numbers of the pieces that a file has bytes in."""
        if path not in self._at:
            return range(0)
        length, index = self.stream.piece_length, self._at[path]
        return range(self._starts[index] // length, (self._starts[index + 1] - 1) // length + 1)

    def parts(self, number: int) -> list[Part]:
        """The parts of a piece in order."""
        start = number * self.stream.piece_length
        end = min(start + self.stream.piece_length, self._starts[-1])
        index = bisect_right(self._starts, start) - 1
        found = []
        while start < end:
            last = min(self._starts[index + 1], end)
            found.append(Part(self._spans[index][0], start - self._starts[index], last - start))
            start, index = last, index + 1
        return found

    def shared(self, number: int) -> bool:
        """Whether a piece has bytes of more than one file, so that it cannot say which of them is bad."""
        return sum(1 for part in self.parts(number) if part.path) > 1

    def hash(self, number: int) -> bytes:
        """The SHA-1 that a piece should have."""
        return self.stream.hashes[number * _SHA1 : (number + 1) * _SHA1]


def pieces_across(copy: Copy, layout: Layout, wanted: Collection[int], *, alone: bool = False) -> Iterator[Job]:
    """Read those of the wanted pieces of a stream whose bytes are all there, runs of them together.

    ``alone``: each by itself, where it has to be found out which of a run cannot be read.
    """
    run: list[int] = []
    most = 1 if alone else max(STRETCH // layout.stream.piece_length, 1)
    for number in sorted(wanted):
        if run and (number != run[-1] + 1 or len(run) >= most):
            yield _across(copy, layout, run)
            run = []
        if readable(copy, layout, number):
            run.append(number)
    if run:
        yield _across(copy, layout, run)


def readable(copy: Copy, layout: Layout, number: int) -> bool:
    """Whether all files that a piece runs over are there and long enough."""
    for part in layout.parts(number):
        place = copy.listing.find(part.path) if part.path else None
        if part.path and (place is None or copy.listing.files[place].size < part.start + part.size):
            return False
    return True


def _across(copy: Copy, layout: Layout, run: list[int]) -> Job:
    spans: list[Span] = []
    for number in run:
        for part in layout.parts(number):
            place = (copy.listing.find(part.path) or "") if part.path else ""
            file = copy.listing.files[place] if place else None
            last = spans[-1] if spans else None
            if last and last.path == place and last.start + last.size == part.start:
                spans[-1] = last._replace(size=last.size + part.size)
            else:
                spans.append(Span(place, file, part.start, part.size))
    hashes = layout.stream.hashes[run[0] * _SHA1 : (run[-1] + 1) * _SHA1]
    return Job(tuple(spans), (), Pieces(layout.stream.piece_length, hashes), "", run[0])
