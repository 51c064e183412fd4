"""The pages of notices: forms that work without scripts, receipts, the statement of reasons, and the public log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phonolith.errors import NotFound, UsageError
from phonolith.notices.public import NoticesView, NoticeView, listed, view
from phonolith.notices.words import STATES
from phonolith.rights import notice_forms as forms
from phonolith.rights.notices import Notice, State, fits
from phonolith.store.letters import Letter
from phonolith.web import feed, params
from phonolith.web.desk import Desk
from phonolith.web.names import shown
from phonolith.web.offerings import base
from phonolith.web.posted import form_token, sender_of
from phonolith.web.render import packed

_ON_PAGE = 50
_ENTRIES = 100  # of the feed


def index(desk: Desk, request: Request) -> Response:
    """``/notices``: the public log, newest first."""
    found = log(desk, request, _ON_PAGE)
    about = {one: _address(desk, one) for notice in found.notices for one in notice.about[:_ON_PAGE]}
    return desk.renderer.page(request, "notices.html", found=found, about=about, page=found)


def log(desk: Desk, request: Request, limit: int) -> NoticesView:
    """A piece of the public log."""
    office = desk.office
    after = params.NOTICE_AFTER.read(request)
    return listed(office.notices(), office.calendar, office.practice.contact, after, limit)


def as_values(desk: Desk, request: Request) -> NoticesView:
    """The same for programs."""
    return log(desk, request, params.number(params.LIMIT, request))


def reasons(desk: Desk, request: Request) -> NoticeView:
    """The public part of one notice. Raises NotFound, also for one that nobody confirmed."""
    notice = _public(desk, params.NOTICE.read(request))
    return view(notice, desk.office.calendar, desk.office.practice.contact)


def one(desk: Desk, request: Request) -> Response:
    """``/notices/ID``: where a notice stands, and the statement of reasons."""
    found = reasons(desk, request)
    about = {name: _address(desk, name) for name in found.about}
    can_answer = fits(_public(desk, found.id), "counter.received")
    return desk.renderer.page(request, "notice.html", found=found, about=about, can_answer=can_answer)


def rss(desk: Desk, request: Request) -> Response:
    """``/notices.rss``: the newest of the log."""
    office, where = desk.office, base(desk, request)
    found = listed(office.notices(), office.calendar, office.practice.contact, "", _ENTRIES)
    news = [
        feed.Item(
            f"{one.title}: {one.state}",
            f"{where}{one.url}",
            f"urn:phonolith:notice:{one.id}:{one.state}",
            one.since,
            one.state_words,
        )
        for one in found.notices
    ]
    name = shown(desk.renderer.site.name)
    body = feed.news(
        f"Notices, {name}", f"{where}/notices", f"{where}/notices.rss", f"Notices that {name} received", news
    )
    return packed(request, body, {"content-type": "application/rss+xml; charset=utf-8", "cache-control": "no-cache"})


def new(desk: Desk, request: Request) -> Response:
    """``/notices/new``: which form it is to be; with ``form``, that form. ``item`` is what it is about."""
    code, item = params.NOTICE_FORM.read(request), params.NOTICE_ITEM.read(request)
    if not code:
        return desk.renderer.page(request, "notice_new.html", forms=forms.FORMS.values(), item=item)
    return _form(desk, request, forms.FORMS[code], {"items": item} if item else {}, "/notices/new")


def send(desk: Desk, request: Request, values: Mapping[str, str]) -> Response:
    """A notice was sent: receive it, whatever is missing, and lead to its receipt."""
    if values.get("form") not in forms.FORMS:
        raise UsageError("form", "the form is none of this library")
    _admit(desk, request, values)
    receipt = desk.office.file(values["form"], values, road="form")
    return _to_receipt(receipt.token)


def confirm(desk: Desk, request: Request) -> Response:
    """``/notices/confirm/TOKEN``: asks for one click, since programs open links in mail too."""
    letter = desk.office.letters.confirming(params.TOKEN.read(request))
    if letter is None:
        raise NotFound("this link", "is not one that was sent from here, or what it belongs to was erased")
    return _private(desk, request, "notice_confirm.html", notice=letter.notice, done=False, token=form_token(desk))


def confirmed(desk: Desk, request: Request, _: Mapping[str, str]) -> Response:
    """The sender said that the address is theirs."""
    letter = desk.office.confirm(params.TOKEN.read(request))
    notice = desk.office.notice(letter.notice)
    about = _about_letter(notice, letter)
    return _private(desk, request, "notice_confirm.html", notice=letter.notice, done=True, about=about)


def receipt(desk: Desk, request: Request) -> Response:
    """``/notices/receipt/TOKEN``: where a letter stands, for whoever sent it."""
    token, letter, notice = _letter(desk, request)
    own = letter.id == notice.id
    next_ = desk.office.due(notice) if own else None
    return _private(
        desk,
        request,
        "notice_receipt.html",
        notice=notice,
        own=own,
        told=_about_letter(notice, letter),
        missing=_missing(notice, letter),
        by=next_.by[:10] if next_ and notice.state in (State.RECEIVED, State.INCOMPLETE) else "",
        complete=f"/notices/complete/{token}" if own and fits(notice, "notice.completed") else "",
        mailed=bool(letter.told.get("email")),
        unconfirmed=not _is_confirmed(notice, letter),
    )


def complete(desk: Desk, request: Request) -> Response:
    """``/notices/complete/TOKEN``: the form again, with what was written in it."""
    token, letter, _ = _letter(desk, request)
    form = forms.FORMS.get(letter.form)
    if form is None:
        raise NotFound("this form", "is sent again instead")
    return _form(desk, request, form, letter.told, f"/notices/complete/{token}")


def completed(desk: Desk, request: Request, values: Mapping[str, str]) -> Response:
    """Fuller fields were sent."""
    token, _, _ = _letter(desk, request)
    _admit(desk, request, {})
    desk.office.complete(token, values)
    return _to_receipt(token)


def counter(desk: Desk, request: Request) -> Response:
    """``/notices/ID/counter``: the form of a counter-notice."""
    notice = _public(desk, params.NOTICE.read(request))
    if not fits(notice, "counter.received"):
        raise NotFound(f"notice {notice.id}", f"it is {notice.state}, so there is nothing to answer")
    return _form(desk, request, forms.COUNTER, {}, f"/notices/{notice.id}/counter")


def countered(desk: Desk, request: Request, values: Mapping[str, str]) -> Response:
    """A counter-notice was sent."""
    identifier = _public(desk, params.NOTICE.read(request)).id
    _admit(desk, request, values)
    return _to_receipt(desk.office.counter(identifier, values).token)


def _form(desk: Desk, request: Request, form: forms.Form, told: Mapping[str, str], action: str) -> Response:
    """A form; nobody keeps it, since its token ages and it may have been filled in."""
    filled = {one.name: told.get(one.name, "") for one in form.fields}
    return _private(desk, request, "notice_form.html", form=form, told=filled, action=action, token=form_token(desk))


def _private(desk: Desk, request: Request, template: str, **values: Any) -> Response:
    """A page for one person: nobody keeps it."""
    answer = desk.renderer.page(request, template, **values)
    answer.headers["cache-control"] = "no-store"
    answer.headers["x-robots-tag"] = "noindex"
    return answer


def _admit(desk: Desk, request: Request, values: Mapping[str, str]) -> None:
    """Count what comes from one address, of the net and of mail. Raises 429."""
    if not desk.office.admit(sender_of(request), values.get("email", "").strip().lower()):
        raise HTTPException(429, headers={"retry-after": "3600"})


def _to_receipt(token: str) -> Response:
    return RedirectResponse(f"/notices/receipt/{token}", 303, {"cache-control": "no-store"})


def _letter(desk: Desk, request: Request) -> tuple[str, Letter, Notice]:
    token = params.TOKEN.read(request)
    letter = desk.office.letters.following(token)
    if letter is None:
        raise NotFound("this receipt", "is not one of this library, or what it belongs to was erased")
    return token, letter, desk.office.notice(letter.notice)


def _is_confirmed(notice: Notice, letter: Letter) -> bool:
    return {one.id: one.confirmed for one in notice.counters}.get(letter.id, notice.confirmed)


def _missing(notice: Notice, letter: Letter) -> list[str]:
    """Labels of what is missing from a letter."""
    form = forms.COUNTER if letter.id != notice.id else forms.FORMS[notice.form]
    lacks = {one.id: one.lacks for one in notice.counters}.get(letter.id, notice.lacks)
    return [form.field(name).label for name in lacks]


def _about_letter(notice: Notice, letter: Letter) -> str:
    """Where a letter stands, as a sentence."""
    if letter.id == notice.id:
        return STATES[notice.state]
    counter = next((one for one in notice.counters if one.id == letter.id), None)
    if counter is None or not counter.confirmed:
        return "Your counter-notice counts once you have confirmed your address."
    if counter.lacks:
        return "Something is missing from your counter-notice, so it counts for nothing. Please send it again, whole."
    return "Your counter-notice was declined." if counter.declined else STATES[notice.state]


def _public(desk: Desk, identifier: str) -> Notice:
    notice = desk.office.notices().get(identifier)
    if notice is None or notice.state is State.RECEIVED:
        raise NotFound(f"notice {identifier}", "there is none of that number, or its sender did not confirm it")
    return notice


def _address(desk: Desk, name: str) -> str:
    """The page of an id, "" where there is none."""
    library = desk.library_if_built
    if library is None:
        return ""
    try:
        with library.reading() as reading:
            return f"/{reading.snapshot.find(name)[0]}/{name}"
    except NotFound:
        return ""
