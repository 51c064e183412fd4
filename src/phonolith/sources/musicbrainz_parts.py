"""Takes parts of an entity out of a MusicBrainz document: what is taken has a column, the rest is the remainder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from phonolith.model.music import Credit, File, Link
from phonolith.sources.musicbrainz_ids import PRIMARY, SECONDARY, TYPES
from phonolith.sources.text import LONGEST, clean, holds_mail

Node = dict[str, Any]

SITE = "https://musicbrainz.org"
ART = "https://coverartarchive.org/release"
BACKWARD = " (backward)"
EVENT = "released in"

_NOT_OURS = frozenset(
    {
        *("tags", "user-tags", "genres", "user-genres", "moods", "user-moods", "rating", "user-rating"),
        *("annotation", "editor", "collections"),
    }
)
_MOST_SECONDARY = ("Compilation", "Live", "Remix", "Soundtrack", "DJ-mix", "Mixtape/Street", "Demo", "Interview")
_IDENTIFIERS = frozenset({"ipis", "isnis", "iswcs", "asin", "label-code", "iso-3166-1-codes", "iso-3166-2-codes"})
_FOLLOWS = ("-count", "-offset")  # ends of keys whose values follow from lists, but for those of tracks
_NUMBERS = (bool, int, float)  # which say something when they are 0
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_encode = msgspec.json.Encoder().encode


def take_text(node: Node, key: str) -> str:
    """Take a text out of the document."""
    value = node.pop(key, None)
    if type(value) is not str:
        return ""
    return value if value.isprintable() and len(value) <= LONGEST else clean(value)


def take_whole(node: Node, key: str) -> int | None:
    """Take a number out; anything else stays."""
    value = node.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40:
        node.pop(key)
        return value
    return None


def take_number(node: Node, key: str) -> int:
    return take_whole(node, key) or 0


def take_word(node: Node, key: str, ids: Any) -> str:
    """Take out a word and its id, if the id is the one the word has; another id stays."""
    word = take_text(node, key)
    forget_equal(node, f"{key}-id", ids.get(word))
    return word


def take_group_type(node: Node) -> str:
    """Primary and secondary types: ``Album + Compilation``."""
    primary = take_word(node, "primary-type", PRIMARY)
    secondary = [clean(str(one)) for one in node.pop("secondary-types", None) or ()]
    forget_equal(node, "secondary-type-ids", [SECONDARY.get(one) for one in secondary])
    return " + ".join([primary, *secondary]) if secondary else primary


def release_kind(group: Node) -> str:
    """One word for what a release is: the telling secondary type, else the primary one."""
    secondary = group.get("secondary-types") or ()
    telling = next((one for one in _MOST_SECONDARY if one in secondary), "")
    return clean(str(telling or group.get("primary-type") or "")).lower()


def take_life_span(node: Node) -> tuple[str, str]:
    span = node.get("life-span")
    if not isinstance(span, dict):
        return "", ""
    begin, end = take_text(span, "begin"), take_text(span, "end")
    forget_equal(span, "ended", bool(end))
    return begin, end


def take_aliases(node: Node) -> tuple[str, ...]:
    """Names of aliases; what else is known of one stays, and names it."""
    if not node.get("aliases"):
        return ()
    names = []
    for alias in node.get("aliases") or ():
        name = take_text(alias, "name")
        forget_equal(alias, "sort-name", name)
        forget_equal(alias, "ended", False)
        if alias.get("type"):
            forget_equal(alias, "type-id", TYPES["alias"].get(alias["type"]))
        names.append(name)
    keep_named(node, "aliases", "name", dict(enumerate(names)))
    return tuple(dict.fromkeys(names))


def link_of(relation: Node) -> Link | None:
    """The link a relation makes: type, attributes and direction in words, and an address. None without a target."""
    kind = str(relation.get("target-type") or "")
    target = relation.get(kind)
    if not isinstance(target, dict) or not target.get("id"):
        return None
    url = str(target.get("resource") or "") if kind == "url" else f"{SITE}/{kind.replace('_', '-')}/{target['id']}"
    attributes = [str(one) for one in relation.get("attributes") or ()]
    backward = BACKWARD if relation.get("direction") == "backward" else ""
    rel = f"{relation.get('type')}{': ' if attributes else ''}{', '.join(attributes)}{backward}"
    return Link(clean(rel), clean(url))


def event_area(event: Node) -> str:
    """The address of the area of a release event."""
    area = event.get("area")
    return f"{SITE}/area/{area['id']}" if isinstance(area, dict) and area.get("id") else ""


def keep_named(node: Node, key: str, name: str, names: Mapping[int, Any]) -> None:
    """Of a list keep what still has something to say, each under its name: its place would be lost in a catalogue."""
    if key not in node:
        return
    left = []
    for place, one in enumerate(node[key] or ()):
        if (said := pruned(one)) not in _NOTHING:
            left.append({name: names[place], **said} if place in names else said)
    node[key] = left


def take_identifiers(node: Node) -> tuple[tuple[str, str], ...]:
    """What identifies a thing elsewhere, as (scheme, value)."""
    if node.keys().isdisjoint(_IDENTIFIERS):
        return ()
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


def take_discs(medium: Node) -> list[tuple[str, str]]:
    """Disc ids, and with each its table of contents: medium, id, tracks, sectors, offsets."""
    found = []
    for disc in medium.get("discs") or ():
        identifier = take_text(disc, "id")
        offsets = disc.pop("offsets", None) or []
        forget_equal(disc, "offset-count", len(offsets))
        sectors = disc.pop("sectors", 0)
        toc = " ".join(str(n) for n in (medium.get("position") or 1, identifier, len(offsets), sectors, *offsets))
        found += [("discid", identifier), ("toc", toc)]
    return found


def take_covers(node: Node, release: str) -> tuple[File, ...]:
    """The Cover Art Archive's front and back, as addresses."""
    archive = node.get("cover-art-archive")
    if not isinstance(archive, dict):
        return ()
    found = [
        File(role, f"{side}.jpg", url=f"{ART}/{release}/{side}")
        for side, role in (("front", "cover"), ("back", "booklet"))
        if archive.pop(side, False)
    ]
    forget_equal(archive, "artwork", bool(found))
    forget_equal(archive, "count", len(found))
    forget_equal(archive, "darkened", False)
    return tuple(found)


def role_of(relation: Node, artist: Node) -> Credit:
    name = clean(str(relation.get("target-credit") or artist.get("name") or ""))
    attributes = [str(one) for one in relation.get("attributes") or ()]
    role = str(relation.get("type") or "")
    shown = ", ".join(attributes) if role in ("instrument", "vocal") and attributes else role
    return Credit(name, str(artist.get("id") or ""), "", clean(shown) or "other")


def forget_equal(node: Node, key: str, value: Any) -> None:
    """Remove a key whose value follows from what columns hold."""
    if key in node and node[key] == value:
        node.pop(key)


def give_back(node: Node, key: str, taken: Any, column: Any) -> None:
    """Put back what was taken for a column that then got another value."""
    if taken not in (None, "") and taken != column and column not in (None, ""):
        node[key] = taken


def take_rest(node: Node, **defaults: Any) -> str:
    """What no column took, as JSON, "" for nothing."""
    for key, value in defaults.items():
        forget_equal(node, key, value)
    if not node:
        return ""
    left = pruned(node)
    node.clear()
    return _encode(left).decode() if left else ""


def leave_rest(node: Node, **defaults: Any) -> str:
    """Leave in its place what no column took, for what is around it to take; "" for the remainder of its own."""
    for key, value in defaults.items():
        forget_equal(node, key, value)
    left = pruned(node)
    node.clear()
    node.update(left)
    return ""


def pruned(value: Any) -> Any:
    """Without what says nothing, what is not ours to pass on, and entities, which have their own descriptions."""
    kind = type(value)
    if kind is str:
        return None if "@" in value and holds_mail(value) else value
    if kind is dict:
        found = {}
        for key, one in value.items():
            if (not one and type(one) not in _NUMBERS) or key in _NOT_OURS:
                continue
            if key.endswith(_FOLLOWS) and not key.startswith("track"):
                continue
            if (left := pruned(one)) not in _NOTHING:
                found[key] = left
        return found
    if kind is list and value:
        several = [pruned(one) for one in value]
        return several if any(one not in _NOTHING for one in several) else []
    return value


def merged(one: str, other: str) -> str:
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
