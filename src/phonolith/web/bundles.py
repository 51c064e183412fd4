"""The web seed (BEP 19): every file of every bundle below ``/bundle/``, each only after the gate was asked for it.

A torrent's ``url-list`` ends with ``/bundle/``, and clients append the bundle's name and the path of a file in it. What
comes in an address is only ever looked up in the bundle's own list of files.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from phonolith.web.desk import Desk
from phonolith.web.ranges import send_payload


class Seed:
    """``/bundle/NAME/PATH``, whole or in ranges."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the gate, then send, and ask again while a long answer goes out.

        Raises what the gate and the store raise, before anything is sent or in the middle of it.
        """
        name, _, path = scope["path_params"]["path"].partition("/")
        offers = self._desk.offers
        payload = offers.known(name, path)
        if payload is None:  # whoever asks first may have to wait for a list of ten thousand files
            payload = await run_in_threadpool(offers.payload, name, path)

        async def watched(message: Message) -> None:
            """Send on, unless the gate says no by now: then the answer is broken off."""
            if message.get("more_body") and offers.known(name, path) is None:
                await run_in_threadpool(offers.payload, name, path)
            await send(message)

        await send_payload(scope, receive, watched, payload)
