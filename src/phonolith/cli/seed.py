"""``seed``: give what was published to peers, straight from the object store, until told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View

if TYPE_CHECKING:
    from phonolith.config import Settings

_LOOK_EVERY = 2.0  # seconds; what the gate refuses is gone within a minute, of which most is left for large archives


@verb(
    "seed",
    short_help="Give what was published to peers over BitTorrent.",
    examples=("seed", "seed --listen 0.0.0.0:6881 --no-dht", "seed --events >> seed.jsonl", "seed --status"),
)
@click.option("--listen", "--bind", "listen", multiple=True, metavar="HOST:PORT", help="Where to listen; port 0: any.")
@click.option("--dht/--no-dht", default=None, help="Whether peers may find us without a tracker.")
@click.option("--upload-limit", type=click.IntRange(0), help="Most kB a second that are given; 0: as much as goes.")
@click.option("--peer", multiple=True, metavar="HOST:PORT", help="A peer to call at once, as in seed.peers.")
@click.option("--events", is_flag=True, help="One JSON object a line on stdout for each thing that happens.")
@click.option("--status", "asked", is_flag=True, help="Say what the seeder of this archive does, and end.")
def seed(
    place: Place,
    listen: tuple[str, ...],
    dht: bool | None,
    upload_limit: int | None,
    peer: tuple[str, ...],
    events: bool,
    asked: bool,
) -> Answer:
    """Give every published bundle to peers, out of the held objects, until Ctrl-C.

    Nothing is copied and no object is ever written to. Each file is put to the gate: what it refuses is no longer
    given within a minute, and all else goes on under the same infohash. A new publication is taken up as it is made.
    """
    if asked:
        return _status(place)
    given = {"seed_dht": dht, "seed_upload_limit": upload_limit}
    settings = place.settings(seed_listen=listen or None, seed_peers=peer or None, **given)
    return seeded(place, settings, events=events)


def seeded(place: Place, settings: Settings, *, events: bool) -> Answer:
    """Listen first, then say where and what, then go on."""
    from phonolith.cli.log import ask_witnesses
    from phonolith.cli.net import net_of
    from phonolith.cli.seeding import teller
    from phonolith.releases.collect import collecting
    from phonolith.releases.seeder import Seeder
    from phonolith.releases.swarm import Swarm
    from phonolith.releases.withdrawals import keep_running
    from phonolith.rights.gate import Policy

    archive = place.archive()
    with ExitStack() as stack:
        stack.enter_context(archive.lock("seed", what="phonolith seed"))
        swarm = Swarm(net_of(settings), archive.state / "seed")
        policy = Policy(settings.operator_territory, settings.publish_territories)
        seeder = Seeder(archive, swarm, policy, trackers=settings.publish_trackers, now=place.now)
        stack.callback(seeder.close)
        happened = seeder.look()
        stop = stack.enter_context(stopped_by_signals())  # before anything is said: who reads it may end us at once
        status = seeder.status()
        running = stack.pop_all()

    def show(view: View) -> None:
        if events:
            return
        _show(view, status)
        if not status["bundles"]:
            view.hint("Nothing was published yet: phonolith release, then phonolith publish")
        view.hint("Ctrl-C ends it.")

    def run() -> None:
        kept = threading.Thread(
            target=keep_running, args=(archive, policy, stop), kwargs={"now": place.now}, daemon=True
        )
        with running, collecting(lambda: ask_witnesses(place)), teller(place, events=events) as tell:
            kept.start()
            try:
                tell(happened, seeder)
                while not stop.wait(_LOOK_EVERY):
                    tell(seeder.look(), seeder)
            finally:
                stop.set()
                kept.join()

    return Answer(status, show, then=run)


def _status(place: Place) -> Answer:
    """What the seeder that runs now says of itself, or said last."""
    from phonolith.cli.status import working
    from phonolith.errors import NotFound
    from phonolith.releases.seeding import status_file
    from phonolith.releases.tally import last_status

    archive = place.archive()
    status = last_status(status_file(archive))
    if status is None:
        raise NotFound("seed", "nothing was ever seeded from this archive", "Begin with: phonolith seed")
    running = bool(working(archive, "seed"))

    def show(view: View) -> None:
        if not running:
            view.line(f"Nothing is seeded now; this was so at {status['now']}.", "yellow")
        _show(view, status)

    return Answer({"running": running, **status}, show)


def _show(view: View, status: dict[str, Any]) -> None:
    from phonolith.cli.seeding import columns, rows, summary

    view.line(summary(status), "bold")
    view.table(columns(), rows(status))
    for trouble in status["troubles"]:
        view.line(trouble, "yellow")
    for bundle in status["bundles"]:
        for one in bundle["withheld"][:10]:
            view.line(f"{one['code']}: {bundle['name']}/{one['path']}. {one['reason']}", "yellow")
        if len(bundle["withheld"]) > 10:
            view.line(f"and {len(bundle['withheld']) - 10} more of {bundle['name']}: --json has them all", "dim")


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that seeding ends between two looks and not in one."""
    stop = threading.Event()
    before = {one: signal.signal(one, lambda *_: stop.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


COMMANDS = {"seed": seed}
