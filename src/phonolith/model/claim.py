"""Claims: figures that this archive states, each with how anybody finds it again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure, exactly. The words are those of docs/reference/claims.md.

    ``of`` names what is spoken of, ``procedure`` how evidence of it is counted, "" for all that shows such a thing;
    ``definition`` what counts as one; ``seed`` what samples are drawn by.
    """

    id: str
    sentence: str
    quantity: int
    unit: str
    of: str
    procedure: str = ""
    definition: str = ""
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """Claims of one day: their title, who says so, where ("" if nowhere), and the day, ISO 8601."""

    title: str
    who: str
    where: str
    when: str
    claims: tuple[Claim, ...]
