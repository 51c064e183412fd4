"""The source ``internetarchive``: sound at archive.org, found by its scraping API and read by its metadata API.

An item's record is the answer of the metadata API without what tells of the answer rather than of the item: its server
and its moment, which differ from one answer to the next.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from phonolith.errors import BadInput, NotFound, UsageError
from phonolith.model.finding import Finding
from phonolith.model.frontier import Step, Task
from phonolith.model.music import Description
from phonolith.model.record import Record
from phonolith.sources.base import SETTINGS
from phonolith.sources.client.answers import Answer, Limits, Manners
from phonolith.sources.client.codes import verdict
from phonolith.sources.gathering import Option, Question, Wish, kept
from phonolith.sources.internetarchive_item import read_item
from phonolith.sources.internetarchive_says import Collections, describe, offers
from phonolith.sources.internetarchive_terms import TERMS
from phonolith.sources.media import Candidate
from phonolith.sources.text import visible

if TYPE_CHECKING:
    from phonolith.sources.client.answers import Asks

#: What of an answer is about the answer, not about the item.
_OF_THE_ANSWER = frozenset(
    (
        *("created", "d1", "d2", "dir", "server", "uniq", "workable_servers", "alternate_locations"),
        *("servers_unavailable", "updated", "solo", "tasks", "pending_tasks", "has_redrow"),
    )
)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SOUND = "mediatype:(audio OR etree)"
_LONGEST_QUERY, _LONGEST_CURSOR = 2_000, 4_096
_ITEM, _COLLECTIONS = "item:", "collections"
_LIMITS = Limits(body=64 << 20)  # an item may list tens of thousands of files
_JSON = "application/json"


class InternetArchiveSource:
    """Asks archive.org for items of sound, and reads what each says."""

    title = "Internet Archive"
    terms = TERMS
    base = "https://archive.org"
    options = (
        Option("collection", "All sound of this collection; may be given several times.", "ID", multiple=True),
        Option("query", "What the Archive's search finds, in its own words.", "QUERY"),
    )

    since_option = Option(
        "since", "Only what the Archive changed from this day on. Default: the last whole harvest.", "YYYY-MM-DD"
    )

    def __init__(self, name: str = "internetarchive", settings: bytes | None = None) -> None:
        self.name = name
        self._settings = settings
        self._collections = Collections.read(settings, f"record {name} {SETTINGS}")

    def __reduce__(self) -> tuple[Callable[..., InternetArchiveSource], tuple[str, bytes | None]]:
        return InternetArchiveSource, (self.name, self._settings)

    def prepared(self, name: str, settings: bytes | None) -> InternetArchiveSource:
        """The source of what was gathered together; ``settings`` have the collections that it was gathered by."""
        return InternetArchiveSource(name, settings)

    # Asking

    def collection(self, wish: Wish) -> str:
        """By the collections, or by the query."""
        words = " ".join((*_collections(wish), _query(wish)))
        if not words.strip():
            raise UsageError(self.name, "is not asked for anything", "Give --collection ID, or --query QUERY")
        return re.sub("[^a-z0-9]+", "-", words.lower())[:60].strip("-")

    def begin(self, wish: Wish, base: str, since: str) -> tuple[Task, ...]:
        """Ask for the collections themselves first, then for the list of what is in them."""
        if since and not _DAY.fullmatch(since):
            raise UsageError(f"--since {since}", "is no date", "As in 2026-01-31")
        themselves = (Task(_COLLECTIONS, base, 0),) if _collections(wish) else ()
        return (*themselves, _page(wish, base, since, ""))

    async def ask(self, client: Asks, question: Question) -> AsyncGenerator[Step, None]:
        """The collections' own records, a part of the list, or an item."""
        if question.task.key == _COLLECTIONS:
            yield await _ask_collections(client, question)
        elif question.task.page:
            answer = await client.get(question.task.address, manners=Manners.of(self.terms), accept=_JSON)
            yield _listed(question, answer)
        else:
            yield await _ask_item(client, question)

    # Reading

    def interpret(self, record: Record) -> Iterable[Description]:
        """One release for an item of sound, and its tracks."""
        return () if record.item == SETTINGS else describe(read_item(record), record, self._collections)

    def media(self, record: Record, said: Sequence[Description]) -> Iterable[Candidate]:
        """The best original of each track, covers, booklets and licence texts, with the Archive's digests."""
        return () if record.item == SETTINGS else offers(read_item(record), said)

    def document(self, record: Record) -> Any:
        """The record with its files by where they come from, and people's bookmarks apart; {} if it is not sound."""
        item = None if record.item == SETTINGS else read_item(record)
        return item.document() if item is not None and item.is_sound else {}

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Any:
        """A tree of the document's shape: each leaf is there if a column or the remainder holds it."""
        from phonolith.sources.internetarchive_back import fill

        return fill(self.document(record), descriptions)


def _collections(wish: Wish) -> tuple[str, ...]:
    """The collections asked for. Raises UsageError on what cannot be one."""
    for one in wish.get("collection", ()):
        if not _IDENTIFIER.fullmatch(one):
            raise UsageError(f"collection {visible(one)}", "is no identifier", "It is the end of the page's address")
    return wish.get("collection", ())


def _query(wish: Wish) -> str:
    query = next(iter(wish.get("query", ())), "").strip()
    if len(query) > _LONGEST_QUERY or not query.isprintable():
        raise UsageError("--query", f"is longer than {_LONGEST_QUERY:,} characters or not plain text", "Shorten it")
    return query


def _page(wish: Wish, base: str, since: str, cursor: str) -> Task:
    """A part of the list. No ``count``: with it, the Archive has been seen to pass over the cursor."""
    some, query = _collections(wish), _query(wish)
    terms = [_SOUND]
    terms += [f"collection:({' OR '.join(some)})"] if some else []
    terms += [f"({query})"] if query else []
    terms += [f"oai_updatedate:[{since[:10]}T00:00:00Z TO null]"] if since else []
    asked = {"q": " AND ".join(terms), "fields": "identifier,oai_updatedate", **({"cursor": cursor} if cursor else {})}
    return Task(f"page:{cursor}", f"{base}/services/search/v1/scrape?{urlencode(asked)}", 0, page=True)


def _listed(question: Question, answer: Answer) -> Step:
    """A part of the list: items to ask for, and the part that follows. The first one says how many there are in all."""
    said = _object(answer)
    items = said.get("items")
    if not isinstance(items, list):
        raise BadInput(answer.url, "has no list of items", "Is it archive.org's scraping API?", code="ia.answer")
    found = [one for one in items if isinstance(one, Mapping) and _is_identifier(one.get("identifier"))]
    cursor, total = said.get("cursor"), said.get("total")
    if cursor is not None and not (isinstance(cursor, str) and len(cursor) <= _LONGEST_CURSOR):
        raise BadInput(answer.url, "leads on by something that is no cursor", "Tell its operator", code="ia.answer")
    first = question.task.key == "page:"
    return Step(
        found=(
            *((_page(question.wish, question.base, question.since, cursor),) if cursor else ()),
            *(_item_task(question.base, one["identifier"]) for one in found),
        ),
        listed=len(items),
        total=total if first and isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None,
        reached=max((_updated(one, question.time) for one in found), default=""),
        findings=_nameless(answer.url, len(items) - len(found)),
    )


def _updated(one: Mapping[str, Any], now: str) -> str:
    """When the Archive last changed an item, by its own clock; a date that has not come yet is none."""
    said = one.get("oai_updatedate")
    dates = said if isinstance(said, list) else [said]
    return max(
        (date for date in dates if isinstance(date, str) and _MOMENT.fullmatch(date) and date <= now), default=""
    )


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def _item_task(base: str, identifier: str) -> Task:
    return Task(f"{_ITEM}{identifier}", f"{base}/metadata/{identifier}")


def _nameless(address: str, count: int) -> tuple[Finding, ...]:
    words = f"lists {count} items without an identifier that could be asked for"
    return (Finding("ia.nameless", address, words, "Tell its operator"),) if count else ()


async def _ask_item(client: Asks, question: Question) -> Step:
    """An item's record; gone where the Archive has none, or shows it no more ("dark")."""
    identifier = question.task.key.removeprefix(_ITEM)
    try:
        answer = await client.get(
            question.task.address,
            manners=Manners.of(TERMS),
            limits=_LIMITS,
            validator=question.validator,
            accept=_JSON,
        )
    except NotFound:
        return Step(gone=(identifier,))
    if answer.unchanged:
        return Step(met=(identifier,))
    members, said = _members(answer), _object(answer)
    if said.get("is_dark") or not said.get("metadata"):
        return Step(gone=(identifier,))
    if not isinstance(said["metadata"], Mapping) or said["metadata"].get("identifier") != identifier:
        raise BadInput(answer.url, "answers about another item", "Tell its operator", code="ia.answer")
    payload = msgspec.json.encode({name: raw for name, raw in members.items() if name not in _OF_THE_ANSWER})
    address, time = question.task.address, question.time
    return Step((Record(question.source, identifier, address, time, payload, _JSON, kept(answer.validator)),))


async def _ask_collections(client: Asks, question: Question) -> Step:
    """What the collections say of themselves, as the settings of what is gathered."""
    said: dict[str, msgspec.Raw] = {}
    findings = []
    for one in _collections(question.wish):
        address = f"{question.base}/metadata/{one}"
        try:
            answer = await client.get(address, manners=Manners.of(TERMS), limits=_LIMITS, accept=_JSON)
            members = _members(answer)
        except NotFound:
            members = {}  # as the Archive itself answers about what it never had
        if "metadata" in members:
            said[one] = members["metadata"]
        else:
            findings.append(Finding("ia.collection", one, "is no collection there", "Look at its page"))
    payload = msgspec.json.encode({"collections": said})
    record = Record(question.source, SETTINGS, f"{question.base}/metadata/", question.time, payload, _JSON)
    return Step((record,), findings=tuple(findings))


def _object(answer: Answer) -> Mapping[str, Any]:
    """The answer as an object. Raises BadInput, and TimedOut for an error, which the Archive tells with status 200."""
    said = answer.json()
    if not isinstance(said, Mapping):
        raise BadInput(answer.url, "is not an object", "Is it archive.org?", code="ia.answer")
    if "error" in said and "metadata" not in said and not said.get("is_dark"):
        raise verdict("http.failing", answer.url, visible(str(said["error"])))
    return said


def _members(answer: Answer) -> dict[str, msgspec.Raw]:
    """The members of the answer, each as its bytes came."""
    _object(answer)
    members: dict[str, msgspec.Raw] = answer.json(dict[str, msgspec.Raw])
    return members


SOURCE = InternetArchiveSource()
