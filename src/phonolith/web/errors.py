"""What went wrong, as an HTTP answer: one table for every error class, one page and one problem document for all.

Every answer about an error has an id, which is in the log with what happened, so that a person can tell the operator.
"""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from phonolith import errors

_LOG = logging.getLogger("phonolith.web")

#: HTTP status by error class; a class that is not here answers like its nearest base. Complete by test.
STATUS: dict[type[errors.PhonolithError], int] = {
    errors.PhonolithError: 500,
    errors.UsageError: 400,
    errors.SettingError: 500,
    errors.NotFound: 404,
    errors.NotAnArchive: 503,
    errors.RefusedByRights: 403,
    errors.Withdrawn: 410,
    errors.Busy: 503,
    errors.NewerFormat: 503,
    errors.BadInput: 400,
    errors.Damaged: 503,
    errors.StorageError: 503,
    errors.TimedOut: 503,
    errors.Interrupted: 503,
}

_TITLES = {
    400: "That cannot be understood",
    403: "This may not be given here",
    404: "There is nothing here",
    405: "That cannot be done here",
    406: "Not in that form",
    429: "That was much at once",
    410: "This was taken down",
    451: "Not available for legal reasons",
    500: "Something went wrong here",
    503: "Not just now",
}
_WORDS = {
    400: "The address or the form holds something this library has no answer for.",
    403: "What is known of its licence does not permit it.",
    404: "The address may be mistyped, or the thing it named is not in this archive.",
    405: "This address can be read and nothing else.",
    429: "Please try again in an hour, or write to whoever runs this library.",
    410: "Its owner or its licence no longer permits it.",
    451: "The law, or an order, does not permit it.",
    500: "It is a fault of the server, not of what you did. It has been written to the server's log.",
    503: "The library cannot answer at the moment. Please try again in a little while.",
}


_KEY = re.compile("(/(?:mine|receipt|confirm|complete)/)[^/]+")
_COMMAND = "phonolith "  # how the words begin that tell what to type


class NothingBuilt(errors.NotFound):
    """The archive has no catalogue yet; a visitor gets a friendly page and the operator is told what to run."""


STATUS[NothingBuilt] = 503


@dataclass(frozen=True, slots=True)
class Problem:
    """What to tell: ``title`` and ``detail`` for a person, ``remedy`` what can be done, ``id`` to ask about.

    ``notice`` is the number of the notice that took it down, if one did.
    """

    status: int
    title: str
    detail: str
    remedy: str
    id: str
    kind: str
    notice: str = ""

    def document(self) -> dict[str, object]:
        """The same as application/problem+json (RFC 9457)."""
        return {
            "type": f"urn:phonolith:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": f"{self.detail} {self.remedy}".strip(),
            "instance": f"urn:phonolith:incident:{self.id}",
        }


def problem_of(error: Exception, *, path: str) -> Problem:
    """The answer to an error; what is the server's fault goes to the log under the problem's id.

    The words of an error of ours are for people and are shown, except where they are about the server's own disk and
    settings, or name a command, which is the operator's and not the visitor's; of any other error nothing is shown.
    """
    incident = secrets.token_hex(4)
    status = status_of(error)
    detail, remedy = _WORDS.get(status, _WORDS[500]), ""
    if isinstance(error, errors.PhonolithError) and status not in (500, 503):
        detail = _sentence(error.problem) or detail
        remedy = "" if _COMMAND in error.remedy else _sentence(error.remedy)
    if status >= 500 and not isinstance(error, NothingBuilt):
        where = _KEY.sub(r"\1…", path)  # who reads a log is not let in by it
        _LOG.error(
            "incident %s at %.200r: %s: %s", incident, where, type(error).__name__, error, exc_info=status == 500
        )
    title = _TITLES.get(status, _TITLES[500])
    return Problem(status, title, detail, remedy, incident, _kind(error, status), getattr(error, "notice", ""))


def status_of(error: Exception) -> int:
    """The HTTP status of an error: its own, its class's, or 500."""
    if isinstance(error, errors.Withdrawn):
        return error.status
    if isinstance(error, HTTPException):
        return error.status_code
    return next((STATUS[base] for base in type(error).__mro__ if base in STATUS), 500)


def _sentence(text: str) -> str:
    text = text.strip()
    return text and text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _kind(error: Exception, status: int) -> str:
    if isinstance(error, errors.PhonolithError):
        name = type(error).__name__
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
    return f"http-{status}"
