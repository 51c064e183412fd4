"""How this archive deals with notices and with artists, read from its settings: rules, links, the road of its mail."""

from __future__ import annotations

from phonolith.config import Settings
from phonolith.door.office import Practice as DoorPractice
from phonolith.notices.mailer import Command, Mailer, Outbox, Smtp
from phonolith.notices.practice import Practice
from phonolith.rights.notice_forms import is_email
from phonolith.store.archive import Archive


def practice_of(settings: Settings) -> Practice:
    """What the settings say. Links never follow what a request claims to have been sent to."""
    contact = settings.contact.removeprefix("mailto:")
    sender = settings.notices_from or (contact if is_email(contact) else "notices@localhost")
    return Practice(
        settings.name or "Phonolith",
        settings.publish_url or f"http://{_host(settings.serve_host)}:{settings.serve_port}",
        settings.contact,
        settings.operator_territory,
        settings.notices_rules,
        settings.notices_calm,
        sender,
    )


def door_practice_of(settings: Settings) -> DoorPractice:
    """What the settings say of the artist's door."""
    return DoorPractice(practice_of(settings).url, settings.door_calm)


def mailer_of(settings: Settings, archive: Archive) -> Mailer:
    """What takes mail: a server, else a command, else a folder in private/."""
    if settings.notices_smtp:
        return Smtp(settings.notices_smtp)
    return Command(settings.notices_sendmail) if settings.notices_sendmail else Outbox(archive.outbox)


def _host(host: str) -> str:
    """An address that a browser on this machine can open."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
