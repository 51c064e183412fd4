"""What is done about notices without being asked: steps that follow by rule, and mail that waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from phonolith.errors import Busy, PhonolithError
from phonolith.model.event import Event
from phonolith.notices.mailer import Mailer, send_waiting
from phonolith.notices.office import Office
from phonolith.notices.practice import Practice
from phonolith.store.archive import Archive

_LOG = logging.getLogger("phonolith.notices")
_EVERY = 5.0  # seconds between looks


@dataclass(frozen=True, slots=True)
class Attended:
    """What one look did: steps by rule, messages that were sent, and that were not taken."""

    events: tuple[Event, ...]
    sent: int
    failed: int


def attend(office: Office, mailer: Mailer, *, now: str) -> Attended:
    """Take what steps are due by rule, then send mail; one process at a time sends. Raises Busy while another does."""
    events = tuple(office.follow_rules())
    with office.archive.lock("mail", what="sending mail about notices"):
        sent, failed = send_waiting(office.letters, mailer, sender=office.practice.sender, now=now)
    return Attended(events, sent, failed)


def keep_attending(
    archive: Archive,
    practice: Practice,
    mailer: Mailer,
    stop: threading.Event,
    *,
    now: Callable[[], str],
    every: float = _EVERY,
) -> None:
    """Attend until told to stop; trouble is told once and tried again."""
    said = ""
    while not stop.wait(every):
        try:
            with Office(archive, practice, now=now) as office:
                while not stop.is_set():
                    with suppress(Busy):
                        attend(office, mailer, now=now())
                    said = ""
                    stop.wait(every)
        except PhonolithError as error:
            if str(error) != said:
                _LOG.warning("notices are not attended to: %s", error)
            said = str(error)
