"""The pages of the artist's door: what it is, which page is to be proven, the code, and what was said so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phonolith.door import scope
from phonolith.door.office import Entered, Office
from phonolith.door.placed import NAME, written
from phonolith.door.scope import Subject
from phonolith.errors import Busy, NotFound
from phonolith.rights.door import RELS, Act, State
from phonolith.rights.door_pages import judge
from phonolith.web import params
from phonolith.web.desk import Desk
from phonolith.web.posted import form_token, sender_of

_SHOWN = 60  # of what was said


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said, for a page: ``what`` in words, ``of`` what, ``undone`` whether it counts no more."""

    event: int
    time: str
    what: str
    value: str
    of: str
    href: str
    undone: bool


def index(desk: Desk, request: Request) -> Response:
    """``/door``: what the door is for, and how it is found."""
    return desk.renderer.page(request, "door.html", opened=desk.has_door)


def pages(desk: Desk, request: Request) -> Response:
    """``/door/ID``: the pages by which the door of an artist, label or release is opened, and why others are none."""
    office = desk.door
    with office.reading() as reading:
        subject = scope.subject_of(reading, params.ID.read(request))
        found = scope.pages(reading, subject)
    return private(
        desk,
        request,
        "door_pages.html",
        subject=subject,
        good=[one for one in found if not one.why],
        others=[one for one in found if one.why],
    )


def ask(desk: Desk, request: Request, values: Mapping[str, str]) -> Response:
    """Somebody says that a page is theirs."""
    try:
        token = desk.door.ask(params.ID.read(request), values.get("page", ""), sender_of(request))
    except Busy as error:
        raise HTTPException(429, headers={"retry-after": "3600"}) from error
    return to_mine(token)


def mine(desk: Desk, request: Request) -> Response:
    """``/door/mine/TOKEN``: the code and where to place it; once the page is proven, what may be said."""
    office, token = desk.door, params.TOKEN.read(request)
    found = office.entered(token)
    subject = office.subject(found.key)
    return _opened(desk, request, token, found, subject) if found.open else _asked(desk, request, token, found, subject)


def look(desk: Desk, request: Request, _: Mapping[str, str]) -> Response:
    """Look at the page now."""
    token = params.TOKEN.read(request)
    seen = desk.door.look(token)
    return to_mine(token, "seen" if seen.found else "soon" if "in a minute" in seen.problem else "missed")


def other_link(desk: Desk, request: Request, _: Mapping[str, str]) -> Response:
    """Another link in the place of this one, so that whoever has the old one is out."""
    return to_mine(desk.door.other_link(params.TOKEN.read(request)), "renewed")


def to_mine(token: str, told: str = "") -> Response:
    """Back to the personal page."""
    more = f"?told={told}" if told else ""
    return RedirectResponse(f"/door/mine/{token}{more}", 303, {"cache-control": "no-store"})


def private(desk: Desk, request: Request, template: str, **values: Any) -> Response:
    """A page for one person: nobody keeps it."""
    answer = desk.renderer.page(request, template, token=form_token(desk), **values)
    answer.headers["cache-control"] = "no-store"
    answer.headers["x-robots-tag"] = "noindex"
    return answer


def _asked(desk: Desk, request: Request, token: str, found: Entered, subject: Subject) -> Response:
    key = found.key
    back = f"{desk.door.practice.url}/{subject.kind}/{subject.id}?{NAME}={key.code}"
    with desk.door.reading() as reading:
        root = any(one.root for one in scope.pages(reading, subject) if one.url == key.page)
    return private(
        desk,
        request,
        "door_ask.html",
        subject=subject,
        key=key,
        mine=f"/door/mine/{token}",
        name=NAME,
        written=written(key.code),
        back=back,
        root=root and not judge(subject.kind, "homepage", key.page).why,
        why=found.why,
        told=params.DOOR_TOLD.read(request),
        waits=key.proven and (key.waits or (found.door is not None and found.door.state is State.WAITING)),
        ended=found.door is not None and found.door.state is State.ENDED,
    )


def _opened(desk: Desk, request: Request, token: str, found: Entered, subject: Subject) -> Response:
    office = desk.door
    own = office.decisions().linked.get(subject.id, ())
    return private(
        desk,
        request,
        "door_mine.html",
        subject=subject,
        key=found.key,
        mine=f"/door/mine/{token}",
        links=[one for one in own if one.door == found.key.door],
        rels=RELS,
        said=said(office, found.key.door),
        told=params.DOOR_TOLD.read(request),
        voice=found.door.voice if found.door else "",
    )


def said(office: Office, door: str, about: str = "") -> list[Said]:
    """What was said by a door, or of one thing by it, newest first."""
    listed = [one for one in office.acts(door) if not about or about in one.subjects]
    with office.reading() as reading:
        return [_told(one, *_page(reading, one.subjects[0])) for one in listed[:_SHOWN]]


def _told(one: Act, name: str, href: str) -> Said:
    told = one.told
    what, value = {
        "door.set": (str(told.get("field", "")).replace("_", " "), told.get("value") or "nothing"),
        "door.linked": (f"link, {told.get('rel')}", told.get("url") or ""),
        "door.covered": ("cover", ""),
        "door.licensed": ("licence confirmed", told.get("licence") or ""),
        "door.withdrew": ("taken down", ""),
    }[one.kind]
    more = f" and {len(one.subjects) - 1} more" if len(one.subjects) > 1 else ""
    return Said(one.event, one.time, what, value, f"{name}{more}", href, bool(one.undone))


def _page(reading: Any, identifier: str) -> tuple[str, str]:
    """The name of a thing, and its page."""
    try:
        kind, row = reading.snapshot.find(identifier)
    except NotFound:
        return identifier, ""
    column = "title" if kind in ("track", "release") else "name"
    sql = f"SELECT {column} FROM {kind} WHERE id = ?"
    return str(reading.rows(sql, (row,))[0][0]), f"/{kind}/{identifier}"
