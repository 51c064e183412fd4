"""What belongs to whoever opens a door, by what the sources say in the catalogue, and which pages could open it.

An artist may correct and choose for what credits the artist as a main name, and licence only what credits nobody else.
A withdrawal is open to whoever is credited at all. A label speaks for the releases on it, an uploader for one release.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from phonolith.errors import NotFound, Withdrawn
from phonolith.library import details
from phonolith.library.access import Item, decision, item_of, standing
from phonolith.library.artists import every_release
from phonolith.library.listing import release_rows, track_rows
from phonolith.library.overlay import Hidden
from phonolith.library.reading import Reading
from phonolith.library.views import CreditName, LabelRef, ReleaseRow, TrackRow
from phonolith.model.ids import unpack_source_id
from phonolith.model.rights import Use
from phonolith.rights.door_pages import Page, judge

MOST_PAGES = 60  # links of one artist that are looked at
_KINDS = ("artist", "label", "release")

_LINKS = "SELECT rel, url FROM link WHERE subject = ? ORDER BY url, rel LIMIT ?"
_TRACKS_OF = "SELECT id FROM track WHERE release = ? ORDER BY disc, position, id LIMIT 500"
_GUEST = """
SELECT DISTINCT t.id FROM (
  SELECT :row AS credit UNION ALL SELECT DISTINCT -id FROM credit WHERE artist = :row
) c CROSS JOIN track t ON t.credit = c.credit ORDER BY t.id LIMIT 2000"""
_ON_LABEL = """
SELECT id FROM release WHERE label = :row UNION SELECT release FROM release_label WHERE label = :row ORDER BY 1"""
_PICTURES = """
SELECT f.role, f.name, lower(hex(o.sha256)), o.size, o.media_type, '', NULL FROM file f JOIN object o ON o.id = f.object
WHERE f.subject = ? AND o.media_type IN ('image/jpeg', 'image/png', 'image/webp', 'image/gif')
ORDER BY f.role <> 'cover', f.position LIMIT 40"""
_COVER = """
SELECT 'cover', 'cover', lower(hex(o.sha256)), o.size, o.media_type, '', NULL
FROM release r JOIN object o ON o.id = r.cover WHERE r.id = ?"""
_CHANGED = "SELECT event FROM correction WHERE subject = ? AND field IN ('credit', 'label')"
#: Uploading something does not make a rightsholder; what an uploader states there is evidence of its own level.
_UPLOADED = "whoever uploaded it states its licence on that page itself"
_SOURCE_ID = "SELECT source_id FROM artist WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a door opens. ``name`` as people call it."""

    kind: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Belongs:
    """What whoever opens a door may do with a track or release.

    ``why``: why its licence is not theirs alone, "" if it is.
    """

    kind: str
    id: str
    correct: bool
    withdraw: bool
    why: str
    release: ReleaseRow
    track: TrackRow | None = None

    @property
    def title(self) -> str:
        """Its title."""
        return self.track.title if self.track else self.release.title


@dataclass(frozen=True, slots=True)
class Picture:
    """A held picture that may be shown, as a cover could be. ``of`` is the id it is asked for under."""

    sha256: str
    of: str
    name: str
    size: int


def subject_of(reading: Reading, identifier: str) -> Subject:
    """The artist, label or release with this id. Raises NotFound, and Withdrawn where a decision named it."""
    kind, row = reading.snapshot.find(identifier)
    if kind not in _KINDS:
        raise NotFound(f"{kind}:{identifier}", "has no door of its own", "Open that of its artist or its release")
    found = reading.decisions.withdrawn.get(identifier)
    if found is not None and not found.door:  # what was withdrawn by a door can be put back by it
        raise Withdrawn(f"{kind}:{identifier}", found.because, status=451 if found.ground == "law" else 410)
    column = "title" if kind == "release" else "name"
    return Subject(kind, identifier, str(reading.rows(f"SELECT {column} FROM {kind} WHERE id = ?", (row,))[0][0]))


def pages(reading: Reading, subject: Subject) -> list[Page]:
    """The pages that records link to for it, each once, those that count first. What a door added is not among them."""
    row = reading.row(subject.kind, subject.id)
    rows = reading.rows(_LINKS, (details.subject(subject.kind, row), MOST_PAGES))
    found: dict[str, Page] = {}
    for rel, url in rows:
        page = judge(subject.kind, rel, url)
        if page.url not in found or (found[page.url].why and not page.why):
            found[page.url] = page
    return sorted(found.values(), key=lambda one: (one.why != "", one.url))


def belongs(reading: Reading, subject: Subject, identifier: str) -> Belongs:
    """What the subject of a door may do with a track or release. Raises NotFound where it is not theirs at all."""
    kind, row = reading.snapshot.find(identifier)
    found: Belongs | None = None
    if kind == "release":
        found = next(_releases(reading, subject, [row]), None)
    elif kind == "track":
        found = next(_tracks(reading, subject, [row]), None)
    if found is None or not (found.correct or found.withdraw):
        raise NotFound(f"{kind}:{identifier}", "it does not belong to what this page opens", "")
    return found


def releases(reading: Reading, subject: Subject, after: int, limit: int) -> tuple[list[Belongs], bool]:
    """Releases that belong to it, best first, from the ``after``-th on; and whether there are more."""
    row = reading.row(subject.kind, subject.id)
    if subject.kind == "artist":
        rows = sorted(every_release(reading, row))
    elif subject.kind == "label":
        rows = [one for (one,) in reading.rows(_ON_LABEL, {"row": row})]
    else:
        rows = [row]
    return list(_releases(reading, subject, rows[after : after + limit])), len(rows) > after + limit


def tracks(reading: Reading, subject: Subject, release: str) -> list[Belongs]:
    """The tracks of a release that belong to it, in their order."""
    row = reading.row("release", release)
    return list(_tracks(reading, subject, [one for (one,) in reading.rows(_TRACKS_OF, (row,))]))


def elsewhere(reading: Reading, subject: Subject, limit: int) -> list[Belongs]:
    """Tracks that credit an artist on releases that do not."""
    if subject.kind != "artist":
        return []
    row = reading.row("artist", subject.id)
    own = {one for (one,) in reading.rows(_GUEST, {"row": row})}
    found = _tracks(reading, subject, sorted(own))
    return [one for one in found if subject.id not in {name.id for name in one.release.credit}][:limit]


def pictures(reading: Reading, release: str) -> list[Picture]:
    """Held pictures of a release and its tracks that the gate allows to be shown."""
    row = reading.row("release", release)
    places = [("release", row, _PICTURES, (details.subject("release", row),)), ("release", row, _COVER, (row,))]
    tracks_ = [one for (one,) in reading.rows(_TRACKS_OF, (row,))][:100]
    places += [("track", one, _PICTURES, (details.subject("track", one),)) for one in tracks_]
    found: dict[str, Picture] = {}
    for kind, number, sql, given in places:
        for file in reading.rows(sql, given):
            item = _as_cover(reading, kind, number, file)
            if item.sha256 not in found and decision(reading, Use.STREAM, item).allowed:
                of = reading.snapshot.public_id(kind, number)
                found[item.sha256] = Picture(item.sha256, of, item.name, item.size)
    return list(found.values())


def source_ids(reading: Reading, names: Sequence[CreditName]) -> dict[str, str]:
    """The ids that their source calls artists by, under the names they are credited with and their own, folded."""
    found: dict[str, str] = {}
    for one in names:
        number = reading.row("artist", one.id)
        source_id = unpack_source_id(reading.rows(_SOURCE_ID, (number,))[0][0])
        if not source_id.startswith("artist:"):  # that is made of the name, and is made again
            found |= {one.name.casefold(): source_id, one.artist.casefold(): source_id}
    return found


def _as_cover(reading: Reading, kind: str, number: int, file: Sequence[object]) -> Item:
    reference = f"{kind}:{reading.snapshot.public_id(kind, number)}"
    return item_of(reference, ("cover", *file[1:]), standing(reading, kind, number))


def _releases(reading: Reading, subject: Subject, rows: Sequence[int]) -> Iterator[Belongs]:
    for row in rows:
        for one in release_rows(_whole(reading), [row]):
            labels = details.release_labels(reading, row, one.label)
            main, withdraw, why = _may(reading, subject, one, one.credit, labels)
            yield Belongs("release", one.id, main, withdraw, _corrected(reading, one.id) or why, one)


def _tracks(reading: Reading, subject: Subject, rows: Sequence[int]) -> Iterator[Belongs]:
    whole = _whole(reading)
    listed = track_rows(whole, rows)
    known: dict[str, tuple[ReleaseRow, tuple[LabelRef, ...]]] = {}
    for one in listed:
        if one.release.id not in known:
            row = reading.row("release", one.release.id)
            release = release_rows(whole, [row])[0]
            known[one.release.id] = release, details.release_labels(reading, row, release.label)
        release, labels = known[one.release.id]
        main, withdraw, why = _may(reading, subject, release, one.credit, labels)
        changed = _corrected(reading, one.id) or _corrected(reading, release.id)
        yield Belongs("track", one.id, main, withdraw, changed or why, release, one)


def _may(
    reading: Reading,
    subject: Subject,
    release: ReleaseRow,
    credit: Sequence[CreditName],
    labels: Sequence[LabelRef],
) -> tuple[bool, bool, str]:
    """Whether it may be corrected and withdrawn, and why its licence is not theirs alone."""
    if subject.kind == "release":
        return release.id == subject.id, release.id == subject.id, _UPLOADED
    if subject.kind == "label":
        mine = subject.id in {one.id for one in labels}
        others = "another label is named too" if len({one.id for one in labels}) > 1 else ""
        return mine, mine, others
    main = {one.id for one in credit if not one.role}
    named = {one.id for one in (*credit, *release.credit)}
    why = "" if main == {subject.id} else "somebody else is credited too, and a licence is given by all"
    return subject.id in main, subject.id in named, why


def _corrected(reading: Reading, identifier: str) -> str:
    """Whoever changes a credit or label by a door does not come into a licence by it, now or in what is built."""
    fields = reading.decisions.fields(identifier)
    kind, row = reading.snapshot.find(identifier)
    built = reading.rows(_CHANGED, (details.subject(kind, row),))
    told = [fields[name].event for name in ("credit", "label") if name in fields] + [event for (event,) in built]
    if any(event in reading.decisions.acts for event in told):
        return "its credits were changed by such a page, so a person here has to look at its licence"
    return ""


def _whole(reading: Reading) -> Reading:
    """The same with what is hidden in it: who withdrew something has to find it again."""
    return replace(reading, hidden=Hidden())
