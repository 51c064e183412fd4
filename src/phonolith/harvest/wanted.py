"""What of a collection's media is to be fetched: what the gate allows, is not held, and fits budget and disks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import timedelta

from phonolith.errors import StorageError
from phonolith.harvest.listed import Listed, Wish
from phonolith.harvest.offers import Collection, Door
from phonolith.harvest.report import HarvestReport
from phonolith.model.frontier import Task
from phonolith.model.progress import Progress
from phonolith.model.rights import Use
from phonolith.rights.gate import Policy
from phonolith.sources.media import Candidate
from phonolith.sources.payloads import beside, collection_of
from phonolith.store.archive import Archive
from phonolith.store.files import printable
from phonolith.store.objects import ObjectStore
from phonolith.store.records import RecordStore

#: The largest file that is fetched unless somebody says more, in bytes.
LARGEST = 4 << 30

#: For how long an address that had nothing is not asked again.
ABSENT = timedelta(days=30)

#: Bytes that stay free: for records, and for whoever else writes there.
ROOM = 64 << 20

_MEDIA = "media:"


@dataclass(frozen=True, slots=True)
class Wanted:
    """``budget``: bytes to fetch this time; ``largest``: bytes of one file.

    ``again``: also what is held already, and what was not there lately. ``listed``: only what is on this list, in its
    order and tier.
    """

    budget: int | None = None
    largest: int = LARGEST
    again: bool = False
    listed: Listed | None = None


@dataclass
class FetchReport(HarvestReport):
    """What was fetched for a collection, and why the rest was not.

    ``offered`` files in all, of which ``held`` are here as they are stated now, ``denied`` may not be held (by reason),
    and ``left`` did not fit the budget; ``to_fetch`` were begun with, ``unknown`` of them of unstated size. ``absent``
    were not there when they were asked for, less than :data:`ABSENT` ago. Of a list, ``unlisted`` files are not on it,
    and ``unoffered`` of its items are not offered any more; ``copies`` were kept as access copies alone.
    """

    offered: int = 0
    held: int = 0
    to_fetch: int = 0
    unknown: int = 0
    left: int = 0
    absent: int = 0
    unlisted: int = 0
    unoffered: int = 0
    copies: int = 0
    denied: Counter[str] = field(default_factory=Counter)

    @property
    def collection(self) -> str:
        """The collection whose records name the files."""
        return collection_of(self.source)


def plan(
    archive: Archive, collection: str, wanted: Wanted, policy: Policy, progress: Progress, now: str
) -> FetchReport:
    """What would be fetched, without a request. Raises NotFound, BadInput, StorageError."""
    report = FetchReport(beside(collection))
    with archive.records() as store, archive.register() as register:
        absent, door = store.frontier(report.source).absent(now), Door(register, policy, lambda: now)
        tasks_of(store, Collection(store, collection), door, wanted, absent, report, progress)
    return report


def tasks_of(
    store: RecordStore,
    collection: Collection,
    door: Door,
    wanted: Wanted,
    absent: Container[str],
    report: FetchReport,
    progress: Progress,
) -> list[Task]:
    """A task for each file that may be held, is not, and fits; the others are counted. ``absent`` are keys of tasks."""
    tasks: dict[str, Task] = {}
    wishes = wanted.listed.of(collection.spoken) if wanted.listed else None
    met: set[str] = set()
    costs: dict[str, int] = {}
    for offer in collection.offers(progress):
        candidate = offer.candidate
        if candidate.address in tasks:
            continue
        wish = wishes.get(candidate.address) if wishes is not None else None
        if wishes is not None and wish is None:
            report.unlisted += 1
            continue
        met.add(candidate.address)
        report.offered += 1
        decision = door.decide(collection.spoken, offer)
        size = candidate.size or 0
        if wish is not None and wish.access and decision.allowed:
            decision = door.decide(collection.spoken, offer, Use.REENCODE)
        if not decision.allowed:
            report.denied[" ".join(decision.reasons)] += 1
        elif not wanted.again and is_held(store, collection.name, candidate):
            report.held += 1
        elif not wanted.again and _MEDIA + candidate.address in absent:
            report.absent += 1
        elif size > wanted.largest:
            report.denied[f"It is larger than {wanted.largest:,} bytes."] += 1
        elif wishes is None and wanted.budget is not None and report.bytes_needed + size > wanted.budget:
            report.left += 1
        else:
            costs[candidate.address] = cost(candidate, wish)
            tasks[candidate.address] = Task(
                _MEDIA + candidate.address, candidate.address, wish.place if wish else 1, mark=offer.item
            )
            report.bytes_needed += costs[candidate.address]
            report.unknown += candidate.size is None and wish is None
    if wishes is not None and wanted.budget is not None:
        _cut(tasks, costs, wanted.budget, report)
    report.to_fetch = len(tasks)
    report.unoffered = len(wishes) - len(met) if wishes is not None else 0
    return list(tasks.values())


def cost(candidate: Candidate, wish: Wish | None) -> int:
    """Bytes to set aside for a file: those that are stated, else as many as a list reckons with at most.

    Of what is kept as an access copy it is the copy's bytes that count.
    """
    if wish is not None and (wish.access or candidate.size is None):
        return wish.most
    return candidate.size or 0


def _cut(tasks: dict[str, Task], costs: dict[str, int], budget: int, report: FetchReport) -> None:
    """Leave what a budget does not reach, from the end of the list."""
    needed = 0
    for address, task in sorted(tasks.items(), key=lambda one: one[1].rank):
        if needed + costs[address] > budget:
            del tasks[task.address]
            report.left += 1
        else:
            needed += costs[address]
    report.bytes_needed = needed


def is_held(store: RecordStore, collection: str, candidate: Candidate) -> bool:
    """Whether its bytes were fetched, and the source states the same of them as then."""
    head = store.head(beside(collection), candidate.address)
    return head is not None and head.validator == validator_of(candidate)


def validator_of(candidate: Candidate) -> str:
    """What the source states of a file, as one text: it tells one version from another."""
    return " ".join(f"{name}={value}" for name, value in stated(candidate).items()) or "-"


def stated(candidate: Candidate) -> dict[str, str]:
    """What the source states of size and digests, by name."""
    size = {} if candidate.size is None else {"size": str(candidate.size)}
    digests = {name: getattr(candidate, name).lower() for name in ("md5", "sha1", "sha256")}
    return size | {name: value for name, value in digests.items() if value}


def say_needs(objects: ObjectStore, report: FetchReport, progress: Progress) -> None:
    """Say what is to come, and refuse what the disks have no room for. Raises StorageError."""
    room: dict[int, int] = {}
    for volume in objects.volumes:
        if volume.path.is_dir():
            room[volume.path.stat().st_dev] = volume.free()
    free, needed = sum(room.values()), report.bytes_needed
    unknown = f", and {report.unknown:,} of unstated size" if report.unknown else ""
    progress.say(f"Files to fetch: {report.to_fetch:,} ({_mb(needed)}{unknown}); {_mb(free)} are free")
    if needed + ROOM > free:
        problem = f"{_mb(needed)} are to be fetched and {_mb(free)} are free"
        where = ", ".join(printable(volume.path) for volume in objects.volumes)
        raise StorageError(where, problem, "Fetch less at a time (--limit), free some space, or add a volume")


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
