"""What happens about notices while a library is served, without anybody asking."""

from __future__ import annotations

import threading

from phonolith.notices.duty import keep_attending
from phonolith.notices.mailer import Outbox
from phonolith.rights.notices import State
from tests.notices.conftest import Desk


def test_while_it_serves_rules_are_followed_and_mail_goes_out(desk: Desk) -> None:
    receipt = desk.file("track:road/1")
    stop, waited = threading.Event(), threading.Event()
    words = desk.archive, desk.office.practice, Outbox(desk.archive.outbox), stop
    attending = threading.Thread(target=keep_attending, args=words, kwargs={"now": desk.clock, "every": 0.02})
    attending.start()
    try:
        while desk.office.letters.waiting() and not waited.wait(0.02):
            pass
        (letter,) = desk.archive.outbox.glob("*.eml")
        desk.office.confirm(letter.read_text().partition("/notices/confirm/")[2].split()[0])
        desk.clock.move(hours=1)
        while desk.notice(receipt).state is not State.HIDDEN and not waited.wait(0.02):
            pass
    finally:
        stop.set()
        attending.join(10)
    assert not attending.is_alive()


def test_two_processes_take_a_step_once(desk: Desk) -> None:
    receipt = desk.file("track:road/1")
    desk.confirm(receipt)
    desk.clock.move(hours=1)
    stop = threading.Event()
    words = desk.archive, desk.office.practice, Outbox(desk.archive.outbox), stop
    both = [
        threading.Thread(target=keep_attending, args=words, kwargs={"now": desk.clock, "every": 0.001})
        for _ in range(4)
    ]
    for one in both:
        one.start()
    waited = threading.Event()
    while desk.office.letters.waiting() and not waited.wait(0.02):
        pass
    stop.set()
    for one in both:
        one.join(10)
    with desk.archive.register() as register:
        assert [one.kind for one in register.events()].count("notice.hidden") == 1
    letters = [path.read_text() for path in desk.archive.outbox.iterdir()]
    assert sum("Subject: Notice" in one and ": hidden" in one.partition("\n\n")[0] for one in letters) == 1
