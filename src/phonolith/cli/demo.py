"""``demo``: the whole road on music that the program plays itself."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click

from phonolith.cli.bars import Bars
from phonolith.cli.serve import opened
from phonolith.cli.text import number, plural, span
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.store.archive import Archive

NAME = "Phonolith demonstration"
BECAUSE = "This program rendered the recording itself from a composition in the public domain"
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


@verb("demo", short_help="Make a small archive of music this program plays itself, and open it.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("demo-archive"),
    show_default=True,
    help="Where the archive goes.",
)
@click.option("--no-serve", is_flag=True, help="Stop when it is built.")
@click.option("--host", help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free one.")
@click.option("--lan", is_flag=True, help="Let every device in this network in, and print address and QR code.")
def demo(place: Place, folder: Path, no_serve: bool, host: str | None, port: int, lan: bool) -> Answer:
    """Render a few public-domain pieces to FLAC and Opus, and take them down the whole road.

    init, harvest, attest, build, derive, then the library opens. Everything is this program's own work under CC0. Run
    again, it goes on with what is there.
    """
    begun = time.monotonic()
    with place.bars() as bars:
        archive = _archive(place, folder)
        done = _road(place, archive, folder / "music", bars)
    done |= {"archive": str(archive.root), "seconds": round(time.monotonic() - begun, 1)}
    if no_serve:
        return Answer(done, lambda view: _show(view, done, folder))
    at = Place(archive.root, place.json, place.environment)
    settings = at.settings(serve_host="0.0.0.0" if lan else host, serve_port=port)  # noqa: S104 — asked for by --lan
    library = opened(archive, settings)

    def show(view: View) -> None:
        _show(view, done, folder)
        view.line()
        library.show(view)

    return Answer({**done, **library.data}, show, then=library.then)


def _archive(place: Place, folder: Path) -> Archive:
    """The demonstration's archive, made if it is not there yet."""
    if (folder / "phonolith.toml").exists():
        return Archive.open(folder)
    return Archive.create(folder, name=NAME, contact="nobody@demo.invalid", now=place.now())


def _road(place: Place, archive: Archive, music: Path, bars: Bars) -> dict[str, Any]:
    """Each stage in its order; one that has nothing to do says so by being quick."""
    from phonolith.catalogue.build import build
    from phonolith.demo import render
    from phonolith.harvest.folder import FolderOptions, harvest_folder
    from phonolith.sources.tags import TagReader

    if not (music / "LICENSE.md").exists():  # the file that is written last
        render(music, progress=bars)
    options = FolderOptions("demo", music / "tracks.csv", music / "LICENSE.md", "auto")
    with TagReader() as reader:
        harvested = harvest_folder(archive, music, options, progress=bars, clock=place.now, read=reader.read)
    build(archive, as_of=None, progress=bars, workers=os.cpu_count() or 1)
    attested = _attest(place, archive)
    report = build(archive, as_of=None, progress=bars, workers=os.cpu_count() or 1) if attested else None
    drawn = _draw(place, archive, bars)
    return {"records": harvested.total, "attested": attested, "rebuilt": report is not None, "waveforms": drawn}


def _draw(place: Place, archive: Archive, bars: Bars) -> int:
    """Make the waveforms, and no copies of the sound: every browser plays what the demonstration has."""
    from phonolith.cli.reading import reading
    from phonolith.measure.derive import Wanted, derive

    wanted = Wanted(workers=os.cpu_count() or 1, forms=("peaks",))
    with reading(Place(archive.root, place.json, place.environment)) as library:
        return derive(archive, library, wanted, progress=bars, clock=place.now).made


def _attest(place: Place, archive: Archive) -> int:
    """Say once that all of it is ours and free; the number of releases that were not attested before."""
    from phonolith.cli.decide import events_of, record
    from phonolith.cli.select import select
    from phonolith.rights.attest import attestation
    from phonolith.rights.decisions import Decisions

    decisions = Decisions.load(events_of(archive))
    fresh = [
        one
        for one in select(Place(archive.root, place.json, place.environment), ["source:folder.demo"])
        if not decisions.attestations(one)
    ]
    if fresh:
        body = attestation(fresh, licence=CC0, capacity="rightsholder", because=BECAUSE)
        record(archive, place, [("rights.attested", body)])
    return len(fresh)


def _show(view: View, done: dict[str, Any], folder: Path) -> None:
    view.heading(NAME, f"ready in {span(done['seconds'])}")
    view.line(f"{plural(done['records'], 'record')} gathered, {number(done['attested'])} releases newly attested CC0.")
    at = f"--archive {folder}"
    program = "phonolith" if shutil.which("phonolith") else sys.argv[0]  # under make it is not yet a word of the shell
    view.line()
    view.line("Try, in another terminal:")
    for words in ("search bach", "stats", "shuffle -n 5 --playable", "todo", "doctor"):
        view.command(f"{program} {words} {at}")


COMMANDS = {"demo": demo}
