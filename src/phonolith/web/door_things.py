"""What belongs to whoever came in by the artist's door, thing by thing, and the forms in which they say what is theirs.

Forms work without scripts; each is checked again against what belongs to the door when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phonolith.door import acts, scope
from phonolith.door.office import Office
from phonolith.door.scope import Subject
from phonolith.errors import Busy, UsageError
from phonolith.rights.door import RELS
from phonolith.web import params
from phonolith.web.desk import Desk
from phonolith.web.door import private, said, to_mine

_ON_PAGE = 40
_GUEST = 200
_ROWS = 2  # empty rows for further names


def things(desk: Desk, request: Request) -> Response:
    """``/door/mine/TOKEN/things``: releases and tracks that belong to it."""
    office, token, subject = _entered(desk, request)
    start = params.number(params.DOOR_AFTER, request)
    with office.reading() as reading:
        found, more = scope.releases(reading, subject, start, _ON_PAGE)
        guest = scope.elsewhere(reading, subject, _GUEST) if not start else []
    down = office.decisions().withdrawn
    return private(
        desk,
        request,
        "door_things.html",
        subject=subject,
        mine=f"/door/mine/{token}",
        releases=found,
        tracks=guest,
        next=start + _ON_PAGE if more else 0,
        down=down,
    )


def thing(desk: Desk, request: Request) -> Response:
    """``/door/mine/TOKEN/of/ID``: a track, a release or what the door opens, with all that may be said of it."""
    office, token, subject = _entered(desk, request)
    identifier = params.ID.read(request)
    own = identifier == subject.id and subject.kind != "release"
    with office.reading() as reading:
        found = None if own else scope.belongs(reading, subject, identifier)
        release = found is not None and found.kind == "release"
        tracks = scope.tracks(reading, subject, identifier) if release else []
        pictures = scope.pictures(reading, identifier) if release else []
    decisions = office.decisions()
    kind = found.kind if found else subject.kind
    names = acts.credit(office, subject, identifier) if found else []
    key = office.entered(token).key
    most = acts.MOST_NAMES - _ROWS
    return private(
        desk,
        request,
        "door_thing.html",
        subject=subject,
        mine=f"/door/mine/{token}",
        id=identifier,
        kind=kind,
        found=found,
        title=found.title if found else subject.name,
        fields=acts.FIELDS[kind] if own or (found and found.correct) else (),
        values=acts.values(office, subject, identifier),
        names=[*names, *(acts.Name("") for _ in range(_ROWS))] if found and len(names) <= most else [],
        pictures=pictures,
        chosen=decisions.cover(identifier),
        licences=acts.licences(found) if found else [],
        rights=(found.track.rights if found.track else found.release.rights) if found else None,
        tracks=tracks,
        rels=RELS,
        links=[one for one in decisions.linked.get(identifier, ()) if one.door == key.door],
        down=decisions.withdrawn.get(identifier),
        said=said(office, key.door, identifier),
        told=params.DOOR_TOLD.read(request),
    )


def say(desk: Desk, request: Request, values: Mapping[str, str]) -> Response:
    """Something was said: by the field ``act`` which, by ``id`` of what. Leads back to where it was said."""
    office, token = desk.door, params.TOKEN.read(request)
    act, identifier = values.get("act", ""), values.get("id", "")
    if act not in _ACTS:
        raise UsageError("form", "the form says nothing that can be done here")
    try:
        _ACTS[act](office, token, identifier, values)
    except Busy as error:
        raise HTTPException(429, headers={"retry-after": "3600"}) from error
    back = values.get("back", "")
    if back == "thing" and params.is_id(identifier):
        return RedirectResponse(f"/door/mine/{token}/of/{identifier}?told=said", 303, {"cache-control": "no-store"})
    return to_mine(token, "said")


def _entered(desk: Desk, request: Request) -> tuple[Office, str, Subject]:
    office, token = desk.door, params.TOKEN.read(request)
    found = office.entered(token)
    if not found.open:
        raise UsageError("this link", found.why)
    return office, token, office.subject(found.key)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise UsageError("event", "is no number")
    return int(text)


_ACTS: Mapping[str, Callable[[Office, str, str, Mapping[str, str]], object]] = {
    "correct": acts.correct,
    "link": lambda office, token, of, told: acts.link(office, token, of, told.get("rel", ""), told.get("url", "")),
    "cover": lambda office, token, of, told: acts.cover(office, token, of, told.get("sha256", "")),
    "confirm": lambda office, token, of, told: acts.confirm(office, token, of, _agreed(told)),
    "withdraw": lambda office, token, of, _: acts.withdraw(office, token, of),
    "undo": lambda office, token, _, told: acts.undo(office, token, _number(told.get("event", ""))),
}


def _agreed(told: Mapping[str, str]) -> str:
    """The licence that was chosen, by somebody who saw what it means."""
    if not told.get("agreed"):
        raise UsageError("the licence", "is confirmed by ticking that it is yours to give")
    return told.get("licence", "")
