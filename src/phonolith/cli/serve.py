"""``serve``: the library in a browser, on this machine or, with --lan, for the house."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from functools import partial
from io import StringIO

import click

from phonolith.cli.verb import Answer, Place, verb
from phonolith.cli.view import View
from phonolith.config import Settings
from phonolith.errors import UsageError
from phonolith.store.archive import Archive
from phonolith.store.locks import utc_now

_PATIENCE = 1.0  # seconds that a visitor may wait for what sources said since the build to be read


@verb("serve", short_help="Open the library in the browser: search, browse, play.")
@click.option("--host", help="Address to listen at. Default: the setting serve.host.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one. Default: the setting serve.port."
)
@click.option("--lan", is_flag=True, help="Let every device in this network in, and print address and QR code.")
@click.option("--workers", type=click.IntRange(0, 256), help="Processes. Default: the setting serve.workers.")
def serve(place: Place, host: str | None, port: int | None, lan: bool, workers: int | None) -> Answer:
    """Open the library: search, browse and play in any browser, until Ctrl-C.

    It listens on this machine alone unless told otherwise. --lan opens it to the network you are on.
    """
    if lan and host:
        raise UsageError("--lan", "and --host both say where to listen", "Give one of them")
    where = "0.0.0.0" if lan else host  # noqa: S104 — asked for by --lan
    settings = place.settings(serve_host=where, serve_port=port, serve_workers=workers)
    return opened(place.archive(), settings)


def opened(archive: Archive, settings: Settings) -> Answer:
    """Listen first, then say where, then serve: an address that is printed is one that answers."""
    from phonolith.cli.door import outside_of
    from phonolith.door.duty import keep_looking
    from phonolith.library.restated import Restated
    from phonolith.notices.duty import keep_attending
    from phonolith.releases.withdrawals import keep_running
    from phonolith.rights.gate import Policy
    from phonolith.web import server
    from phonolith.web.practice import door_practice_of, mailer_of, practice_of

    policy = Policy(settings.operator_territory, settings.publish_territories)
    practice, mailer = practice_of(settings), mailer_of(settings, archive)
    outside = outside_of(settings)
    listener = listen(settings.serve_host, settings.serve_port)
    port = int(listener.getsockname()[1])
    addresses = [url(host, port) for host in reachable(settings.serve_host)]
    number = server.workers(settings)

    def show(view: View) -> None:
        view.line(f"{settings.name or 'The library'} is open at {addresses[0]}", "bold")
        if settings.serve_host not in ("127.0.0.1", "localhost", "::1"):
            view.line(f"Anybody in this network can open it. On a phone, point the camera here ({addresses[-1]}):")
            draw_code(view, addresses[-1])
        view.hint("Ctrl-C closes it.")

    def beside(stop: threading.Event) -> None:
        attending = partial(keep_attending, archive, practice, mailer, stop, now=utc_now)
        threading.Thread(target=attending, daemon=True).start()
        if outside is not None and settings.door_open:
            looking = partial(keep_looking, archive, door_practice_of(settings), outside, stop, now=utc_now)
            threading.Thread(target=looking, daemon=True).start()
        keep_running(archive, policy, stop, now=utc_now)

    def run() -> None:
        with listener:
            statements = Restated(archive, patience=_PATIENCE)
            server.serve(archive, settings, listener, number, beside, statements, outside)

    data = {"address": addresses[0], "addresses": addresses, "port": port, "workers": number}
    return Answer(data, show, then=run)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises UsageError saying what to do where the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once only where a socket says it is TCP; else each waits for an acknowledgement,
    # which takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from None
    return listener


def _refused(host: str, port: int, error: OSError) -> UsageError:
    subject = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return UsageError(subject, "something else listens there already", "Close it, or take a free port: --port 0")
    if error.errno == errno.EACCES:
        return UsageError(
            subject, "listening there needs more rights than you have", "Take a port above 1023: --port 8990"
        )
    return UsageError(
        subject, f"cannot listen there: {error.strerror or error}", "Give an address of this machine: --host"
    )


def reachable(host: str) -> list[str]:
    """The addresses a person can type; for 0.0.0.0 this machine itself and its address in the network."""
    if host not in ("0.0.0.0", "::", ""):  # noqa: S104 — compared, not bound
        return [host]
    outside = network_address()
    return ["127.0.0.1", outside] if outside else ["127.0.0.1"]


def network_address() -> str:
    """This machine's address in its network; "" where it has none. Nothing is sent: UDP connects without asking."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: an address for documentation, routed like any other
        except OSError:
            return ""
        address = str(probe.getsockname()[0])
    return "" if ipaddress.ip_address(address).is_loopback else address


def url(host: str, port: int) -> str:
    """The address as a person types it."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def draw_code(view: View, address: str) -> None:
    """A QR code of half blocks, which a phone's camera reads from any terminal; left out of plain output."""
    import segno

    from phonolith.cli.view import Rich

    if isinstance(view, Rich):
        drawn = StringIO()
        segno.make(address, micro=False).terminal(out=drawn, compact=True, border=2)
        view.console.file.write(drawn.getvalue())


COMMANDS = {"serve": serve}
