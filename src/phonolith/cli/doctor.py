"""``doctor``: what is missing or unhealthy, and how to mend it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing

from phonolith.cli.findings import show_findings
from phonolith.cli.status import before, kept, working
from phonolith.cli.text import number, plural, size
from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.config import Settings
from phonolith.errors import PhonolithError
from phonolith.model.finding import Finding
from phonolith.model.progress import Silent
from phonolith.pipeline import STAGES, next_stage
from phonolith.store.archive import LOCKS, Archive
from phonolith.store.locks import utc_now

_LOW_SPACE = 2_000_000_000  # bytes: a build of a million tracks needs about this much beside the catalogue
_VERIFY = "Restore it or copy it from a sound place, then run: phonolith verify"
_SHOWN = 20  # findings of one check; the rest is counted
#: What each check looks at, in the words of the page.
LOOKS_AT = {
    "settings": "contact, territory, who can reach the library",
    "folders": "that they are there, can be written, and private ones are private",
    "disks": "that volumes are mounted, and room on them",
    "register": "that no decision was changed, removed or cut off: every digest of the chain",
    "objects": "that each is where it should be with its size, and what verify found; bytes are not read",
    "log": "that its heads are signed and chained, its leaves give their roots, and the key that signs next is there; "
    "the same of the list of withdrawals",
    "notices": "that none waits longer than it should, and that letters to those who sent them get out",
    "catalogue": "that it opens, and how many decisions are newer",
    "leftovers": "reports of crashes, and who is at work",
}


@verb("doctor", short_help="What is missing or unhealthy, and how to mend it.")
def doctor(place: Place) -> Answer:
    """Look the archive over: settings, folders, disks, register, objects, catalogue, what to do next.

    Ends with exit code 1 if something wants attention. It says what each check looks at: of objects, whether they are
    where they should be with their size, and what `verify` found. Bytes are not read here, so a new flipped bit is not
    found.
    """
    archive, settings = place.archive(), place.settings()
    findings: list[Finding] = []
    with place.bars() as bars:
        for count, (name, check) in enumerate(CHECKS.items(), 1):
            bars.phase(count, len(CHECKS), name)
            findings += _run(name, check, archive, settings)
            bars.finish()
    wanting = [one for one in findings if one.severity != "note"]

    def show(view: View) -> None:
        show_findings(view, findings)
        view.pairs((name, LOOKS_AT[name]) for name in CHECKS)
        checked = plural(len(CHECKS), "check")
        view.line(
            f"✓ {checked}. Nothing is wrong."
            if not wanting
            else f"✗ {checked}, and {plural(len(wanting), 'thing')} to attend to.",
            "green" if not wanting else "red",
        )

    data = {"healthy": not wanting, "checks": list(CHECKS), "looks_at": LOOKS_AT, "findings": findings}
    return Answer(data, show, exit=1 if wanting else 0)


Check = Callable[[Archive, Settings], Iterator[Finding]]


def _run(name: str, check: Check, archive: Archive, settings: Settings) -> list[Finding]:
    """The findings of one check; an error it meets is one too, since the others still have to run."""
    try:
        found = list(check(archive, settings))
    except PhonolithError as error:
        return [Finding(f"{name}.failed", error.subject, error.problem, error.remedy, "error")]
    if len(found) > _SHOWN:
        rest = f"{number(len(found) - _SHOWN)} more of the same kind"
        found = [*found[:_SHOWN], Finding(f"{name}.more", name, rest, "", found[_SHOWN].severity)]
    return found


def _settings(archive: Archive, settings: Settings) -> Iterator[Finding]:
    file = str(archive.root / "phonolith.toml")
    if not settings.contact:
        yield Finding(
            "settings.contact", file, "contact is empty", 'Write contact = "…"; harvesting tells it to sources'
        )
    if not settings.operator_territory:
        yield Finding(
            "settings.territory",
            file,
            "operator.territory is empty, so only what is licensed worldwide is streamed",
            'If you stream from one country, write it: [operator] territory = "DE"',
            "note",
        )
    if settings.serve_host not in ("127.0.0.1", "localhost", "::1"):
        problem = f"the library listens at {settings.serve_host}, where others can reach it"
        yield Finding(
            "settings.open", file, problem, "Put a reverse proxy with TLS before it if that is the internet", "note"
        )


def _folders(archive: Archive, _: Settings) -> Iterator[Finding]:
    for folder in (archive.held, archive.derived, archive.private, archive.state, archive.keys):
        if not folder.is_dir():
            yield Finding("folders.missing", str(folder), "is missing", f"mkdir {folder}", "error")
        elif not os.access(folder, os.W_OK | os.X_OK):
            yield Finding(
                "folders.readonly",
                str(folder),
                "cannot be written to",
                f"chmod u+rwx {folder}, or mount its disk writable",
                "error",
            )
    for folder in (archive.private, archive.keys):
        if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
            yield Finding("folders.open", str(folder), "can be read by other users", f"chmod 700 {folder}")


def _disks(archive: Archive, _: Settings) -> Iterator[Finding]:
    for volume in archive.volumes:
        if not volume.present:
            problem = f"volume {volume.name} is not there"
            yield Finding("disks.absent", str(volume.path), problem, "Mount its disk, or correct [volumes]", "error")
        elif volume.free() < _LOW_SPACE:
            yield Finding(
                "disks.full", str(volume.path), f"has {size(volume.free())} free", "Free some space, or add a volume"
            )
    room = os.statvfs(archive.derived if archive.derived.is_dir() else archive.root)
    free = room.f_bavail * room.f_frsize
    if free < _LOW_SPACE:
        yield Finding("disks.full", str(archive.derived), f"has {size(free)} free for a build", "Free some space there")


def _register(archive: Archive, _: Settings) -> Iterator[Finding]:
    with archive.register() as register:
        yield from register.verify()


def _objects(archive: Archive, settings: Settings) -> Iterator[Finding]:
    """Whether each held object is where it should be with its size, and what the last readings of bytes said."""
    from phonolith.store.structure import TOMBSTONES, check_ledger

    with archive.damage() as damage:
        with archive.ledger() as ledger:
            gone = {one.sha256.hex() for one in ledger.tombstones()}
        for one in (one for one in damage.amiss() if one.sha256 not in gone):
            where = one.place.volume or os.fsdecode(one.place.path)
            problem = f"its copy in {where} was found {one.result} at {one.time}: {one.problem}"
            yield Finding(f"objects.{one.result}", one.sha256, problem, _VERIFY, "error")
    with archive.ledger() as ledger:
        found = check_ledger(ledger, archive.volumes, Silent(), orphans=not working(archive, "harvest"))
        yield from (finding for finding in found if finding.code not in TOMBSTONES)
    for words, count in kept(archive).gone.items():
        yield Finding("objects.gone", plural(count, "object"), words, "To see which: phonolith ledger check", "note")
    never, oldest = kept(archive).unread
    if never:
        problem = f"{plural(never, 'file')} never read again since taken in"
        yield Finding("objects.unread", "fixity", problem, "To read them: phonolith verify", "note")
    elif oldest and oldest < before(utc_now(), settings.fixity_period):
        problem = f"the oldest reading is of {oldest}, longer ago than {plural(settings.fixity_period, 'day')}"
        yield Finding("objects.unread", "fixity", problem, "To read what is due: phonolith verify", "note")


def _log(archive: Archive, _: Settings) -> Iterator[Finding]:
    from phonolith.releases.commit import cut_off
    from phonolith.store.keys import Keys
    from phonolith.verifier import State, check_state

    log = archive.log()
    heads = log.heads()
    problems = check_state(State(heads, log.leaves_file)) if heads else []
    for one in problems:
        yield Finding(one.code, one.subject, one.problem, "Restore held/log from a mirror or a backup", "error")
    if not problems:
        cut_off(archive, heads)  # raises where the log was set back to an older state
    yield from _list_problems(archive)
    if heads and not (key := Keys(archive.keys).path(heads[-1].next)).exists():
        problem = "the key that signs next is missing"
        yield Finding("log.key-missing", str(key), problem, "Bring it back from the backup of keys/", "error")
    for folder in sorted(log.folder.glob("evidence/*/")):
        problem = "another archive showed a log that was not taken over"
        remedy = f"See what it proves: phonolith check-log {folder}/seen.jsonl {folder}/shown.jsonl"
        yield Finding("log.evidence", str(folder), problem, remedy)


def _list_problems(archive: Archive) -> Iterator[Finding]:
    from phonolith.releases.withdrawal_list import cut_off
    from phonolith.verifier import check_list

    state = archive.withdrawals().read()
    problems = check_list(state) if state.heads else []
    for one in problems:
        yield Finding(one.code, one.subject, one.problem, "Restore held/withdrawals from a mirror or a backup", "error")
    if not problems:
        cut_off(archive)  # raises where the list was set back to an older state


def _notices(archive: Archive, settings: Settings) -> Iterator[Finding]:
    from phonolith.notices.office import Office
    from phonolith.web.practice import practice_of

    now = utc_now()
    with Office(archive, practice_of(settings), now=utc_now) as office:
        due = [(one, office.due(one)) for one in office.notices().values()]
        for one, next_ in due:
            if next_ is not None and next_.by < now:
                problem = f"since {next_.by[:10]} it is due that {next_.what}"
                remedy = "phonolith notice attend" if next_.rule else f"phonolith notice show {one.id}"
                yield Finding("notices.late", f"notice {one.id}", problem, remedy)
        failed = [one for one in office.letters.waiting() if one.problem] if due else []
    if failed:
        problem = f"{plural(len(failed), 'letter')} could not be sent: {failed[0].problem}"
        yield Finding("notices.unsent", "mail about notices", problem, "Mend notices.smtp or notices.sendmail")
    laid = len(list(archive.outbox.glob("*.eml"))) if archive.outbox.is_dir() else 0
    if laid:
        problem = f"{plural(laid, 'letter')} to be sent by hand"
        remedy = "Send them and delete them; or set notices.smtp, so that they go out by themselves"
        yield Finding("notices.outbox", str(archive.outbox), problem, remedy, "note")


def _catalogue(archive: Archive, _: Settings) -> Iterator[Finding]:
    from phonolith.library.catalogue import Catalogue
    from phonolith.rights.decisions import DECIDING

    stage = next_stage(archive.root)
    if stage.name != STAGES[-1].name:
        yield Finding("catalogue.none", str(archive.root), "nothing was built yet", f"Next: {stage.command}", "note")
        return
    with closing(Catalogue.open(archive.catalogue)) as catalogue, catalogue.reading() as snapshot:
        row = snapshot.db.execute("SELECT value FROM meta WHERE key = 'register_head'").fetchone()
    with archive.register() as register:
        behind = sum(event.kind in DECIDING for event in register.events(int(row[0]))) if row else 0
    if behind > 0:
        problem = f"{plural(behind, 'decision')} newer than the catalogue"
        yield Finding(
            "catalogue.behind",
            str(archive.catalogue),
            problem,
            "Corrections, filters and counts follow with: phonolith build",
            "note",
        )


def _leftovers(archive: Archive, _: Settings) -> Iterator[Finding]:
    crashes = sorted(archive.state.glob("crash-*.txt"))
    if crashes:
        remedy = f"Read {crashes[-1]}, report it, then delete it"
        yield Finding("leftovers.crash", str(archive.state), plural(len(crashes), "crash report"), remedy)
    for name in LOCKS:
        if who := working(archive, name):
            yield Finding("leftovers.busy", name, who, "Nothing to do; it is at work", "note")


CHECKS: dict[str, Check] = {
    "settings": _settings,
    "folders": _folders,
    "disks": _disks,
    "register": _register,
    "objects": _objects,
    "log": _log,
    "notices": _notices,
    "catalogue": _catalogue,
    "leftovers": _leftovers,
}

COMMANDS = {"doctor": doctor}
