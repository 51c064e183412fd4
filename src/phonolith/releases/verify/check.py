"""Checks a copy: a verdict for each file, with the bytes that are bad as narrowly as anything at hand can tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.releases.verify import jobs
from phonolith.releases.verify.copies import Copy, Expected, Tree
from phonolith.releases.verify.hashing import Job, Result, run_all
from phonolith.releases.verify.memory import Memory
from phonolith.releases.verify.verdicts import Verdict, extras, findings_of, merged
from phonolith.releases.verify.withdrawals import Withdrawals

_AT_MOST = 2048  # results that a kill may cost, or the bytes of a stretch


@dataclass(frozen=True, slots=True)
class Wish:
    """How to check: on how many threads, against every digest there is or one sort of them, from memory or not."""

    threads: int = 2
    all_digests: bool = False
    again: bool = False
    withdrawals: Withdrawals = field(default_factory=Withdrawals)
    ignored: frozenset[str] = frozenset()  # absolute paths that are no part of any copy, such as the memory's own


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check: ``read`` bytes in this run; ``since`` is when the oldest remembered result was made."""

    copy: Copy
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    read: int
    remembered: int
    since: str


def check(copy: Copy, wish: Wish, memory: Memory | None, progress: Progress) -> Checked:
    """Read a copy and judge each of its files. Whatever stops it, what was read is remembered."""
    return _Check(copy, wish, memory, progress).run()


class _Check:
    """One copy being checked."""

    def __init__(self, copy: Copy, wish: Wish, memory: Memory | None, progress: Progress) -> None:
        self._copy, self._wish, self._memory, self._progress = copy, wish, memory, progress
        self._layout = jobs.Layout(copy.stream) if copy.stream else None
        self._wrong: dict[str, tuple[str, ...]] = {}
        self._bad: dict[str, set[int]] = {}  # pieces of a file's tree
        self._unread: dict[str, str] = {}  # by path as expected
        self._stream_done: set[int] = set()
        self._stream_bad: set[int] = set()
        self._unfit: list[Job] = []  # runs of a stream in which something cannot be read
        self._trees: dict[str, Tree | None] = {}
        self._places: dict[str, str | None] = {path: copy.listing.find(path) for path in copy.expected}
        self._paths = {place: path for path, place in self._places.items() if place is not None}
        self._read = self._remembered = self._unsaved = 0
        self._since = ""
        self._keep: list[tuple[bytes, Result]] = []

    def run(self) -> Checked:
        wanted = [one for one in self._copy.expected.values() if self._wish.withdrawals.of(one) is None]
        self._round("Checking", list(self._first(wanted)))
        self._round("Looking for what is bad", list(self._second(wanted)))
        if self._layout and self._unfit:
            numbers = {job.first + at for job in self._unfit for at in range(len(_hashes(job)) // 20)}
            self._unfit = []
            alone = jobs.pieces_across(self._copy, self._layout, numbers, alone=True)
            self._round("Looking for what cannot be read", list(alone))
        verdicts = self._verdicts()
        left_out = any(one.verdict in ("withdrawn", "expunged") and one.size is None for one in verdicts.values())
        # A bag's count of its payload is of before that was dropped; each file has a verdict of its own.
        own = [one for one in self._copy.findings if not (left_out and one.code == "bag.oxum")]
        found = [*own, *findings_of(self._copy, verdicts)]
        others, odd = extras(self._copy, set(self._paths), self._wish.ignored)
        every = (*verdicts.values(), *others)
        return Checked(self._copy, every, (*found, *odd), self._read, self._remembered, self._since)

    def _first(self, wanted: Iterable[Expected]) -> Iterator[Job]:
        """One reading of each file: its whole digests if there are any, else its pieces."""
        across: set[int] = set()
        for one in wanted:
            place = self._places[one.path]
            file = self._copy.listing.files[place] if place is not None else None
            every = self._wish.all_digests
            if self._layout and (every or not one.digests):
                across.update(self._layout.of(one.path))
            if file is None or place is None or (one.size is not None and file.size != one.size):
                continue
            if one.digests:
                yield jobs.whole(one, place, file, self._tree(one) if every else None)
            elif tree := self._tree(one):
                yield from jobs.pieces_of(one, place, file, tree)
        if self._layout:
            yield from self._across(across)

    def _second(self, wanted: Iterable[Expected]) -> Iterator[Job]:
        """The pieces of what turned out to be bad as a whole, or is of another size."""
        across: set[int] = set()
        for one in wanted:
            place = self._places[one.path]
            if place is None or one.path in self._unread:
                continue
            file = self._copy.listing.files[place]
            other_size = one.size is not None and file.size != one.size
            if not (other_size or one.path in self._wrong):
                continue
            if tree := self._tree(one):
                if other_size or not self._wish.all_digests:
                    yield from jobs.pieces_of(one, place, file, tree)
                    self._beyond(one, file.size, tree)
            elif self._layout:
                across.update(self._layout.of(one.path))
        if self._layout:
            yield from self._across(across - self._stream_done)

    def _across(self, numbers: Collection[int]) -> Iterator[Job]:
        assert self._layout is not None
        self._stream_done.update(numbers)
        yield from jobs.pieces_across(self._copy, self._layout, numbers)

    def _tree(self, one: Expected) -> Tree | None:
        if one.path not in self._trees:
            self._trees[one.path] = self._copy.tree_of(one)
        return self._trees[one.path]

    def _beyond(self, one: Expected, size: int, tree: Tree) -> None:
        """Pieces of which a file that is too short has not all bytes are bad without being read."""
        if one.size is not None and size < one.size:
            count = len(tree.layer) // 32
            self._bad.setdefault(one.path, set()).update(range(size // tree.piece_length, count))

    def _round(self, what: str, work: Sequence[Job]) -> None:
        """Do the work that is not remembered."""
        left = [job for job in work if not self._known(job)]
        if not left:
            return
        self._progress.start(f"{what}: {self._copy.name}", sum(job.size for job in left), "bytes")

        def done(results: Sequence[tuple[Job, bytes, Result]]) -> None:
            size = sum(job.size for job, _, _ in results)
            self._read += size
            for job, key, result in results:
                self._take(job, result)
                self._keep.append((key, result))
            self._progress.advance(size)
            self._unsaved += size
            if len(self._keep) >= _AT_MOST or self._unsaved >= jobs.STRETCH:
                self._save()

        try:
            run_all(left, self._copy.root, self._wish.threads, done)
        finally:
            self._save()
            self._progress.finish()

    def _save(self) -> None:
        if self._memory is not None:
            self._memory.put(self._keep)
        self._keep, self._unsaved = [], 0

    def _known(self, job: Job) -> bool:
        """Take the result of a job from memory if it is there."""
        if self._memory is None or self._wish.again or self._memory.empty:
            return False
        found = self._memory.get(job.key())
        if found is None:
            return False
        self._take(job, found[0])
        self._remembered += job.size
        self._since = min(self._since or found[1], found[1])
        return True

    def _take(self, job: Job, result: Result) -> None:
        if result.error and not job.about and len(_hashes(job)) > 20:
            self._unfit.append(job)
        elif result.error:
            self._unread[job.about or self._paths[result.at]] = result.error
            if not job.about:
                self._stream_bad.add(job.first)
        elif job.about:
            if result.wrong:
                self._wrong[job.about] = result.wrong
            if result.bad:
                self._bad.setdefault(job.about, set()).update(job.first + number for number in result.bad)
        else:
            self._stream_bad.update(job.first + number for number in result.bad)

    def _verdicts(self) -> dict[str, Verdict]:
        """Lists first: what a damaged list says proves nothing against a file."""
        order = sorted(self._copy.expected.values(), key=lambda one: (_level(one.path), one.path))
        found: dict[str, Verdict] = {}
        for one in order:
            found[one.path] = self._verdict(one, found)
        return found

    def _verdict(self, one: Expected, before: dict[str, Verdict]) -> Verdict:
        place = self._places[one.path]
        size = self._copy.listing.files[place].size if place is not None else None
        withdrawn = self._wish.withdrawals.of(one)
        if withdrawn is not None:
            return Verdict(one.path, withdrawn.event, size, note=f"{withdrawn.ground}, {withdrawn.time}".strip(", "))
        doubted = {digest.by for digest in one.digests if digest.by in before and before[digest.by].verdict != "ok"}
        if size is None:
            odd = self._copy.listing.obstacle(one.path)
            if odd:
                return Verdict(one.path, "unreadable", None, note=odd)
            unsure = one.size is None and doubted == {digest.by for digest in one.digests}
            note = f"is not there, but {', '.join(sorted(doubted))}, which lists it, is damaged" if unsure else ""
            return Verdict(one.path, "unproven" if unsure else "missing", None, note=note)
        if one.path in self._unread:
            return Verdict(one.path, "unreadable", size, ((0, size),), note=self._unread[one.path])
        return self._judged(one, size, doubted)

    def _judged(self, one: Expected, size: int, doubted: set[str]) -> Verdict:
        """The verdict of a file that was read."""
        tree = self._trees.get(one.path)
        sure, shared, numbers = self._ranges(one, size, tree)
        ranges = merged([*sure, *shared])
        wrong = set(self._wrong.get(one.path, ()))
        located = tree is not None or (self._layout is not None and bool(self._layout.of(one.path)))
        if sure and one.digests and not wrong and size == one.size:
            note = "is as its list says, not as the torrent says"
            return Verdict(one.path, "unproven", size, ranges, numbers, note)
        if sure or (wrong and shared):
            return Verdict(one.path, "corrupt", size, ranges, numbers)
        if shared and not one.digests:
            note = "shares a piece with another file, and one of them is bad or missing"
            return Verdict(one.path, "unproven", size, ranges, numbers, note)
        if not wrong:
            proof = one.digests or located or one.size == 0
            return Verdict(one.path, "ok", size) if proof else Verdict(one.path, "unproven", size, note="no digest")
        lists = ", ".join(sorted(wrong))
        if located:  # its pieces are all sound, so the list that says otherwise is what is wrong, or another file's
            if wrong <= doubted:
                return Verdict(one.path, "ok", size, note=f"by its pieces; {lists} is damaged")
            return Verdict(
                one.path, "unproven", size, ((0, size),), note=f"is as the torrent says, not as {lists} says"
            )
        if wrong <= doubted:
            return Verdict(one.path, "unproven", size, ((0, size),), note=f"is not as {lists} says, which is damaged")
        return Verdict(one.path, "corrupt", size, ((0, size),))

    def _ranges(
        self, one: Expected, size: int, tree: Tree | None
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]], tuple[int, ...]]:
        """Bytes that are bad, bytes that are bad here or in a neighbour, and the numbers of their pieces."""
        sure: list[tuple[int, int]] = []
        shared: list[tuple[int, int]] = []
        numbers: list[int] = []
        if one.size is not None and size != one.size:
            located = tree is not None or self._layout is not None
            sure.append((min(size, one.size) if located else 0, max(size, one.size)))
        if tree is not None:
            numbers = sorted(self._bad.get(one.path, ()))
            ends = ((number * tree.piece_length, (number + 1) * tree.piece_length) for number in numbers)
            sure += [(start, min(end, max(size, one.size or 0))) for start, end in ends]
        elif self._layout is not None:
            for number in self._layout.of(one.path):
                absent = number in self._stream_done and not jobs.readable(self._copy, self._layout, number)
                if number in self._stream_bad or absent:
                    numbers.append(number)
                    into = shared if self._layout.shared(number) else sure
                    into += [
                        (part.start, part.start + part.size)
                        for part in self._layout.parts(number)
                        if part.path == one.path
                    ]
        return sure, shared, tuple(numbers)


def _hashes(job: Job) -> bytes:
    return job.pieces.hashes if job.pieces else b""


def _level(path: str) -> int:
    """Lists before what they list: tag manifests, other files at the top, all else."""
    return 0 if path.startswith("tagmanifest-") else 1 if path.startswith("manifest-") else 2
