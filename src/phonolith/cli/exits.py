"""Exit codes: the contract with scripts, one table that maps every error class."""

from __future__ import annotations

from dataclasses import dataclass

from phonolith.errors import (
    BadInput,
    Busy,
    Damaged,
    Interrupted,
    NewerFormat,
    NotAnArchive,
    NotFound,
    PhonolithError,
    RefusedByRights,
    SettingError,
    StorageError,
    TimedOut,
    UsageError,
    Withdrawn,
)

OK = 0
FINDINGS = 1
INTERNAL = 70
BROKEN_PIPE = 141


@dataclass(frozen=True, slots=True)
class Exit:
    """One way to end: its number, its name in JSON, and what it means for a script."""

    code: int
    name: str
    meaning: str


#: Every error class with its exit. Numbers are never given a new meaning; new errors get new numbers.
ERRORS: dict[type[PhonolithError], Exit] = {
    UsageError: Exit(2, "usage", "the request cannot be understood or is not possible as put"),
    SettingError: Exit(3, "setting", "a setting is missing or has a value it cannot have"),
    NotFound: Exit(4, "not-found", "a thing that was asked for by name is not there"),
    NotAnArchive: Exit(5, "not-an-archive", "the folder is not an archive"),
    RefusedByRights: Exit(6, "refused-by-rights", "the rights gate said no"),
    Withdrawn: Exit(14, "withdrawn", "it was taken down by a decision"),
    Busy: Exit(7, "busy", "another process holds the lock; try again when it is done"),
    NewerFormat: Exit(8, "newer-format", "written by a newer version of Phonolith than this one"),
    BadInput: Exit(9, "bad-input", "bytes from outside cannot be read as what they claim to be"),
    Damaged: Exit(10, "damaged", "held or derived data is not what its digest or format says"),
    StorageError: Exit(11, "storage", "the disk refused: full, read-only, no permission, I/O error"),
    TimedOut: Exit(12, "timed-out", "a deadline passed before the answer was there"),
    Interrupted: Exit(130, "interrupted", "stopped by a person; what was done is kept"),
    PhonolithError: Exit(13, "error", "any other error raised on purpose"),
}

#: What else a run can end with.
OTHERS: tuple[Exit, ...] = (
    Exit(OK, "ok", "done"),
    Exit(FINDINGS, "findings", "an inspecting verb worked and found something that wants attention"),
    Exit(INTERNAL, "internal", "a fault in Phonolith; the crash report says where"),
    Exit(BROKEN_PIPE, "broken-pipe", "whoever read the output stopped reading, as in `| head`"),
)


def exit_of(error: PhonolithError) -> Exit:
    """The exit of an error: that of its own class, else of the nearest one above."""
    return next(ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS)


def all_exits() -> list[Exit]:
    """Every exit by number, for the documentation."""
    return sorted([*OTHERS, *ERRORS.values()], key=lambda item: item.code)
