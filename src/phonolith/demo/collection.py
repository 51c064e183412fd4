"""Renders the whole collection into a folder: audio, covers, booklet, cue sheets, sidecar table and licence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from phonolith.demo import cover
from phonolith.demo.files import write_audio, write_table, write_text
from phonolith.demo.instruments import RATE
from phonolith.demo.pieces import PIECES
from phonolith.demo.programme import RELEASES, Release, Take, parts, tempo
from phonolith.demo.room import ROOMS, finish
from phonolith.demo.synthesiser import Synthesiser
from phonolith.errors import StorageError
from phonolith.model.progress import Progress

LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
SIDECAR = "tracks.csv"

#: Columns of the sidecar table; the first seven are those of the real collection that the folder source was made for.
COLUMNS = (
    *("path", "title", "artist", "release", "track_number", "licence_url", "source_url"),
    *("date", "genre", "disc", "composer", "label", "catalogue_number", "popularity"),
)


def render(folder: Path, *, progress: Progress, seed: int = 1, releases: Sequence[Release] = RELEASES) -> list[Path]:
    """Render everything into ``folder``, which is made if it is not there, and return the files in order.

    With the same seed and the same versions of the libraries every file has the same bytes; files of the same name are
    written anew. Raises StorageError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return list(_files(folder, progress, seed, releases))
    except OSError as error:
        raise StorageError(str(folder), f"cannot be written: {error}", "Choose another folder.") from error


def _files(folder: Path, progress: Progress, seed: int, releases: Sequence[Release]) -> Iterator[Path]:
    synthesiser = Synthesiser(seed)
    rows: list[dict[str, str]] = []
    progress.start("rendering the demo", sum(len(release.takes) for release in releases), "tracks")
    number = 0
    for release in releases:
        place = folder / release.folder
        place.mkdir(exist_ok=True)
        lengths = {}
        for take, path in zip(release.takes, paths(release), strict=True):
            number += 1
            target = folder / path
            target.parent.mkdir(exist_ok=True)
            dry = synthesiser.play(parts(take), tempo(take), seed=number)
            signal = finish(dry, ROOMS[take.room], seed=number)
            lengths[path] = signal.shape[1] / RATE
            yield write_audio(target, signal, _tags(release, take), seed=number)
            rows.append(_row(release, take, path))
            progress.advance(1)
        yield cover.draw(release.art, place / ("cover.jpg" if release.suffix == "opus" else "cover.png"), seed=seed)
        yield from _companions(place, release, lengths)
    yield write_table(folder / SIDECAR, COLUMNS, rows)
    yield write_text(folder / "LICENSE.md", _licence())
    progress.finish()


def paths(release: Release) -> list[Path]:
    """Where each take of a release lies, relative to the collection's folder."""
    found = []
    for take in release.takes:
        name = f"{_position(release, take):02d} {_safe(take.title)}.{release.suffix}"
        disc = Path(f"CD{take.disc}") if release.disc_titles else Path()
        found.append(Path(release.folder) / disc / name)
    return found


def _position(release: Release, take: Take) -> int:
    """The take's number on its disc, from 1."""
    return [one for one in release.takes if one.disc == take.disc].index(take) + 1


def _safe(title: str) -> str:
    """A title as a file name on any system."""
    return "".join("-" if character in '/\\:*?"<>|' else character for character in title).rstrip(". ")


def _composer(take: Take) -> str:
    composer = PIECES[take.piece].composer
    return "" if composer == "traditional" else composer


def _artists(release: Release, take: Take) -> tuple[str, ...]:
    return (release.artist, *((take.guest,) if take.guest else ()))


def _tags(release: Release, take: Take) -> dict[str, str]:
    on_disc = sum(one.disc == take.disc for one in release.takes)
    tags = {
        "title": take.title,
        "artist": ", ".join(_artists(release, take)),
        "album": release.title,
        "album_artist": release.artist,
        "date": release.date,
        "genre": take.genre or release.genre,
        "track": f"{_position(release, take)}/{on_disc}",
        "disc": f"{take.disc}/{max(one.disc for one in release.takes)}",
        "LABEL": release.label,
        "CATALOGNUMBER": release.catalogue_number,
        "LICENSE": LICENCE,
        "comment": "Rendered by Phonolith from its own transcription.",
    }
    if _composer(take):
        tags["composer"] = _composer(take)
    if release.disc_titles:
        tags["DISCSUBTITLE"] = release.disc_titles[take.disc]
    return tags


def _row(release: Release, take: Take, path: Path) -> dict[str, str]:
    return {
        "path": path.as_posix(),
        "title": take.title,
        "artist": "; ".join(_artists(release, take)),
        "release": release.title,
        "track_number": str(_position(release, take)),
        "licence_url": LICENCE,
        "date": release.date,
        "genre": take.genre or release.genre,
        "disc": str(take.disc),
        "composer": _composer(take),
        "label": release.label,
        "catalogue_number": release.catalogue_number,
        "popularity": str(take.popularity),
    }


def _companions(place: Path, release: Release, lengths: dict[Path, float]) -> Iterator[Path]:
    """A booklet where there is one, a cue sheet with each disc of several, a playlist with every release."""
    if release.booklet:
        yield write_text(place / "booklet.txt", _booklet(release))
    if release.disc_titles:
        for disc in release.disc_titles:
            yield write_text(place / f"CD{disc}" / f"{_safe(release.title)} CD{disc}.cue", _cue(release, disc))
    entries = [line for path, seconds in lengths.items() for line in _entry(release, path, seconds)]
    yield write_text(place / f"{_safe(release.title)}.m3u8", ["#EXTM3U", *entries])


def _entry(release: Release, path: Path, seconds: float) -> tuple[str, str]:
    """Two lines of an extended playlist: seconds and name, and the path from the release's folder."""
    name = path.stem.partition(" ")[2]
    return f"#EXTINF:{round(seconds)},{release.artist} - {name}", path.relative_to(release.folder).as_posix()


def _booklet(release: Release) -> Iterator[str]:
    yield f"{release.title}"
    yield f"{release.artist} · {release.label} {release.catalogue_number} · {release.date}"
    yield ""
    yield "Four pieces that everybody half remembers, played on strings that do not exist."
    yield "Every sound on this release is a sum of sines computed when you asked for it; the notes are our own"
    yield "transcription, the composers are long at rest, and the music belongs to all of us."
    yield ""
    for number, take in enumerate(release.takes, 1):
        yield f"{number}. {take.title} ({PIECES[take.piece].composer})"
    yield ""
    yield "Phonolith is a rock. Struck, it rings."


def _cue(release: Release, disc: int) -> Iterator[str]:
    """A cue sheet of one file for each track."""
    assert release.disc_titles is not None  # only releases of several discs have one
    yield f'PERFORMER "{release.artist}"'
    yield f'TITLE "{release.title}: {release.disc_titles[disc]}"'
    yield f"REM DATE {release.date[:4]}"
    yield f"REM DISCNUMBER {disc}"
    for take, path in zip(release.takes, paths(release), strict=True):
        if take.disc == disc:
            yield f'FILE "{path.name}" WAVE'
            yield f"  TRACK {_position(release, take):02d} AUDIO"
            yield f'    TITLE "{take.title}"'
            yield f'    PERFORMER "{", ".join(_artists(release, take))}"'
            yield "    INDEX 01 00:00:00"


def _licence() -> Iterator[str]:
    yield "# Licence of the demo collection"
    yield ""
    yield "Everything in this folder was rendered by Phonolith on this machine: from its own transcriptions of music"
    yield "that is in the public domain everywhere, on instruments of its own, with covers of its own."
    yield ""
    yield "* every file: [CC0 1.0][CC0]"
    yield ""
    yield f"[CC0]: {LICENCE}"
