"""Where a source is asked: at its own address, or where the setting ``harvest.origins`` says instead."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def base(name: str, own: str, given: Mapping[str, str]) -> str:
    """The address that requests to origin ``name`` begin with, without a slash at its end.

    ``own`` is the public one, ``given`` the setting: a mirror, a cache or a test may stand in. Whoever builds the
    client passes the values of ``given`` to it as trusted, because a person named them.
    """
    return given.get(name, own).rstrip("/")


def asked(address: str, own: str, base: str) -> str:
    """Where ``address`` is asked if requests to the origin ``own`` begin with ``base``; both as :func:`base` has them.

    A source without an origin of its own (``own`` is "") has addresses of any host: a ``base`` stands in for them all.
    """
    if own:
        return base + address.removeprefix(own) if address.startswith(f"{own}/") else address
    parts = urlsplit(address)
    return f"{base}{parts.path}{'?' if parts.query else ''}{parts.query}" if base else address
