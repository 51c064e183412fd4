"""Values made in bulk are those that calling the class would make."""

from __future__ import annotations

from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.model.bulk import in_bulk
from phonolith.model.music import Credit


@given(st.lists(st.tuples(st.text(), st.text(), st.text())))
def test_they_equal_values_made_one_by_one(rows: list[tuple[str, str, str]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    made = in_bulk(Credit, [*columns, repeat("")], len(rows))
    assert made == [Credit(name, artist, join) for name, artist, join in rows]
    assert [hash(one) for one in made] == [hash(Credit(*row)) for row in rows]


def test_a_short_column_is_refused_rather_than_leaving_fields_unset() -> None:
    with pytest.raises(ValueError, match="shorter than 2 rows"):
        in_bulk(Credit, [["a", "b"], ["x"], repeat(""), repeat("")], 2)


def test_every_field_needs_a_column() -> None:
    with pytest.raises(ValueError, match="zip"):
        in_bulk(Credit, [["a"], ["x"]], 1)
