"""Lists of tracks, releases and artists, drawn the same way by every verb that shows some."""

from __future__ import annotations

from collections.abc import Sequence

from phonolith.cli.view import Column, View
from phonolith.library.views import ArtistRow, Date, ReleaseRow, Rights, TrackRow, clock

PLAYABLE = "▶"


def tracks(view: View, rows: Sequence[TrackRow], *, release: bool = True) -> None:
    """Tracks: id, whether they play, title, artist, release, length, licence."""
    columns = [Column("id", "dim", keep=True), Column("", "green", keep=True), Column("title", "bold", grow=4)]
    columns += [Column("artist", grow=3)]
    columns += [Column("release", "dim", grow=2, wide=True)] if release else []
    columns += [Column("length", right=True, keep=True), Column("licence", "cyan", keep=True)]
    view.table(columns, [_track(row, release) for row in rows])


def _track(row: TrackRow, release: bool) -> list[object]:
    mark = PLAYABLE if row.playable else ""
    named = [row.release.title] if release else []
    return [row.id, mark, row.title, row.artist, *named, clock(row.duration) or "–", licence(row.rights)]


def releases(view: View, rows: Sequence[ReleaseRow]) -> None:
    """Releases: id, title, artist, date, number of tracks, licence."""
    view.table(
        [
            Column("id", "dim", keep=True),
            Column("title", "bold", grow=4),
            Column("artist", grow=3),
            Column("date", keep=True),
            Column("tracks", right=True, keep=True),
            Column("licence", "cyan", keep=True),
        ],
        [[row.id, row.title, row.artist, date(row.date), f"{row.tracks:,}", licence(row.rights)] for row in rows],
    )


def artists(view: View, rows: Sequence[ArtistRow]) -> None:
    """Artists: id, name, what tells them apart, how much credits them."""
    view.table(
        [
            Column("id", "dim", keep=True),
            Column("name", "bold", grow=4),
            Column("", "dim", grow=2),
            Column("releases", right=True, keep=True),
            Column("tracks", right=True, keep=True),
        ],
        [[row.id, row.name, row.disambiguation, f"{row.releases:,}", f"{row.tracks:,}"] for row in rows],
    )


def licence(rights: Rights) -> str:
    """The licence's code; with a question mark where the evidence is too weak to act on, ``–`` where none is known."""
    if rights.licence is None:
        return "–"
    return rights.licence.code if rights.level >= 2 else f"{rights.licence.code}?"


def date(value: Date | None) -> str:
    """A date as written, ``–`` where there is none or it cannot be one."""
    return value.written if value is not None and not value.problem else "–"
