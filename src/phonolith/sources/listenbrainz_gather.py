"""Asks ListenBrainz for counts, and counts dumps of listens: what is kept of a listen is that there was one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from phonolith.errors import BadInput, NotFound
from phonolith.model.frontier import Step, Task
from phonolith.model.ids import is_uuid
from phonolith.model.record import Record
from phonolith.sources import listenbrainz_asking as asking
from phonolith.sources.client.answers import Manners
from phonolith.sources.gathering import Question
from phonolith.sources.listens import Tally, count_listens
from phonolith.sources.text import visible

if TYPE_CHECKING:
    from phonolith.sources.client.answers import Asks

#: See the terms in :mod:`phonolith.sources.listenbrainz`.
MANNERS = Manners(1.0, robots=False)

_STEP = 10_000  # counts that are stored together


async def ask(client: Asks, question: Question) -> AsyncGenerator[Step, None]:
    """Ask one task; see :meth:`phonolith.sources.gathering.Gathers.ask`."""
    kind, *rest = question.task.key.split(":")
    if kind == "count" and not rest:
        async for step in _dumps(question):
            yield step
    elif kind == "count":
        yield await _counts(client, question, rest[0])
    else:
        yield await _chart(client, question, rest[0], int(rest[1]))


async def _counts(client: Asks, question: Question, kind: str) -> Step:
    """Up to a thousand things: what is said of each that was listened to."""
    field = f"{kind.replace('-', '_')}_mbid"
    asked = msgspec.json.encode({f"{field}s": question.task.mark.split()})
    answer = await client.get(
        question.task.address, manners=MANNERS, body=asked, headers={"Content-Type": "application/json"}
    )
    said = _elements(answer.body, question.task.address)
    return Step(tuple(_records(question, "popularity", kind, said, question.task.address)), mark=question.task.mark)


async def _chart(client: Asks, question: Question, kind: str, offset: int) -> Step:
    """A hundred entries of a chart, and the way to the next ones. A chart that was not made yet is empty."""
    url = question.task.address
    answer = await client.get(url, manners=MANNERS)
    if answer.status == 204 or not answer.body:
        return Step()
    try:
        payload = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])["payload"]
        found = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
        said = _elements(bytes(found[f"{kind.replace('-', '_')}s"]), url)
    except (msgspec.MsgspecError, KeyError) as error:
        raise BadInput(url, f"is no chart: {error}", "Look at what it answers") from error
    onward: tuple[Task, ...] = ()
    if len(said) >= asking.CHART and offset < 1000 - asking.CHART:  # the charts end there
        onward = (asking.chart_task(question.base, kind, question.wish["top"][0], offset + asking.CHART),)
    return Step(tuple(_records(question, "sitewide", kind, said, url)), found=onward, listed=len(said) or None)


async def _dumps(question: Question) -> AsyncGenerator[Step, None]:
    """Count the listens in files of this machine. Whose they were is forgotten with the folder they were counted in."""
    files = [Path(line) for line in question.task.mark.splitlines()]
    for file in files:
        if not file.exists():
            raise NotFound(visible(str(file)), "is not there", "Check the path")
    with question.large().scratch() as folder:
        tally = await asyncio.to_thread(count_listens, files, folder)
        told = msgspec.json.encode(
            {"files": [file.name for file in files], "listens": tally.listens, "without MBID": tally.unmapped}
        )
        yield Step((Record(question.source, "!listens", "", question.time, told),), mark=question.task.mark)
        for kind in asking.IN_DUMPS:
            async for step in _counted(question, tally, kind):
                yield step
        tally.close()


async def _counted(question: Question, tally: Tally, kind: str) -> AsyncGenerator[Step, None]:
    rows = tally.rows(kind)
    while some := await asyncio.to_thread(lambda: list(islice(rows, _STEP))):
        field = f"{kind}_mbid"
        records = (
            Record(
                question.source,
                f"listens/{kind}/{mbid}",
                "",
                question.time,
                msgspec.json.encode({field: mbid, "listen_count": listens, "user_count": listeners}),
            )
            for mbid, listens, listeners in some
        )
        yield Step(tuple(records), listed=len(some), mark=question.task.mark)


def _elements(body: bytes, url: str) -> list[tuple[dict[str, Any], bytes]]:
    """The elements of a list, each read and as its bytes."""
    try:
        raw = msgspec.json.decode(body, type=list[msgspec.Raw])
        return [(msgspec.json.decode(one, type=dict[str, Any]), bytes(one)) for one in raw]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(url, f"is no list of counts: {error}", "Look at what it answers") from error


def _records(
    question: Question, counted: str, kind: str, said: Iterable[tuple[dict[str, Any], bytes]], url: str
) -> Iterable[Record]:
    """A record for each thing that was counted; one that nobody listened to, or that has no MBID, has none."""
    field = f"{kind.replace('-', '_')}_mbid"
    for document, raw in said:
        mbid = document.get(field) or _only(document.get(f"{field}s"))
        if not isinstance(mbid, str) or not is_uuid(mbid):
            continue
        if document.get("total_listen_count", document.get("listen_count")) is None:
            continue
        if "listeners" in document or field not in document:
            kept = {key: value for key, value in document.items() if key not in ("listeners", f"{field}s")}
            raw = msgspec.json.encode({**kept, field: mbid})
        yield Record(question.source, f"{counted}/{kind}/{mbid}", url, question.time, raw)


def _only(value: Any) -> Any:
    """The element of a list of one: older charts name an artist so."""
    return value[0] if isinstance(value, list) and len(value) == 1 else None
