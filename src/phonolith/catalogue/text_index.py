"""The text index; a placeholder until the search lands."""

from __future__ import annotations

import apsw


def build_text_index(db: apsw.Connection) -> None:
    """Make nothing yet."""
