"""The program: finds the verb, runs it, and turns every way to fail into one message and one exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from phonolith import __version__
from phonolith.errors import Interrupted, PhonolithError, UsageError

#: The verbs as people meet them: section, then name, module and one line. A module is imported when its verb is used.
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Begin": {
        "init": ("init", "Make a new archive."),
        "demo": ("demo", "Make a small archive of music this program plays itself, and open it."),
        "status": ("status", "What this archive holds and what to do next."),
        "config": ("config", "Each setting with its value, origin and meaning."),
        "doctor": ("doctor", "What is missing or unhealthy, and how to mend it."),
    },
    "Gather and build": {
        "harvest": ("harvest", "Gather from folders, tables, bundles, and sources on the net."),
        "plan": ("plan", "What to fetch next within a budget, in which tier, and why."),
        "build": ("build", "Make the catalogue from what was gathered."),
        "derive": ("derive", "Make small copies for listening, where licences permit it."),
    },
    "Keep": {
        "verify": ("verify", "Compare bytes with their digests: those held here, or anybody's copy; repair it."),
        "ledger": ("ledger", "Compare what the ledger says with what is there; copy to another volume."),
    },
    "Look and listen": {
        "serve": ("serve", "Open the library in the browser: search, browse, play."),
        "search": ("search", "Find tracks, releases and artists."),
        "show": ("show", "One track, release, artist or label in full."),
        "stats": ("stats", "What the catalogue holds, counted."),
        "coverage": ("coverage", "What share of what is known is held, and of listening."),
        "diff": ("diff", "What changed at the sources between two harvests or dates."),
        "shuffle": ("shuffle", "Tracks drawn at random from the whole catalogue."),
        "sql": ("sql", "Ask the catalogue in SQL, read-only and with a deadline."),
        "export": ("export", "Write the catalogue in another form."),
    },
    "Publish": {
        "release": ("release", "Cut a release: bundles of what may be passed on, as bags and torrents."),
        "publish": ("release", "Publish a release that was cut."),
        "seed": ("seed", "Give what was published to peers over BitTorrent."),
        "swarm": ("swarm", "How many have what was published: ask trackers and the DHT."),
        "at-risk": ("at_risk", "What may soon be nowhere: vanished, alone, damaged, few copies."),
        "mirror": ("mirror", "Take a share of another archive, and keep it current."),
    },
    "Decide": {
        "todo": ("todo", "What wants attention, with the command that settles it."),
        "why": ("why", "Why something may or may not be held, played or given on."),
        "rights": ("rights", "Attest a licence, or revoke what was attested."),
        "withdraw": ("withdraw", "Take something down, at once and everywhere here."),
        "reinstate": ("withdraw", "Put back what was withdrawn."),
        "notice": ("notice", "Notices: receive, see what is due, decide."),
        "door": ("door", "The artist's door: who came in, what they said, undo."),
        "expunge": ("expunge", "Remove bytes for good: a court order, an erasure, illegal content."),
        "set": ("correct", "Correct a field, one or many by CSV."),
        "unset": ("correct", "Undo a correction."),
    },
    "Commit and prove": {
        "audit": ("audit", "Put claims about an archive to the test: anybody's."),
        "log": ("log", "The signed log of what was committed to."),
        "prove": ("prove", "Prove that a file was committed to."),
        "check-proof": ("prove", "Check a proof that a file was committed to."),
        "check-log": ("prove", "Check that a log only grew."),
        "withdrawals": ("withdrawals", "The signed list of what was published and is not offered any more."),
    },
}
VERBS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class Program(click.Group):
    """The group of all verbs, loaded one by one as they are used, so that the program starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = import_module(f"phonolith.cli.{VERBS[cmd_name][0]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], list(VERBS), 1, 0.5)
            remedy = f"Did you mean {close[0]!r}?" if close else "phonolith --help lists the verbs"
            raise UsageError(args[0], "is not a verb", remedy)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, verbs in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, line) for name, (_, line) in verbs.items()], col_max=12)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="phonolith", message="%(prog)s %(version)s")
def program() -> None:
    """Phonolith keeps music that may lawfully be kept: with proof, in one catalogue, as a library people play.

    Every verb takes --archive DIR and --json, and has --help with examples. New here: phonolith demo, then
    phonolith init.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave with its exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # an odd file name must not end a run in a C locale
    sys.exit(run(argv))


def run(argv: list[str]) -> int:
    """Run one command line and give its exit code; whatever goes wrong is told in one line on stderr."""
    from phonolith.cli.exits import BROKEN_PIPE

    try:
        code = invoke(argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read us is gone; point stdout at nothing so that the interpreter's last flush stays quiet too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (KeyboardInterrupt, click.Abort):
        return tell(Interrupted("phonolith", "stopped", "What was done is kept; run it again to go on"), argv)
    except click.ClickException as error:
        return tell(_usage(error), argv)
    except PhonolithError as error:
        return tell(error, argv)
    except Exception as error:  # the edge of the program: nothing may reach the interpreter's traceback
        return crash(error, argv)


def invoke(argv: list[str]) -> int:
    """Parse and run, without click's own ways to end a program; completes words where a shell asks for that."""
    if "_PHONOLITH_COMPLETE" in os.environ:
        from click.shell_completion import shell_complete

        return shell_complete(program, {}, "phonolith", "_PHONOLITH_COMPLETE", os.environ["_PHONOLITH_COMPLETE"])
    try:
        with program.make_context("phonolith", argv) as context:
            result = program.invoke(context)
    except click.exceptions.Exit as left:  # --help and --version
        return left.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        return _help_instead(error)
    return result if isinstance(result, int) else 0


def _help_instead(error: click.exceptions.NoArgsIsHelpError) -> int:
    """The page of help where a verb was left out; only the program's own name alone is no mistake."""
    alone = error.ctx.parent is None
    click.echo(error.ctx.get_help(), err=not alone)
    return 0 if alone else 2


def _usage(error: click.ClickException) -> PhonolithError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "phonolith"
    return UsageError(path, error.format_message().rstrip("."), f"See: {path} --help")


def tell(error: PhonolithError, argv: Sequence[str]) -> int:
    """Tell a person on stderr and, under --json, the program on stdout; gives the exit code."""
    from phonolith.cli.exits import exit_of
    from phonolith.cli.text import clean

    found = exit_of(error)
    _emphasise(clean(error.subject), clean(error.problem), clean(error.remedy))
    if "--json" in argv:
        from phonolith.cli.verb import write_json

        body = {"error": found.name, "subject": error.subject, "problem": error.problem, "remedy": error.remedy}
        write_json(body | {"exit": found.code})
        sys.stdout.flush()
    return found.code


def _emphasise(subject: str, problem: str, remedy: str) -> None:
    if not sys.stderr.isatty() or "NO_COLOR" in os.environ:
        stop = " " if problem.endswith("?") else ". "
        click.echo(f"{subject}: {problem}" + (f"{stop}{remedy}" if remedy else ""), err=True)
        return
    click.echo(f"{click.style(subject, bold=True)}: {click.style(problem, fg='red')}", err=True)
    if remedy:
        click.echo(f"  {remedy}", err=True)


def crash(error: Exception, argv: Sequence[str]) -> int:
    """Write what happened where it can be sent from, and say so in one line; gives exit code 70."""
    from phonolith.cli.crash import write_report
    from phonolith.cli.exits import INTERNAL

    path = write_report(error, argv, os.environ)
    where = f"The report is in {path}" if path else "No report could be written"
    problem = f"a fault in Phonolith ({type(error).__name__})"
    _emphasise("phonolith", problem, f"{where}; nothing that was finished is lost")
    if "--json" in argv:
        from phonolith.cli.verb import write_json

        write_json({"error": "internal", "subject": "phonolith", "problem": problem, "report": path, "exit": INTERNAL})
        sys.stdout.flush()
    return INTERNAL


def archive_folder(argv: Sequence[str], environment: dict[str, str] | os._Environ[str]) -> Path:
    """The archive a command line names, without parsing it whole: for the crash report."""
    for index, word in enumerate(argv):
        if word == "--archive" and index + 1 < len(argv) and not argv[index + 1].startswith("-"):
            return Path(argv[index + 1])
        if word.startswith("--archive="):
            return Path(word.partition("=")[2])
    return Path(environment.get("PHONOLITH_ARCHIVE") or ".")


if __name__ == "__main__":
    main()
