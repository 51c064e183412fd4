"""``show``: one track, release, artist, label, release group, work or other thing in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from phonolith.cli import lists
from phonolith.cli.reading import reading
from phonolith.cli.text import plural, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import Column, View
from phonolith.errors import NotFound
from phonolith.library.browse import artist, label, release, thing, track
from phonolith.library.reading import Library
from phonolith.library.views import (
    About,
    ArtistPage,
    CorrectionView,
    CreditName,
    Edition,
    FileView,
    GenreRef,
    LabelPage,
    LabelRef,
    LinkView,
    ReleasePage,
    Rights,
    SaidLink,
    ThingPage,
    ThingRef,
    TrackPage,
    clock,
    credit_text,
)


@verb("show", short_help="One track, release, artist or label in full.")
@click.argument("identifier", metavar="ID")
def show(place: Place, identifier: str) -> Answer:
    """Show everything about the track, release, artist or label with this ID: fields, files, rights, corrections.

    The ID may also be that of a release group, a work, a place or another thing that a source describes.
    """
    from phonolith.cli.select import split

    with reading(place) as library:
        one = split(identifier.removeprefix("thing:"), identifier)
        kind = _kind(library, one)
        get, draw = _KINDS[kind]
        page = get(library, one)
        return Answer({"kind": kind, "id": one, kind: page}, lambda view: draw(view, page))


def _kind(library: Library, identifier: str) -> str:
    """What the id is of; ``thing`` where it is none of the four kinds that have permalinks."""
    with library.catalogue.reading() as snapshot:
        try:
            return snapshot.find(identifier)[0]
        except NotFound:
            return "thing"


def _draw_track(view: View, page: TrackPage) -> None:
    row = page.track
    view.heading(row.title, row.artist)
    view.pairs(
        _filled(
            ("track", row.id),
            ("release", f"{row.release.title}  {row.release.id}"),
            ("place", f"disc {row.disc}, track {row.position}" if row.position else ""),
            ("length", clock(row.duration)),
            ("date", lists.date(row.date)),
            ("credits", _credits(row.credit)),
            ("labels", _labels(page.labels)),
            ("genres", _genres(page.genres)),
            *(("work", _ref(work)) for work in page.works),
            ("ISRC", ", ".join(page.isrcs)),
            ("explicit", {True: "yes", False: "no"}.get(row.explicit, "") if row.explicit is not None else ""),
            ("status", page.status_sentence + (f": {page.reason}" if page.reason else "")),
            ("plays here", "yes" if row.playable else f"no; phonolith why track:{row.id}"),
            *_rights(row.rights),
            ("attribution", row.attribution),
            *page.identifiers,
            *_links(page.links),
            *_said(page.said_links),
            ("source", page.source.title),
        )
    )
    _files(view, page.files)
    _corrections(view, page.corrections)
    if page.same_isrc:
        view.heading("Same ISRC")
        lists.tracks(view, page.same_isrc)


def _draw_release(view: View, page: ReleasePage) -> None:
    row = page.release
    view.heading(row.title, row.artist)
    view.pairs(
        _filled(
            ("release", row.id),
            ("date", lists.date(row.date)),
            ("kind", row.kind),
            ("release group", _ref(page.group) if page.group else ""),
            ("country", row.country),
            ("labels", _labels(page.labels)),
            ("barcode", page.barcode),
            ("genres", _genres(page.genres)),
            ("tracks", f"{row.tracks:,}, {page.held:,} held, {page.playable:,} playable here"),
            ("length", clock(row.duration)),
            *_rights(row.rights),
            *page.identifiers,
            *_links(page.links),
            *_said(page.said_links),
            ("source", page.source.title),
        )
    )
    for disc in page.discs:
        if len(page.discs) > 1:
            view.heading(f"Disc {disc.position}", " ".join(_some(disc.format, disc.title, clock(disc.duration))))
        else:
            view.line()
        lists.tracks(view, disc.tracks, release=False)
    _files(view, page.files)
    _editions(view, page.editions)
    _corrections(view, page.corrections)


def _draw_artist(view: View, page: ArtistPage) -> None:
    row = page.artist
    view.heading(row.name, row.disambiguation)
    life = " – ".join(lists.date(date) for date in (page.begin, page.end) if date is not None)
    view.pairs(
        _filled(
            ("artist", row.id),
            ("kind", row.kind),
            ("country", row.country),
            ("dates", life),
            ("sorted as", page.sort_name if page.sort_name != row.name else ""),
            ("also known as", ", ".join(page.aliases)),
            ("genres", _genres(page.genres)),
            ("credited on", f"{plural(row.releases, 'release')}, {plural(row.tracks, 'track')}"),
            *page.identifiers,
            *_links(page.links),
            *_said(page.said_links),
            ("source", page.source.title),
        )
    )
    if page.top_tracks:
        view.heading("Tracks")
        lists.tracks(view, page.top_tracks)
    for group in page.releases:
        view.heading((group.kind or "release").capitalize(), plural(len(group.releases), "release"))
        lists.releases(view, group.releases)
    if page.appears_on:
        view.heading("Appears on")
        lists.releases(view, page.appears_on)
    if page.collaborators:
        view.heading("With")
        view.bars([(one.artist.name, one.tracks, plural(one.tracks, "track")) for one in page.collaborators])
    _corrections(view, page.corrections)


def _draw_label(view: View, page: LabelPage) -> None:
    view.heading(page.name, f"{plural(page.releases, 'release')}, {plural(page.tracks, 'track')}")
    view.pairs(
        _filled(
            ("label", page.id),
            *_about(page.name, page.about),
            *_links(page.links),
            *_said(page.said_links),
            ("source", page.source.title),
        )
    )
    view.line()
    lists.releases(view, page.page.items)


def _draw_thing(view: View, page: ThingPage) -> None:
    view.heading(page.name, page.about.kind.replace("-", " "))
    view.pairs(
        _filled(
            ("id", page.id),
            ("artist", credit_text(page.about.credit)),
            *_about(page.name, page.about),
            *_links(page.links),
            ("source", page.source.title),
        )
    )
    if page.releases.items:
        view.heading("Editions")
        lists.releases(view, page.releases.items)
    if page.tracks.items:
        view.heading("Recordings")
        lists.tracks(view, page.tracks.items)


_KINDS: Mapping[str, tuple[Callable[[Library, str], Any], Callable[[View, Any], None]]] = {
    "track": (track, _draw_track),
    "release": (release, _draw_release),
    "artist": (artist, _draw_artist),
    "label": (label, _draw_label),
    "thing": (thing, _draw_thing),
}


def _about(name: str, about: About | None) -> list[tuple[str, str]]:
    """What is said of a label or thing."""
    if about is None:
        return []
    return [
        ("type", about.type),
        ("told apart by", about.disambiguation),
        ("sorted as", about.sort_name if about.sort_name != name else ""),
        ("also known as", ", ".join(about.aliases)),
        ("country", about.country),
        ("dates", " – ".join(lists.date(one) for one in (about.begin, about.end) if one is not None)),
        ("language", about.language),
        *about.identifiers,
    ]


def _links(links: Sequence[LinkView]) -> list[tuple[str, str]]:
    """Links, those to what is known here with its name and id."""
    return [(one.rel, f"{one.to.name}  {one.to.id}" if one.to else one.url) for one in links]


def _said(links: Sequence[SaidLink]) -> list[tuple[str, str]]:
    """Links that were added by the artist's door."""
    return [(one.rel, f"{one.url}  said by the {one.by}, event {one.event}") for one in links]


def _ref(one: ThingRef) -> str:
    return "  ".join(_some(one.name, one.type, one.begin.written if one.begin else "", one.id))


def _filled(*rows: tuple[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in rows if value and value != "–"]


def _some(*texts: str) -> Iterable[str]:
    return (text for text in texts if text)


def _credits(credit: Sequence[CreditName]) -> str:
    """Whom a page of their own stands behind, and in which role."""
    return ", ".join(f"{one.name} {one.id}" + (f" ({one.role})" if one.role else "") for one in credit)


def _labels(labels: Sequence[LabelRef]) -> str:
    return ", ".join(" ".join(_some(one.name, one.catalogue_number, one.id)) for one in labels)


def _genres(genres: Sequence[GenreRef]) -> str:
    return ", ".join(one.name for one in genres)


def _rights(rights: Rights) -> list[tuple[str, str]]:
    named = f"{rights.licence.title}  {rights.licence.uri}".rstrip() if rights.licence else "none known"
    evidence = f"level {rights.level} of 4" + (f", by {rights.stated_by}" if rights.stated_by else "")
    limits = [("limits", f"its source marks it {' and '.join(rights.limits)}")] if rights.limits else []
    return [("licence", named), ("evidence", evidence), ("", rights.note), *limits]


def _files(view: View, files: Sequence[FileView]) -> None:
    if not files:
        return
    view.heading("Files")
    columns = [
        Column("role", keep=True),
        Column("name", grow=3),
        Column("format", "dim"),
        Column("size", right=True, keep=True),
    ]
    columns.append(Column("SHA-256 or address", "dim", grow=1))
    view.table(columns, [_file(one) for one in files])


def _file(one: FileView) -> list[object]:
    details = [
        one.codec or one.media_type,
        f"{one.sample_rate / 1000:g} kHz" if one.sample_rate else "",
        f"{one.bit_depth} bit" if one.bit_depth else "",
        f"{one.bitrate // 1000} kbit/s" if one.bitrate else "",
    ]
    held = size(one.size) if one.sha256 else "not held"
    return [one.role, one.name, " ".join(_some(*details)), held, one.problem or one.sha256 or one.url]


def _editions(view: View, editions: Sequence[Edition]) -> None:
    for edition in editions:
        view.heading(f"Other edition: {edition.release.title}", edition.release.id)
        rows = [(one.field, one.here or "–", one.there or "–") for one in edition.fields]
        rows += [(one.what, f"{one.title} {one.here}".strip(), one.there or "–") for one in edition.tracks]
        view.table([Column("differs in", keep=True), Column("here", grow=1), Column("there", grow=1)], rows)


def _corrections(view: View, corrections: Sequence[CorrectionView]) -> None:
    if not corrections:
        return
    view.heading("Corrected by a person")
    columns = [Column("field", keep=True), Column("was", grow=2), Column("now", "bold", grow=2)]
    columns += [Column("because", grow=3), Column("event", "dim", right=True, keep=True)]
    view.table(columns, [(one.field, one.was, one.now, one.because, one.event) for one in corrections])


COMMANDS = {"show": show}
