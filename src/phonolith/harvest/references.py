"""Which held objects records refer to: their own payloads where these are large, and the files they tell of."""

from __future__ import annotations

from collections.abc import Iterator

from phonolith.errors import PhonolithError
from phonolith.model.music import ReleaseDescription, TrackDescription
from phonolith.model.progress import Progress
from phonolith.sources.base import Source, open_source, settings_of
from phonolith.store.files import printable
from phonolith.store.lines import Line, item_of, record_of
from phonolith.store.records import RecordStore


def referenced(records: RecordStore, progress: Progress) -> Iterator[tuple[str, str]]:
    """Subject and digest of every reference in the current records. Payloads that are objects are not read.

    A record that its source cannot interpret has no references; a build reports it.
    """
    sources: dict[str, Source | None] = {}
    for shard in records.shards(1):
        for lines in shard.lots():
            for line in lines:
                subject = f"record {line.source} {printable(item_of(line))}"
                yield from ((subject, digest) for digest in _digests(line, records, sources))
            progress.advance(len(lines))


def _digests(line: Line, records: RecordStore, sources: dict[str, Source | None]) -> Iterator[str]:
    if line.object:
        yield line.object
    elif line.payload is not None and '"sha256"' in line.payload:  # as a source that holds files writes it
        source = _source(line.source, records, sources)
        try:
            for description in source.interpret(record_of(line, _no_object)) if source else ():
                if isinstance(description, ReleaseDescription | TrackDescription):
                    yield from (file.sha256 for file in description.files if file.sha256)
        except PhonolithError:
            return


def _source(name: str, records: RecordStore, sources: dict[str, Source | None]) -> Source | None:
    if name not in sources:
        try:
            sources[name] = open_source(name, settings_of(records, name))
        except PhonolithError:
            sources[name] = None
    return sources[name]


def _no_object(sha256: str) -> bytes:
    raise AssertionError(f"a payload in the line itself asks for the object {sha256}")
