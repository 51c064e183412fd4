"""Harvests JSON documents that lie in a folder (MusicBrainz answers, or its JSON dumps of one document a line)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from phonolith.errors import BadInput, Interrupted, NotFound, StorageError
from phonolith.harvest.folder import slug
from phonolith.harvest.report import HarvestReport, Writer, mark_gone
from phonolith.harvest.seen import Seen
from phonolith.harvest.walk import Found, extension, walk
from phonolith.model.progress import Progress
from phonolith.model.record import Record
from phonolith.sources.base import collection_name
from phonolith.sources.text import item_of, visible
from phonolith.store.archive import Archive

LARGEST = 64 * 1024 * 1024


def harvest_documents(
    archive: Archive,
    path: Path,
    *,
    kind: str = "musicbrainz",
    name: str = "",
    progress: Progress,
    clock: Callable[[], str],
) -> HarvestReport:
    """Store each ``.json`` file under ``path``, and each line of each ``.jsonl`` file, as a record of ``kind``.

    The collection is called ``<kind>.<name>``, by default after the folder. Raises NotFound, StorageError, Busy;
    Interrupted when a person stops it. A file that is not JSON is a finding.
    """
    source = collection_name(kind, name or slug(path))
    report = HarvestReport(source)
    with (
        archive.lock("harvest", what=f"harvest {kind} {visible(str(path))}"),
        archive.records() as store,
        Seen(archive.state / "harvest-seen.sqlite") as seen,
    ):
        files, unreadable = walk(path, [archive.root], report)
        chosen = [found for found in files if extension(found) in ("json", "jsonl")]
        if not chosen:
            raise NotFound(visible(str(path)), "has no .json or .jsonl files", "Check the path")
        writer, time = Writer(store, report), clock()
        progress.start("documents", len(chosen), "files")
        try:
            for found in chosen:
                for item, data in _documents(path, found, report):
                    seen.add(item)
                    writer.add(Record(source, item, "", time, data))
                progress.advance(1)
        except KeyboardInterrupt:
            writer.flush()
            problem = f"stopped after {report.total:,} records, which are kept"
            raise Interrupted(visible(str(path)), problem, "Run the same again") from None
        except BaseException:
            writer.flush()
            raise
        writer.flush()
        mark_gone(store, report, source, seen, time, [item_of(folder) + "/" for folder in unreadable])
        progress.finish()
    return report


def _documents(root: Path, found: Found, report: HarvestReport) -> Iterator[tuple[str, bytes]]:
    """Items and payloads of one file; what is not a JSON object is a finding."""
    item = item_of(found.path)
    try:
        if extension(found) == "json":
            yield item, _checked(_read(root / found.path, found))
            return
        with (root / found.path).open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LARGEST), b""), 1):
                if not line.strip():
                    continue
                try:
                    data = _checked(line.strip())
                    yield f"{item}#{_key(data, number)}", data
                except BadInput as error:
                    subject = f"{visible(found.path)} line {number:,}"
                    report.found("document.broken", subject, error.problem, error.remedy)
    except (BadInput, StorageError) as error:
        report.found("document.broken", visible(found.path), error.problem, error.remedy)
    except OSError as error:
        report.found(
            "document.unreadable", visible(found.path), f"cannot be read: {error.strerror}", "Check it", "error"
        )


def _read(path: Path, found: Found) -> bytes:
    if found.size > LARGEST:
        raise BadInput(visible(found.path), f"has {found.size:,} bytes; {LARGEST:,} are allowed", "Split it")
    return path.read_bytes()


def _checked(data: bytes) -> bytes:
    try:
        document = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput("document", f"is not JSON: {error}", "Fetch it again") from error
    if not isinstance(document, dict):
        raise BadInput("document", "is not a JSON object", "Check what it is")
    return data


def _key(data: bytes, number: int) -> str:
    """The document's own id, so that its place in the file does not matter; else its line."""
    identifier = msgspec.json.decode(data).get("id")
    return identifier if isinstance(identifier, str) and identifier else str(number)
