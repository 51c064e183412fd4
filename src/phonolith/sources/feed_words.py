"""Values as feeds write them, read leniently: dates, durations, sizes, yes and no, titles with markup, digests."""

from __future__ import annotations

import base64
import binascii
import html
import re
from datetime import date
from email.utils import parsedate
from urllib.parse import urljoin, urlsplit

from phonolith.sources.text import clean

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ].*)?", re.DOTALL)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)
_LONGEST = 7 * 86_400_000  # milliseconds: what is longer than a week was written in another unit


def day_of(text: str) -> str:
    """``Fri, 09 Oct 2020 04:30:38 GMT`` → ``2020-10-09``; what is no date stays as it is written, made safe."""
    text = text.strip()
    if found := _ISO.fullmatch(text):
        return found[1]
    try:
        parts = parsedate(text) or parsedate(f"{text} 00:00")  # some leave the time out
        return date(*parts[:3]).isoformat() if parts else clean(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return clean(text)


def is_day(text: str) -> bool:
    """Whether this is what :func:`day_of` makes of a date."""
    return _DAY.fullmatch(text) is not None


def milliseconds(text: str) -> int | None:
    """``185``, ``3:05``, ``1:02:03``, ``185.5``; None for nothing, nonsense, and more than a week."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        found = round(float(text) * 1000)
    elif clock := _CLOCK.fullmatch(text):
        found = round((int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])) * 1000)
    else:
        return None
    return found if 0 < found <= _LONGEST else None


def whole(text: str, unit: int = 1) -> int | None:
    """A positive number, in so many of ours; None for 0, which feeds write where they do not know."""
    text = text.strip()
    found = round(float(text) * unit) if _NUMBER.fullmatch(text) else 0
    return found or None


def is_yes(text: str) -> bool:
    """Whether it is a way to say yes."""
    return text.strip().lower() in ("yes", "true", "explicit")


def said_explicit(text: str) -> bool | None:
    """``yes``, ``true``, ``explicit``; ``no``, ``false``, ``clean``; None for anything else."""
    return True if is_yes(text) else False if text.strip().lower() in ("no", "false", "clean") else None


def plain(text: str) -> str:
    """A title without markup, entities and line breaks."""
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub("", text))
    return " ".join(clean(text).split())


def sha256_of(integrity: str) -> str:
    """The SHA-256 of a Subresource Integrity text, in hexadecimal, "" where it has none that can be one."""
    for one in integrity.split():
        kind, _, value = one.partition("?")[0].partition("-")
        if kind.lower() != "sha256":
            continue
        try:
            digest = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(digest) == 32:
            return digest.hex()
    return ""


def joined(base: str, address: str) -> str:
    """An address that may be relative, made whole; "" where it cannot be one."""
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return ""


def is_web(address: str) -> bool:
    """Whether it is an address of the web, in one piece."""
    return address.startswith(("http://", "https://")) and not any(map(str.isspace, address)) and _host(address) != ""


def within(one: str, other: str) -> bool:
    """Whether an address lies at the host of another or at one below it; ``www.`` does not count."""
    a, b = _host(one), _host(other)
    return bool(a and b) and (a == b or ("." in b and a.endswith(f".{b}")))


def same_site(one: str, other: str) -> bool:
    """Whether one of two addresses lies within the other."""
    return within(one, other) or within(other, one)


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.").rstrip(".")
    except ValueError:
        return ""
