"""What is written about notices: letters to those who send them, states in words, the statement of reasons.

Letters are plain text, say what happens next and until when, and name nobody but whoever they go to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import TextWrapper
from typing import TYPE_CHECKING

from phonolith.rights.notice_forms import FORMS, Form
from phonolith.rights.notices import HIDING, Notice, State
from phonolith.rights.working_days import Calendar

if TYPE_CHECKING:
    from phonolith.model.event import Event
    from phonolith.notices.practice import Practice

_WRAPPER = TextWrapper(76, break_long_words=False, break_on_hyphens=False)  # links stay whole

#: What an event of a notice does, as a participle.
STEPS: Mapping[str, str] = {
    "notice.received": "received",
    "notice.confirmed": "confirmed",
    "notice.completed": "completed",
    "notice.hidden": "hidden",
    "notice.upheld": "upheld",
    "notice.rejected": "rejected",
    "notice.reopened": "opened again",
    "notice.restored": "restored",
    "notice.permanent": "made permanent",
    "counter.received": "answered",
    "counter.confirmed": "answer confirmed",
    "counter.forwarded": "forwarded",
    "counter.declined": "declined",
    "item.reinstated": "reinstated",
}

STATES: Mapping[State, str] = {
    State.RECEIVED: "Received. Nothing is done until the sender has confirmed the address.",
    State.INCOMPLETE: "Something is missing, so nothing is hidden.",
    State.ACTIONABLE: "Complete. It is to be decided whether anything is hidden.",
    State.HIDDEN: "What it is about is hidden while it is looked at.",
    State.UPHELD: "It was upheld: what it is about stays down.",
    State.REJECTED: "It was rejected: nothing is hidden by it.",
    State.COUNTERED: "Somebody objects. It stays down while that is looked at.",
    State.WAITING: "The objection was sent on. It comes back unless whoever sent the notice goes to court.",
    State.RESTORED: "What it is about was put back.",
    State.PERMANENT: "What it is about stays down for good.",
}

_GROUNDS = {
    "law": "It rests on law.",
    "owner": "It rests on the wish of whoever it belongs to, not on law.",
    "licence": "It rests on the licence, which does not allow this.",
}
_LAWS = {
    "copyright": "Copyright: 17 U.S.C. 512(c)(3).",
    "illegal": "Content that is illegal in the Union or a member state: Regulation (EU) 2022/2065, article 16.",
    "abuse": "Directive 2011/93/EU, articles 3 to 7.",
}


def title(notice: Notice) -> str:
    """What a notice says, in a few words."""
    return FORMS[notice.form].title if notice.form in FORMS else notice.form


def reasons(notice: Notice, calendar: Calendar, contact: str) -> list[tuple[str, str]]:
    """The statement of reasons (Regulation (EU) 2022/2065, article 17(3)) as headings and sentences.

    It holds nothing of what senders wrote; what persons here decided is in their words.
    """
    decided = [one for one in notice.steps if one.because]
    automatic = bool(decided) and decided[-1].rule
    last = f"{decided[-1].because} ({decided[-1].time[:10]})" if decided else "Nothing was decided yet."
    found = [
        ("What was decided", _measure(notice)),
        ("Facts", f"A notice of {notice.received[:10]}. {last}"),
        ("Automated means", _automatic(automatic)),
        ("Ground", " ".join(filter(None, (_GROUNDS.get(notice.ground, ""), _LAWS.get(notice.form, ""))))),
    ]
    if notice.state in HIDING or notice.state is State.REJECTED:
        found.append(("What can be done", _redress(notice, calendar, contact)))
    return found


def fields(form: Form, told: Mapping[str, str]) -> str:
    """The fields of a letter as text."""
    return "\n".join(f"{one.label}: {told[one.name]}" for one in form.fields if told.get(one.name))


def received(practice: Practice, notice: Notice, follow: str, confirm: str) -> tuple[str, str]:
    """Subject and body of the answer to a notice: its receipt."""
    return f"Notice {notice.id}: received", _letter(practice, _received(practice, notice, follow, confirm))


def countered(practice: Practice, notice: Notice, follow: str, confirm: str, lacks: tuple[str, ...]) -> tuple[str, str]:
    """Subject and body of the answer to a counter-notice."""
    lines = [f"Your counter-notice about notice {notice.id} was received."]
    if confirm:
        lines.append(f"Please confirm that this address is yours:\n{practice.url}/notices/confirm/{confirm}")
    if lacks:
        lines.append(
            f"Something is missing ({', '.join(lacks)}), so it counts for nothing. Please send it again, whole."
        )
    lines.append(f"To see where it stands:\n{practice.url}/notices/receipt/{follow}")
    return f"Counter-notice to {notice.id}: received", _letter(practice, lines)


def decided(practice: Practice, calendar: Calendar, notice: Notice, event: Event, answer: str) -> tuple[str, str]:
    """Subject and body of what is sent when something was decided; ``answer`` is a counter-notice passed on."""
    lines = [f"Notice {notice.id} of {notice.received[:10]}: {STEPS[event.kind]}.", STATES[notice.state]]
    lines += [f"{heading}: {text}" for heading, text in reasons(notice, calendar, practice.contact)]
    if answer:
        counter = notice.open_counter
        day = calendar.after(counter.time if counter else event.time, 10)[:10]
        lines.append(
            f"This is the counter-notice. What is hidden comes back after {day}, unless you tell us before then that "
            f"you have gone to court to keep it down.\n\n{answer}"
        )
    lines.append(f"The same on the web:\n{practice.url}/notices/{notice.id}")
    return f"Notice {notice.id}: {STEPS[event.kind]}", _letter(practice, lines)


def _received(practice: Practice, notice: Notice, follow: str, confirm: str) -> Iterator[str]:
    yield f"Your notice was received at {notice.received}. Its number is {notice.id}."
    if confirm:
        yield (
            "Please confirm that this address is yours; until then nothing is done. If you sent no notice, do nothing: "
            f"then it is dropped.\n{practice.url}/notices/confirm/{confirm}"
        )
    if notice.lacks:
        yield f"Something is missing: {_missing(notice)}. You can add it where you see how it stands."
    yield f"To see how it stands:\n{practice.url}/notices/receipt/{follow}"


def _missing(notice: Notice) -> str:
    form = FORMS[notice.form]
    return "; ".join(form.field(name).label for name in notice.lacks)


def _letter(practice: Practice, lines: Iterator[str] | list[str]) -> str:
    contact = f"\n{practice.contact}" if practice.contact else ""
    wrapped = ("\n".join(_WRAPPER.fill(line) for line in one.split("\n")) for one in lines)
    return "\n\n".join(wrapped) + f"\n\n-- \n{practice.name}{contact}\n"


def _measure(notice: Notice) -> str:
    if notice.down:
        many = f"{len(notice.down):,} item{'s' if len(notice.down) != 1 else ''}"
        until = "for good" if notice.state is State.PERMANENT else "until something else is decided"
        return f"{many} cannot be found, opened, played or downloaded here, anywhere, {until}."
    return STATES[notice.state]


def _automatic(rule: bool) -> str:
    if rule:
        return "The last step was taken by a fixed rule, without a person. Nothing was recognised by a program."
    return "None: persons decided. Nothing was recognised by a program."


def _redress(notice: Notice, calendar: Calendar, contact: str) -> str:
    where = f" Write to {contact}." if contact else ""
    court = "You may also turn to a certified out-of-court dispute settlement body, or to a court."
    if notice.state is State.REJECTED:
        return f"Whoever sent it may complain within six months, free of charge.{where} {court}"
    back = (
        "A counter-notice can be sent from this page; it is answered, and what is hidden comes back 10 to 14 working "
    )
    days = f"days later unless the other side goes to court. {calendar.words}"
    return f"{back}{days} A complaint is possible for six months, free of charge.{where} {court}"
