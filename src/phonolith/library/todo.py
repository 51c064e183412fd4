"""``todo``: what stands between the archive and a better one, each with the command that mends it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from phonolith.library.listing import release_rows
from phonolith.library.parts import labels, rights, sources
from phonolith.library.reading import Library, Reading, as_evidence
from phonolith.library.views import Rights
from phonolith.model.ids import KINDS
from phonolith.model.rights import Use
from phonolith.model.status import Status
from phonolith.rights.evidence import on_day
from phonolith.rights.gate import SUFFICIENT, Policy, Subject, decide


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do. ``reference`` names what it is about, ``tracks`` how many tracks it concerns.

    ``command`` is what to type, with capitals and … where a person must decide; "" where there is none.
    """

    reference: str
    title: str
    detail: str = ""
    tracks: int = 1
    command: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Things to do of one sort. ``total`` counts all of them, ``items`` has the first ones; ``unit`` is a plural."""

    code: str
    title: str
    unit: str
    total: int
    items: tuple[Item, ...]
    remedy: str = ""


def todo(library: Library, *, limit: int = 20) -> tuple[Section, ...]:
    """Everything there is to do, by sort; ``limit`` items of each are given. Empty sorts are left out."""
    with library.reading() as reading:
        made = (make(reading, limit) for make in _SORTS)
        return tuple(section for section in made if section.total)


@dataclass(slots=True)
class _Group:
    """Tracks without evidence that one attestation could cover; ``evidence`` are rows of what is stated.

    ``others``: tracks in the same group that have evidence, which an attestation of the whole group would overrule.
    """

    tracks: int = 0
    held: int = 0
    others: int = 0
    evidence: set[int | None] = field(default_factory=set)


class _Groups(dict[int, _Group]):
    """Groups by the row number of what they have in common."""

    def add(self, row: int, tracks: int, held: int, evidence: Iterable[int | None], others: int = 0) -> None:
        """Count tracks into a group."""
        group = self.setdefault(row, _Group())
        group.tracks += tracks
        group.held += held
        group.others += others
        group.evidence.update(evidence)

    def first(self, limit: int) -> list[tuple[int, _Group]]:
        """Those with most held audio, then most tracks."""
        wanting = [one for one in self.items() if one[1].tracks]
        return sorted(wanting, key=lambda one: (-one[1].held, -one[1].tracks, one[0]))[:limit]


_EVIDENCE = """
SELECT r.source, r.label, coalesce(t.rights, r.rights), count(*), sum(t.status = :held)
FROM track t CROSS JOIN release r ON r.id = t.release GROUP BY 1, 2, 3"""
_RELEASES_WITHOUT = """
SELECT t.release, count(*), sum(t.status = :held) AS held, r.tracks - count(*),
  group_concat(DISTINCT coalesce(t.rights, r.rights))
FROM track t CROSS JOIN release r ON r.id = t.release
WHERE coalesce(t.rights, r.rights, -1) NOT IN (SELECT value FROM json_each(:enough))
GROUP BY t.release ORDER BY held DESC, count(*) DESC, t.release LIMIT :limit"""
_UNREADABLE = """
SELECT f.subject, f.name, f.problem FROM file f WHERE f.problem IS NOT NULL ORDER BY f.subject LIMIT ?"""
_NO_ARTIST = """
SELECT r.id, count(*) FROM release r CROSS JOIN track t ON t.release = r.id
WHERE r.credit IS NULL AND t.credit IS NULL GROUP BY r.id ORDER BY r.id"""
_NO_COVER = """
SELECT t.release, count(*) FROM track t CROSS JOIN release r ON r.id = t.release
WHERE t.status = ? AND r.cover IS NULL GROUP BY t.release ORDER BY t.release"""
_SAME_BYTES = """
SELECT o.id, o.size, f.subject FROM (
  SELECT object FROM file WHERE object IS NOT NULL GROUP BY object HAVING count(DISTINCT subject) > 1
  ORDER BY min(subject)
) d CROSS JOIN object o ON o.id = d.object CROSS JOIN file f ON f.object = o.id
WHERE f.role = 'audio' ORDER BY f.object, f.subject"""
_AMONG = "AND t.id IN (SELECT value FROM json_each(?))"
_HELD_BY_RIGHTS = """
SELECT coalesce(t.rights, r.rights), count(*),
  sum((SELECT sum(o.size) FROM file f JOIN object o ON o.id = f.object WHERE f.subject = t.id * 4 AND f.role = 'audio'))
FROM track t CROSS JOIN release r ON r.id = t.release WHERE t.status = ? {among} GROUP BY 1"""


def _without_evidence(reading: Reading, limit: int) -> Section:
    """By source, label and release, those with most held audio first: that is what an attestation would open."""
    enough = frozenset(_enough(reading))
    sources_, labels_, total = _Groups(), _Groups(), 0
    for source, label, evidence, tracks, held in reading.rows(_EVIDENCE, {"held": Status.HELD}):
        counted = (0, 0, (), tracks) if evidence in enough else (tracks, held, [evidence], 0)
        total += counted[0]
        sources_.add(source, *counted)
        if label is not None:
            labels_.add(label, *counted)
    releases = _Groups()
    given = {"held": Status.HELD, "enough": json.dumps(sorted(enough)), "limit": limit}
    for release, tracks, held, others, evidence in reading.rows(_RELEASES_WITHOUT, given):
        stated = [int(one) for one in evidence.split(",")] if evidence else [None]
        releases.add(release, tracks, held, stated, others)
    items = [
        *_items(reading, "source", sources_.first(limit)),
        *_items(reading, "label", labels_.first(limit)),
        *_items(reading, "release", releases.first(limit)),
    ]
    remedy = "Look at what is stated, and attest only what you know: an attestation is shown as yours"
    return Section("no-evidence", "Without licence evidence", "tracks", total, tuple(items), remedy)


def _enough(reading: Reading) -> list[int]:
    """Rows of evidence that are strong enough, whatever they allow."""
    sql = "SELECT id FROM rights WHERE licence IS NOT NULL AND level >= ? AND basis <> 'conflict'"
    return [row for (row,) in reading.rows(sql, (SUFFICIENT,))]


def _items(reading: Reading, kind: str, groups: Sequence[tuple[int, _Group]]) -> Iterator[Item]:
    named = _named(reading, kind, [row for row, _ in groups])
    for row, group in groups:
        if row not in named:
            continue
        reference, title = named[row]
        stated = {_said(one) for one in rights(reading, group.evidence).values() if one.basis != "none"}
        stated -= {""}
        uri = next(iter(stated)) if len(stated) == 1 and len(group.evidence) == 1 else "URI"
        said = ", ".join(sorted(stated)[:3]) + (" …" if len(stated) > 3 else "") or "nothing stated"
        detail = f"{group.held} held; {said}" + (f"; {group.others} beside them have evidence" if group.others else "")
        yield Item(reference, title, detail, group.tracks, _attest(kind, reference, uri, group.others))


def _attest(kind: str, reference: str, uri: str, others: int) -> str:
    """The command that attests these tracks and no others; where none can, the one that shows them."""
    if others and kind == "release":
        return f"phonolith show {reference}"
    selection = f'"{reference} licence:none"' if others else reference
    if others and uri != "URI":  # something is stated, so licence:none would not find them
        return ""
    return f"phonolith rights attest {selection} --licence {uri} --as licensee --because …"


def _named(reading: Reading, kind: str, rows: list[int]) -> dict[int, tuple[str, str]]:
    """Reference and title of sources, labels or releases; hidden releases are left out."""
    if kind == "source":
        known = sources(reading)
        return {row: (f"source:{known[row].name}", known[row].title) for row in rows}
    if kind == "label":
        return {row: (f"label:{one.id}", one.name) for row, one in labels(reading, rows).items()}
    shown = reading.shown("release", rows)
    listed = zip(shown, release_rows(reading, shown), strict=True)
    return {row: (f"release:{one.id}", f"{one.title} – {one.artist}".removesuffix(" – ")) for row, one in listed}


def _said(stated: Rights) -> str:
    """The licence that was stated, though not by anybody whose word is enough; "" for none or several."""
    return stated.licence.uri if stated.licence and stated.basis != "conflict" else ""


def _unreadable(reading: Reading, limit: int) -> Section:
    total = reading.rows("SELECT count(*) FROM file WHERE problem IS NOT NULL")[0][0]
    items = [
        Item(_reference(reading, about), name, problem) for about, name, problem in reading.rows(_UNREADABLE, (limit,))
    ]
    return Section(
        "unreadable", "Files that cannot be read", "files", total, tuple(items), "Replace them and harvest again"
    )


def _no_artist(reading: Reading, limit: int) -> Section:
    found = reading.rows(_NO_ARTIST)
    names = _releases(reading, [row for row, _ in found[:limit]])
    items = [
        Item(ref, title, "", count, f"phonolith set {ref} credit NAME --because …")
        for (row, count) in found[:limit]
        for ref, title in names.get(row, ())
    ]
    total = sum(count for _, count in found)
    return Section("no-artist", "Without an artist", "tracks", total, tuple(items), "Set the artist of the release")


def _no_cover(reading: Reading, limit: int) -> Section:
    found = reading.rows(_NO_COVER, (Status.HELD,))
    names = _releases(reading, [row for row, _ in found[:limit]])
    items = [Item(ref, title, "", held) for (row, held) in found[:limit] for ref, title in names.get(row, ())]
    remedy = "Put a cover.jpg beside the audio and harvest again; until then a picture is generated"
    return Section("no-cover", "Held without a cover", "releases", len(found), tuple(items), remedy)


def _same_bytes(reading: Reading, limit: int) -> Section:
    groups: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    for number, size, about in reading.rows(_SAME_BYTES):
        groups.setdefault(number, []).append(about)
        sizes[number] = size
    groups = {number: abouts for number, abouts in groups.items() if len(abouts) > 1}
    items = []
    for number, abouts in list(groups.items())[:limit]:
        first, *others = [_reference(reading, about) for about in abouts]
        shown = ", ".join(others[:5]) + (" …" if len(others) > 5 else "")
        items.append(
            Item(first, _title(reading, abouts[0]), f"the same {_size(sizes[number])} as {shown}", len(abouts))
        )
    remedy = "They are held once, whatever they are called; correct the one that is wrong, if one is"
    return Section("same-bytes", "The same bytes under several names", "objects", len(groups), tuple(items), remedy)


def _publishable(reading: Reading, limit: int) -> Section:
    """Held tracks whose licence and evidence permit passing them on now, by licence."""
    families: dict[str, list[int]] = {}
    hidden = json.dumps(list(reading.hidden.tracks | reading.hidden.silenced))
    everything = reading.rows(_HELD_BY_RIGHTS.format(among=""), (Status.HELD,))
    withdrawn = reading.rows(_HELD_BY_RIGHTS.format(among=_AMONG), (Status.HELD, hidden))
    stated = rights(reading, {row for row, _, _ in everything})
    for sign, found in ((1, everything), (-1, withdrawn)):
        for row, tracks, size in found:
            licence = stated[row].licence
            if licence and _passes(reading, stated[row], reading.policy):
                sums = families.setdefault(licence.family, [0, 0])
                sums[0] += sign * tracks
                sums[1] += sign * (size or 0)
    items = [
        Item(f"licence:{family}", family, _size(size), tracks)
        for family, (tracks, size) in sorted(families.items(), key=lambda one: -one[1][0])
        if tracks
    ]
    total = sum(one.tracks for one in items)
    remedy = "The gate is asked again for each file when it is published"
    return Section("publishable", "Publishable now", "tracks", total, tuple(items[:limit]), remedy)


def _passes(reading: Reading, stated: Rights, policy: Policy) -> bool:
    if stated.basis == "attested" and not reading.decisions.attested:
        return False
    evidence = on_day(as_evidence(stated), reading.on)
    subject = Subject(evidence, (), limits=frozenset(stated.limits))
    return decide(Use.REDISTRIBUTE, subject, policy=policy, withdrawn={}).allowed


def _releases(reading: Reading, rows: list[int]) -> dict[int, list[tuple[str, str]]]:
    """Reference and title of releases that are not hidden, by row."""
    shown = reading.shown("release", rows)
    return {
        row: [(f"release:{one.id}", one.title)] for row, one in zip(shown, release_rows(reading, shown), strict=True)
    }


def _reference(reading: Reading, about: int) -> str:
    kind = KINDS[about % 4]
    return f"{kind}:{reading.snapshot.public_id(kind, about // 4)}"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size:,} bytes"


def _title(reading: Reading, about: int) -> str:
    return str(reading.rows(f"SELECT title FROM {KINDS[about % 4]} WHERE id = ?", (about // 4,))[0][0])


_SORTS: tuple[Callable[[Reading, int], Section], ...] = (
    _without_evidence,
    _unreadable,
    _no_artist,
    _no_cover,
    _same_bytes,
    _publishable,
)
