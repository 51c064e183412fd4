"""Words from metadata made safe to show and to send: display text, file names, addresses, media types."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit

#: What a browser may open in place; anything else is offered as a download of unknown type.
SHOWN_INLINE = frozenset(
    [
        "audio/aac",
        "audio/aiff",
        "audio/flac",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "audio/opus",
        "audio/wav",
        "audio/webm",
        "audio/x-aiff",
        "audio/x-flac",
        "audio/x-wav",
        "audio/x-ape",
        "audio/x-musepack",
        "audio/x-wavpack",
        "audio/x-ms-wma",
        "audio/x-dsf",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
    ]
)

# C0, C1, and the marks that reorder or hide text around them; the page isolates direction by element instead.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\s]+')
_EMAIL = re.compile(r"[A-Za-z0-9.+_-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LONGEST_NAME = 120


def shown(text: object) -> str:
    """Text for display: control characters, bidi controls and lone surrogates are removed; breaks become spaces."""
    if isinstance(text, str) and text.isprintable():
        return text
    plain = _UNSEEN.sub("", str(text).replace("\n", " ").replace("\r", " ").replace("\t", " "))
    return plain if plain.isascii() else plain.encode("utf-8", "replace").decode("utf-8")


def safe_name(name: str) -> str:
    """A file name that is one plain name on every system: no separators, controls, leading dots or great length."""
    plain = _NOT_IN_NAMES.sub(" ", shown(unicodedata.normalize("NFC", name))).strip(" .")
    stem, dot, suffix = plain.rpartition(".")
    if dot and 0 < len(suffix) <= 8:
        return f"{stem[: _LONGEST_NAME - 9].strip(' .') or 'file'}.{suffix}"
    return plain[:_LONGEST_NAME].strip(" .") or "file"


def content_disposition(name: str, *, attachment: bool) -> str:
    """A Content-Disposition value (RFC 6266) with an ASCII name and, where needed, the whole name (RFC 8187)."""
    safe = safe_name(name)
    plain = unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode("ascii").replace("%", "_")
    kind = "attachment" if attachment else "inline"
    value = f'{kind}; filename="{plain.strip(" .") or "file"}"'
    return value if safe == plain else f"{value}; filename*=UTF-8''{quote(safe, safe='')}"


def web_address(url: str) -> str:
    """The address if a page may link to it (http or https with a host, nothing hidden in it), else ""."""
    if url != shown(url) or len(url) > 2000 or any(character in url for character in " \"'<>\\^`{|}"):
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        return url if usable and (parts.port is None or parts.port > 0) else ""
    except ValueError:
        return ""


def contact_address(contact: str) -> str:
    """The address behind a contact: a page, or an e-mail address as ``mailto:``; "" for anything else."""
    plain = contact.strip().removeprefix("mailto:")
    return f"mailto:{plain}" if _EMAIL.fullmatch(plain) else web_address(plain)


def host_of(url: str) -> str:
    """The host of an address that :func:`web_address` let through."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


def served_type(media_type: str) -> tuple[str, bool]:
    """The Content-Type to send for held bytes, and whether they must be downloaded rather than opened."""
    plain = media_type.partition(";")[0].strip().lower()
    return (plain, False) if plain in SHOWN_INLINE else ("application/octet-stream", True)
