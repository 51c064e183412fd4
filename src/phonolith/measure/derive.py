"""Makes access copies, waveforms and thumbnails of what may be re-encoded, beside the untouched originals.

The gate is asked about each file for re-encoding, for all forms alike: a waveform is no copy that anybody could hear,
yet a licence without derivatives is kept to its letter here. What may no longer be re-encoded loses its copies.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from phonolith.errors import Damaged, NotFound, StorageError
from phonolith.library.permitted import permitted
from phonolith.library.reading import Library
from phonolith.measure import child
from phonolith.measure.encoder import RECIPE, Made, Request
from phonolith.model.finding import Finding
from phonolith.model.progress import Progress
from phonolith.model.rights import Use
from phonolith.store.archive import Archive
from phonolith.store.copies import AccessCopies, Copies, Copy
from phonolith.store.files import printable
from phonolith.store.objects import ObjectStore
from phonolith.store.observations import Observations

#: The kind of observation that tells what was made of an object.
KIND = "copy"

#: Everything that is made, by what it is made of.
FORMS = {"audio": ("opus", "aac", "peaks"), "cover": ("thumbnail",)}

_ROOM = 256 << 20  # bytes that stay free
_FINDINGS = 200
_HELD = """
SELECT count(DISTINCT object) FROM file WHERE object IS NOT NULL AND role IN ('audio', 'cover') AND problem IS NULL"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """``budget``: bytes of copies to make this time; ``again``: also of files of which nothing could be made before.

    ``forms``: these alone; all, if it is empty.
    """

    budget: int | None = None
    again: bool = False
    workers: int = 1
    forms: tuple[str, ...] = ()


@dataclass
class DeriveReport:
    """Files of which copies were ``made`` (of so many ``bytes``), had them already, or gave none (``failed``).

    ``refused`` held files may not be re-encoded; ``dropped`` had copies and may not any more; ``left`` wait for another
    run, beyond the budget.
    """

    made: int = 0
    bytes: int = 0
    current: int = 0
    failed: int = 0
    refused: int = 0
    dropped: int = 0
    left: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Job:
    sha256: str
    size: int
    forms: tuple[str, ...]
    name: str


def derive(
    archive: Archive,
    library: Library,
    wanted: Wanted,
    *,
    progress: Progress,
    clock: Callable[[], str],
    run: Callable[[Request], Made] = child.make,
) -> DeriveReport:
    """Make what is missing, most popular first. A kill costs the files being made and nothing else.

    Raises Busy while another run makes copies, StorageError where the disk refuses or is nearly full.
    """
    copies, report = AccessCopies(archive.access), DeriveReport()
    with ExitStack() as opened:
        opened.enter_context(archive.lock("derive", what="phonolith derive"))
        objects = opened.enter_context(archive.objects())
        observations = opened.enter_context(archive.observations())
        copies.sweep()
        jobs = _jobs(library, copies, wanted, report)
        _Deriving(objects, observations, copies, wanted, report, clock, run).work(jobs, progress)
    return report


def _jobs(library: Library, copies: AccessCopies, wanted: Wanted, report: DeriveReport) -> list[_Job]:
    """What is to be made; what may not be re-encoded any more is dropped."""
    allowed: dict[str, _Job] = {}
    for file in permitted(library, Use.REENCODE):
        if file.role in FORMS and file.sha256 not in allowed:
            forms = tuple(form for form in FORMS[file.role] if not wanted.forms or form in wanted.forms)
            allowed[file.sha256] = _Job(file.sha256, file.size, forms, file.name)
    for parent in copies.parents():
        if parent not in allowed:
            copies.drop(parent)
            report.dropped += 1
    with library.reading() as reading:
        report.refused = int((reading.one(_HELD) or (0,))[0]) - len(allowed)
    asked = [job for job in allowed.values() if job.forms]
    jobs = [job for job in asked if not _is_done(copies.of(job.sha256), job, again=wanted.again)]
    report.current = len(asked) - len(jobs)
    return jobs


def _is_done(told: Copies | None, job: _Job, *, again: bool) -> bool:
    if told is None or told.recipe != RECIPE:
        return False
    return not again if told.problem else set(job.forms) <= told.forms.keys()


@dataclass
class _Deriving:
    objects: ObjectStore
    observations: Observations
    copies: AccessCopies
    wanted: Wanted
    report: DeriveReport
    clock: Callable[[], str]
    run: Callable[[Request], Made]

    def work(self, jobs: list[_Job], progress: Progress) -> None:
        """Make them, several at a time; what is done is kept in this thread."""
        progress.start("Making access copies", sum(job.size for job in jobs), "bytes")
        waiting = iter(jobs)
        flying: dict[Future[Made], tuple[_Job, ExitStack, Path]] = {}
        with ThreadPoolExecutor(self.wanted.workers, "derive") as pool:
            try:
                while True:
                    while len(flying) < self.wanted.workers and (job := next(waiting, None)):
                        if self._is_full():
                            self.report.left += 1
                        else:
                            self._begin(pool, job, flying)
                    if not flying:
                        break
                    for done in wait(flying, return_when=FIRST_COMPLETED).done:
                        job, closing, folder = flying.pop(done)
                        with closing:
                            self._keep(job, done.result(), folder)
                        progress.advance(job.size)
            finally:
                pool.shutdown(cancel_futures=True)
                for _, closing, _ in flying.values():
                    closing.close()
        progress.finish()

    def _is_full(self) -> bool:
        budget = self.wanted.budget
        return budget is not None and self.report.bytes >= budget

    def _begin(
        self, pool: ThreadPoolExecutor, job: _Job, flying: dict[Future[Made], tuple[_Job, ExitStack, Path]]
    ) -> None:
        if (free := self.copies.free()) < _ROOM + job.size:
            problem = f"the disk is nearly full: {free / 1e6:,.0f} MB are free"
            raise StorageError(printable(self.copies.root), problem, "Free some space, then run the same again")
        try:
            path = self.objects.path(job.sha256)
        except (NotFound, Damaged) as error:
            self._fail(job, error.problem)
            return
        closing = ExitStack()
        folder = closing.enter_context(self.copies.workshop())
        request = Request(os.fspath(path.absolute()), os.fspath(folder.absolute()), list(job.forms))
        flying[pool.submit(self.run, request)] = job, closing, folder

    def _keep(self, job: _Job, made: Made, folder: Path) -> None:
        """Copies into place, then what was made of what, as observations."""
        time = self.clock()
        if made.problem:
            self._fail(job, made.problem)
            self.copies.put(Copies(job.sha256, RECIPE, time, problem=made.problem), {})
            self.observations.add(job.sha256, KIND, "phonolith", str(RECIPE), time, {"problem": made.problem})
            return
        paths = {form: folder / one.name for form, one in made.forms.items()}
        forms = {
            form: Copy(*_digest(paths[form]), one.media_type, one.encoder, one.version, one.bitrate)
            for form, one in made.forms.items()
        }
        before = self.copies.of(job.sha256)
        kept = before.forms if before is not None and before.recipe == RECIPE else {}
        self.copies.put(Copies(job.sha256, RECIPE, time, {**kept, **forms}), paths)
        for form, one in forms.items():
            value = {"form": form, "sha256": one.sha256, "size": one.size, "media_type": one.media_type}
            value |= {"bitrate": one.bitrate} if one.bitrate else {}
            self.observations.add(job.sha256, KIND, one.encoder, one.version, time, value)
        self.report.made += 1
        self.report.bytes += sum(one.size for one in forms.values())

    def _fail(self, job: _Job, problem: str) -> None:
        self.report.failed += 1
        if len(self.report.findings) < _FINDINGS:
            remedy = "The original is untouched; listen to it, or harvest it again"
            self.report.findings.append(Finding("derive.failed", job.name or job.sha256, problem, remedy))


def _digest(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file that was made."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
