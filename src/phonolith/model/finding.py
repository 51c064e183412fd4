"""A finding: something an inspecting verb saw, with a code that programs can rely on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """``code`` is stable and lower-case (``audio.unreadable``); severity is ``error``, ``warning`` or ``note``."""

    code: str
    subject: str
    problem: str
    remedy: str = ""
    severity: str = "warning"

    def __str__(self) -> str:
        text = f"{self.subject}: {self.problem}"
        return f"{text}. {self.remedy}" if self.remedy else text
