"""``log``: the signed log of what was committed to: its heads, commits, links, keys and countersignatures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.releases.collect import Collected
    from phonolith.store.archive import Archive
    from phonolith.verifier import Head

_FILE = click.Path(path_type=Path)
_OUT = click.option("--out", type=_FILE, metavar="FILE", help="Write it there, for others.")
_DIGEST = re.compile("[0-9a-f]{64}")


@click.group("log", short_help="The signed log of what was committed to.")
def log() -> None:
    """Commit to held objects, show the heads, and let others see that the log only grows."""


@verb("heads", short_help="The heads of the log, newest first.", examples=("log heads", "log heads --out head.jsonl"))
@_OUT
def heads(place: Place, out: Path | None) -> Answer:
    """Show the heads of the log: each signs how many objects were committed to until then, and which.

    --out writes the newest, after those that changed the key: what a mirror keeps, and what it countersigns.
    """
    from phonolith.cli.text import number, plural
    from phonolith.cli.view import Column
    from phonolith.library.committed import Told
    from phonolith.releases.prove import last_head
    from phonolith.store.files import atomic_write
    from phonolith.store.log import head_file
    from phonolith.verifier import digest, dump

    archive = place.archive()
    found = archive.log().heads()
    told = Told(tuple(found), tuple(archive.log().countersignatures()))
    signed = [one.head for one in told.countersignatures]
    rows = [{**dump(head), "digest": digest(head), "countersignatures": signed.count(digest(head))} for head in found]
    if out:
        atomic_write(out, head_file(last_head(archive)))

    def show(view: View) -> None:
        if not found:
            view.hint("Nothing was committed to yet: phonolith log commit FILE…")
            return
        columns = [Column("time"), Column("objects", right=True), Column("countersigned", right=True), Column("digest")]
        cells = [(one["time"], number(one["size"]), one["countersignatures"], one["digest"]) for one in rows[::-1]]
        view.line(f"Log {found[0].log}")
        view.table(columns, cells, header=True)
        if told.seen[0]:
            view.line(f"Seen by {plural(told.seen[0], 'other')}, last at {told.seen[1]}.")

    data = {"log": found[0].log if found else None, "heads": rows, "seen_by": told.seen[0], "seen_last": told.seen[1]}
    return Answer(data, show)


@verb("commit", short_help="Commit to held objects.", examples=("log commit song.flac", "log commit DIGEST DIGEST"))
@click.argument("what", nargs=-1, required=True, metavar="FILE-OR-DIGEST...")
def commit(place: Place, what: tuple[str, ...]) -> Answer:
    """Commit to objects that are held, each named by its SHA-256 or by a file with its bytes.

    Size and digests of each become a leaf of the log, and a new head signs it. Objects that are in the log already are
    passed over. A leaf is for ever: commit to nothing whose digest must not become known.
    """
    from phonolith.releases import commit as room

    archive = place.archive()
    before = _size(archive)
    head = room.commit(archive, _digests(what), place.now)
    return _said(head, before)


@verb(
    "link",
    short_help="Show that the log keeps everything of an older head.",
    examples=("log link old.jsonl --out link.json",),
)
@click.argument("old", type=_FILE)
@_OUT
def link(place: Place, old: Path, out: Path | None) -> Answer:
    """Make a link from OLD, a head somebody has, to the newest head: a consistency proof (RFC 9162, section 2.1.4).

    Whoever has OLD checks it with: phonolith check-log OLD LINK. Under --json the answer is the link.
    """
    from phonolith.cli.prove import read, write
    from phonolith.releases import prove as room
    from phonolith.verifier import read_state

    made = room.link(place.archive(), read(old, read_state).heads[-1])
    write(out, made)

    def show(view: View) -> None:
        view.line(f"From {made['old']['size']:,} to {made['new']['size']:,} objects in {len(made['path'])} hashes.")
        _where(view, out)

    return Answer(made, show)


@verb("rotate", short_help="Give way to a new signing key.", examples=('log rotate --because "a laptop was lost"',))
@click.option("--because", required=True, metavar="TEXT", help="Why; kept in the register.")
def rotate(place: Place, because: str) -> Answer:
    """Make a new signing key, and sign with the old one that it takes over. The log keeps its name.

    The old key's file is not needed afterwards; keep it, or remove it yourself.
    """
    from phonolith.releases import commit as room

    archive = place.archive()
    before = _size(archive)
    return _said(room.rotate(archive, because, place.now), before)


@verb(
    "countersign",
    short_help="Sign that you saw somebody else's head.",
    examples=("log countersign head.jsonl --out seen.json", "log countersign link.json --out seen.json"),
)
@click.argument("state", type=_FILE)
@_OUT
def countersign(place: Place, state: Path, out: Path | None) -> Answer:
    """Sign with this archive's key that a head of another log was seen now.

    STATE is a file of heads, a link, or a copy of the log's folder. From the second time on it has to show that the
    head keeps all that was seen of that log before, so a link or the copy is needed. Under --json the answer is the
    countersignature.
    """
    from phonolith.cli.prove import read, write
    from phonolith.releases import witness as room
    from phonolith.verifier import dump, read_state

    made = dump(room.countersign(place.archive(), read(state, read_state), place.now))
    write(out, made)

    def show(view: View) -> None:
        view.line(f"Countersigned head {made['head']} of log {made['log']} at {made['time']}.")
        _where(view, out)

    return Answer(made, show)


@verb("key", short_help="The key that signs here next.", examples=("log key",))
def key(place: Place) -> Answer:
    """Show the public half of the key that signs next, heads and countersignatures alike; made where there is none yet.

    Whoever asks this archive for countersignatures puts it into publish.witnesses, behind its address and a #.
    """
    from phonolith.releases.commit import signing_key

    archive = place.archive()
    with archive.lock("log", what="looking up the signing key"):
        found = signing_key(archive, place.now())
    address = place.settings().publish_url or "https://ADDRESS"

    def show(view: View) -> None:
        view.line(found)
        view.hint(f'For others, in phonolith.toml: [publish] witnesses = ["{address}#{found}"]')

    return Answer({"key": found}, show)


@verb(
    "collect",
    short_help="Fetch what witnesses countersigned.",
    examples=("log collect",),
)
def collect(place: Place) -> Answer:
    """Ask every archive in the setting publish.witnesses what it signed about this log, and keep what its key signed.

    `publish` does so at its end, and `seed` every hour. One that cannot be reached is told, and asked again next time.
    """
    from phonolith.cli.text import plural

    witnesses = place.settings().publish_witnesses
    found = ask_witnesses(place)

    def show(view: View) -> None:
        if not witnesses:
            view.hint('Nobody is asked yet. In phonolith.toml: [publish] witnesses = ["https://ADDRESS#KEY"]')
        elif not found:
            view.hint("Nothing was committed to yet: phonolith log commit FILE…")
        for one in found:
            seen = f", last the head of {plural(one.size, 'object')} at {one.time}" if one.time else ""
            view.line(f"{one.witness.url}: {plural(one.new, 'countersignature')} new{seen}.")
            if one.problem:
                view.line(f"{one.witness.url}: {one.problem}.", "yellow")

    return Answer({"witnesses": witness_rows(found)}, show)


@verb(
    "compare",
    short_help="Hold what another mirror saw of logs against what was seen here.",
    examples=("log compare https://mirror.example.org",),
)
@click.argument("url")
def compare(place: Place, url: str) -> Answer:
    """Fetch the heads that the archive at URL saw of logs that are watched here too, and hold them against ours.

    An archive that shows two mirrors two lists is refuted by it: then both heads are kept in held/log/evidence.
    """
    from phonolith.cli.text import plural
    from phonolith.releases import watch as room
    from phonolith.releases.elsewhere import Elsewhere

    with Elsewhere(place.settings().contact, url) as web:
        found = room.compare(place.archive(), url, web.read)
    rows = [{"log": one.log, "here": one.here, "there": one.there} for one in found]

    def show(view: View) -> None:
        for one in found:
            view.line(f"✓ Log {one.log}: {plural(one.here, 'head')} seen here, {one.there} there, alike.", "green")
        if not found:
            view.line("It watches no log that is watched here.")

    return Answer({"url": url, "logs": rows}, show)


@verb("accept", short_help="Keep what somebody countersigned.", examples=("log accept seen.json",))
@click.argument("file", type=_FILE)
def accept(place: Place, file: Path) -> Answer:
    """Keep a countersignature of one of this log's heads; proofs that lead to that head carry it from now on."""
    from phonolith.cli.prove import read_value
    from phonolith.releases import witness as room
    from phonolith.verifier import digest, read_countersignature

    made = read_value(file, read_countersignature)
    head = room.accept(place.archive(), made)

    def show(view: View) -> None:
        view.line(f"Key {made.key} has seen the head of {head.size:,} objects at {made.time}.")

    return Answer({"head": digest(head), "size": head.size, "key": made.key, "time": made.time}, show)


def witness_rows(found: list[Collected]) -> list[dict[str, Any]]:
    """What witnesses had, for programs."""
    rows = [asdict(one) for one in found]
    return [{**row.pop("witness"), **row} for row in rows]


def ask_witnesses(place: Place) -> list[Collected]:
    """What the witnesses in the settings had; none of them is waited for longer than an answer takes."""
    from phonolith.releases.collect import Witness, collect
    from phonolith.releases.elsewhere import ONCE, Elsewhere

    settings = place.settings()
    witnesses = [Witness.of(one) for one in settings.publish_witnesses]
    if not witnesses:
        return []
    with Elsewhere(settings.contact, *(one.url for one in witnesses), limits=ONCE) as web:
        return collect(place.archive(), witnesses, web.read)


def _said(head: Head, before: int) -> Answer:
    from phonolith.cli.text import number, plural
    from phonolith.verifier import digest, dump

    def show(view: View) -> None:
        new = head.size - before
        view.line(f"{plural(new, 'object')} new, {number(head.size)} committed to, as of {head.time}.")
        view.line(f"Head {digest(head)} of log {head.log}")
        if head.next != head.key:
            view.line(f"From the next head on key {head.next} signs.")

    data: dict[str, Any] = {**dump(head), "digest": digest(head), "new": head.size - before}
    return Answer(data, show)


def _size(archive: Archive) -> int:
    heads = archive.log().heads()
    return heads[-1].size if heads else 0


def _digests(what: tuple[str, ...]) -> Iterator[str]:
    import hashlib

    from phonolith.errors import NotFound
    from phonolith.store.files import storage_errors

    for one in what:
        path = Path(one)
        if _DIGEST.fullmatch(one):
            yield one
        elif path.is_file():
            with storage_errors(path), path.open("rb") as file:
                yield hashlib.file_digest(file, "sha256").hexdigest()
        else:
            raise NotFound(one, "it is neither a file nor a SHA-256 digest", "Name a file, or 64 hexadecimal digits")


def _where(view: View, out: Path | None) -> None:
    view.hint(f"Written to {out}" if out else "To give it to others: --out FILE")


for command in (heads, commit, link, rotate, key, countersign, collect, compare, accept):
    log.add_command(command)

COMMANDS = {"log": log}
