"""Mail about notices, taken by a real SMTP server, by a command, and by a folder; and what happens if none takes it."""

from __future__ import annotations

import email
import email.policy
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from phonolith.errors import StorageError
from phonolith.notices.duty import attend
from phonolith.notices.mailer import Command, Mailer, Outbox, Smtp, message_of, send_waiting
from phonolith.store.letters import Mail
from tests.notices.conftest import Desk

ROAD = "track:road/1"
MAIL = Mail(
    7, "somebody@example.org", "Notice abc: received", "Zeile eins\n\nLink\n" + "x" * 2000, "2026-12-01T12:00:00Z"
)


class Kept:
    """What a server was sent; it refuses as long as it is told to."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []
        self.refuses = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuses:
            return "451 try again later"
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[Kept, Smtp]]:
    kept = Kept()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield kept, Smtp(f"smtp://127.0.0.1:{port}")
    finally:
        controller.stop()


def test_a_server_takes_the_message_whole(server: tuple[Kept, Smtp]) -> None:
    kept, smtp = server
    smtp.send(message_of(MAIL, "notices@music.example.org"))
    envelope = kept.envelopes[0]
    assert envelope.mail_from == "notices@music.example.org" and envelope.rcpt_tos == ["somebody@example.org"]
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert message["subject"] == MAIL.subject and message["auto-submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == MAIL.body.rstrip("\n")
    assert message["message-id"] == "<20261201T120000Z-7@music.example.org>"


def test_a_notice_is_confirmed_by_the_link_in_the_mail(desk: Desk, server: tuple[Kept, Smtp]) -> None:
    kept, smtp = server
    receipt = desk.file(ROAD)
    assert attend(desk.office, smtp, now=desk.clock()).sent == 1
    content = email.message_from_bytes(kept.envelopes[0].content, policy=email.policy.default).get_content()
    token = content.partition("https://music.example.org/notices/confirm/")[2].split()[0]
    desk.office.confirm(token)
    assert desk.notice(receipt).state == "actionable"
    assert attend(desk.office, smtp, now=desk.clock()).sent == 0 and len(kept.envelopes) == 1


def test_what_a_server_refuses_is_tried_again_later_and_not_for_ever(desk: Desk, server: tuple[Kept, Smtp]) -> None:
    kept, smtp = server
    kept.refuses = True
    desk.file(ROAD)
    assert attend(desk.office, smtp, now=desk.clock()).failed == 1
    assert attend(desk.office, smtp, now=desk.clock()).failed == 0  # not at once again
    waiting = desk.office.letters.waiting()
    assert waiting[0].tries == 1 and "451" in waiting[0].problem
    desk.clock.move(minutes=3)
    kept.refuses = False
    assert attend(desk.office, smtp, now=desk.clock()).sent == 1 and desk.office.letters.waiting() == []
    kept.refuses = True
    desk.file(ROAD)
    for _ in range(40):
        desk.clock.move(days=10)
        attend(desk.office, smtp, now=desk.clock())
    assert desk.office.letters.waiting()[0].tries == 12


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(StorageError, match="did not take"):
        Smtp("smtp://127.0.0.1:1").send(message_of(MAIL, "a@example.org"))


def test_a_command_takes_the_message_on_its_input(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = f"import sys; open({str(out)!r}, 'wb').write(sys.stdin.buffer.read())"
    Command([sys.executable, "-c", program]).send(message_of(MAIL, "a@example.org"))
    assert email.message_from_bytes(out.read_bytes())["To"] == MAIL.recipient
    with pytest.raises(StorageError, match="ended with 3: no"):
        Command([sys.executable, "-c", "import sys; sys.stderr.write('no'); sys.exit(3)"]).send(
            message_of(MAIL, "a@b.c")
        )
    with pytest.raises(StorageError, match="could not be run"):
        Command([str(tmp_path / "none")]).send(message_of(MAIL, "a@b.c"))


def test_a_folder_takes_it_for_whoever_sends_by_hand(desk: Desk) -> None:
    desk.file(ROAD)
    outbox: Mailer = Outbox(desk.archive.outbox)
    assert send_waiting(desk.office.letters, outbox, sender="a@example.org", now=desk.clock()) == (1, 0)
    (written,) = desk.archive.outbox.iterdir()
    assert written.suffix == ".eml" and written.stat().st_mode & 0o077 == 0
    assert b"/notices/confirm/" in written.read_bytes()


def test_no_address_adds_a_header_or_a_recipient(desk: Desk) -> None:
    for address in (
        "a@example.org\nBcc: victim@example.org",
        "a@example.org, victim@example.org",
        "a@example.org\r\n\r\nx",
    ):
        receipt = desk.file(ROAD, email=address)
        assert not receipt.mailed and "email" in receipt.lacks
    assert desk.office.letters.waiting() == []
