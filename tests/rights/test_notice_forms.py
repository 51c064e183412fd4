"""The forms of notices: each field of the law is asked for, and missed when it is not there."""

from __future__ import annotations

import pytest

from phonolith.rights.notice_forms import COUNTER, FORMS, Form, is_email, items_of, lacks, told

A, B, DIGEST = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbb2", "0" * 64
ALL = (*FORMS.values(), COUNTER)


def whole(form: Form) -> dict[str, str]:
    """Every field of a form, filled in."""
    values = {one.name: "yes" if one.kind == "tick" else f"words of {one.name}" for one in form.fields}
    return values | {"email": "somebody@example.org"} | ({"items": f"track:{A}"} if "items" in values else {})


@pytest.mark.parametrize("form", ALL, ids=lambda one: one.code)
def test_a_whole_form_lacks_nothing_and_each_needed_field_is_missed(form: Form) -> None:
    values = told(form, whole(form))
    about = items_of(values.get("items", ""))[0]
    assert lacks(form, values, about) == ()
    for field in form.fields:
        rest = {name: text for name, text in values.items() if name != field.name}
        missing = lacks(form, rest, () if field.kind == "items" else about)
        assert missing == ((field.name,) if field.needed else ()), field.name


def test_the_clauses_of_the_law_are_all_asked_for() -> None:
    clauses = {one.clause.rpartition("(A)")[2] for one in FORMS["copyright"].fields}
    assert clauses == {f"({number})" for number in ("i", "ii", "iii", "iv", "v", "vi")}
    assert {one.clause[-3:] for one in FORMS["illegal"].fields} == {"(a)", "(b)", "(c)", "(d)"}
    assert {one.clause[-3:] for one in COUNTER.fields} == {"(A)", "(C)", "(D)"}


def test_a_copyright_owner_is_reached_by_letter_or_telephone() -> None:
    form = FORMS["copyright"]
    values = told(form, whole(form))
    assert lacks(form, {k: v for k, v in values.items() if k not in ("address", "telephone")}, [A]) == ("address",)


def test_who_reports_abuse_of_children_need_not_say_who_they_are() -> None:
    values = told(FORMS["abuse"], {"reasons": "what is to be seen", "good_faith": "yes"})
    assert lacks(FORMS["abuse"], values, [A]) == ()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (A, A),
        (f"track:{A}", A),
        (f"https://music.example.org/release/{A}", A),
        (f"https://music.example.org/track/{A}?from=x#y", A),
        (f"/artist/{A}/", A),
        (f"https://music.example.org/media/{A}/{DIGEST}", DIGEST),
        (f"https://music.example.org/media/{A}/{DIGEST}?download=1", DIGEST),
        (DIGEST, DIGEST),
        (f"label:{A}", ""),
        ("a song by somebody", ""),
        (A + "a", ""),
        (A.upper(), ""),
        ("<script>", ""),
    ],
)
def test_what_a_line_names(line: str, named: str) -> None:
    found, strange = items_of(f"\n  {line} \n")
    assert (found, strange) == (((named,), ()) if named else ((), (line,)))


def test_items_come_once_and_in_order() -> None:
    assert items_of(f"{B}\n{A}\ntrack:{B}") == ((A, B), ())


def test_words_are_kept_as_text_that_shows() -> None:
    values = told(
        FORMS["owner"], {"name": " A\x00B\u202e ", "reasons": "one\ntwo\x1b[31m", "strange": "x", "items": ""}
    )
    assert values == {"name": "AB", "reasons": "one\ntwo[31m"}
    assert len(told(FORMS["owner"], {"reasons": "x" * 100_000})["reasons"]) == 10_000


@pytest.mark.parametrize(
    "text",
    ["a@b", "a b@example.org", "a@example.org\nBcc: x@y.z", "<a@example.org>", "a@", "@b.c", "ä@b.cd", "a,b@c.de"],
)
def test_what_is_no_address_of_mail(text: str) -> None:
    assert not is_email(text)
    assert lacks(FORMS["owner"], {**whole(FORMS["owner"]), "email": text}, [A]) == ("email",)
