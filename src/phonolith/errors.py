"""Every error Phonolith raises on purpose, as one tree.

Each message names its subject, what is wrong and what to do, in that order. Edges own one table each that maps
these classes to their answer (exit code, HTTP status); a test keeps the tables complete.

    PhonolithError
    ├── UsageError            the request cannot be understood or is not possible as put
    │   └── SettingError      a setting is missing or has a value it cannot have
    ├── NotFound              a thing that was asked for by name is not there
    │   └── NotAnArchive      the folder is not an archive
    ├── RefusedByRights       the gate said no
    │   └── Withdrawn         taken down by a decision; carries the HTTP status its ground asks for
    ├── Busy                  another process holds the lock
    ├── NewerFormat           written by a newer version of Phonolith
    ├── BadInput              bytes from outside cannot be read as what they claim to be
    ├── Damaged               held or derived data is not what its digest or format says
    ├── StorageError          the disk refused: full, read-only, permission, I/O
    ├── TimedOut              a deadline passed
    └── Interrupted           stopped by a person; what was done is kept
"""

from __future__ import annotations


class PhonolithError(Exception):
    """Base of all errors raised on purpose.

    ``subject`` is what it is about (a path, an id, a setting), ``problem`` what is wrong with it, ``remedy`` what a
    person can do. ``str()`` joins them into one line. ``code`` is that of the finding it makes where things are
    inspected or gathered rather than used; "" where programs tell errors apart by class alone.
    """

    code = ""

    def __init__(self, subject: str, problem: str, remedy: str = "") -> None:
        super().__init__(subject, problem, remedy)
        self.subject = subject
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.subject}: {self.problem}"
        return f"{text}. {self.remedy}" if self.remedy else text


class UsageError(PhonolithError):
    """The request cannot be understood or is not possible as put."""


class SettingError(UsageError):
    """A setting is missing or has a value it cannot have."""


class NotFound(PhonolithError):
    """A thing that was asked for by name is not there."""


class NotAnArchive(NotFound):
    """The folder is not an archive."""


class RefusedByRights(PhonolithError):
    """The gate said no; ``problem`` carries its reasons."""


class Withdrawn(RefusedByRights):
    """Taken down by a decision.

    ``status`` is 451 where the law requires it (RFC 7725), 410 where the owner or a licence does. ``notice`` is the id
    of the notice that did it, "" where none did.
    """

    def __init__(self, subject: str, problem: str, remedy: str = "", *, status: int = 410, notice: str = "") -> None:
        super().__init__(subject, problem, remedy)
        self.status = status
        self.notice = notice


class Busy(PhonolithError):
    """Another process holds the lock; ``problem`` says who and since when."""


class NewerFormat(PhonolithError):
    """Written by a newer version of Phonolith than this one."""


class BadInput(PhonolithError):
    """Bytes from outside cannot be read as what they claim to be."""

    def __init__(self, subject: str, problem: str, remedy: str = "", *, code: str = "input.unreadable") -> None:
        super().__init__(subject, problem, remedy)
        self.code = code


class Damaged(PhonolithError):
    """Held or derived data is not what its digest or its format says."""


class StorageError(PhonolithError):
    """The disk refused: full, read-only, no permission, I/O error."""


class TimedOut(PhonolithError):
    """A deadline passed before the answer was there."""


class Interrupted(PhonolithError):
    """Stopped by a person; what was done so far is kept."""
