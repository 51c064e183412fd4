"""Harvests a folder of audio files: bytes into objects, tags and evidence into records, a release at a time."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from phonolith.errors import Interrupted, NotFound, StorageError, UsageError
from phonolith.harvest.adopt import Adopter
from phonolith.harvest.evidence import Evidence, gather, report_unused
from phonolith.harvest.folder_group import findings, folder_of_release, merged, payloads, release_item
from phonolith.harvest.marks import Marks
from phonolith.harvest.report import HarvestReport, Writer, mark_gone
from phonolith.harvest.walk import Found, Group, group, walk
from phonolith.model.progress import Progress
from phonolith.model.record import Record
from phonolith.sources import folder_records as records
from phonolith.sources.base import SETTINGS, collection_name
from phonolith.sources.tag_reader import sniff
from phonolith.sources.tags import Read, TagReader
from phonolith.sources.text import exact_item_of, item_of, path_of, visible
from phonolith.store.archive import Archive
from phonolith.store.intake import HOWS
from phonolith.store.records import RecordStore

_VERSION = "1"  # of the payloads: another one makes a run read its releases again
_RESERVE = 64 * 1024 * 1024
_BATCH = 256


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """How to harvest. ``name`` of the collection, "" for the folder's own; ``adopt`` one of the object store's ways."""

    name: str = ""
    sidecar: Path | None = None
    licence_file: Path | None = None
    adopt: str = "auto"


def harvest_folder(
    archive: Archive,
    path: Path,
    options: FolderOptions,
    *,
    progress: Progress,
    clock: Callable[[], str],
    read: Read | None = None,
) -> HarvestReport:
    """Adopt and describe every audio file under ``path`` and what belongs to its release.

    The collection is called ``folder.<name>``. A second run reads only what changed; one that was stopped goes on where
    it was. ``clock`` gives the time as ISO 8601, UTC; ``read`` reads a file's tags (default: in a limited child).

    Raises NotFound, UsageError, BadInput, StorageError (not enough room, before anything is copied), Busy; Interrupted
    when a person stops it: what was stored stays, and nothing is marked gone.
    """
    if options.adopt not in HOWS:
        raise UsageError(f"adopt {options.adopt}", f"is none of {', '.join(HOWS)}", "Choose one of them")
    source = collection_name("folder", options.name or slug(path))
    report = HarvestReport(source)
    with (
        archive.lock("harvest", what=f"harvest folder {visible(str(path))}"),
        archive.records() as store,
        archive.objects() as objects,
        Marks(archive.state / f"harvest-{source}.jsonl") as marks,
        TagReader() as reader,
    ):
        adopter = Adopter(path, objects, marks, store, source, read or reader.read, options.adopt, report)
        writer = Writer(store, report, _BATCH, first=adopter.settle)
        run = _Run(archive, path, options, source, report, store, adopter, writer, clock(), progress)
        try:
            run.whole()
        except KeyboardInterrupt:
            run.writer.flush()
            problem = f"stopped after {report.total:,} records, which are kept"
            raise Interrupted(visible(str(path)), problem, "Run the same again; it goes on from here") from None
        except BaseException:
            run.writer.flush()
            raise
        marks.finish(run.there)
    return report


def slug(path: Path) -> str:
    """The name of a collection after its folder: ``My Music`` as ``my-music``."""
    name = path.resolve().name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    short = re.sub("[^a-z0-9_]+", "-", plain).strip("-_")[:60].strip("-_")
    return short or "collection-" + hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]


@dataclass
class _Run:
    """One run over one folder: what its steps share."""

    archive: Archive
    root: Path
    options: FolderOptions
    source: str
    report: HarvestReport
    store: RecordStore
    adopter: Adopter
    writer: Writer
    time: str
    progress: Progress
    evidence: Evidence = field(default_factory=Evidence)
    seen: set[str] = field(default_factory=set)
    items: dict[str, str] = field(default_factory=dict)
    there: set[tuple[str, str]] = field(default_factory=set)

    def whole(self) -> None:
        """Every step, in order."""
        self._check_root()
        files, unreadable = walk(self.root, [self.archive.root], self.report)
        groups, alone = group(files, self._is_audio)
        if not groups and self._knew_audio():
            subject = visible(str(self.root))
            raise NotFound(subject, "has no audio files any more", "Is its disk mounted? Nothing was marked gone")
        self._name_items(files)
        self.evidence = gather(self.root, self.options.licence_file, self.options.sidecar, self.report)
        self._report_alone(alone)
        waiting = [one for one in groups if not self._is_done(one)]
        self._see_done([one for one in groups if one not in waiting])
        self._check_room(waiting)
        self._put_settings()
        self.progress.start("adopt and read", self.report.bytes_needed, "bytes")
        order = [found for one in waiting for found, _ in (*one.audio, *one.beside)]
        self.adopter.expect(found for found in order if not self.adopter.knows(self.items[found.path], found))
        for one in waiting:
            self._group(one)
        self.progress.finish()
        report_unused(self.evidence, self.report)
        self.writer.flush()
        self.adopter.remove_moved()
        keep = [item_of(folder) + "/" for folder in unreadable]
        mark_gone(self.store, self.report, self.source, self.seen, self.time, keep)

    def _check_root(self) -> None:
        """Refuse a second folder under the name of one that is still there."""
        known = self.store.get(self.source, SETTINGS)
        payload = records.decode(known.payload) if known else None
        before = Path(path_of(payload.root)) if isinstance(payload, records.Collection) and payload.root else None
        if before and before.is_dir() and self.root.is_dir() and not before.samefile(self.root):
            problem = f"was harvested from {visible(str(before))}, which is still there"
            raise UsageError(f"collection {self.source}", problem, "Give this folder another name with --name")

    def _is_audio(self, found: Found) -> bool:
        try:
            return found.size > 0 and sniff(str(self.root / found.path)) != ""
        except OSError:
            return False

    def _knew_audio(self) -> bool:
        heads = self.store.heads(self.source)
        return any(head.item != SETTINGS and not head.validator.startswith("moved:") for head in heads)

    def _name_items(self, files: list[Found]) -> None:
        """Give each file its item: its path in NFC, or exactly where two files' paths are the same in NFC."""
        taken: set[str] = set()
        for found in files:
            item = item_of(found.path)
            if item in taken:
                item = exact_item_of(found.path)
            taken.add(item)
            self.items[found.path] = item
            self.there.add((item, found.validator))

    def _report_alone(self, alone: list[Found]) -> None:
        used = {x.path.resolve() for x in (self.evidence.licence_file, self.evidence.sidecar) if x}
        others = [found for found in alone if (self.root / found.path).resolve() not in used]
        for found in others:
            if found.name.lower().startswith(("license", "licence")):
                problem = "lies in the folder and is not used as evidence"
                self.report.found("licence.unused", visible(found.path), problem, "Give it with --licence-file", "note")
        if others:
            shown = ", ".join(visible(found.name) for found in others[:3]) + (" …" if len(others) > 3 else "")
            problem = f"{len(others):,} files that belong to no release were left alone: {shown}"
            self.report.found("file.left", visible(self.root.resolve().name), problem, severity="note")

    def _stamp(self, one: Group) -> str:
        """A digest over everything that the records of a release follow from."""
        parts = [_VERSION, self.evidence.fingerprint]
        parts += [f"{found.path}|{found.validator}|{mark}" for found, mark in (*one.audio, *one.beside)]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def _is_done(self, one: Group) -> bool:
        """Whether every file of a release is recorded as it is, with the same evidence."""
        stamp = self._stamp(one)
        heads = ((found, self.store.head(self.source, self.items[found.path])) for found, _ in one.audio)
        return all(head is not None and head.validator == f"{found.validator}:{stamp}" for found, head in heads)

    def _see_done(self, done: list[Group]) -> None:
        """Note that releases that need nothing are there, with everything recorded of them."""
        folders = {release_item(one.folder) for one in done}
        tracks = {self.items[found.path] for one in done for found, _ in one.audio}
        there = {h.item for h in self.store.heads(self.source) if folder_of_release(h.item) in folders} | tracks
        self.seen |= there
        self.report.unchanged += len(there)
        if self.evidence.sidecar:
            for one in done:
                for found, _ in one.audio:
                    self.evidence.of(found.path, {})

    def _check_room(self, waiting: list[Group]) -> None:
        """Say how many bytes will be adopted, and refuse at once if there is no room for them."""
        files = [found for one in waiting for found, _ in (*one.audio, *one.beside)]
        sizes = [found.size for found in files if not self.adopter.knows(self.items[found.path], found)]
        self.report.bytes_needed = needed = sum(sizes)
        free = {volume.name: volume.free() for volume in self.archive.volumes}
        room = ", ".join(f"{name}: {size_of(bytes_)} free" for name, bytes_ in free.items())
        counted = f"{len(sizes):,} file" + "s" * (len(sizes) != 1)
        self.progress.say(f"{counted} with {size_of(needed)} to adopt ({self.options.adopt}); {room}")
        full = needed + _RESERVE > sum(free.values()) or max(sizes, default=0) + _RESERVE > max(free.values())
        if full and needed and self.options.adopt in ("copy", "auto"):
            remedy = "Free some space, add a volume in phonolith.toml, or use --adopt reference or hardlink"
            raise StorageError(visible(str(self.root)), f"{size_of(needed)} do not fit ({room})", remedy)

    def _put_settings(self) -> None:
        """Keep what the collection is called and where it was, and the evidence itself."""
        title = unicodedata.normalize("NFC", visible(self.root.resolve().name))
        payload = records.Collection(title, item_of(str(self.root.resolve())))
        self.seen.add(SETTINGS)
        self.writer.add(Record(self.source, SETTINGS, "", self.time, records.encode(payload)))
        for evidence, kind in ((self.evidence.licence_file, "text/markdown"), (self.evidence.sidecar, "text/csv")):
            if evidence:
                self.adopter.objects.add_bytes(evidence.data, kind)

    def _group(self, one: Group) -> None:
        """Adopt and read the files of one release folder and store its records."""
        members = []
        for found, disc in one.audio:
            member = self.adopter.audio(self.items[found.path], found, disc)
            self.progress.advance(found.size)
            members += [member] if member else []
            self.seen.add(self.items[found.path])
        beside = []
        for found, role in one.beside:
            file = self.adopter.beside(self.items[found.path], found, role)
            self.progress.advance(found.size)
            beside += [file] if file else []
        for finding in findings(members):
            self.report.found(finding.code, finding.subject, finding.problem, finding.remedy)
        whole = self.adopter.refused.isdisjoint(self.items[found.path] for found, _ in one.audio)
        stamp = self._stamp(one) if whole else "incomplete"
        moved = "moved:" if self.options.adopt == "move" else ""
        for item, payload, member in payloads(one, members, beside, self.evidence) if members else ():
            validator = f"{moved}{member.found.validator}:{stamp}" if member else moved + stamp
            if isinstance(payload, records.Release):
                payload = self._with_moved(item, payload)
            self.seen.add(item)
            url = item if member else ""
            data = records.encode(payload)
            self.writer.add(Record(self.source, item, url, self.time, data, "application/json", validator))

    def _with_moved(self, item: str, payload: records.Release) -> records.Release:
        head = self.store.head(self.source, item)
        if head is None or not head.validator.startswith("moved:"):
            return payload
        record = self.store.get(self.source, item)
        before = records.decode(record.payload) if record else None
        return merged(payload, before) if isinstance(before, records.Release) else payload


def size_of(count: int) -> str:
    """Bytes for a person: ``2.4 GB``."""
    size = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
