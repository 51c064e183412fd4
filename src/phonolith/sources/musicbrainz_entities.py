"""What MusicBrainz says of each kind of entity, as descriptions; columns are taken out of the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from phonolith.model.music import (
    ArtistDescription,
    Credit,
    Description,
    Label,
    Link,
    Medium,
    OtherDescription,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.sources.musicbrainz_ids import (
    FORMATS,
    GENDERS,
    PACKAGING,
    RELATIONS,
    STATUSES,
    TYPES,
)
from phonolith.sources.musicbrainz_parts import (
    EVENT,
    SITE,
    Node,
    event_area,
    forget_equal,
    give_back,
    keep_named,
    leave_rest,
    link_of,
    merged,
    pruned,
    release_kind,
    role_of,
    take_aliases,
    take_covers,
    take_discs,
    take_group_type,
    take_identifiers,
    take_life_span,
    take_number,
    take_rest,
    take_text,
    take_whole,
    take_word,
)
from phonolith.sources.text import clean

PLURALS = {
    "artists": "artist", "releases": "release", "release-groups": "release-group", "recordings": "recording",
    "labels": "label", "works": "work", "areas": "area", "places": "place", "events": "event", "series": "series",
    "instruments": "instrument", "urls": "url",
}  # fmt: skip

_AREAS = (("area", ""), ("begin-area", "begin_area"), ("end-area", "end_area"))  # each with its old spelling
_encode = msgspec.json.Encoder().encode
_WRITERS = frozenset({"composer", "lyricist", "writer", "librettist"})


class Document:
    """Collects the descriptions of one document: an entity that is named several times becomes one."""

    def __init__(self) -> None:
        self._found: dict[tuple[type, str], Any] = {}
        self._known: dict[tuple[str, bytes], str] = {}  # ids of what was described, by what was said
        self._credits: dict[bytes, tuple[tuple[Credit, ...], Any]] = {}  # the same of credits, with what is left

    def descriptions(self) -> list[Description]:
        """All of them, in the order in which the document names them."""
        return list(self._found.values())

    def entity(self, kind: str, node: Node) -> str:
        """Describe an entity and whatever it holds; its id. ``node`` is empty then."""
        if kind == "release":
            return self._release(node)
        if kind in ("recording", "track"):
            return self._add(self._track(node, "", 0) if kind == "track" else self._recording(node))
        return self._artist(node) if kind == "artist" else self._other(kind, node)

    def _once(self, kind: str, node: Node) -> str:
        """As :meth:`entity`; tracks repeat their artists, and what was said word for word is not taken apart again."""
        said = kind, _encode(node)
        known = self._known.get(said)
        if known is None:
            known = self._known[said] = self.entity(kind, node)
        node.clear()
        return known

    def _add(self, said: Any) -> str:
        """Keep a description; of two of the same thing the fuller word on each field counts."""
        if not said.id:
            return ""
        key = (type(said), said.id)
        before = self._found.get(key)
        if before is None:
            self._found[key] = said
        elif before != said:
            more = {
                name: value for name in said.__slots__ if not getattr(before, name) and (value := getattr(said, name))
            }
            if before.remainder and said.remainder and before.remainder != said.remainder:
                more["remainder"] = merged(before.remainder, said.remainder)
            self._found[key] = replace(before, **more) if more else before
        return str(said.id)

    def _artist(self, node: Node) -> str:
        links = self._areas(node)
        name = take_text(node, "name")
        gender = GENDERS.get(str(node.get("gender")))
        self._nested_lists(node)
        begin, end = take_life_span(node)
        return self._add(
            ArtistDescription(
                id=take_text(node, "id"),
                name=name,
                sort_name=take_text(node, "sort-name"),
                disambiguation=take_text(node, "disambiguation"),
                kind=take_word(node, "type", TYPES["artist"]),
                country=take_text(node, "country"),
                begin=begin,
                end=end,
                aliases=take_aliases(node),
                identifiers=take_identifiers(node),
                links=(*links, *self._relations(node, "artist")),
                remainder=take_rest(node, **{"gender-id": gender}),
            )
        )

    def _other(self, kind: str, node: Node) -> str:
        name = take_text(node, "resource" if kind == "url" else "title" if "title" in node else "name")
        links = self._areas(node)
        self._nested_lists(node)
        credits = self._credit(node)
        begin, end = take_life_span(node)
        language = take_text(node, "language")
        forget_equal(node, "languages", [language] if language else [])
        sort = take_text(node, "sort-name")
        return self._add(
            OtherDescription(
                id=take_text(node, "id"),
                kind=kind,
                name=name,
                sort_name=sort,
                type=take_group_type(node) if kind == "release-group" else take_word(node, "type", TYPES.get(kind, {})),
                disambiguation=take_text(node, "disambiguation"),
                country=take_text(node, "country"),
                begin=take_text(node, "first-release-date") or begin,
                end=end,
                language=language,
                credits=credits,
                aliases=take_aliases(node),
                identifiers=take_identifiers(node),
                links=(*links, *self._relations(node, kind)),
                remainder=take_rest(node),
            )
        )

    def _release(self, node: Node) -> str:
        identifier = take_text(node, "id")
        group = node.get("release-group")
        kind = release_kind(group) if group else ""
        group_id = self.entity("release-group", group) if group else ""
        credits = self._credit(node)
        labels = tuple(self._label(one) for one in node.get("label-info") or ())
        media, discs = [], []
        for medium in node.get("media") or ():
            discs += take_discs(medium)
            media.append(self._medium(medium, identifier))
        date, country = take_text(node, "date"), take_text(node, "country")
        links = self._events(node, date, country)
        self._nested_lists(node)
        representation = node.get("text-representation") or {}
        packaging = PACKAGING.get(str(node.get("packaging")))
        return self._add(
            ReleaseDescription(
                id=identifier,
                title=take_text(node, "title"),
                credits=credits,
                date=date,
                country=country,
                barcode=take_text(node, "barcode"),
                labels=labels,
                kind=kind,
                status=take_word(node, "status", STATUSES),
                group=group_id,
                disambiguation=take_text(node, "disambiguation"),
                language=take_text(representation, "language"),
                script=take_text(representation, "script"),
                media=tuple(media),
                identifiers=(*take_identifiers(node), *discs),
                links=(*links, *self._relations(node, "release")),
                files=take_covers(node, identifier),
                remainder=take_rest(node, **{"quality": "normal", "packaging-id": packaging}),
            )
        )

    def _label(self, info: Node) -> Label:
        label = info.get("label")
        name = clean(str((label or {}).get("name") or ""))
        return Label(name, self._once("label", label) if label else "", take_text(info, "catalog-number"))

    def _medium(self, node: Node, release: str) -> Medium:
        position = take_number(node, "position")
        tracks = node.get("tracks") or []
        pregap = [node["pregap"]] if node.get("pregap") else []
        data = node.get("data-tracks") or []
        for track in (*pregap, *tracks, *data):
            self._add(self._track(track, release, position or 1))
        if not pregap and not data and tracks:
            forget_equal(node, "track-count", len(tracks))
        forget_equal(node, "track-offset", 0)
        return Medium(position or 1, take_word(node, "format", FORMATS), take_text(node, "title"))

    def _track(self, node: Node, release: str, disc: int) -> TrackDescription:
        recording = node.get("recording") or {}
        base = self._recording(recording, leave_rest) if recording else TrackDescription("", "")
        title, length = take_text(node, "title"), take_whole(node, "length")
        position = take_number(node, "position")
        number = take_text(node, "number")
        if base.id:
            give_back(recording, "title", base.title, title)
            give_back(recording, "length", base.duration_ms, length)
        own = self._credit(node)
        main, roles = [c for c in base.credits if not c.role], [c for c in base.credits if c.role]
        if own and main and list(own) != main:
            named = [{"name": c.name, "joinphrase": c.join, "artist": {"id": c.artist}} for c in main]
            recording["artist-credit"] = named
        credits = (*(own or main), *roles)
        identifiers = (("mbid.recording", base.id), *base.identifiers) if base.id else base.identifiers
        return TrackDescription(
            id=take_text(node, "id"),
            title=title or base.title,
            release=release,
            credits=credits,
            disc=disc or 1,
            position=position,
            number="" if number == str(position) else number,
            duration_ms=length if length is not None else base.duration_ms,
            isrcs=base.isrcs,
            date=base.date,
            identifiers=identifiers,
            links=base.links,
            composition_by_others=base.composition_by_others,
            disambiguation=base.disambiguation,
            remainder=take_rest(node),
        )

    def _recording(self, node: Node, rest: Callable[..., str] = take_rest) -> TrackDescription:
        """A recording as a track of no release; a track takes its fields over, and has its ``rest`` left in place."""
        artist = self._credit(node)
        roles, works, others = self._performances(node, {credit.name for credit in artist})
        self._nested_lists(node)
        links = self._relations(node, "recording")
        return TrackDescription(
            id=take_text(node, "id"),
            title=take_text(node, "title"),
            credits=(*artist, *roles),
            duration_ms=take_whole(node, "length"),
            isrcs=tuple(clean(str(code)) for code in node.pop("isrcs", None) or ()),
            date=take_text(node, "first-release-date"),
            identifiers=works,
            links=links,
            composition_by_others=others,
            disambiguation=take_text(node, "disambiguation"),
            remainder=rest(node, video=False),
        )

    def _performances(
        self, node: Node, artists: set[str]
    ) -> tuple[tuple[Credit, ...], tuple[tuple[str, str], ...], bool]:
        """Credits with roles and the works' identifiers, from relations; whether the composition is somebody else's."""
        if not node.get("relations"):
            return (), (), False
        roles: list[Credit] = []
        found: list[tuple[str, str]] = []
        others = False
        for relation in node.get("relations") or ():
            kind, target = str(relation.get("type") or ""), relation.get(relation.get("target-type")) or {}
            others |= kind == "remix" or "cover" in (relation.get("attributes") or ())
            if relation.get("target-type") == "artist":
                roles.append(role_of(relation, target))
            if relation.get("target-type") == "work":
                found.append(("mbid.work", str(target.get("id") or "")))
                found += [("iswc", clean(str(code))) for code in target.get("iswcs") or ()]
                roles += [
                    role_of(inner, inner.get("artist") or {})
                    for inner in target.get("relations") or ()
                    if inner.get("target-type") == "artist"
                ]
        others |= any(credit.role in _WRITERS and credit.name not in artists for credit in roles)
        unique = dict.fromkeys(roles), dict.fromkeys(found)
        return tuple(unique[0]), tuple(unique[1]), others

    def _credit(self, node: Node) -> tuple[Credit, ...]:
        """The ordered artist credit with join phrases. Releases, tracks and recordings repeat it."""
        entries = node.pop("artist-credit", None)
        if not entries:
            return ()
        said = _encode(entries)
        if said not in self._credits:
            credits = tuple(self._credited(entry) for entry in entries)
            self._credits[said] = credits, pruned(entries)
        credits, left = self._credits[said]
        if left:
            node["artist-credit"] = left
        return credits

    def _credited(self, entry: Node) -> Credit:
        artist = entry.get("artist") or {}
        name = clean(str(artist.get("name") or ""))
        identifier = self._once("artist", artist) if artist else ""
        return Credit(take_text(entry, "name") or name, identifier, take_text(entry, "joinphrase"))

    def _areas(self, node: Node) -> tuple[Link, ...]:
        """Links to areas, each described; old spellings of the same keys go."""
        links = []
        for key, old in _AREAS:
            area = node.get(key)
            if old in node:
                forget_equal(node, old, area)
            if area:
                links.append(Link(key, f"{SITE}/area/{self._area(area)}"))
        return tuple(links)

    def _area(self, node: Node) -> str:
        return self._once("area", node)

    def _events(self, node: Node, date: str, country: str) -> tuple[Link, ...]:
        """Release events: each links to its area; one of another date than the release's stays with that date."""
        links: dict[int, Link] = {}
        for place, event in enumerate(node.get("release-events") or ()):
            forget_equal(event, "date", date)
            if area := event_area(event):
                links[place] = Link(EVENT, area)
                self._area(event["area"])
        keep_named(node, "release-events", "link", {place: link.url for place, link in links.items()})
        return tuple(links.values())

    def _relations(self, node: Node, own: str) -> tuple[Link, ...]:
        """A link per relation, each once. What else is known of a relation stays, and names its link."""
        if not node.get("relations"):
            return ()
        links: dict[Link, None] = {}
        named: dict[int, tuple[str, str]] = {}
        for place, relation in enumerate(node.get("relations") or ()):
            link = link_of(relation)
            if link is None:
                continue
            links[link] = None
            named[place] = link.rel, link.url
            kind = str(relation["target-type"])
            target = relation[kind]
            kinds = sorted((own, kind.replace("_", "-")))
            forget_equal(relation, "type-id", RELATIONS.get(f"{kinds[0]} {kinds[1]} {relation.get('type')}"))
            for key in ("type", "direction", "attributes", "target-type"):
                relation.pop(key, None)
            forget_equal(relation, "ended", False)
            if kind == "recording":
                self._other(kind, target)
            else:
                self.entity(kind.replace("_", "-"), target)
        keep_named(node, "relations", "link", named)
        return tuple(links)

    def _nested_lists(self, node: Node) -> None:
        """Entities listed inside an entity are described by themselves."""
        if node.keys().isdisjoint(PLURALS):
            return
        for plural, singular in PLURALS.items():
            if isinstance(node.get(plural), list):
                for one in node[plural]:
                    self.entity(singular, one)
