"""Asks MusicBrainz: whole JSON dumps, hourly packets of changes, files of either that are here, and look-ups."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from phonolith.errors import BadInput, NotFound, RefusedByRights
from phonolith.model.finding import Finding
from phonolith.model.frontier import Step, Task
from phonolith.model.record import Record
from phonolith.sources import musicbrainz_asking as asking
from phonolith.sources.client.answers import Limits, Manners
from phonolith.sources.dump_file import Part, Place, parts
from phonolith.sources.gathering import HeldFile, Question, kept
from phonolith.sources.text import visible

if TYPE_CHECKING:
    from phonolith.sources.client.answers import Asks

#: One request a second: what MusicBrainz asks for (https://musicbrainz.org/doc/MusicBrainz_API/Rate_Limiting).
MANNERS = Manners(1.0)
#: The record of where a dump came from, with its checksums and their signature, as they were.
PROVENANCE = "!dump"

_LARGEST = 64 << 30  # bytes of a dump
_ANSWER = Limits(body=64 << 20)  # a release of a thousand tracks has some megabytes
_STORED = 2.0  # bytes of records for a byte of a dump as it is packed
_SPEED = 2_500_000  # bytes of a packed dump that are stored a second
_EMPTY = 3  # packets in a row without anything: those that come are not made yet
_MEMBER = "mbdump/"


class _Head(msgspec.Struct):
    id: str


_head = msgspec.json.Decoder(_Head).decode


async def ask(client: Asks, question: Question) -> AsyncGenerator[Step, None]:
    """Ask one task; see :meth:`phonolith.sources.gathering.Gathers.ask`."""
    answer = _BY_KIND[question.task.key.partition(":")[0]](client, question)
    try:
        async for step in answer:
            yield step
    finally:
        await answer.aclose()


async def _latest(client: Asks, question: Question) -> AsyncGenerator[Step, None]:
    """Which dump is the latest, what it has, and what it needs here."""
    base = question.at(*asking.DUMPS)
    stamp = await _text(client, f"{base}/LATEST")
    if not re.fullmatch(r"\d{8}-\d{6}", stamp.strip()):
        raise BadInput(f"{base}/LATEST", f"names no dump: {visible(stamp)!r}", "Look at what it answers")
    folder = f"{base}/{stamp.strip()}"
    sums = await _text(client, f"{folder}/SHA256SUMS")
    signature = await _text(client, f"{folder}/SHA256SUMS.asc", needed=False)
    digests = asking.read_sums(sums)
    files = {kind: f"{kind}.tar.xz" for kind in asking.entities(question.wish)}
    if missing := [name for name in files.values() if name not in digests]:
        raise BadInput(f"{folder}/SHA256SUMS", f"has no {missing[0]}", "Look at what the dump has; see --entity")
    sizes = asking.read_sizes(await _text(client, f"{folder}/", needed=False), files.values())
    question.large().reserve(*_needs(stamp.strip(), files.values(), sizes))
    said = msgspec.json.encode({"dump": stamp.strip(), "SHA256SUMS": sums, "SHA256SUMS.asc": signature})
    yield Step(
        records=(Record(question.source, PROVENANCE, f"{folder}/SHA256SUMS", question.time, said),),
        found=tuple(Task(f"dump:{kind}", f"{folder}/{name}", 1, False, digests[name]) for kind, name in files.items()),
        findings=(_unsigned(f"{folder}/SHA256SUMS", bool(signature)),),
    )


async def _dump(client: Asks, question: Question) -> AsyncGenerator[Step, None]:
    """One file of a dump: fetched, compared with its checksum, held, and read."""
    digest, _, place = question.task.mark.partition(" ")
    held = await question.large().fetch(question.task.address, cap=_LARGEST, sha256=digest, manners=MANNERS)
    async for step in _whole(question, held, Place.read(place)):
        yield step


async def _file(client: Asks, question: Question) -> AsyncGenerator[Step, None]:
    """A file of this machine; where SHA256SUMS lies beside it, it is compared with that."""
    path = Path(question.task.key.partition(":")[2])
    digest, _, place = question.task.mark.partition(" ")
    held = question.large().held(digest) if digest else None
    if held is not None:
        async for step in _whole(question, held, Place.read(place)):
            yield step
        return
    if not path.is_file():
        raise NotFound(visible(str(path)), "is not there", "Check the path")
    stated = _stated(path)
    question.large().reserve(*_needs(path.name, [path.name], {path.name: path.stat().st_size}))
    held = await question.large().adopt(path)
    if stated not in ("", held.sha256):
        problem = f"has the digest {held.sha256}, and SHA256SUMS beside it says {stated}"
        raise BadInput(visible(str(path)), problem, "Fetch it again")
    words = "its checksum was not compared: no SHA256SUMS beside it names it"
    findings = () if stated else (Finding("dump.unverified", visible(str(path)), words, "", "note"),)
    yield Step(mark=f"{held.sha256} ", findings=findings)
    async for step in _whole(question, held, Place()):
        yield step


async def _packets(client: Asks, question: Question) -> AsyncGenerator[Step, None]:
    """Which packets of changes there are since the last harvest."""
    base = question.at(*asking.LIVE)
    token = _token(question)
    if not token and base == asking.LIVE[1]:
        problem = "gives hourly changes to holders of an access token only"
        raise RefusedByRights(base, problem, "Give --token FILE, or take a whole dump again: --everything")
    answer = await client.get(f"{base}/replication-info", manners=MANNERS, headers=token)
    told = answer.json()
    named = re.search(r"replication-(\d{1,12})\.", str(told.get("last_packet") if isinstance(told, dict) else ""))
    if not named:
        raise BadInput(f"{base}/replication-info", "does not say which packet is the last", "Look at what it answers")
    first, last = int(question.since) + 1, int(named[1])
    if first > last:
        yield Step()
        return
    count = (last - first + 1) * len(asking.entities(question.wish))
    words = f"{last - first + 1:,} packets of changes, {count:,} requests at one a second: {_span(count)} or more"
    question.large().reserve(words, 0)
    yield Step(found=(_packet_task(base, first, last, 0),))


async def _packet(client: Asks, question: Question) -> AsyncGenerator[Step, None]:
    """One packet: a small dump for each kind of which something changed. Nothing in it says what was deleted."""
    base, number = question.at(*asking.LIVE), int(question.task.key.partition(":")[2])
    last, empty = (int(one) for one in question.task.mark.split())
    met = False
    for kind in asking.entities(question.wish):
        url = f"{base}/json-dumps/json-dump-{number}/{kind}.tar.xz"
        try:
            held = await question.large().fetch(url, cap=_LARGEST, manners=MANNERS, headers=_token(question))
        except NotFound:
            continue
        met = True
        async for step in _read(question, held, Place(), url):
            yield replace(step, mark=question.task.mark, reached="")
    empty = 0 if met else empty + 1
    onward = (_packet_task(base, number + 1, last, empty),) if number < last and empty < _EMPTY else ()
    yield Step(found=onward, mark=question.task.mark, reached=asking.mark_of(str(number)) if met else "")


async def _lookup(client: Asks, question: Question) -> AsyncGenerator[Step, None]:
    """One entity of the web service. One that was merged comes under the id it has now."""
    item = question.task.key.partition(":")[2]
    kind, _, mbid = item.partition("/")
    url = asking.lookup_address(question.base, kind, mbid)
    try:
        answer = await client.get(url, manners=MANNERS, limits=_ANSWER, validator=question.validator)
    except NotFound:
        yield Step(gone=(item,), findings=(Finding("musicbrainz.absent", item, "MusicBrainz does not have it"),))
        return
    if answer.unchanged:
        yield Step(met=(item,))
        return
    try:
        now = f"{kind}/{_head(answer.body).id}"
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(url, f"is no document of MusicBrainz: {error}", "Look at what it answers") from error
    record = Record(question.source, now, url, question.time, answer.body, validator=kept(answer.validator))
    if now == item:
        yield Step(records=(record,))
        return
    merged = Finding("musicbrainz.merged", item, f"was merged; it is {now} now", "Use that id", "note")
    yield Step(records=(record,), gone=(item,), findings=(merged,))


_BY_KIND: Mapping[str, Callable[[Asks, Question], AsyncGenerator[Step, None]]] = {
    "latest": _latest, "dump": _dump, "file": _file, "packets": _packets, "packet": _packet, "item": _lookup,
}  # fmt: skip


async def _whole(question: Question, held: HeldFile, place: Place) -> AsyncGenerator[Step, None]:
    """The steps of a whole dump. One without documents is refused: everything would seem to be gone."""
    met = place.line > 0 or place.offset > 0
    async for step in _read(question, held, place, question.task.address):
        met = met or bool(step.records)
        yield replace(step, mark=f"{held.sha256} {step.mark}")
    if not met:
        raise BadInput(visible(question.task.address), "has no documents in mbdump/", "Check what it is")


async def _read(question: Question, held: HeldFile, place: Place, url: str) -> AsyncGenerator[Step, None]:
    """Steps of the parts of a file from ``place`` on, with where to go on as their marks."""
    reading = parts(held.path, lambda name: name.startswith(_MEMBER), place)

    def following() -> Step | None:
        part = next(reading, None)
        return None if part is None else _step(question, part, url)

    while (step := await asyncio.to_thread(following)) is not None:
        yield step


def _step(question: Question, part: Part, url: str) -> Step:
    """What a part says: documents, or what the dump says of itself."""
    mark = str(part.place)
    if part.member.startswith(_MEMBER):
        findings: list[Finding] = []
        kind = part.member.removeprefix(_MEMBER)
        records = tuple(_records(question, kind, part, url, findings))
        return Step(records, listed=len(records) or None, mark=mark, findings=tuple(findings))
    said = part.lines[0].decode("ascii", "replace").strip()
    if part.member == "REPLICATION_SEQUENCE" and said.isdigit():
        return Step(reached=asking.mark_of(said), mark=mark)
    if part.member == "JSON_DUMPS_SCHEMA_NUMBER" and said != "1":
        words = f"has documents of schema {visible(said)!r}; 1 is understood"
        return Step(mark=mark, findings=(Finding("musicbrainz.schema", url, words, "Upgrade Phonolith"),))
    return Step(mark=mark)


def _records(question: Question, kind: str, part: Part, url: str, findings: list[Finding]) -> Iterator[Record]:
    """A record a line; its item is the entity, so that dumps, packets and look-ups say the same of the same."""
    for number, line in enumerate(part.lines, part.first):
        if not line:
            continue
        try:
            item = f"{kind}/{_head(line).id}"
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            words = f"is no document of MusicBrainz: {error}"
            findings.append(Finding("musicbrainz.line", f"{part.member} line {number:,}", words, "Fetch it again"))
            continue
        yield Record(question.source, item, url, question.time, line)


def _packet_task(base: str, number: int, last: int, empty: int) -> Task:
    return Task(f"packet:{number}", f"{base}/json-dumps/json-dump-{number}/", 0, True, f"{last} {empty}")


async def _text(client: Asks, url: str, *, needed: bool = True) -> str:
    """A short text; "" where there is none and none is needed."""
    try:
        return (await client.get(url, manners=MANNERS)).body.decode("utf-8", "replace")
    except (NotFound, RefusedByRights):
        if needed:
            raise
        return ""


def _token(question: Question) -> dict[str, str]:
    """The header that shows the access token, out of the file that was named."""
    for one in question.wish.get("token", ()):
        try:
            return {"Authorization": f"Token {Path(one).read_text('utf-8').strip()}"}
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(visible(one), f"cannot be read: {error}", "Name a file with your access token") from error
    return {}


def _stated(path: Path) -> str:
    """The digest that SHA256SUMS beside a file states of it, "" where there is none."""
    beside = path.parent / "SHA256SUMS"
    try:
        return asking.read_sums(beside.read_text("utf-8", "replace")).get(path.name, "")
    except OSError:
        return ""


def _unsigned(url: str, signed: bool) -> Finding:
    words = "each file is compared with it; its signature is kept and was not checked"
    if not signed:
        words = "each file is compared with it; it has no signature"
    return Finding("musicbrainz.signature", url, words, "See docs/how-to/harvest-musicbrainz.md", "note")


def _needs(name: str, files: Iterable[str], sizes: Mapping[str, int]) -> tuple[str, int]:
    """What a dump needs, for a person, and in bytes."""
    if not sizes:
        return f"{name}: how large it is cannot be seen before it is fetched", 0
    packed = sum(sizes.values())
    whole = int(packed * (1 + _STORED))
    unknown = [one for one in files if one not in sizes]
    words = (
        f"{name}: {_amount(packed)} to fetch, {_amount(whole)} on the disk with the records,"
        f" {_span(packed / _SPEED)} to store what was fetched"
    )
    return words + (f"; the size of {', '.join(unknown)} is not known" if unknown else ""), whole


def _amount(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def _span(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{seconds / 3600:,.1f} hours" if minutes >= 90 else f"about {minutes} minute{'s' if minutes > 1 else ''}"
