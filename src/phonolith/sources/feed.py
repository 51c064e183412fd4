"""The source ``feed``: RSS and Atom feeds with the ``podcast:`` namespace, where publishers give away music themselves.

A feed is a window: what leaves it is not gone, so nothing is ever noted as gone for that. A feed that names a medium
other than music is kept and not described; so is one that asks to be left out of directories and platforms.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from phonolith.errors import UsageError
from phonolith.model.finding import Finding
from phonolith.model.frontier import Step, Task
from phonolith.model.music import Description
from phonolith.model.record import Record
from phonolith.sources.base import Terms
from phonolith.sources.client import origins
from phonolith.sources.client.address import shown
from phonolith.sources.client.answers import Answer, Manners, Validator
from phonolith.sources.feed_document import Entry, Feed, leaves_of, read_document, read_part
from phonolith.sources.feed_files import media_of
from phonolith.sources.feed_kept import kept_in
from phonolith.sources.feed_reading import describe
from phonolith.sources.feed_words import same_site
from phonolith.sources.gathering import Option, Question, Wish, kept
from phonolith.sources.text import holds_mail, visible

if TYPE_CHECKING:
    from phonolith.sources.client.answers import Asks
    from phonolith.sources.media import Candidate

TERMS = Terms(
    metadata_licence="",
    payload_licences=(
        "podcast:license, cc:license, media:license, a link rel=license: where it is an address or an SPDX identifier"
    ),
    publish=(
        *("title", "itunes:title", "media:title", "guid", "id", "@rdf:about", "link", "link@href"),
        *("pubDate", "published", "dc:date", "language", "dc:language", "category", "category@term"),
        *("dc:creator", "author/name", "itunes:author", "itunes:duration", "itunes:explicit"),
        *("itunes:episode", "itunes:season", "itunes:image@href", "image/url"),
        *("itunes:category@text", "itunes:category/itunes:category@text"),
        *("enclosure@url", "enclosure@type", "enclosure@length", "link@type", "link@length"),
        *("media:content@*", "media:group/media:content@*", "media:thumbnail@url", "media:license@href"),
        *("podcast:guid", "podcast:medium", "podcast:license", "podcast:license@url", "podcast:person"),
        *("podcast:person@role", "podcast:person@group", "podcast:season", "podcast:season@name"),
        *("podcast:episode", "podcast:episode@display", "podcast:trackNumber", "podcast:image@href"),
        *("podcast:alternateEnclosure@*", "podcast:alternateEnclosure/podcast:source@uri"),
        *("podcast:alternateEnclosure/podcast:integrity@value", "podcast:funding", "podcast:funding@url"),
        *("cc:license", "cc:license@rdf:resource"),
    ),
    private=(
        *("podcast:locked", "podcast:locked@owner", "podcast:block", "podcast:block@id", "itunes:block"),
        *("itunes:owner/**", "itunes:email", "managingEditor", "webMaster", "author", "author/email"),
    ),
    rate=1.0,
    credit="The publisher of each feed",
)
_ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
_XML = "application/xml"
_ITEM, _PAGE = "item:", "page:"
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:T|$)", re.ASCII)
_PAGES = 2_000  # of one feed
_LISTED = 10_000  # feeds of one OPML file
_OVERLAP = timedelta(days=7)  # what appeared while the run before went on is looked for again


class FeedSource:
    """Asks feeds for what is new, and reads items that have audio as tracks."""

    title = "RSS and Atom feeds"
    terms = TERMS
    base = ""
    options = (
        Option(
            "url", "Address of a feed, or of an OPML file of feeds.", "URL", place=True, required=True, multiple=True
        ),
    )

    since_option = Option(
        "since", "Follow pages back to a week before this day. Default: the last whole harvest.", "YYYY-MM-DD"
    )

    def __init__(self, name: str = "feed") -> None:
        self.name = name

    def __reduce__(self) -> tuple[Callable[..., FeedSource], tuple[str]]:
        return FeedSource, (self.name,)

    def prepared(self, name: str, settings: bytes | None) -> FeedSource:
        """The source of a collection; its records explain themselves."""
        return FeedSource(name)

    # Asking

    def collection(self, wish: Wish) -> str:
        """By the host of the first feed and a digest of all addresses."""
        urls = sorted(set(wish.get("url", ())))
        for url in urls:
            _check(url)
        words = re.sub("[^a-z0-9]+", "-", (urlsplit(urls[0]).hostname or "").lower()).strip("-")
        return f"{words[:50]}-{hashlib.sha256(' '.join(urls).encode()).hexdigest()[:8]}".strip("-")

    def begin(self, wish: Wish, base: str, since: str) -> tuple[Task, ...]:
        """Each feed."""
        if since and not _DAY.match(since):
            raise UsageError(f"--since {since}", "is no date", "As in 2026-01-31")
        return tuple(_feed_task(url, base) for url in dict.fromkeys(wish.get("url", ())))

    async def ask(self, client: Asks, question: Question) -> AsyncGenerator[Step, None]:
        """One document: a page of a feed, or a list of feeds."""
        task = question.task
        validator = question.validator
        answer = await client.get(task.address, manners=Manners.of(self.terms), accept=_ACCEPT, validator=validator)
        feed, where, number = _of(task)
        if answer.unchanged:
            yield Step(met=(feed,), reached=question.time, partial=True)
            return
        read = read_document(answer.body, where if answer.url == task.address else answer.url)
        if isinstance(read, Feed):
            yield _step(question, answer, read, feed, number)
        else:
            yield _listed(question, read)

    # Reading

    def interpret(self, record: Record) -> Iterable[Description]:
        """A release for what a feed says of itself, and a track for each item that has audio."""
        context, element = read_part(record)
        if context.private or context.medium not in ("", "music", "musicl"):
            return ()
        return describe(record, context, element, self._publishable(element))

    def media(self, record: Record, said: Sequence[Description]) -> Iterable[Candidate]:
        """The best encoding of an item's audio, with the SHA-256 that the feed states of it."""
        context, element = read_part(record)
        return media_of(context, element, said)

    def document(self, record: Record) -> dict[str, list[str]]:
        """Everything that the element says, by its place in it (``enclosure@url``), in order."""
        said: dict[str, list[str]] = {}
        for name, value in leaves_of(read_part(record)[1]):
            said.setdefault(name, []).append(value)
        return said

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Any:
        """A tree of the document's shape: each value is there if a column or the remainder holds it for its name."""
        context, element = read_part(record)
        held = kept_in(next(iter(descriptions), None), context, element)
        return {
            name: [value if held(name, value) else None for value in values]
            for name, values in self.document(record).items()
        }

    def _publishable(self, element: Any) -> Iterator[tuple[str, str]]:
        """What may be passed on of what an element says."""
        for name, value in leaves_of(element):
            if not holds_mail(value) and self.terms.disposition((name,)) == "publish":
                yield name, value


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        raise UsageError(url, "is no address of a feed", "As in https://music.example.org/feed.xml")
    if "…" in shown(url):
        problem = "has what looks like a password in it: a feed for one person is not for an archive"
        raise UsageError(shown(url), problem, "Ask its publisher for the public feed")


def _feed_task(url: str, base: str) -> Task:
    return Task(f"{_ITEM}{url}", origins.asked(url, "", base))


def _of(task: Task) -> tuple[str, str, int]:
    """The feed that a task is about, the address of the document, and the how-many-eth of the feed it is."""
    if task.key.startswith(_ITEM):
        feed = task.key.removeprefix(_ITEM)
        return feed, feed, 1
    feed, _, where = task.key.removeprefix(_PAGE).partition(" ")
    return feed, where, int(task.mark)


def _listed(question: Question, feeds: tuple[str, ...]) -> Step:
    """What an OPML file leads to. What cannot be an address of a public feed is passed over."""
    found = []
    for url in feeds[:_LISTED]:
        try:
            _check(url)
        except UsageError:
            continue
        found.append(_feed_task(url, question.base))
    findings = []
    if len(found) < len(feeds):
        words = f"lists {len(feeds):,} feeds, of which {len(found):,} are asked"
        findings.append(Finding("feed.list", question.task.address, words, "Name the others one by one"))
    return Step(found=tuple(found), reached=question.time, partial=True, findings=tuple(findings))


def _step(question: Question, answer: Answer, read: Feed, feed: str, number: int) -> Step:
    """The items of a document, its head if it is the first, and the page after it."""
    items, findings = _named(read.entries, feed)
    records = [Record(question.source, item, feed, question.time, one.payload, _XML) for item, one in items]
    following = _following(question, read, feed, number, findings)
    if number == 1:
        remembered = answer.validator if question.since or not read.following else Validator()
        records.insert(0, Record(question.source, feed, feed, question.time, read.head, _XML, kept(remembered)))
        findings += _about(read, feed)
    return Step(
        records=tuple(records),
        gone=tuple(_item(feed, name) for name in read.deleted),
        found=following,
        listed=len(records) or None,
        reached=question.time,
        partial=True,
        findings=tuple(findings),
    )


def _named(entries: Sequence[Entry], feed: str) -> tuple[list[tuple[str, Entry]], list[Finding]]:
    """Each item with a name of its own: the first of its names that no other item of the document goes by."""
    seen: dict[str, int] = {}
    for one in entries:
        for name in one.names:
            seen[name] = seen.get(name, 0) + 1
    named: dict[str, Entry] = {}
    lost = twice = 0
    for one in entries:
        name = next((name for name in one.names if seen[name] == 1), "") or next(iter(one.names), "")
        twice += bool(one.names) and seen[one.names[0]] > 1
        lost += not one.names
        if name:
            named.setdefault(_item(feed, name), one)
    findings = []
    if twice:
        words = f"has {twice:,} items whose guid another has too; they go by their links, or are kept once"
        findings.append(Finding("feed.twice", feed, words, "Tell its publisher"))
    if lost:
        words = f"has {lost:,} items without guid, link or file of their own, which cannot be kept"
        findings.append(Finding("feed.nameless", feed, words, "Tell its publisher"))
    return list(named.items()), findings


def _item(feed: str, name: str) -> str:
    """The item of a record: its feed and its name there, so that no feed can speak of another's items."""
    if holds_mail(name) or len(name) > 160 or not name.isprintable():
        name = f"sha256:{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    return f"{feed} {name}"


def _following(question: Question, read: Feed, feed: str, number: int, findings: list[Finding]) -> tuple[Task, ...]:
    """The task of the next page; none where it leads elsewhere, or what is there was met by the harvest before."""
    if not read.following or not read.entries or _all_older(read.entries, question.since):
        return ()
    if not same_site(read.following, read.context.address):
        words = f"goes on at {visible(shown(read.following))}, which is another site"
        findings.append(Finding("feed.elsewhere", feed, words, "Harvest that address by itself, if it is meant"))
        return ()
    if number >= _PAGES:
        findings.append(
            Finding("feed.endless", feed, f"has more than {_PAGES:,} pages; the rest is left", "Look at it")
        )
        return ()
    address = origins.asked(read.following, "", question.base)
    return (Task(f"{_PAGE}{feed} {read.following}", address, rank=2, mark=str(number + 1)),)


def _all_older(entries: Sequence[Entry], since: str) -> bool:
    """Whether the oldest item of a page had appeared well before the run before ended."""
    days = [one.day for one in entries if one.day]
    if not since or not days:
        return False
    try:
        return min(days) < (date.fromisoformat(since[:10]) - _OVERLAP).isoformat()
    except ValueError:
        return False


def _about(read: Feed, feed: str) -> list[Finding]:
    found = []
    if read.context.private:
        words = "asks not to be taken into directories or platforms: it is kept, and not shown"
        found.append(Finding("feed.private", feed, words, "Ask its publisher", "note"))
    if read.moved and read.moved != feed:
        words = f"says that it moved to {visible(shown(read.moved))}"
        found.append(Finding("feed.moved", feed, words, "Harvest that address"))
    return found


SOURCE = FeedSource()
