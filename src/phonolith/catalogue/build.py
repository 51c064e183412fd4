"""Builds the catalogue from held records: numbered phases, one new file, swapped in by rename when it is right."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from pathlib import Path

import apsw

from phonolith.catalogue import facts
from phonolith.catalogue.changes import write_changes
from phonolith.catalogue.check import check
from phonolith.catalogue.coverage import write_coverage
from phonolith.catalogue.folding import FOLDED, PARTS, Folding, folding
from phonolith.catalogue.interpret import Plan, interpret, shares_for
from phonolith.catalogue.rank import rank
from phonolith.catalogue.stage import Stage, stage, stage_errors
from phonolith.catalogue.text_index import begin_index, finish_index, last_row
from phonolith.catalogue.write import table_queries, take_over, write_lookups, write_table
from phonolith.errors import Damaged
from phonolith.library.bundled import index_bundles
from phonolith.library.publications import publications
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.rights.decisions import Decisions
from phonolith.sources.base import Silent, Source, open_source, settings_of, speaks_for
from phonolith.store.archive import Archive
from phonolith.store.database import database_errors
from phonolith.store.files import fsync_dir, storage_errors

_TEMPORARY = ".build-"
_CACHE_KIB = 128 * 1024


@dataclass(frozen=True)
class BuildReport:
    """What a build made: rows by table, what it counted on the way, and records it could not read."""

    path: Path
    as_of: str
    rows: Mapping[str, int]
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]


@dataclass
class Work:
    """A build under way: where it works and what earlier phases left for later ones. ``opened`` closes at its end."""

    archive: Archive
    folder: Path
    stage: Stage
    db: apsw.Connection
    stated: facts.Stated
    decisions: Decisions
    sources: Mapping[str, tuple[int, bytes | None, Source]]
    workers: int
    progress: Progress
    opened: contextlib.ExitStack
    folding: Folding | None = None
    counts: Counter[str] = field(default_factory=Counter)
    read: dict[str, int] = field(default_factory=dict)  # lines of each source, as far as they are interpreted here
    rows: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def on(self) -> date:
        """The day by which the public domain is decided; the first of all days where there is none."""
        return date.fromisoformat(self.stated.as_of) if self.stated.as_of else date.min

    @property
    def draft(self) -> Path:
        """The new catalogue until it is swapped in."""
        return self.folder / "catalogue.sqlite"

    @property
    def changes(self) -> Path:
        """The new list of what changed until it is swapped in."""
        return self.folder / "changes.sqlite"


@dataclass(frozen=True)
class Phase:
    """One phase of the build."""

    name: str
    run: Callable[[Work], None]


def build(archive: Archive, *, as_of: str | None, progress: Progress, workers: int) -> BuildReport:
    """Build the catalogue of what is held, as of a date (default: that of the last register event).

    The same held/, settings and date give the same catalogue whatever the number of ``workers``. Until the last
    phase the old catalogue stays; a build that fails or is killed leaves it as it was. Raises Busy while another
    build runs, Damaged where the check finds something wrong, StorageError where the disk is full.
    """
    with archive.lock("build", what="phonolith build"), _folder(archive.derived) as folder:
        with _work(archive, folder, as_of, progress, workers) as work:
            for number, phase in enumerate(PHASES, 1):
                progress.phase(number, len(PHASES), phase.name)
                phase.run(work)
        return BuildReport(archive.catalogue, work.stated.as_of, work.rows, work.counts, tuple(work.findings))


def _interpret(work: Work) -> None:
    """Records to staged rows, in worker processes."""
    with work.archive.records() as records, work.archive.history() as history:
        work.read = history.lines()  # before the records are shared out: what comes between is read, and not said to be
        shards = records.shards(shares_for(work.workers))
        total = records.count()
    plan = Plan(
        work.folder, {name: (number, told) for name, (number, told, _) in work.sources.items()}, work.decisions, work.on
    )
    done = interpret(plan, shards, total, workers=work.workers, progress=work.progress)
    work.counts.update(done.counts)
    work.findings += done.findings


def _rank(work: Work) -> None:
    """Staged rows to tables in rank order."""
    with work.archive.objects() as objects:
        held = ((one.sha256, one.size) for one in objects.all())
        ranked = rank(work.stage, work.decisions, held, work.progress)
    for thing, count in ranked.doubles.items():
        work.counts[f"{thing} descriptions left for fuller ones"] = count


def _write(work: Work) -> None:
    """Tables to SQLite; words are folded in finished ones while others are written."""
    with _transaction(work) as db:
        db.execute(_sql("schema.sql"))
        sources = {
            speaks_for(source, name): (number, source)
            for name, (number, _, source) in work.sources.items()
            if not isinstance(source, Silent)
        }
        facts.write_sources(db, work.stage, sources)
        facts.write_licences(db, work.stage)
    rows = int(work.stage.one("SELECT (SELECT count(*) FROM track) + (SELECT count(*) FROM release)"))
    work.folding = work.opened.enter_context(folding(work.folder, rows, workers=work.workers))
    queries = dict(table_queries())
    work.progress.start("Writing tables", None, "rows")
    for tables in PARTS:
        _write_part(work, tables, queries)
    with _transaction(work) as db:
        for name, query in queries.items():
            work.rows[name] = write_table(work.stage, db, name, query, work.progress)
        write_lookups(work.stage, db, work.rows)
        facts.write_counts(db, work.stage)
        write_coverage(db, work.stage)
    work.stage.rest()
    work.progress.finish()


def _write_part(work: Work, tables: Sequence[str], queries: dict[str, str]) -> None:
    """Write some tables into a file of their own, and hand it to those who fold words."""
    assert work.folding is not None
    path = work.folder / f"{tables[0]}.sqlite"
    db = _new(path)
    with database_errors(path):
        try:
            db.execute("BEGIN")
            db.execute(_sql("schema.sql"))
            for name in tables:
                work.rows[name] = write_table(work.stage, db, name, queries.pop(name), work.progress)
            db.execute("COMMIT")
            last = {name: last_row(db, name) for name in tables if name in FOLDED}
        finally:
            db.close()
    for name, row in last.items():
        work.folding.add(name, row, path)


def _index(work: Work) -> None:
    """The text index, and while workers make its lists the indexes of columns and what the catalogue says of itself."""
    assert work.folding is not None
    with database_errors(work.draft):
        making = begin_index(work.db, work.folding, progress=work.progress)
        for tables in PARTS:
            take_over(work.db, work.folder / f"{tables[0]}.sqlite", tables)
    with _transaction(work) as db:
        statements = [part.strip() for part in _sql("indexes.sql").split(";\n") if part.strip()]
        work.progress.start("Indexing columns", len(statements), "indexes")
        for statement in statements:
            db.execute(statement)
            work.progress.advance(1)
        work.progress.finish()
        db.execute(_sql("views.sql"))
        facts.write_about(db, work.stated, work.rows)
    with database_errors(work.draft):
        finish_index(work.db, making, progress=work.progress)
        work.opened.close()  # the workers have nothing more to do, and hold what memory they had
        _pack(work)


def _pack(work: Work) -> None:
    """Copy the draft page by page full: tables without rowid lose an eighth of their pages when filled in order."""
    packed = work.folder / "packed.sqlite"
    work.db.execute("VACUUM INTO ?", (str(packed),))
    work.db.close()
    packed.replace(work.draft)
    work.db = apsw.Connection(str(work.draft))
    work.db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")


def _changes(work: Work) -> None:
    """What the last harvests changed, and up to which line of each source this catalogue knows it."""
    with work.archive.history() as history:
        sources = {name: source for name, (_, _, source) in work.sources.items()}
        write_changes(work.changes, history, sources, work.read, work.db)


def _check(work: Work) -> None:
    """Nothing takes the old catalogue's place that does not hold."""
    with database_errors(work.draft):
        wrong = check(work.db, work.stage, work.rows)
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise Damaged("the new catalogue", f"{wrong[0].subject} {wrong[0].problem}{more}", wrong[0].remedy)


def _swap(work: Work) -> None:
    """The new files are durable before they take the old ones' names.

    The catalogue goes first: what it says it knows must not be believed of the one before it.
    """
    with database_errors(work.draft):
        work.db.execute("PRAGMA journal_mode=DELETE")
        work.db.close()
    for draft, path in ((work.draft, work.archive.catalogue), (work.changes, work.archive.changes)):
        with storage_errors(path):
            descriptor = os.open(draft, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            draft.replace(path)
            fsync_dir(path.parent)
    _index_bundles(work.archive)


def _index_bundles(archive: Archive) -> None:
    """Where what was published is sought by its bytes; what has been entered before stays."""
    with archive.register() as register, archive.objects() as objects:
        bundles = [bundle for one in publications(register.events()) for bundle in one.bundles]
        if bundles:
            index_bundles(archive.bundle_index, objects, bundles)


PHASES = (
    Phase("interpret", _interpret),
    Phase("rank", _rank),
    Phase("write", _write),
    Phase("index", _index),
    Phase("changes", _changes),
    Phase("check", _check),
    Phase("swap", _swap),
)


@contextlib.contextmanager
def _folder(derived: Path) -> Iterator[Path]:
    """A temporary folder beside the catalogue; those that killed builds left are removed first."""
    with storage_errors(derived):
        for left in derived.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=derived))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _work(archive: Archive, folder: Path, as_of: str | None, progress: Progress, workers: int) -> Iterator[Work]:
    decisions, last = _decided(archive)
    stated = facts.Stated(archive.name, as_of or last[:10], facts.settings_digest(archive), decisions.head)
    sources = _sources(archive)
    workers = max(1, workers)
    with stage_errors(folder), stage(folder, workers) as staging, contextlib.ExitStack() as opened:
        db = _new(folder / "catalogue.sqlite")
        work = Work(archive, folder, staging, db, stated, decisions, sources, workers, progress, opened)
        try:
            yield work
        finally:
            work.db.close()


def _decided(archive: Archive) -> tuple[Decisions, str]:
    """The decisions in force, and the time of the last event."""
    last = ""
    with archive.register() as register:
        events = list(register.events())
    if events:
        last = events[-1].time
    return Decisions.load(events), last


def _sources(archive: Archive) -> dict[str, tuple[int, bytes | None, Source]]:
    """Each source that has records: its number, its settings record and itself.

    Raises Damaged where two speak for the same: their ids would be of one thing and mean two.
    """
    found: dict[str, tuple[int, bytes | None, Source]] = {}
    with archive.records() as records:
        for number, name in enumerate(sorted(records.sources()), 1):
            settings = settings_of(records, name)
            found[name] = (number, settings, open_source(name, settings))
    spoken = Counter(speaks_for(source, name) for name, (_, _, source) in found.items())
    for name, number in spoken.items():
        if number > 1:
            raise Damaged(f"source {name}", "two collections speak for it", "Keep the other archive in one of its own")
    return found


def _new(path: Path) -> apsw.Connection:
    """A new database that nobody misses if the build fails."""
    with database_errors(path):
        db = apsw.Connection(str(path))
        # Fetched, because apsw runs a list of statements only as far as somebody asks for its rows.
        db.execute(f"PRAGMA page_size=8192; PRAGMA cache_size=-{_CACHE_KIB}").fetchall()
        db.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF").fetchall()
    return db


@contextlib.contextmanager
def _transaction(work: Work) -> Iterator[apsw.Connection]:
    """One transaction on the draft. Its end on failure is the end of the draft, so nothing is rolled back."""
    with database_errors(work.draft):
        work.db.execute("BEGIN")
        yield work.db
        work.db.execute("COMMIT")


def _sql(name: str) -> str:
    return resources.files("phonolith.catalogue").joinpath(name).read_text("utf-8")
