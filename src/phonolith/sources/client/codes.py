"""Every verdict the client can end with: its code, its error class and its words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from phonolith.errors import BadInput, NotFound, PhonolithError, RefusedByRights, TimedOut

_LATER = "Try again later; what was fetched is kept"
_REPORT = "Tell its operator, or leave it out"
_ASK = "Ask its operator for permission"

#: code → (class, what is wrong, what to do). TimedOut: may go well later. RefusedByRights: the origin does not want
#: it. NotFound: it is not there. BadInput: what it answers cannot be trusted; asking again the same way is no help.
CODES: Mapping[str, tuple[type[PhonolithError], str, str]] = MappingProxyType(
    {
        "http.address": (BadInput, "is no address that is asked", "Give one that begins with https:// or http://"),
        "http.inward": (BadInput, "leads to an address that is not of the public network", _REPORT),
        "http.downgrade": (BadInput, "leads from https to http", _REPORT),
        "http.elsewhere": (BadInput, "leads to another server", "If that is meant, ask that one by its address"),
        "http.loop": (BadInput, "leads in a circle", _REPORT),
        "http.redirects": (BadInput, "leads on too often", _REPORT),
        "http.tls": (
            BadInput,
            "has a certificate that does not prove who it is",
            "Look at the clock, then tell its operator",
        ),
        "http.dns": (TimedOut, "cannot be found in the DNS", _LATER),
        "http.connection": (TimedOut, "cannot be reached", _LATER),
        "http.timeout": (TimedOut, "did not answer in time", _LATER),
        "http.stalled": (TimedOut, "stopped sending", _LATER),
        "http.slow": (TimedOut, "sends too slowly", _LATER),
        "http.busy": (TimedOut, "asks us to wait, again and again", _LATER),
        "http.failing": (TimedOut, "fails on its side", _LATER),
        "http.absent": (NotFound, "is not there", "Leave it out"),
        "http.gone": (NotFound, "is gone for good", "Leave it out"),
        "http.forbidden": (RefusedByRights, "is refused there", _ASK),
        "http.fault": (
            BadInput,
            "finds fault with what was asked",
            "Look at the address; its service may have changed",
        ),
        "http.status": (BadInput, "answers what was not asked", _REPORT),
        "http.malformed": (BadInput, "does not speak HTTP", _REPORT),
        "http.head": (BadInput, "has headers beyond any measure", _REPORT),
        "http.cut": (BadInput, "ends before its end", _LATER),
        "http.unframed": (
            BadInput,
            "does not say how long it is",
            "Accept it only where something else proves it whole",
        ),
        "http.large": (BadInput, "is larger than is taken", "Raise the limit if it is meant to be"),
        "http.bomb": (BadInput, "unpacks to more than is taken", _REPORT),
        "http.encoding": (BadInput, "is packed in a way that was not asked for", _REPORT),
        "http.json": (BadInput, "is not JSON", "Look at what it answers"),
        "http.kind": (BadInput, "is a page where a file should be", _REPORT),
        "http.size": (BadInput, "has another size than was stated", _REPORT),
        "http.digest": (BadInput, "has another digest than was stated", _REPORT),
        "robots.disallowed": (RefusedByRights, "is closed to us by robots.txt", _ASK),
        "robots.delay": (RefusedByRights, "asks for more patience than a harvest has", _ASK),
        "robots.unreachable": (TimedOut, "has a robots.txt that cannot be read now, so nothing is asked", _LATER),
    }
)

#: Told as findings while work goes on; no error.
NOTES = ("http.retry-after", "http.range-lie")


def verdict(code: str, subject: str, detail: str = "") -> PhonolithError:
    """The error of ``code`` about ``subject`` (an address that may be shown); ``detail`` adds to what is wrong."""
    kind, problem, remedy = CODES[code]
    error = kind(subject, f"{problem}: {detail}" if detail else problem, remedy)
    error.code = code
    return error


def worth_another_try(code: str) -> bool:
    """Whether the same request may go well in a moment."""
    return code == "http.cut" or (code.startswith("http.") and CODES[code][0] is TimedOut)
