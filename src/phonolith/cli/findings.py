"""Findings drawn for a person: the first ones with what to do about them, and how many there are more."""

from __future__ import annotations

from collections.abc import Sequence

from phonolith.cli.text import number
from phonolith.cli.view import View
from phonolith.model.finding import Finding

_SHOWN = 50
_MARKS = {"error": ("✗", "red"), "warning": ("!", "yellow"), "note": ("·", "dim")}


def show_findings(view: View, findings: Sequence[Finding]) -> None:
    """One line each and its remedy below; of very many the first, since --json has all."""
    for one in findings[:_SHOWN]:
        mark, style = _MARKS[one.severity]
        view.line(f"{mark} {one.subject}: {one.problem}", style)
        if one.remedy:
            view.line(one.remedy, "dim", 4)
    if len(findings) > _SHOWN:
        view.line(f"{number(len(findings) - _SHOWN)} more; --json has all of them.", "red")
