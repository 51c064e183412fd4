"""The clerk: pages are looked at again while a library is open, by one process at a time; trouble does not end it."""

from __future__ import annotations

import threading

from phonolith.door.duty import keep_looking, look_once
from phonolith.door.office import Practice
from phonolith.door.seen import Outside, Seen
from phonolith.rights.door_pages import Page
from tests.door.conftest import Doors

PRACTICE = Practice("https://music.example.org")


def test_what_was_proven_is_looked_at_again_after_a_day(doors: Doors) -> None:
    doors.enter()
    outside, asked = doors.office.outside, len(doors.web.asked)
    assert look_once(doors.archive, PRACTICE, outside, now=doors.clock) == 0
    doors.clock.move(days=1, seconds=1)
    assert look_once(doors.archive, PRACTICE, outside, now=doors.clock) == 1 and len(doors.web.asked) == asked + 1


def test_it_goes_on_after_trouble_and_ends_when_it_is_told_to(doors: Doors) -> None:
    doors.enter()
    doors.clock.move(days=1, seconds=1)
    stop, looks = threading.Event(), []

    def look(page: Page, _: str) -> Seen:
        looks.append(page.url)
        stop.set()
        return Seen("", page.url, "", "it answered 500")

    with doors.archive.lock("look", what="somebody else"):  # the first looks find the lock taken
        args = doors.archive, PRACTICE, Outside(look, lambda *_: None), stop
        clerk = threading.Thread(
            target=keep_looking, args=args, kwargs={"now": doors.clock, "every": 0.01}, daemon=True
        )
        clerk.start()
    clerk.join(30)
    assert not clerk.is_alive() and len(looks) == 1
