"""Sends mail that waits: over SMTP, by a command such as sendmail, or into a folder where the operator finds it."""

from __future__ import annotations

import smtplib
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from phonolith.errors import PhonolithError, StorageError
from phonolith.model import moment
from phonolith.store.files import atomic_write, make_folders
from phonolith.store.letters import Letters, Mail

_SECONDS = 30  # for a server or a command to take one message
_MOST_TRIES = 12  # over about four days


class Mailer(Protocol):
    """Takes a message over: when ``send`` returns, it is somebody else's to deliver."""

    def send(self, message: EmailMessage) -> None:
        """Raises StorageError where it was not taken, saying why."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """A folder of messages, one file each (RFC 5322): for whoever sends them by hand, or has no server yet."""

    folder: Path

    def send(self, message: EmailMessage) -> None:
        """Write the message down; its name is that of its Message-ID."""
        make_folders(self.folder, 0o700)
        name = str(message["Message-ID"]).strip("<>").partition("@")[0]
        path = self.folder / f"{name}.eml"
        atomic_write(path, message.as_bytes(policy=SMTP))
        path.chmod(0o600)


@dataclass(frozen=True, slots=True)
class Smtp:
    """A server that takes mail from this machine: ``smtp://host:port``, ``smtps://…``, ``smtp+starttls://…``."""

    address: str

    def send(self, message: EmailMessage) -> None:
        """Hand the message over (RFC 5321); certificates are checked."""
        parts = urlsplit(self.address)
        try:
            with self._connected(parts.scheme, parts.hostname or "", parts.port or 0) as server:
                if parts.scheme == "smtp+starttls":
                    server.starttls(context=ssl.create_default_context())
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise StorageError(self.address, f"it did not take the message: {error}", "Check notices.smtp") from error

    def _connected(self, scheme: str, host: str, port: int) -> smtplib.SMTP:
        if scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(host, port, timeout=_SECONDS)


@dataclass(frozen=True, slots=True)
class Command:
    """A program that takes a message on its input, as ``sendmail -t -i`` does."""

    words: Sequence[str]

    def send(self, message: EmailMessage) -> None:
        """Run it, without a shell."""
        problem = ""
        try:
            done = subprocess.run(
                [*self.words], input=message.as_bytes(policy=SMTP), capture_output=True, timeout=_SECONDS, check=False
            )
            if done.returncode:
                problem = f"it ended with {done.returncode}: {done.stderr.decode('utf-8', 'replace')[:200].strip()}"
        except (OSError, subprocess.SubprocessError) as error:
            problem = f"it could not be run: {error}"
        if problem:
            raise StorageError(" ".join(self.words), problem, "Check notices.sendmail")


def send_waiting(letters: Letters, mailer: Mailer, *, sender: str, now: str) -> tuple[int, int]:
    """Send what may be tried now; gives how many were sent and how many were not.

    A message that was sent and not struck off the list, because the power ended there, is sent again under the same
    Message-ID. After some days of refusals nothing more is tried; ``doctor`` tells of it.
    """
    sent = failed = 0
    for mail in letters.waiting(now):
        if mail.tries >= _MOST_TRIES:
            continue
        try:
            mailer.send(message_of(mail, sender))
        except PhonolithError as error:
            failed += 1
            letters.failed(mail.id, str(error), after=moment.later(now, timedelta(minutes=2 << mail.tries)))
        else:
            sent += 1
            letters.sent(mail.id)
    return sent, failed


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """The message (RFC 5322). ``sender`` is the address it comes from, and that answers go to."""
    name, _, domain = sender.rpartition("@")
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(username=name or "notices", domain=domain or "localhost")
    message["To"] = _recipient(mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = moment.read(mail.time).strftime("%a, %d %b %Y %H:%M:%S +0000")
    stamp = mail.time.replace("-", "").replace(":", "")
    message["Message-ID"] = f"<{stamp}-{mail.id}@{domain or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
    message.set_content(mail.body)
    return message


def _recipient(text: str) -> Address:
    name, _, domain = text.rpartition("@")
    return Address(username=name, domain=domain)
