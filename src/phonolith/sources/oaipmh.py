"""The source ``oaipmh``: any repository that is gathered by OAI-PMH 2.0, in unqualified Dublin Core.

A record is kept as its XML element. Only what a record itself calls sound or music is described; the others are kept,
and can be read differently one day.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec

from phonolith.errors import BadInput, UsageError
from phonolith.model.finding import Finding
from phonolith.model.frontier import Step, Task
from phonolith.model.music import Credit, Description, Label, Level, LicenceStatement, Link, ReleaseDescription
from phonolith.model.record import Record
from phonolith.sources.base import SETTINGS, Terms
from phonolith.sources.client.answers import Manners
from phonolith.sources.gathering import Option, Question, Wish
from phonolith.sources.oai_answers import DAY, OAI, Refusal, read_list, read_repository
from phonolith.sources.strict_xml import read_xml
from phonolith.sources.text import clean, holds_mail

if TYPE_CHECKING:
    from phonolith.sources.client.answers import Asks

TERMS = Terms(
    metadata_licence="",
    payload_licences="dc:rights of each record, where it is an address",
    publish=("header/identifier", "dc/**"),
    withhold=("header/datestamp", "header/set"),  # how the repository is kept, not what is in it
    rate=1.0,
    credit="The repository",
)
_DC = "{http://purl.org/dc/elements/1.1/}"
_SOUND = re.compile(r"(?:https?://purl\.org/dc/dcmitype/)?(?:sound|music|audio)|audio/.+|.*sound ?recording.*", re.I)
_WEB = re.compile(r"https?://\S+")
_SINCE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?", re.ASCII)
_LISTS = 3  # how often a list is begun again because its token expired
_DOI = re.compile(r"doi:10\.\S+")
_COLUMNS = ("title", "creator", "contributor", "date", "language", "publisher")
_XML = "application/xml"


class OaiSource:
    """Asks a repository for what changed, and reads what it says about sound."""

    title = "OAI-PMH"
    terms = TERMS
    base = ""
    options = (
        Option("url", "Address of the repository.", "URL", place=True, required=True),
        Option("set", "Only this set of the repository.", "SET"),
        Option("prefix", "Form of the records. Default: oai_dc.", "NAME"),
    )

    since_option = Option(
        "since",
        "Only what changed from then on, a day or a moment (…T12:00:00Z). Default: the last whole harvest.",
        "DATE",
    )

    def __init__(self, name: str = "oaipmh") -> None:
        self.name = name

    def __reduce__(self) -> tuple[Callable[..., OaiSource], tuple[str]]:
        return OaiSource, (self.name,)

    def prepared(self, name: str, settings: bytes | None) -> OaiSource:
        """The source of a collection; its records explain themselves."""
        return OaiSource(name)

    # Asking

    def collection(self, wish: Wish) -> str:
        """By the repository's host and the set."""
        parts = urlsplit(_one(wish, "url"))
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise UsageError(_one(wish, "url"), "is no address of a repository", "As in https://music.example.org/oai")
        words = re.sub("[^a-z0-9]+", "-", f"{parts.hostname} {_one(wish, 'set')}".lower())
        return words[:60].strip("-")

    def begin(self, wish: Wish, base: str, since: str) -> tuple[Task, ...]:
        """Ask first who it is: that says in which form it wants dates."""
        if since and not _SINCE.fullmatch(since):
            raise UsageError(f"--since {since}", "is no date", "As in 2026-01-31, or 2026-01-31T12:00:00Z")
        return (Task("identify", _address(wish, base, {"verb": "Identify"}), rank=0),)

    async def ask(self, client: Asks, question: Question) -> AsyncGenerator[Step, None]:
        """Who it is, or a part of the list. An expired token begins the list again; what is known is not kept twice."""
        task = question.task
        answer = await client.get(task.address, manners=Manners.of(self.terms), accept=_XML)
        if task.key == "identify":
            told = read_repository(answer.body, task.address)
            who = _record(question, SETTINGS, told.payload)
            reached = min(told.time, question.time)  # a clock that runs ahead of ours would hide what is still to come
            yield Step((who,), found=(_first(question, told.granularity, 0),), reached=reached)
            return
        granularity, _, lists = task.mark.partition(" ")
        try:
            part = read_list(answer.body, task.address)
        except Refusal as refusal:
            if refusal.word == "noRecordsMatch":
                yield Step()
            elif refusal.word == "badResumptionToken" and "resumptionToken" in task.address and int(lists) < _LISTS:
                yield Step(found=(_first(question, granularity, int(lists) + 1),), mark=task.mark)
            else:
                raise
            return
        yield Step(
            records=tuple(_record(question, one.identifier, one.payload) for one in part.items if not one.deleted),
            gone=tuple(one.identifier for one in part.items if one.deleted),
            found=(_following(question, part.token),) if part.token else (),
            listed=len(part.items) + part.nameless,
            total=part.total,
            mark=task.mark,
            findings=_nameless(task, part.nameless),
        )

    # Reading

    def interpret(self, record: Record) -> Iterable[Description]:
        """One release for a record that calls itself sound or music."""
        if record.item == SETTINGS:
            return
        said = self.document(record)["dc"]
        if not any(_SOUND.fullmatch(clean(one)) for name in ("type", "format") for one in said.get(name, ())):
            return
        kept = {
            name: [clean(one) for one in values if clean(one) and not holds_mail(one)] for name, values in said.items()
        }
        yield _release(record, kept)

    def document(self, record: Record) -> Any:
        """The header and the values of each element of Dublin Core, in order."""
        if record.item == SETTINGS:
            return {}
        root = read_xml(record.payload, f"record {record.source} {record.item}")
        header = root.find(f"{OAI}header")
        if header is None:
            raise BadInput(f"record {record.source} {record.item}", "has no header", "Harvest it again")
        said: dict[str, list[str]] = defaultdict(list)
        for element in root.iter():
            if element.tag.startswith(_DC) and element.text:
                said[element.tag.removeprefix(_DC)].append(element.text)
        words = {name: [one.text or "" for one in header.findall(OAI + tag)] for name, tag in _HEADER.items()}
        return {"header": words, "dc": dict(said)}

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Any:
        """A tree of the document's shape: each value is there if a column or the remainder holds it for its element."""
        held = next((_held(one) for one in descriptions if isinstance(one, ReleaseDescription)), {})

        def kept(name: str, values: Iterable[str]) -> list[str | None]:
            return [value if clean(value) in held.get(name, ()) else None for value in values]

        shape = self.document(record)
        return {part: {name: kept(name, values) for name, values in shape[part].items()} for part in shape}


_HEADER = {"identifier": "identifier", "datestamp": "datestamp", "set": "setSpec"}


def _first(question: Question, granularity: str, lists: int) -> Task:
    """The first part of the list, which is begun for the so-manieth time; ``since`` as this repository writes dates."""
    query = {"verb": "ListRecords", "metadataPrefix": _one(question.wish, "prefix") or "oai_dc"}
    if chosen := _one(question.wish, "set"):
        query["set"] = chosen
    if question.since:
        query["from"] = question.since[:10] if granularity == DAY else question.since
    return _page(question, query, f"{granularity} {lists}", "")


def _following(question: Question, token: str) -> Task:
    return _page(question, {"verb": "ListRecords", "resumptionToken": token}, question.task.mark, token)


def _page(question: Question, query: Mapping[str, str], mark: str, token: str) -> Task:
    lists = mark.rpartition(" ")[2]
    return Task(f"page:{lists}:{token}", _address(question.wish, question.base, query), 0, True, mark)


def _nameless(task: Task, count: int) -> tuple[Finding, ...]:
    words = f"has {count} records without an identifier, which cannot be kept"
    return (Finding("oai.nameless", task.address, words, "Tell the repository"),) if count else ()


def _address(wish: Wish, base: str, query: Mapping[str, str]) -> str:
    return f"{base or _one(wish, 'url')}?{urlencode(query)}"


def _one(wish: Wish, name: str) -> str:
    return next(iter(wish.get(name, ())), "")


def _record(question: Question, item: str, payload: bytes) -> Record:
    return Record(question.source, item, question.task.address, question.time, payload, _XML)


def _release(record: Record, said: Mapping[str, list[str]]) -> ReleaseDescription:
    links = [one for name in ("identifier", "relation") for one in said.get(name, ()) if _WEB.fullmatch(one)]
    rights = [one for one in said.get("rights", ()) if _WEB.fullmatch(one)]
    dois = [one for one in said.get("identifier", ()) if _DOI.fullmatch(one)]
    creators = said.get("creator", [])
    credits = [Credit(one, join="; " if at < len(creators) else "") for at, one in enumerate(creators, 1)]
    left = {
        name: values for name, values in said.items() if name not in (*_COLUMNS, "rights", "identifier", "relation")
    }
    for name in ("title", "date", "language"):
        left[name] = said.get(name, [])[1:]
    for name, held in (("rights", rights), ("identifier", [*links, *dois]), ("relation", links)):
        left[name] = [one for one in said.get(name, ()) if one not in held]
    return ReleaseDescription(
        id=record.item,
        title=_head(said, "title"),
        credits=(*credits, *(Credit(one, role="contributor") for one in said.get("contributor", ()))),
        date=_head(said, "date"),
        language=_head(said, "language"),
        labels=tuple(Label(one) for one in said.get("publisher", ())),
        identifiers=tuple(("doi", one[4:]) for one in dois),
        links=tuple(Link("source", one) for one in links),
        licences=tuple(_stated(record, one, links) for one in rights),
        remainder=_remainder({name: values for name, values in left.items() if values}),
    )


def _stated(record: Record, address: str, links: list[str]) -> LicenceStatement:
    where = links[0] if links else record.url
    return LicenceStatement(address, Level.PLATFORM, record.source, where, record.time, record.digest)


def _head(said: Mapping[str, list[str]], name: str) -> str:
    return next(iter(said.get(name, ())), "")


def _remainder(left: Mapping[str, list[str]]) -> str:
    return msgspec.json.encode(left, order="sorted").decode() if left else ""


def _held(one: ReleaseDescription) -> dict[str, set[str]]:
    """The values that columns and the remainder hold, by element."""
    links = {link.url for link in one.links}
    left = msgspec.json.decode(one.remainder) if one.remainder else {}
    held = {
        "title": {one.title},
        "creator": {credit.name for credit in one.credits if not credit.role},
        "contributor": {credit.name for credit in one.credits if credit.role},
        "date": {one.date},
        "language": {one.language},
        "publisher": {label.name for label in one.labels},
        "identifier": {*links, one.id, *(f"{scheme}:{value}" for scheme, value in one.identifiers)},
        "relation": links,
        "rights": {stated.uri for stated in one.licences},
    }
    for name, values in left.items():
        held.setdefault(name, set()).update(values)
    return held


SOURCE = OaiSource()
