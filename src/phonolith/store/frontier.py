"""The frontier of a source, kept beside the records: what a task brought and that it is done are one transaction."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import apsw

from phonolith.errors import UsageError
from phonolith.model.frontier import Advanced, Fate, Outcome, Run, Task
from phonolith.model.record import Record
from phonolith.store.database import database_errors, fetch, transaction
from phonolith.store.lines import encode_gone, from_key, to_key
from phonolith.store.record_index import RecordIndex

_AT_ONCE = 10_000  # items marked gone in one transaction
_RUN = (
    "options, started, since, high_water, reached, finished, listed, total, empty_pages, last_page, last_listed,"
    " new, changed, gone, problem, partial"
)


class Frontier:
    """What is to be asked of one source. Written by whoever holds the lock ``harvest``; anybody may read.

    Made by :meth:`phonolith.store.records.RecordStore.frontier`. Every method raises StorageError, Busy.
    """

    def __init__(
        self,
        db: apsw.Connection,
        path: Path,
        lock: threading.RLock,
        index: RecordIndex,
        source: str,
        encode: Callable[[Record, bytes], bytes],
        seal: Callable[[], object],
    ) -> None:
        self._db = db
        self._path = path
        self._lock = lock
        self._name = source
        self._encode = encode
        self._seal = seal
        self._index = index

    def run(self) -> Run | None:
        """The run that goes on, or the last one; None if there never was one."""
        sql = f"SELECT {_RUN} FROM run WHERE source = (SELECT id FROM source WHERE name = :name)"
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, sql, {"name": self._name})
        if not rows:
            return None
        run = Run(self._name, *rows[0])
        return replace(run, partial=bool(run.partial))

    def begin(self, options: str, started: str, first: Iterable[Task], *, since: str = "") -> Run:
        """Begin a run with its ``first`` tasks. Raises UsageError where one is under way that did not end."""
        before = self.run()
        if before is not None and not before.finished:
            raise UsageError(
                self._name,
                f"its harvest of {before.started} has not ended",
                "Go on with it: phonolith harvest resume; or give it up: --anew",
            )
        return self._start(options, started, first, since, before.high_water if before else "")

    def advance(self, outcomes: Sequence[Outcome], time: str) -> Advanced:
        """Write what tasks brought, what they led to, and what became of them: all of it is durable, or none.

        A page that leads to a page that was asked before is left waiting, so that it is where to go on. ``time`` is
        when the origin was found to be without what is gone (ISO 8601, UTC).
        """
        with self._lock, transaction(self._db, self._path):
            source = self._index.number(self._name)
            records = [record for one in outcomes for record in one.step.records]
            stored = self._index.store(self._name, records, self._encode)
            items = [item for one in outcomes for item in one.step.gone]
            gone = self._index.gone(self._name, items, time, lambda item: encode_gone(self._name, item, time))
            repeated: list[str] = []
            for one in outcomes:
                again = self._find(source, one)
                repeated += again
                self._close(source, one, keep=bool(again))
            self._note_met(source, outcomes)
            self._count(source, outcomes, stored.new, stored.changed, gone)
        self._seal()
        return Advanced(stored.new, stored.changed, gone, tuple(repeated))

    def waiting(self, now: str, limit: int, busy: Collection[str] = ()) -> list[Task]:
        """Tasks that may be asked now, in order, without those whose keys are ``busy``."""
        sql = (
            "SELECT key, address, rank, page, mark, tries FROM task"
            " WHERE source = (SELECT id FROM source WHERE name = :name) AND state = 'waiting' AND not_before <= :now"
            " ORDER BY rank, id LIMIT :limit"
        )
        bindings = {"name": self._name, "now": now, "limit": limit + len(busy)}
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, sql, bindings)
        found = [Task(key, address, rank, bool(page), mark, tries) for key, address, rank, page, mark, tries in rows]
        return [one for one in found if one.key not in busy][:limit]

    def next_time(self) -> str | None:
        """When the next waiting task may be asked, None if none waits."""
        sql = (
            "SELECT min(not_before) FROM task WHERE source = (SELECT id FROM source WHERE name = :name)"
            " AND state = 'waiting'"
        )
        with self._lock, database_errors(self._path):
            found: str | None = fetch(self._db, sql, {"name": self._name})[0][0]
        return found

    def counts(self) -> dict[Fate, int]:
        """Number of tasks of this run by what became of them."""
        sql = (
            "SELECT state, count(*) FROM task WHERE source = (SELECT id FROM source WHERE name = :name) GROUP BY state"
        )
        with self._lock, database_errors(self._path):
            return {Fate(state): count for state, count in fetch(self._db, sql, {"name": self._name})}

    def failures(self, limit: int) -> list[tuple[Task, Fate, str]]:
        """Tasks that failed or were refused, with why, oldest first."""
        sql = (
            "SELECT key, address, rank, page, mark, tries, state, why FROM task"
            " WHERE source = (SELECT id FROM source WHERE name = :name) AND state IN ('failed', 'refused')"
            " ORDER BY id LIMIT :limit"
        )
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, sql, {"name": self._name, "limit": limit})
        return [(Task(row[0], row[1], row[2], bool(row[3]), *row[4:6]), Fate(row[6]), row[7]) for row in rows]

    def delayed(self, limit: int) -> list[tuple[Task, str]]:
        """Tasks that failed and are tried again, with why they failed last, the next one first."""
        sql = (
            "SELECT key, address, rank, page, mark, tries, why FROM task"
            " WHERE source = (SELECT id FROM source WHERE name = :name) AND state = 'waiting' AND why != ''"
            " ORDER BY not_before, id LIMIT :limit"
        )
        with self._lock, database_errors(self._path):
            rows = fetch(self._db, sql, {"name": self._name, "limit": limit})
        return [(Task(row[0], row[1], row[2], bool(row[3]), *row[4:6]), row[6]) for row in rows]

    def absent(self, now: str) -> dict[str, str]:
        """Keys of what was not there and need not be asked yet, each with when it may be, earliest first."""
        sql = (
            "SELECT key, not_before FROM task WHERE source = (SELECT id FROM source WHERE name = :name)"
            " AND state = 'absent' AND not_before > :now ORDER BY not_before, id"
        )
        with self._lock, database_errors(self._path):
            return dict(fetch(self._db, sql, {"name": self._name, "now": now}))

    def stop(self, problem: str) -> None:
        """Note why the run cannot end whole; it stays where it is, and the list read last is to be read again."""
        with self._lock, transaction(self._db, self._path):
            source = self._index.number(self._name)
            bindings = {"s": source, "problem": problem}
            self._db.execute("UPDATE run SET problem = :problem WHERE source = :s", bindings)
            self._db.execute(
                "UPDATE task SET state = 'waiting' WHERE source = :s"
                " AND key = (SELECT last_page FROM run WHERE source = :s)",
                {"s": source},
            )

    def resume(self) -> Run:
        """Go on with the run that did not end, or ended at its limit; lists that could not be read are asked again.

        Raises UsageError where there is none.
        """
        run = self.run()
        if run is None or (run.finished and Fate.WAITING not in self.counts()):
            raise UsageError(self._name, "has no harvest to go on with", "Begin one: phonolith harvest")
        with self._lock, transaction(self._db, self._path):
            bindings = {"s": self._index.number(self._name)}
            self._db.execute("UPDATE run SET problem = '', empty_pages = 0, finished = '' WHERE source = :s", bindings)
            self._db.execute(
                "UPDATE task SET state = 'waiting', tries = 0, not_before = '', why = '' WHERE source = :s"
                " AND page AND state IN ('failed', 'refused')",
                bindings,
            )
            self._db.execute(
                "UPDATE run SET listed = listed - last_listed, last_listed = 0 WHERE source = :s"
                " AND EXISTS (SELECT 1 FROM task WHERE source = :s AND key = last_page AND state = 'waiting')",
                bindings,
            )
        return replace(run, finished="")

    def finish(self, time: str, *, whole: bool, within: Sequence[str] = ("",), keep: bool = False) -> int:
        """End the run. One that is ``whole`` moves the high-water mark; if it was over everything, and its lists named
        all there is, what it did not meet of the items that begin like one of ``within`` is noted as gone. Returns how
        many that are. ``keep``: what waits is left, to be gone on with.
        """
        run = self.run()
        over_everything = whole and run is not None and not run.since and not run.partial
        gone = self._sweep(time, within) if over_everything and within else 0
        with self._lock, transaction(self._db, self._path):
            source = self._index.number(self._name)
            bindings = {"s": source, "time": time, "whole": whole, "gone": gone}
            self._db.execute(
                "UPDATE run SET finished = :time, gone = gone + :gone,"
                " high_water = CASE WHEN :whole AND reached > high_water THEN reached ELSE high_water END"
                " WHERE source = :s",
                bindings,
            )
            if not keep:
                self._db.execute("DELETE FROM met WHERE source = ?", (source,))
                self._db.execute("DELETE FROM task WHERE source = ? AND state IN ('done', 'waiting')", (source,))
        return gone

    def _start(self, options: str, started: str, first: Iterable[Task], since: str, high_water: str) -> Run:
        run = Run(self._name, options, started, since, high_water)
        with self._lock, transaction(self._db, self._path):
            source = self._index.number(self._name)
            self._db.execute("DELETE FROM met WHERE source = ?", (source,))
            sql = "DELETE FROM task WHERE source = ? AND NOT (state = 'absent' AND not_before > ?)"
            self._db.execute(sql, (source, started))
            row = {name: value for name, value in asdict(run).items() if name != "source"}
            names = ", ".join(row)
            sql = f"INSERT OR REPLACE INTO run (source, {names}) VALUES (:s, {', '.join(f':{name}' for name in row)})"
            self._db.execute(sql, {"s": source, **row})
            for task in first:
                self._db.execute("DELETE FROM task WHERE source = ? AND key = ?", (source, task.key))
                self._add(source, task)
        return run

    def _add(self, source: int, task: Task) -> bool:
        """Enter a task; False where its key is there already."""
        self._db.execute(
            "INSERT OR IGNORE INTO task (source, key, address, rank, page, state, mark, tries, not_before, why)"
            " VALUES (?, ?, ?, ?, ?, 'waiting', ?, 0, '', '')",
            (source, task.key, task.address, task.rank, int(task.page), task.mark),
        )
        return self._db.changes() > 0

    def _find(self, source: int, one: Outcome) -> list[str]:
        """Enter what a task led to; gives the pages that were asked before, this one too."""
        sql = "SELECT 1 FROM task WHERE source = :s AND key = :key AND (state != 'waiting' OR key = :own)"
        repeated = []
        for task in one.step.found:
            bindings = {"s": source, "key": task.key, "own": one.task.key}
            if not self._add(source, task) and task.page and fetch(self._db, sql, bindings):
                repeated.append(task.key)
        return repeated

    def _close(self, source: int, one: Outcome, *, keep: bool) -> None:
        fate = Fate.WAITING if keep else one.fate
        self._db.execute(
            "UPDATE task SET state = ?, mark = ?, tries = ?, not_before = ?, why = ? WHERE source = ? AND key = ?",
            (fate, one.step.mark, one.task.tries, one.not_before, one.why, source, one.task.key),
        )

    def _note_met(self, source: int, outcomes: Sequence[Outcome]) -> None:
        items = [item for one in outcomes for item in (*(record.item for record in one.step.records), *one.step.met)]
        rows = ((source, to_key(item)) for item in items)
        self._db.executemany("INSERT OR IGNORE INTO met VALUES (?, ?)", rows)

    def _count(self, source: int, outcomes: Sequence[Outcome], new: int, changed: int, gone: int) -> None:
        steps = [one.step for one in outcomes]
        lists = [(one.task.key, one.step.listed) for one in outcomes if one.step.listed is not None]
        self._db.execute(
            "UPDATE run SET listed = listed + :listed, total = coalesce(:total, total), new = new + :new,"
            " changed = changed + :changed, gone = gone + :gone, reached = max(reached, :reached),"
            " partial = max(partial, :partial) WHERE source = :s",
            {
                "s": source,
                "listed": sum(listed or 0 for _, listed in lists),
                "total": next((step.total for step in reversed(steps) if step.total is not None), None),
                "new": new,
                "changed": changed,
                "gone": gone,
                "reached": max((step.reached for step in steps), default=""),
                "partial": any(step.partial for step in steps),
            },
        )
        for key, listed in lists:
            sql = (
                "UPDATE run SET last_page = :key, last_listed = :listed,"
                " empty_pages = CASE WHEN :listed THEN 0 ELSE empty_pages + 1 END WHERE source = :s"
            )
            self._db.execute(sql, {"s": source, "key": key, "listed": listed})

    def _sweep(self, time: str, within: Sequence[str]) -> int:
        """Note as gone what a run over everything did not meet of the items that begin like one of ``within``."""
        sql = (
            "SELECT item FROM current WHERE source = :s AND item NOT LIKE '!%' AND (:all OR EXISTS"
            " (SELECT 1 FROM json_each(:within) AS p WHERE substr(item, 1, length(p.value)) = p.value))"
            " AND NOT EXISTS (SELECT 1 FROM met WHERE met.source = :s AND met.item = current.item) LIMIT :limit"
        )
        gone = 0
        while True:
            with self._lock, transaction(self._db, self._path):
                bindings = {"all": "" in within, "within": json.dumps(list(within)), "limit": _AT_ONCE}
                rows = fetch(self._db, sql, {"s": self._index.number(self._name), **bindings})
                items = [from_key(item) for (item,) in rows]
                gone += self._index.gone(self._name, items, time, lambda item: encode_gone(self._name, item, time))
            if len(items) < _AT_ONCE:
                return gone
