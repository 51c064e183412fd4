"""The report of an audit as one page that a journalist can read and a court can archive."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined


def page(told: Mapping[str, Any], title: str) -> str:
    """One self-contained page of HTML from :func:`phonolith.audit.audit.data_of`; every text in it is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["amount"] = _amount
    source = resources.files("phonolith.audit").joinpath("report.html").read_text("utf-8")
    return environment.from_string(source).render(told=told, title=title)


def _amount(value: float | int) -> str:
    return f"{value:,}".replace(",", "\u202f")
