"""Gathering: what a source said is stored once, whatever the order, the faults and the kills on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonolith.errors import BadInput, NotFound, PhonolithError, RefusedByRights, StorageError, TimedOut, UsageError
from phonolith.harvest.gather import Pace, gather
from phonolith.harvest.report import HarvestReport
from phonolith.model.frontier import Fate, Outcome, Run, Step, Task
from phonolith.model.progress import Silent
from phonolith.model.record import Record
from phonolith.store.archive import Archive
from phonolith.store.records import RecordStore

SOURCE = "fake.test"
FIRST = Task("page:0", "https://fake.example/?page=0", rank=0, page=True)


@dataclass
class Clock:
    """A clock that moves when somebody sleeps."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@dataclass
class Origin:
    """Lists of items, each a page that leads to the next; ``faults`` are raised in turn when a key is asked."""

    pages: list[list[str]]
    total: int | None = None
    leads: Mapping[int, int] = field(default_factory=dict)
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    say: str = "1"
    partial: bool = False

    async def ask(self, task: Task) -> AsyncGenerator[Step, None]:
        self.asked.append(task.key)
        await asyncio.sleep(0)
        if self.faults.get(task.key):
            raise self.faults[task.key].pop(0)
        kind, _, name = task.key.partition(":")
        if kind == "item":
            payload = json.dumps({"id": name, "say": self.say}).encode()
            yield Step(records=(Record(SOURCE, name, task.address, "2026-01-01T00:00:00Z", payload),))
            return
        number = int(name)
        following = self.leads.get(number, number + 1)
        found = [Task(f"item:{one}", f"https://fake.example/{one}") for one in self._named(number)]
        if following < len(self.pages):
            found.append(Task(f"page:{following}", f"https://fake.example/?page={following}", rank=0, page=True))
        listed = len(self._named(number))
        yield Step(found=tuple(found), listed=listed, total=self.total, reached="2026-01-01", partial=self.partial)

    def _named(self, page: int) -> list[str]:
        return self.pages[page] if page < len(self.pages) else []


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", name="test", contact="a@example.org", now=Clock()())


@pytest.fixture
def store(archive: Archive) -> Iterator[RecordStore]:
    with archive.records() as found:
        yield found


def run(
    store: RecordStore, origin: Origin, *, clock: Clock | None = None, since: str = "", **pace: int
) -> tuple[Run, HarvestReport]:
    """Begin a run or go on with it, and gather."""
    frontier, clock, report = store.frontier(SOURCE), clock or Clock(), HarvestReport(SOURCE)
    before = frontier.run()
    if before is not None and not before.finished:
        frontier.resume()
    else:
        frontier.begin("{}", clock(), [FIRST], since=since)
    limits = Pace(**{"per_host": 4, **pace})
    work = gather(frontier, origin.ask, report, limits, progress=Silent(), clock=clock, sleep=clock.sleep)
    return asyncio.run(work), report


def said(store: RecordStore) -> list[str]:
    return sorted(one.item for one in store.scan([SOURCE]))


def test_everything_that_lists_name_is_asked_once(store: RecordStore) -> None:
    origin = Origin([["a", "b"], ["c", "a"], ["d"]], total=5)
    ended, report = run(store, origin)
    assert said(store) == ["a", "b", "c", "d"]
    assert sorted(origin.asked) == ["item:a", "item:b", "item:c", "item:d", "page:0", "page:1", "page:2"]
    assert (report.new, report.changed, report.unchanged, report.gone, report.findings) == (4, 0, 0, 0, [])
    assert ended.finished and ended.high_water == "2026-01-01" and ended.problem == ""
    assert store.frontier(SOURCE).counts() == {}


def test_the_next_run_tells_what_changed_and_what_is_gone(store: RecordStore) -> None:
    run(store, Origin([["a", "b", "c"]]))
    ended, report = run(store, Origin([["a", "c", "d"]], say="2"))
    assert (report.new, report.changed, report.unchanged, report.gone) == (1, 2, 0, 1)
    assert said(store) == ["a", "c", "d"] and ended.gone == 1
    _, report = run(store, Origin([["d"]], say="2"), since=ended.high_water)
    assert (report.unchanged, report.gone) == (1, 0)  # what a run over changes does not meet is still there
    assert said(store) == ["a", "c", "d"]


def test_what_a_list_of_a_part_does_not_name_is_not_gone(store: RecordStore) -> None:
    run(store, Origin([["a", "b"]]))
    ended, report = run(store, Origin([["b"], ["c"]], partial=True))
    assert ended.finished and ended.partial and report.gone == 0 and said(store) == ["a", "b", "c"]
    ended, report = run(store, Origin([["c"]]))
    assert not ended.partial and report.gone == 2 and said(store) == ["c"], "a run over everything still sweeps"


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin([["a"], ["b"], ["c"]], leads={2: 1}), "circle"),
        (Origin([["a"], ["b"]], leads={1: 1}), "circle"),
        (Origin([["a"], [], [], ["b"]]), "two of its lists in a row"),
        (Origin([["a"], ["b"]], total=3), "ended after 2 of the 3"),
    ],
    ids=["a circle", "itself", "nothing twice", "fewer than its total"],
)
def test_lists_that_lie_leave_the_run_open(store: RecordStore, origin: Origin, words: str) -> None:
    ended, report = run(store, origin)
    assert not ended.finished and ended.high_water == "" and words in ended.problem
    assert [one.code for one in report.findings] == ["harvest.list"]
    with pytest.raises(UsageError, match="has not ended"):
        store.frontier(SOURCE).begin("{}", "2026-01-02T00:00:00Z", [FIRST])
    before = list(origin.asked)
    honest = Origin([["a"], ["b"], ["c"]], total=3 if origin.total else None)
    ended, _ = run(store, honest)  # the origin mends itself: the list read last is asked again, and no item twice
    assert ended.finished and ended.high_water == "2026-01-01"
    assert not set(honest.asked) & {key for key in before if key.startswith("item:")}


def test_a_short_list_that_is_read_again_is_not_counted_twice(store: RecordStore) -> None:
    run(store, Origin([["a", "b", "c", "d", "e"]], total=5))
    for _ in range(3):  # the origin goes on naming three of its five, one of them in the list read last
        ended, _ = run(store, Origin([["a", "b"], ["c"]], total=5), since="")
        assert not ended.finished and ended.listed == 3 and "ended after 3 of the 5" in ended.problem
    assert said(store) == ["a", "b", "c", "d", "e"]


def test_one_empty_list_is_no_fault(store: RecordStore) -> None:
    ended, report = run(store, Origin([["a"], [], ["b"]]))
    assert ended.finished and not report.findings and said(store) == ["a", "b"]


def test_what_fails_is_tried_again_later_and_given_up_in_the_end(store: RecordStore) -> None:
    clock = Clock()
    slow, dead = TimedOut("fake.example", "no answer"), [TimedOut("fake.example", "no answer") for _ in range(5)]
    origin = Origin(
        [["a", "b", "c", "d"]], faults={"item:a": [slow], "item:b": dead, "item:c": [BadInput("c", "is no JSON")]}
    )
    origin.faults["item:d"] = [RefusedByRights("d", "robots.txt disallows it")]
    ended, report = run(store, origin, clock=clock)
    assert said(store) == ["a"]
    assert [origin.asked.count(f"item:{one}") for one in "abcd"] == [2, 5, 1, 1]
    assert sum(clock.slept) == pytest.approx(60 + 120 + 240 + 480, abs=4)
    assert sorted(one.code for one in report.findings) == ["harvest.failed", "harvest.failed", "harvest.refused"]
    assert ended.finished and ended.high_water == "" and ended.gone == 0
    assert store.frontier(SOURCE).counts() == {Fate.FAILED: 2, Fate.REFUSED: 1}


def test_an_origin_that_is_away_is_left_alone(store: RecordStore) -> None:
    faults = {f"item:{n}": [TimedOut("fake.example", "cannot be reached")] * 9 for n in range(100)}
    origin = Origin([[str(n) for n in range(100)]], faults=faults)
    ended, report = run(store, origin)
    assert not ended.finished and "none of 20 questions" in ended.problem and len(origin.asked) < 30
    assert [one.code for one in report.findings] == ["harvest.list"]
    ended, _ = run(store, Origin(origin.pages))
    assert ended.finished and len(said(store)) == 100


def test_an_origin_that_never_answered_is_not_waited_for(store: RecordStore) -> None:
    away = TimedOut("http://fake.example/", "cannot be reached")
    away.code = "http.connection"
    origin, clock = Origin([["a"]], faults={"page:0": [away]}), Clock()
    ended, report = run(store, origin, clock=clock)
    assert not ended.finished and ended.problem == "http://fake.example/: cannot be reached"
    assert origin.asked == ["page:0"] and not clock.slept and [one.code for one in report.findings] == ["harvest.list"]
    ended, _ = run(store, Origin([["a"]]))
    assert ended.finished and said(store) == ["a"], "it is gone on with from there"


def test_one_of_several_that_is_away_does_not_end_the_others(store: RecordStore) -> None:
    away = TimedOut("http://fake.example/", "cannot be reached")
    away.code = "http.connection"
    origin, clock = Origin([["a", "b"]], faults={"item:a": [away]}), Clock()
    ended, _ = run(store, origin, clock=clock)
    assert ended.finished and said(store) == ["a", "b"] and sum(clock.slept) >= 59, "it is tried again"


def test_what_is_only_refused_leaves_the_run_whole(store: RecordStore) -> None:
    ended, _ = run(store, Origin([["a", "b"]], faults={"item:a": [RefusedByRights("a", "robots.txt disallows it")]}))
    assert ended.high_water == "2026-01-01"


@pytest.mark.parametrize(
    "faults",
    [
        [BadInput("page 1", "is not well-formed XML")],
        [RefusedByRights("page 1", "robots.txt disallows it")],
        [TimedOut("page 1", "fails on its side") for _ in range(5)],
    ],
    ids=["nonsense", "refused", "five times in vain"],
)
def test_a_list_that_cannot_be_read_is_where_to_go_on(store: RecordStore, faults: list[Exception]) -> None:
    pages = [["a", "b"], ["c"], ["d"]]
    run(store, Origin([*pages, ["e"]]))
    origin = Origin(pages, total=4, faults={"page:1": faults})
    ended, report = run(store, origin)
    assert not ended.finished and "a list of it could not be read: page 1" in ended.problem
    assert [(one.code, one.severity) for one in report.findings] == [("harvest.list", "error")]
    assert said(store) == ["a", "b", "c", "d", "e"] and report.gone == 0, "what the rest would name is not gone"
    mended = Origin(pages, total=4)
    ended, report = run(store, mended)
    assert ended.finished and ended.listed == 4 and not report.findings and said(store) == ["a", "b", "c", "d"]
    assert "page:1" in mended.asked and "item:a" not in mended.asked


def test_where_the_first_list_is_refused_nothing_was_reached(store: RecordStore) -> None:
    ended, report = run(store, Origin([["a"]], faults={"page:0": [RefusedByRights("page 0", "robots.txt")]}))
    assert ended.finished and ended.high_water == "" and report.findings[0].severity == "error"


def test_what_was_refused_is_not_gone(store: RecordStore) -> None:
    run(store, Origin([["a", "b"]]))
    closed = Origin([["a"]], faults={"item:a": [RefusedByRights("a", "robots.txt disallows it")]})
    ended, report = run(store, closed)
    assert ended.finished and report.gone == 0 and said(store) == ["a", "b"]
    _, report = run(store, Origin([["a"]]))
    assert report.gone == 1, "control: let in, it is seen that one is gone"


@pytest.mark.parametrize("fault", [RefusedByRights("a", "robots.txt disallows it"), NotFound("a", "is not there")])
def test_where_nothing_came_it_is_an_error(store: RecordStore, fault: PhonolithError) -> None:
    _, report = run(store, Origin([["a"]], faults={"item:a": [fault]}))
    assert [one.severity for one in report.findings] == ["error"]
    _, report = run(store, Origin([["a", "b"]], faults={"item:a": [fault]}))
    assert [one.severity for one in report.findings] == ["warning"]


def test_others_are_asked_while_answers_are_written_and_not_without_end(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = Origin([[f"i{n:03}" for n in range(200)]])
    frontier = type(store.frontier(SOURCE))
    advance, written, waited = frontier.advance, list[int](), list[int]()

    def slow(self: object, outcomes: Sequence[Outcome], time: str) -> object:
        if written and not waited:  # the disk takes its time over the first items
            before, until = -1, monotonic() + 60
            while len(origin.asked) < 20 or len(origin.asked) != before:
                assert monotonic() < until
                before = len(origin.asked)
                sleep(0.05)  # between two looks
            waited.append(before)
        written.append(len(outcomes))
        return advance(self, outcomes, time)  # type: ignore[arg-type]

    monkeypatch.setattr(frontier, "advance", slow)
    run(store, origin, width=2, per_host=2, behind=64)
    assert 60 <= waited[0] <= 70, "64 answers wait to be written, and no more are asked"
    assert max(written) > 50, "they become durable together"
    assert len(said(store)) == 200 == len(set(origin.asked)) - 1 == len(origin.asked) - 1


def test_hosts_take_turns_and_none_is_asked_more_at_a_time_than_it_may(store: RecordStore) -> None:
    now, most, order = dict[str, int](), dict[str, int](), list[str]()

    async def ask(task: Task) -> AsyncGenerator[Step, None]:
        if task.page:
            names = [f"https://{host}.example:8080/?{n}" for host in "ab" for n in range(20)]
            yield Step(found=tuple(Task(f"item:{name}", name) for name in names), listed=len(names))
            return
        host = task.address[8]
        order.append(host)
        now[host] = now.get(host, 0) + 1
        most[host] = max(most.get(host, 0), now[host])
        await asyncio.sleep(0)
        now[host] -= 1
        yield Step(met=(task.key,))

    frontier, clock = store.frontier(SOURCE), Clock()
    frontier.begin("{}", clock(), [FIRST])
    pace = Pace(width=8, per_host=1)
    asyncio.run(gather(frontier, ask, HarvestReport(SOURCE), pace, progress=Silent(), clock=clock, sleep=clock.sleep))
    assert most == {"a": 1, "b": 1} and len(order) == 40
    assert set(order[:4]) == {"a", "b"}, "the second host does not wait for the end of the first"


def test_a_limit_ends_it_early_and_moves_nothing(store: RecordStore) -> None:
    run(store, Origin([["z"]]))
    ended, report = run(store, Origin([[f"i{n:03}" for n in range(200)]], total=200), limit=10, width=2)
    assert 10 <= report.total <= 12 and not report.findings
    assert ended.finished and ended.gone == 0 and "z" in said(store)


def test_a_disk_that_refuses_ends_it_and_keeps_what_was_written(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = Origin([["a", "b", "c"]])
    frontier = type(store.frontier(SOURCE))
    advance, left = frontier.advance, iter(range(2))

    def full(self: object, outcomes: object, time: str) -> object:
        if next(left, None) is None:
            raise StorageError("records", "the disk is full")
        return advance(self, outcomes, time)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(frontier, "advance", full)
        with pytest.raises(StorageError, match="full"):
            run(store, origin, width=1)
    ended, _ = run(store, origin)
    assert ended.finished and said(store) == ["a", "b", "c"]


class Killed(BaseException):
    """As if the process had ended here."""


PAGES = st.lists(st.lists(st.text("abcdefgh", min_size=1, max_size=2), min_size=1, max_size=5), min_size=1, max_size=4)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=PAGES, kills=st.lists(st.integers(0, 6), max_size=4), width=st.integers(1, 8))
def test_whenever_it_is_killed_nothing_is_lost_and_nothing_is_asked_twice(
    tmp_path_factory: pytest.TempPathFactory, pages: list[list[str]], kills: list[int], width: int
) -> None:
    root = tmp_path_factory.mktemp("kill") / "archive"
    Archive.create(root, name="test", contact="a@example.org", now=Clock()())
    origin, durable = Origin(pages), []
    for after in [*kills, None]:
        with Archive.open(root).records() as store, pytest.MonkeyPatch.context() as patched:
            frontier = type(store.frontier(SOURCE))
            advance = frontier.advance
            left = iter(range(10_000 if after is None else after))

            def counted(self, outcomes, time, advance=advance, left=left):  # type: ignore[no-untyped-def]
                if next(left, None) is None:
                    raise Killed
                found = advance(self, outcomes, time)
                durable.extend(one.task.key for one in outcomes if one.fate is Fate.DONE)
                return found

            patched.setattr(frontier, "advance", counted)
            before = store.frontier(SOURCE).run()
            if before is not None and before.finished:
                break
            try:
                run(store, origin, width=width)
            except Killed:
                continue
    with Archive.open(root).records() as store:
        assert said(store) == sorted({one for page in pages for one in page})
        assert len(durable) == len(set(durable))  # what was durable was never asked again
        last = store.frontier(SOURCE).run()
        assert last is not None and last.finished and last.listed == sum(map(len, pages))
