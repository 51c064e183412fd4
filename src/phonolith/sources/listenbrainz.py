"""The source ``listenbrainz``: how often recordings, releases and artists were listened to. Counts, and no listener.

A record is what is said of one thing by its MBID. Its item begins with what was counted: ``popularity`` (all that
ListenBrainz has), ``sitewide`` (its charts) or ``listens`` (counted here, out of a dump of listens).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from phonolith.errors import BadInput
from phonolith.model.frontier import Step, Task
from phonolith.model.ids import is_uuid
from phonolith.model.music import Description, PopularityDescription
from phonolith.model.record import Record
from phonolith.sources import listenbrainz_asking as asking
from phonolith.sources.base import Terms
from phonolith.sources.gathering import Question, Wish
from phonolith.sources.text import clean, holds_mail

if TYPE_CHECKING:
    from phonolith.sources.client.answers import Asks

TERMS = Terms(
    metadata_licence="CC0-1.0",
    payload_licences="none: ListenBrainz has no audio",
    publish=("*_mbid", "*_name", "total_listen_count", "listen_count", "total_user_count", "user_count"),
    private=("listeners/**", "**/user_id", "**/user_name", "**/user_ids"),
    # What these answers repeat of MusicBrainz is said by MusicBrainz itself.
    withhold=("artist_mbids/**", "artists/**", "release_color/**", "caa_*", "length"),
    rate=1.0,
    robots=False,  # https://listenbrainz.readthedocs.io says how its API may be used; robots.txt is for its pages
    contact="https://metabrainz.org/contact",
    credit="Listens from ListenBrainz, CC0",
    url="https://listenbrainz.org/",
)

_NAMES = {"recording": ("track_name", "recording_name")}


class ListenBrainzSource:
    """Gathers counts of listens, and reads them."""

    title = "ListenBrainz"
    terms = TERMS
    base = asking.SITE
    options = asking.OPTIONS
    since_option = None  # counts grow; each run asks for them anew

    def __init__(self, name: str = "listenbrainz") -> None:
        self.name = name

    def __reduce__(self) -> tuple[Callable[..., ListenBrainzSource], tuple[str]]:
        return ListenBrainzSource, (self.name,)

    def prepared(self, name: str, settings: bytes | None) -> ListenBrainzSource:
        """The source of a collection; its records explain themselves."""
        return ListenBrainzSource(name)

    # Asking

    def collection(self, wish: Wish) -> str:
        """One for everything that is counted."""
        return "main"

    def begin(self, wish: Wish, base: str, since: str) -> tuple[Task, ...]:
        """Charts, counts of what files name, or dumps to be counted."""
        return asking.first_tasks(wish, base)

    def since(self, wish: Wish, high_water: str) -> str:
        """Counts grow; each run asks for them anew."""
        return ""

    def within(self, wish: Wish) -> tuple[str, ...]:
        """Of charts and dumps a run has all; of what files name it has these alone."""
        return asking.met_whole(wish)

    def ask(self, client: Asks, question: Question) -> AsyncGenerator[Step, None]:
        """Ask one task."""
        from phonolith.sources.listenbrainz_gather import ask

        return ask(client, question)

    # Reading

    def interpret(self, record: Record) -> Iterable[Description]:
        """How often the thing was listened to; nothing where nobody did."""
        if record.item.startswith("!"):
            return
        said = self.document(record)
        counted, kind = _counted(record.item, said)
        mbid = said.get(f"{kind.replace('-', '_')}_mbid")
        listens = _whole(said, "total_listen_count", "listen_count")
        if not isinstance(mbid, str) or not is_uuid(mbid) or listens is None:
            return
        name = next((said[one] for one in _names(kind) if isinstance(said.get(one), str)), "")
        yield PopularityDescription(
            id=f"{counted}/{kind}/{mbid}",
            kind=kind,
            mbid=mbid,
            counted=counted,
            listens=listens,
            listeners=_whole(said, "total_user_count", "user_count"),
            name="" if holds_mail(name) else clean(name),
            remainder=_remainder(said, kind),
        )

    def document(self, record: Record) -> Any:
        """The document as it came."""
        if record.item.startswith("!"):
            return {}
        try:
            found = msgspec.json.decode(record.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadInput(f"record {record.source} {record.item}", f"is not JSON: {error}", "Harvest again") from error
        if not isinstance(found, dict):
            raise BadInput(f"record {record.source} {record.item}", "is not what ListenBrainz says", "Harvest again")
        return found

    def rebuild(self, record: Record, descriptions: Iterable[Description]) -> Any:
        """A document of the same shape, filled from the description."""
        one = next((said for said in descriptions if isinstance(said, PopularityDescription)), None)
        if one is None:
            return {}
        held: dict[str, Any] = {
            f"{one.kind.replace('-', '_')}_mbid": one.mbid,
            "total_listen_count": one.listens,
            "listen_count": one.listens,
            "total_user_count": one.listeners,
            "user_count": one.listeners,
            **dict.fromkeys(_names(one.kind), one.name),
            **(msgspec.json.decode(one.remainder) if one.remainder else {}),
        }
        return {key: held.get(key) for key in self.document(record)}


def _counted(item: str, said: dict[str, Any]) -> tuple[str, str]:
    """What was counted, and the kind of thing, by the record's item; else by what the document has."""
    counted, _, rest = item.partition("/")
    kind = rest.partition("/")[0]
    if kind in asking.KINDS and counted in asking.COUNTED:
        return counted, kind
    kind = next((one for one in asking.KINDS if f"{one.replace('-', '_')}_mbid" in said), "recording")
    return "popularity", kind


def _names(kind: str) -> tuple[str, ...]:
    return _NAMES.get(kind, (f"{kind.replace('-', '_')}_name",))


def _whole(said: dict[str, Any], *names: str) -> int | None:
    """The first of these that is a number of listens or listeners."""
    for name in names:
        value = said.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
            return value
    return None


def _remainder(said: dict[str, Any], kind: str) -> str:
    """Names and MBIDs that no column holds: of a recording, its artist's name and its release."""
    own = (f"{kind.replace('-', '_')}_mbid", *_names(kind))
    left = {
        key: value
        for key, value in said.items()
        if isinstance(value, str) and value and key not in own and not holds_mail(value)
        if TERMS.disposition((key,)) == "publish"
    }
    return msgspec.json.encode(left, order="sorted").decode() if left else ""


SOURCE = ListenBrainzSource()
