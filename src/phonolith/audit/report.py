"""Audits as pages that a journalist can read and a court can archive: one, several together, two compared."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from phonolith.audit import figures

#: Characters that hide, or that turn around what stands beside them: a reader is to see that they are there.
_HIDING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_FIGURES = ("scale", "pieces", "stack", "histograms", "days", "about")


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
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"amount": _amount, "bytes": _bytes, "shell": shlex.join}
    environment.filters |= {name: getattr(figures, name) for name in _FIGURES}
    return environment.get_template(name).render(told=told, title=title)


def _seen(value: object) -> object:
    """A text with what hides in it written out; everything else as it is."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _HIDING.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), value)


def _amount(value: float | int) -> str:
    told = value if isinstance(value, int) else round(value, 2) if abs(value) >= 1000 else float(f"{value:.6g}")
    return f"{told:,}".replace(",", "\u202f")


def _bytes(value: float) -> str:
    """A size as an axis names it: three digits, by powers of 1000."""
    unit = next(((name, scale) for scale, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if value >= scale), None)
    return f"{value / unit[1]:.3g} {unit[0]}" if unit else f"{value:.3g} bytes"
