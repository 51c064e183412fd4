"""Who we say we are."""

from __future__ import annotations

from phonolith import __version__
from phonolith.errors import SettingError

#: The product token by which robots.txt may name us.
TOKEN = "Phonolith"  # noqa: S105 - a product token (RFC 9110 section 10.1.5), no secret


def user_agent(contact: str | None) -> str:
    """Who asks, and who answers for it; None: nobody does. Raises SettingError on what is no address and no page."""
    if contact is None:
        return f"{TOKEN}/{__version__} (no contact given)"
    text = contact.strip()
    if not text:
        raise SettingError(
            "contact",
            "is not set, and no source is asked without one",
            'Write contact = "…" into phonolith.toml: an e-mail address or a page',
        )
    if not (text.isascii() and text.isprintable()) or not ("@" in text or text.startswith(("https://", "http://"))):
        raise SettingError("contact", f"{text!r} is no e-mail address and no page", "Sources have to be able to write")
    return f"{TOKEN}/{__version__} (+{text})"
