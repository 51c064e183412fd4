"""Serves the library of an archive from a socket that listens already, by one process or by several."""

from __future__ import annotations

import gc
import socket
from contextlib import suppress

import uvicorn

from phonolith.config import Settings
from phonolith.door.seen import Outside
from phonolith.library.overlay import Statements
from phonolith.store.archive import Archive
from phonolith.web import workers as processes
from phonolith.web.app import Beside, create_app

#: Connections that may wait to be accepted.
BACKLOG = 512
_GRACE = 3  # seconds for answers that have begun, once the library is to close


def workers(settings: Settings) -> int:
    """How many processes will serve: the setting, or one for each processor."""
    return (settings.serve_workers or processes.processors()) if processes.possible() else 1


def serve(
    archive: Archive,
    settings: Settings,
    listener: socket.socket,
    number: int,
    beside: Beside | None = None,
    statements: Statements | None = None,
    outside: Outside | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises StorageError where several processes serve and keep ending.

    Each process opens the archive for itself, so each sees a decision and a new catalogue as soon as one alone would.
    ``beside`` runs in a thread of each, ``statements`` are what sources said since the build, ``outside`` is what the
    artist's door needs.
    """

    def work() -> None:
        config = uvicorn.Config(
            create_app(archive, settings, beside=beside, statements=statements, outside=outside),
            loop="asyncio",  # as it was measured; uvloop is here for harvests
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
            lifespan="auto",
            backlog=1,
        )
        gc.freeze()
        _Server(config).run(sockets=[listener])

    if number > 1:
        processes.run(work, number)
        return
    with suppress(KeyboardInterrupt):  # Ctrl-C is how serving ends well
        work()


class _Server(uvicorn.Server):
    """Accepts one connection at a time, so that a burst of them is shared by the processes.

    asyncio accepts as many at once as its backlog says, and then sets the socket's to the same.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)
