"""The headers on every answer: nothing from elsewhere, nothing inline, nothing guessed."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The policy of pages. Nothing is inline, so no hash and no nonce is needed; scripts may not write HTML except through
#: the one Trusted Types policy of our own player, which parses pages of this server only.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types phonolith",
    )
)

_DENIED = (
    "accelerometer camera display-capture geolocation gyroscope hid magnetometer microphone midi payment serial usb"
)

HEADERS: tuple[tuple[bytes, bytes], ...] = tuple(
    (name.encode("ascii"), value.encode("ascii"))
    for name, value in (
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("origin-agent-cluster", "?1"),
        ("permissions-policy", ", ".join(f"{feature}=()" for feature in _DENIED.split())),
        ("x-frame-options", "DENY"),
    )
)


class Secured:
    """Adds :data:`HEADERS` to every HTTP answer of the application inside; a header that is there already stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application with a send that completes the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = message["headers"] = list(message.get("headers", ()))
                names = {name.lower() for name, _ in present}
                present.extend(header for header in HEADERS if header[0] not in names)
            await send(message)

        await self._app(scope, receive, complete)
