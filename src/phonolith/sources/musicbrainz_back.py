"""The way back from descriptions to a MusicBrainz document: what its round trip is measured with, never in a build."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from phonolith.model.music import (
    ArtistDescription,
    Credit,
    Description,
    Link,
    OtherDescription,
    PopularityDescription,
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
from phonolith.sources.musicbrainz_lists import NAMED, in_order, joined, with_rest
from phonolith.sources.musicbrainz_parts import ART, BACKWARD, EVENT, SITE, Node, merge

_AREAS = ("area", "begin-area", "end-area")
_Entity = ArtistDescription | ReleaseDescription | TrackDescription | OtherDescription


def fill(document: Any, descriptions: Iterable[Description]) -> Any:
    """A tree of the document's shape whose leaves come from the descriptions; None where they do not have one.

    Of the document only its shape is used, and the ids by which entities in it are found. That one entity names another
    is believed only if its own description does, except where entities are merely listed.
    """
    said = [one for one in descriptions if not isinstance(one, PopularityDescription)]
    urls = {one.name: one.id for one in said if isinstance(one, OtherDescription) and one.kind == "url"}
    known: dict[str, Node] = {}
    for one in said:
        known[one.id] = joined(known.get(one.id), _entity(one, urls))
        if isinstance(one, TrackDescription) and (isrcs := one.isrcs):
            known.setdefault(isrcs[0], {"isrc": isrcs[0]})
    for one in said:
        if isinstance(one, TrackDescription) and one.release in known:
            _count_track(known[one.release], one.disc)
    return {kind: _fill(root, {}, known, listed=True) for kind, root in document.items()}


def _count_track(release: Node, disc: int) -> None:
    """Count a track for its medium; where that has hidden tracks too, the remainder has the count."""
    for medium in release.get("media", ()):
        if medium.get("position") == disc:
            medium["counted"] = medium.get("counted", 0) + 1


def _fill(shape: Any, rebuilt: Any, known: dict[str, Node], *, listed: bool) -> Any:
    if isinstance(shape, dict):
        identifier = shape.get("id") or shape.get("isrc")
        own = known.get(identifier, {}) if isinstance(identifier, str) else {}
        given = rebuilt if isinstance(rebuilt, dict) else {}
        merged = {**joined(own, given), "id": own.get("id") or given.get("id") if listed else given.get("id")}
        merged.setdefault("track-count", merged.get("counted"))
        return {
            key: _fill(value, in_order(key, value, merged.get(key)), known, listed=key == "pregap")
            for key, value in shape.items()
        }
    if isinstance(shape, list):
        several = rebuilt if isinstance(rebuilt, list) else []
        padded = several + [None] * (len(shape) - len(several))
        return [_fill(one, back, known, listed=True) for one, back in zip(shape, padded, strict=False)]
    return rebuilt


def _entity(said: _Entity, urls: dict[str, str]) -> Node:
    """The JSON of one entity as its description has it."""
    if isinstance(said, ArtistDescription):
        node = _artist(said)
    elif isinstance(said, ReleaseDescription):
        node = _release(said)
    elif isinstance(said, TrackDescription):
        node = _track(said)
    else:
        node = _other(said)
    left = msgspec.json.decode(said.remainder) if said.remainder else {}
    inner = left.get("recording", {}) if "recording" in node else left
    target = node.get("recording", node)
    for key, value in _linked(said.links, urls, _kind(said)).items():
        target[key] = merge(target.get(key), value)
    for key, (_, name) in NAMED.items():
        if rest := inner.pop(key, []):
            target[key] = with_rest(target.get(key, []), rest, name)
    full: Node = merge(node, left)
    for key, ids in (("gender", GENDERS), ("packaging", PACKAGING)):
        if full.get(key) in ids:
            full.setdefault(f"{key}-id", ids[full[key]])
    for alias in full.get("aliases", ()):
        alias.setdefault("type-id", TYPES["alias"].get(alias.get("type", "")))
    return full


def _kind(said: _Entity) -> str:
    if isinstance(said, OtherDescription):
        return said.kind
    return {ArtistDescription: "artist", ReleaseDescription: "release"}.get(type(said), "recording")


def _artist(said: ArtistDescription) -> Node:
    return {
        "id": said.id,
        "name": said.name,
        "sort-name": said.sort_name,
        "disambiguation": said.disambiguation,
        **_typed("type", said.kind, TYPES["artist"]),
        "country": said.country,
        "life-span": {"begin": said.begin, "end": said.end, "ended": bool(said.end)},
        **_aliases(said.aliases),
        **_identifiers(said.identifiers),
    }


def _other(said: OtherDescription) -> Node:
    primary, *secondary = said.type.split(" + ")
    return {
        "id": said.id,
        **dict.fromkeys(("name", "title", "resource"), said.name),
        "sort-name": said.sort_name,
        "disambiguation": said.disambiguation,
        **_typed("type", said.type, TYPES.get(said.kind, {})),
        **_typed("primary-type", primary, PRIMARY),
        "secondary-types": secondary,
        "secondary-type-ids": [SECONDARY.get(one) for one in secondary],
        "country": said.country,
        "first-release-date": said.begin,
        "life-span": {"begin": said.begin, "end": said.end, "ended": bool(said.end)},
        "language": said.language,
        "languages": [said.language],
        "artist-credit": _credit(said.credits),
        **_aliases(said.aliases),
        **_identifiers(said.identifiers),
    }


def _release(said: ReleaseDescription) -> Node:
    sides = {file.url.removeprefix(f"{ART}/{said.id}/") for file in said.files}
    areas = [link.url for link in said.links if link.rel == EVENT]
    return {
        "id": said.id,
        "title": said.title,
        "artist-credit": _credit(said.credits),
        "date": said.date,
        "country": said.country,
        "barcode": said.barcode,
        "quality": "normal",
        "label-info": [
            {"catalog-number": one.catalogue_number, "label": {"id": one.label, "name": one.name}}
            for one in said.labels
        ],
        **_typed("status", said.status, STATUSES),
        "release-group": {"id": said.group},
        "disambiguation": said.disambiguation,
        "text-representation": {"language": said.language, "script": said.script},
        "release-events": [
            {"date": said.date},
            *({"link": url, "date": said.date, "area": {"id": url.rpartition("/")[2]}} for url in areas),
        ],
        "media": [
            {
                "position": m.position,
                **_typed("format", m.format, FORMATS),
                "title": m.title,
                "track-offset": 0,
                "discs": _discs(said, m.position),
            }
            for m in said.media
        ],
        "cover-art-archive": {
            "front": "front" in sides,
            "back": "back" in sides,
            "artwork": bool(sides),
            "count": len(sides),
            "darkened": False,
        },
        **_identifiers(said.identifiers),
    }


def _track(said: TrackDescription) -> Node:
    recording = next((value for scheme, value in said.identifiers if scheme == "mbid.recording"), "")
    own: Node = {
        "id": recording or said.id,
        "title": said.title,
        "length": said.duration_ms,
        "isrcs": list(said.isrcs),
        "first-release-date": said.date,
        "disambiguation": said.disambiguation,
        "video": False,
        "artist-credit": _credit(said.credits),
    }
    if not recording:
        return {**own, "position": said.position, "number": said.number or str(said.position)}
    return {
        "id": said.id,
        "title": said.title,
        "length": said.duration_ms,
        "position": said.position,
        "number": said.number or str(said.position),
        "artist-credit": _credit(said.credits),
        "recording": own,
    }


def _linked(links: tuple[Link, ...], urls: dict[str, str], own: str) -> Node:
    """Areas and relations out of links."""
    found: Node = {}
    relations: list[Node] = []
    for link in links:
        identifier = link.url.rpartition("/")[2]
        if link.rel in _AREAS:
            found[link.rel] = found[link.rel.replace("-", "_")] = {"id": identifier}
        elif link.rel != EVENT:
            relations.append(_relation(link, urls, own))
    return {**found, "relations": relations} if relations else found


def _relation(link: Link, urls: dict[str, str], own: str) -> Node:
    rel, backward = link.rel.removesuffix(BACKWARD), link.rel.endswith(BACKWARD)
    kind, _, attributes = rel.partition(": ")
    ours = link.url.startswith(f"{SITE}/") and link.url.count("/") == 4
    target = link.url.split("/")[3].replace("-", "_") if ours else "url"
    entity = {"id": link.url.rpartition("/")[2]} if ours else {"resource": link.url, "id": urls.get(link.url)}
    kinds = sorted((own, target.replace("_", "-")))
    return {
        "link": [link.rel, link.url],
        "type": kind,
        "type-id": RELATIONS.get(f"{kinds[0]} {kinds[1]} {kind}"),
        "attributes": attributes.split(", "),
        "direction": "backward" if backward else "forward",
        "target-type": target,
        target: entity,
        "ended": False,
    }


def _credit(credits: tuple[Credit, ...]) -> list[Node]:
    return [{"name": c.name, "joinphrase": c.join, "artist": {"id": c.artist}} for c in credits if not c.role]


def _typed(key: str, word: str, ids: Any) -> Node:
    return {key: word, f"{key}-id": ids.get(word)}


def _aliases(names: tuple[str, ...]) -> Node:
    return {"aliases": [{"name": name, "sort-name": name, "ended": False} for name in names]}


def _identifiers(identifiers: tuple[tuple[str, str], ...]) -> Node:
    lists = {
        "ipi": "ipis",
        "isni": "isnis",
        "iswc": "iswcs",
        "iso-3166-1": "iso-3166-1-codes",
        "iso-3166-2": "iso-3166-2-codes",
    }
    found: Node = {}
    for scheme, value in identifiers:
        if scheme in lists:
            found.setdefault(lists[scheme], []).append(value)
        else:
            found[scheme] = int(value) if scheme == "label-code" and value.isdecimal() else value
    return found


def _discs(said: ReleaseDescription, position: int) -> list[Node]:
    """Discs of a medium out of its tables of contents."""
    found = []
    for value in (value for scheme, value in said.identifiers if scheme == "toc"):
        medium, identifier, count, sectors, *offsets = value.split(" ")
        if int(medium) == position:
            numbers = [int(offset) for offset in offsets]
            found.append({"id": identifier, "offset-count": int(count), "sectors": int(sectors), "offsets": numbers})
    return found
