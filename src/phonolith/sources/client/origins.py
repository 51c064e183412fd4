"""Where a source is asked: at its own address, or where the setting ``harvest.origins`` says instead."""

from __future__ import annotations

from collections.abc import Mapping


def base(name: str, own: str, given: Mapping[str, str]) -> str:
    """The address that requests to origin ``name`` begin with, without a slash at its end.

    ``own`` is the public one, ``given`` the setting: a mirror, a cache or a test may stand in. Whoever builds the
    client passes the values of ``given`` to it as trusted, because a person named them.
    """
    return given.get(name, own).rstrip("/")
