"""Audits as pages that a journalist can read and a court can archive: one, several together, two compared."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined


def page(told: Mapping[str, Any], title: str) -> str:
    """One self-contained page of HTML from :func:`phonolith.audit.audit.data_of`; every text in it is escaped."""
    return _rendered("report.html", told, title)


def combined_page(told: Mapping[str, Any], title: str) -> str:
    """The same from :func:`phonolith.audit.combine.data_of`."""
    return _rendered("combined.html", told, title)


def compared_page(told: Mapping[str, Any], title: str) -> str:
    """The same from :func:`phonolith.audit.compare.data_of`."""
    return _rendered("compared.html", told, title)


def _rendered(name: str, told: Mapping[str, Any], title: str) -> str:
    folder = resources.files("phonolith.audit")
    environment = Environment(
        loader=FunctionLoader(lambda one: folder.joinpath(one).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["amount"] = _amount
    return environment.get_template(name).render(told=told, title=title)


def _amount(value: float | int) -> str:
    return f"{value:,}".replace(",", "\u202f")
