"""Many frozen values at once, made of columns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import cache
from itertools import repeat
from typing import Any, TypeVar

T = TypeVar("T")


def in_bulk(cls: type[T], columns: Sequence[Iterable[Any]], count: int) -> list[T]:
    """``count`` values of a frozen dataclass with slots, from one column for each of its fields in their order.

    They equal what calling the class for each row would give, at less than half the time: a frozen dataclass sets its
    fields one by one through ``object.__setattr__``, which looks each up by name. A column may be longer than needed
    (``itertools.repeat``); one that is shorter would leave fields unset, so it raises ValueError.
    """
    made = [cls.__new__(cls) for _ in range(count)]
    for setter, column in zip(_setters(cls), columns, strict=True):  # type: ignore[arg-type]
        deque(map(setter, made, column), maxlen=0)
    for column in columns:
        if not isinstance(column, repeat) and len(column) < count:  # type: ignore[arg-type]
            raise ValueError(f"a column of {cls.__name__} is shorter than {count} rows")
    return made


@cache
def _setters(cls: type) -> list[Callable[[Any, Any], None]]:
    return [getattr(cls, one.name).__set__ for one in fields(cls)]
