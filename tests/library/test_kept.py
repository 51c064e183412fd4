"""What searches keep for each other: found again while there is room, given up when nobody used it."""

from __future__ import annotations

from phonolith.library.kept import Kept


def test_what_was_put_is_found_until_there_is_no_room() -> None:
    kept = Kept(1_000)
    for number in range(20):
        kept.put(number, f"value {number}", 100)
        assert kept.get(number) == f"value {number}"
        assert kept.get(0) == "value 0", "what is used stays"
    assert kept.get(5) is None, "what nobody used goes"
    assert kept.get("never") is None


def test_a_value_is_made_once() -> None:
    kept, made = Kept(), []
    for _ in range(3):
        assert kept.once("key", lambda: made.append(1) or len(made)) == 1  # type: ignore[func-returns-value]
