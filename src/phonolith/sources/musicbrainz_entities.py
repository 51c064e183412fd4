"""What MusicBrainz says of each kind of entity, as descriptions; columns are taken out of the document."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from phonolith.model.music import (
    ArtistDescription,
    Credit,
    Description,
    File,
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
    PRIMARY,
    RELATIONS,
    SECONDARY,
    STATUSES,
    TYPES,
)
from phonolith.sources.text import clean, holds_mail

Node = dict[str, Any]

PLURALS = {
    "artists": "artist", "releases": "release", "release-groups": "release-group", "recordings": "recording",
    "labels": "label", "works": "work", "areas": "area", "places": "place", "events": "event", "series": "series",
    "instruments": "instrument", "urls": "url",
}  # fmt: skip
SITE = "https://musicbrainz.org"
ART = "https://coverartarchive.org/release"
BACKWARD = " (backward)"

_NOT_OURS = frozenset(
    {"tags", "user-tags", "genres", "user-genres", "rating", "user-rating", "annotation", "editor", "collections"}
)
_WRITERS = frozenset({"composer", "lyricist", "writer", "librettist"})
_MOST_SECONDARY = ("Compilation", "Live", "Remix", "Soundtrack", "DJ-mix", "Mixtape/Street", "Demo", "Interview")
_encode = msgspec.json.Encoder().encode


class Document:
    """Collects the descriptions of one document: an entity that is named several times becomes one."""

    def __init__(self) -> None:
        self._found: dict[tuple[type, str], Any] = {}

    def descriptions(self) -> list[Description]:
        """All of them, in the order in which the document names them."""
        return list(self._found.values())

    def entity(self, kind: str, node: Node) -> str:
        """Describe an entity and whatever it holds; its id. What no column took stays in ``node``."""
        if kind == "artist":
            return self._artist(node)
        if kind == "release":
            return self._release(node)
        if kind in ("recording", "track"):
            return self._add(self._track(node, "", 0) if kind == "track" else self._recording(node))
        return self._other(kind, node)

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
                more["remainder"] = _merged(before.remainder, said.remainder)
            self._found[key] = replace(before, **more) if more else before
        return str(said.id)

    def _artist(self, node: Node) -> str:
        links = self._areas(node)
        name = _text(node, "name")
        gender = GENDERS.get(str(node.get("gender")))
        self._nested_lists(node)
        begin, end = _life_span(node)
        return self._add(
            ArtistDescription(
                id=_text(node, "id"),
                name=name,
                sort_name=_text(node, "sort-name"),
                disambiguation=_text(node, "disambiguation"),
                kind=_typed(node, "type", TYPES["artist"]),
                country=_text(node, "country"),
                begin=begin,
                end=end,
                aliases=_aliases(node),
                identifiers=_identifiers(node),
                links=(*links, *self._relations(node, "artist")),
                remainder=_rest(node, **{"gender-id": gender}),
            )
        )

    def _other(self, kind: str, node: Node) -> str:
        name = _text(node, "resource" if kind == "url" else "title" if "title" in node else "name")
        links = self._areas(node)
        self._nested_lists(node)
        credits = self._credit(node)
        begin, end = _life_span(node)
        language = _text(node, "language")
        _forget_equal(node, "languages", [language] if language else [])
        sort = _text(node, "sort-name")
        return self._add(
            OtherDescription(
                id=_text(node, "id"),
                kind=kind,
                name=name,
                sort_name=sort,
                type=_group_type(node) if kind == "release-group" else _typed(node, "type", TYPES.get(kind, {})),
                disambiguation=_text(node, "disambiguation"),
                country=_text(node, "country"),
                begin=_text(node, "first-release-date") or begin,
                end=end,
                language=language,
                credits=credits,
                aliases=_aliases(node),
                identifiers=_identifiers(node),
                links=(*links, *self._relations(node, kind)),
                remainder=_rest(node),
            )
        )

    def _release(self, node: Node) -> str:
        identifier = _text(node, "id")
        group = node.get("release-group")
        kind = _release_kind(group) if group else ""
        group_id = self.entity("release-group", group) if group else ""
        credits = self._credit(node)
        labels = tuple(self._label(one) for one in node.get("label-info") or ())
        media, discs = [], []
        for medium in node.get("media") or ():
            discs += _discs(medium)
            media.append(self._medium(medium, identifier))
        date, country = _text(node, "date"), _text(node, "country")
        links = self._events(node, date, country)
        self._nested_lists(node)
        representation = node.get("text-representation") or {}
        packaging = PACKAGING.get(str(node.get("packaging")))
        return self._add(
            ReleaseDescription(
                id=identifier,
                title=_text(node, "title"),
                credits=credits,
                date=date,
                country=country,
                barcode=_text(node, "barcode"),
                labels=labels,
                kind=kind,
                status=_typed(node, "status", STATUSES),
                group=group_id,
                disambiguation=_text(node, "disambiguation"),
                language=_text(representation, "language"),
                script=_text(representation, "script"),
                media=tuple(media),
                identifiers=(*_identifiers(node), *discs),
                links=(*links, *self._relations(node, "release")),
                files=_cover(node, identifier),
                remainder=_rest(node, **{"quality": "normal", "packaging-id": packaging}),
            )
        )

    def _label(self, info: Node) -> Label:
        label = info.get("label")
        name = clean(str((label or {}).get("name") or ""))
        return Label(name, self.entity("label", label) if label else "", _text(info, "catalog-number"))

    def _medium(self, node: Node, release: str) -> Medium:
        position = _number(node, "position")
        tracks = node.get("tracks") or []
        pregap = [node["pregap"]] if node.get("pregap") else []
        data = node.get("data-tracks") or []
        for track in (*pregap, *tracks, *data):
            self._add(self._track(track, release, position or 1))
        if not pregap and not data and tracks:
            _forget_equal(node, "track-count", len(tracks))
        _forget_equal(node, "track-offset", 0)
        return Medium(position or 1, _typed(node, "format", FORMATS), _text(node, "title"))

    def _track(self, node: Node, release: str, disc: int) -> TrackDescription:
        recording = node.get("recording") or {}
        base = self._recording(recording) if recording else TrackDescription("", "")
        if base.remainder:
            recording.update(msgspec.json.decode(base.remainder))
        title, length = _text(node, "title"), _whole(node, "length")
        position = _number(node, "position")
        number = _text(node, "number")
        if base.id:
            _give_back(recording, "title", base.title, title)
            _give_back(recording, "length", base.duration_ms, length)
        own = self._credit(node)
        main, roles = [c for c in base.credits if not c.role], [c for c in base.credits if c.role]
        if own and main and list(own) != main:
            named = [{"name": c.name, "joinphrase": c.join, "artist": {"id": c.artist}} for c in main]
            recording["artist-credit"] = named
        credits = (*(own or main), *roles)
        identifiers = (("mbid.recording", base.id), *base.identifiers) if base.id else base.identifiers
        return replace(
            base,
            id=_text(node, "id"),
            title=title or base.title,
            release=release,
            credits=credits,
            disc=disc or 1,
            position=position,
            number="" if number == str(position) else number,
            duration_ms=length if length is not None else base.duration_ms,
            identifiers=identifiers,
            remainder=_rest(node),
        )

    def _recording(self, node: Node) -> TrackDescription:
        """A recording as a track of no release; a track takes its fields over."""
        artist = self._credit(node)
        roles, works, others = self._performances(node, {credit.name for credit in artist})
        self._nested_lists(node)
        links = self._relations(node, "recording")
        return TrackDescription(
            id=_text(node, "id"),
            title=_text(node, "title"),
            credits=(*artist, *roles),
            duration_ms=_whole(node, "length"),
            isrcs=tuple(clean(str(code)) for code in node.pop("isrcs", None) or ()),
            date=_text(node, "first-release-date"),
            identifiers=works,
            links=links,
            composition_by_others=others,
            disambiguation=_text(node, "disambiguation"),
            remainder=_rest(node, video=False),
        )

    def _performances(
        self, node: Node, artists: set[str]
    ) -> tuple[tuple[Credit, ...], tuple[tuple[str, str], ...], bool]:
        """Credits with roles and the works' identifiers, from relations; whether the composition is somebody else's."""
        roles: list[Credit] = []
        found: list[tuple[str, str]] = []
        others = False
        for relation in node.get("relations") or ():
            kind, target = str(relation.get("type") or ""), relation.get(relation.get("target-type")) or {}
            others |= kind == "remix" or "cover" in (relation.get("attributes") or ())
            if relation.get("target-type") == "artist":
                roles.append(_role(relation, target))
            if relation.get("target-type") == "work":
                found.append(("mbid.work", str(target.get("id") or "")))
                found += [("iswc", clean(str(code))) for code in target.get("iswcs") or ()]
                roles += [
                    _role(inner, inner.get("artist") or {})
                    for inner in target.get("relations") or ()
                    if inner.get("target-type") == "artist"
                ]
        others |= any(credit.role in _WRITERS and credit.name not in artists for credit in roles)
        unique = dict.fromkeys(roles), dict.fromkeys(found)
        return tuple(unique[0]), tuple(unique[1]), others

    def _credit(self, node: Node) -> tuple[Credit, ...]:
        """The ordered artist credit with join phrases."""
        found = []
        for entry in node.get("artist-credit") or ():
            artist = entry.get("artist") or {}
            name = clean(str(artist.get("name") or ""))
            identifier = self._artist(artist) if artist else ""
            found.append(Credit(_text(entry, "name") or name, identifier, _text(entry, "joinphrase")))
        return tuple(found)

    def _areas(self, node: Node) -> tuple[Link, ...]:
        """Links to areas, each described; old spellings of the same keys go."""
        links = []
        for key in ("area", "begin-area", "end-area"):
            _forget_equal(node, key.replace("-", "_") if "-" in key else "", node.get(key))
            if node.get(key):
                links.append(Link(key, f"{SITE}/area/{self._area(node[key])}"))
        return tuple(links)

    def _area(self, node: Node) -> str:
        return self._other("area", node)

    def _events(self, node: Node, date: str, country: str) -> tuple[Link, ...]:
        """Release events: the first is the release's own date; each links to its area."""
        links = []
        for number, event in enumerate(node.get("release-events") or ()):
            if number == 0:
                _forget_equal(event, "date", date)
            if event.get("area"):
                links.append(Link("released in", f"{SITE}/area/{self._area(event['area'])}"))
        return tuple(links)

    def _relations(self, node: Node, own: str) -> tuple[Link, ...]:
        """A link per relation, in order. One that would be the same link as another stays whole in the remainder."""
        links: dict[Link, None] = {}
        for relation in node.get("relations") or ():
            kind = str(relation.get("target-type") or "")
            target = relation.get(kind)
            if not isinstance(target, dict) or not target.get("id"):
                continue
            url = (
                str(target.get("resource") or "")
                if kind == "url"
                else f"{SITE}/{kind.replace('_', '-')}/{target['id']}"
            )
            attributes = [str(one) for one in relation.get("attributes") or ()]
            backward = BACKWARD if relation.get("direction") == "backward" else ""
            rel = f"{relation.get('type')}{': ' if attributes else ''}{', '.join(attributes)}{backward}"
            link = Link(clean(rel), clean(url))
            if link in links:
                continue
            links[link] = None
            kinds = sorted((own, kind.replace("_", "-")))
            _forget_equal(relation, "type-id", RELATIONS.get(f"{kinds[0]} {kinds[1]} {relation.get('type')}"))
            for key in ("type", "direction", "attributes", "target-type"):
                relation.pop(key, None)
            _forget_equal(relation, "ended", False)
            if kind == "recording":
                self._other(kind, target)
            else:
                self.entity(kind.replace("_", "-"), target)
        return tuple(links)

    def _nested_lists(self, node: Node) -> None:
        """Entities listed inside an entity are described by themselves."""
        for plural, singular in PLURALS.items():
            if isinstance(node.get(plural), list):
                for one in node[plural]:
                    self.entity(singular, one)


def _text(node: Node, key: str) -> str:
    """Take a text out of the document."""
    value = node.pop(key, None)
    return clean(value) if isinstance(value, str) else ""


def _whole(node: Node, key: str) -> int | None:
    """Take a number out; anything else stays."""
    value = node.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40:
        node.pop(key)
        return value
    return None


def _number(node: Node, key: str) -> int:
    return _whole(node, key) or 0


def _typed(node: Node, key: str, ids: Any) -> str:
    """Take out a word and its id, if the id is the one the word has; another id stays."""
    word = _text(node, key)
    _forget_equal(node, f"{key}-id", ids.get(word))
    return word


def _group_type(node: Node) -> str:
    """Primary and secondary types: ``Album + Compilation``."""
    primary = _typed(node, "primary-type", PRIMARY)
    secondary = [clean(str(one)) for one in node.pop("secondary-types", None) or ()]
    _forget_equal(node, "secondary-type-ids", [SECONDARY.get(one) for one in secondary])
    return " + ".join([primary, *secondary]) if secondary else primary


def _release_kind(group: Node) -> str:
    """One word for what a release is: the telling secondary type, else the primary one."""
    secondary = group.get("secondary-types") or ()
    telling = next((one for one in _MOST_SECONDARY if one in secondary), "")
    return clean(str(telling or group.get("primary-type") or "")).lower()


def _life_span(node: Node) -> tuple[str, str]:
    span = node.get("life-span")
    if not isinstance(span, dict):
        return "", ""
    begin, end = _text(span, "begin"), _text(span, "end")
    _forget_equal(span, "ended", bool(end))
    return begin, end


def _aliases(node: Node) -> tuple[str, ...]:
    """Names of aliases; what else is known of each stays at its place."""
    names = []
    for alias in node.get("aliases") or ():
        name = _text(alias, "name")
        _forget_equal(alias, "sort-name", name)
        _forget_equal(alias, "ended", False)
        if alias.get("type"):
            _forget_equal(alias, "type-id", TYPES["alias"].get(alias["type"]))
        names.append(name)
    return tuple(names)


def _identifiers(node: Node) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for key, scheme in (("ipis", "ipi"), ("isnis", "isni"), ("iswcs", "iswc")):
        found += [(scheme, clean(str(value))) for value in node.pop(key, None) or ()]
    for scheme in ("asin", "label-code"):
        value = node.pop(scheme, None)
        found += [(scheme, clean(str(value)))] if value not in (None, "") else []
    for code in node.pop("iso-3166-1-codes", None) or ():
        found.append(("iso-3166-1", clean(str(code))))
    for code in node.pop("iso-3166-2-codes", None) or ():
        found.append(("iso-3166-2", clean(str(code))))
    return tuple(found)


def _discs(medium: Node) -> list[tuple[str, str]]:
    """Disc ids, and with each its table of contents: medium, id, tracks, sectors, offsets."""
    found = []
    for disc in medium.get("discs") or ():
        identifier = _text(disc, "id")
        offsets = disc.pop("offsets", None) or []
        _forget_equal(disc, "offset-count", len(offsets))
        sectors = disc.pop("sectors", 0)
        toc = " ".join(str(n) for n in (medium.get("position") or 1, identifier, len(offsets), sectors, *offsets))
        found += [("discid", identifier), ("toc", toc)]
    return found


def _cover(node: Node, release: str) -> tuple[File, ...]:
    """The Cover Art Archive's front and back, as addresses."""
    archive = node.get("cover-art-archive")
    if not isinstance(archive, dict):
        return ()
    found = [
        File(role, f"{side}.jpg", url=f"{ART}/{release}/{side}")
        for side, role in (("front", "cover"), ("back", "booklet"))
        if archive.pop(side, False)
    ]
    _forget_equal(archive, "artwork", bool(found))
    _forget_equal(archive, "count", len(found))
    _forget_equal(archive, "darkened", False)
    return tuple(found)


def _role(relation: Node, artist: Node) -> Credit:
    name = clean(str(relation.get("target-credit") or artist.get("name") or ""))
    attributes = [str(one) for one in relation.get("attributes") or ()]
    role = str(relation.get("type") or "")
    shown = ", ".join(attributes) if role in ("instrument", "vocal") and attributes else role
    return Credit(name, str(artist.get("id") or ""), "", clean(shown) or "other")


def _forget_equal(node: Node, key: str, value: Any) -> None:
    """Remove a key whose value follows from what columns hold."""
    if key in node and node[key] == value:
        node.pop(key)


def _give_back(node: Node, key: str, taken: Any, column: Any) -> None:
    """Put back what was taken for a column that then got another value."""
    if taken not in (None, "") and taken != column and column not in (None, ""):
        node[key] = taken


def _rest(node: Node, **defaults: Any) -> str:
    """What no column took, as JSON, "" for nothing."""
    for key, value in defaults.items():
        _forget_equal(node, key, value)
    left = _pruned(node)
    node.clear()
    return _encode(left).decode() if left else ""


def _merged(one: str, other: str) -> str:
    """Two remainders of the same thing as one; where both have a value the first counts."""
    return _encode(merge(msgspec.json.decode(other), msgspec.json.decode(one))).decode()


def merge(under: Any, over: Any) -> Any:
    """Two trees as one, lists by place; where both have a leaf, that of ``over``."""
    if isinstance(under, dict) and isinstance(over, dict):
        return {key: merge(under.get(key), over.get(key)) for key in {**under, **over}}
    if isinstance(under, list) and isinstance(over, list):
        longest = max(len(under), len(over))
        padded = [several + [None] * (longest - len(several)) for several in (under, over)]
        return [merge(a, b) for a, b in zip(*padded, strict=True)]
    return under if over is None else over


def _pruned(value: Any) -> Any:
    """Without what says nothing, what is not ours to pass on, and entities, which have their own descriptions."""
    if isinstance(value, dict):
        found = {
            key: left for key, one in value.items() if key not in _NOT_OURS and (left := _pruned(one)) not in _NOTHING
        }
        return {
            key: left
            for key, left in found.items()
            if not key.endswith(("-count", "-offset")) or key.startswith("track")
        }
    if isinstance(value, list):
        several = [_pruned(one) for one in value]
        return several if any(one not in _NOTHING for one in several) else []
    return None if holds_mail(value) else value


_NOTHING: tuple[Any, ...] = (None, "", [], {})
