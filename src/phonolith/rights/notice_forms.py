"""The forms of notices and counter-notices: what each asks for, by which clause, and what of that is missing.

17 U.S.C. 512(c)(3)(A) for copyright, Regulation (EU) 2022/2065 article 16(2) for illegal content, 17 U.S.C. 512(g)(3)
for counter-notices. Owners and licensors who ask without law are asked for less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_NAMED = re.compile(r"(?:.*?/)?(?:(?:track|release|artist)[/:])?([a-z2-7]{16})(?:[/?#].*)?")
_SHA256 = re.compile(r"(?:^|/)([0-9a-f]{64})(?:[?#].*)?$")
MOST_ITEMS = 10_000  # of one notice
LONGEST = 10_000  # characters of a text


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``kind``: line, text, email, telephone, items or tick; ``clause`` is what asks for it.

    ``autocomplete`` is the purpose that browsers know it by (WCAG 1.3.5).
    """

    name: str
    label: str
    kind: str = "line"
    clause: str = ""
    help: str = ""
    autocomplete: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """One form. ``ground`` is that of what is taken down by it: law, owner or licence."""

    code: str
    title: str
    about: str
    ground: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """A field by its name. Raises KeyError."""
        return {one.name: one for one in self.fields}[name]


def _items(clause: str) -> Field:
    words = "Addresses of pages of this library, one a line; ids do too."
    return Field("items", "What it is about", "items", clause, words)


def _sender(clause: str, *, needed: bool = True) -> tuple[Field, ...]:
    asked = "A link is sent there that has to be opened: until then nothing is done."
    return (
        Field("name", "Your name", "line", clause, "", "name", needed),
        Field("email", "Your e-mail address", "email", clause, asked, "email", needed),
    )


_GOOD_FAITH = "I believe in good faith that what this notice says is accurate and complete."
_DMCA = "17 U.S.C. 512(c)(3)(A)"
_DSA = "Regulation (EU) 2022/2065, article 16(2)"
_PUT_BACK = "17 U.S.C. 512(g)(3)"
_REACHED = (
    Field("address", "Postal address", "text", f"{_DMCA}(iv)", "This or a telephone number.", "street-address", False),
    Field("telephone", "Telephone number", "telephone", f"{_DMCA}(iv)", "This or an address.", "tel", False),
)

FORMS: Mapping[str, Form] = {
    "copyright": Form(
        "copyright",
        "It infringes my copyright",
        "A notice under the law of the United States. It is answered within working days, and is checked by a person.",
        "law",
        (
            _items(f"{_DMCA}(iii)"),
            Field("work", "The work that is infringed", "text", f"{_DMCA}(ii)", "Title, maker, and what is yours."),
            *_sender(f"{_DMCA}(iv)"),
            *_REACHED,
            Field(
                "good_faith",
                "I believe in good faith that this use is not authorised by the copyright owner, an agent, or the law.",
                "tick",
                f"{_DMCA}(v)",
            ),
            Field(
                "authorised",
                "This notice is accurate and, under penalty of perjury, I am the owner of the right or may act for it.",
                "tick",
                f"{_DMCA}(vi)",
            ),
            Field("signature", "Signature", "line", f"{_DMCA}(i)", "Your full name, typed."),
        ),
    ),
    "illegal": Form(
        "illegal",
        "It is illegal in the European Union",
        "A notice under the Digital Services Act: of anything that the law of the Union or a member state forbids.",
        "law",
        (
            _items(f"{_DSA}(b)"),
            Field("reasons", "Why it is illegal", "text", f"{_DSA}(a)", "Which law, and what is against it."),
            *_sender(f"{_DSA}(c)"),
            Field("good_faith", _GOOD_FAITH, "tick", f"{_DSA}(d)"),
        ),
    ),
    "abuse": Form(
        "abuse",
        "It shows sexual abuse of children",
        "You need not say who you are. A person looks at it at once.",
        "law",
        (
            _items(f"{_DSA}(b)"),
            Field("reasons", "What is to be seen or heard", "text", f"{_DSA}(a)"),
            *_sender(f"{_DSA}(c)", needed=False),
            Field("good_faith", _GOOD_FAITH, "tick", f"{_DSA}(d)"),
        ),
    ),
    "owner": Form(
        "owner",
        "It is mine, and I wish it gone",
        "No law is needed: whoever made it may ask.",
        "owner",
        (
            _items(""),
            Field("reasons", "What is yours, and how that can be seen", "text"),
            *_sender(""),
            Field("authorised", "It is mine, or I may act for whoever it belongs to.", "tick"),
        ),
    ),
    "licence": Form(
        "licence",
        "Its licence is stated wrongly",
        "The licence shown here is not the one it was given under, or does not allow this.",
        "licence",
        (
            _items(""),
            Field("reasons", "What the licence is, and where that stands", "text"),
            *_sender(""),
            Field("good_faith", _GOOD_FAITH, "tick"),
        ),
    ),
}

COUNTER = Form(
    "counter",
    "It should not have been taken down",
    "A counter-notice. Whoever sent the notice is told what you write and who you are. It comes back after 10 working "
    "days unless they go to court.",
    "",
    (
        Field("reasons", "Why taking it down was a mistake or a misidentification", "text", f"{_PUT_BACK}(C)"),
        *_sender(f"{_PUT_BACK}(D)"),
        Field("address", "Postal address", "text", f"{_PUT_BACK}(D)", "", "street-address"),
        Field("telephone", "Telephone number", "telephone", f"{_PUT_BACK}(D)", "", "tel"),
        Field(
            "good_faith",
            "Under penalty of perjury, I believe in good faith that it was taken down by mistake or misidentification.",
            "tick",
            f"{_PUT_BACK}(C)",
        ),
        Field(
            "jurisdiction",
            "I consent to the jurisdiction of the court for my address (outside the United States: of any court where "
            "this library may be found) and will accept service from whoever sent the notice.",
            "tick",
            f"{_PUT_BACK}(D)",
        ),
        Field("signature", "Signature", "line", f"{_PUT_BACK}(A)", "Your full name, typed."),
    ),
)


def told(form: Form, values: Mapping[str, str]) -> dict[str, str]:
    """The values of the form's fields, as text without what does not show; others are dropped."""
    found = {}
    for field in form.fields:
        text = "".join(c for c in values.get(field.name, "")[:LONGEST] if c.isprintable() or c == "\n").strip()
        if text:
            found[field.name] = "yes" if field.kind == "tick" else text
    return found


def lacks(form: Form, values: Mapping[str, str], subjects: Iterable[str]) -> tuple[str, ...]:
    """The names of fields that are missing or cannot be what they say; empty where the form is complete.

    ``values`` as :func:`told` gives them, ``subjects`` what was recognised of the items.
    """
    missing = [one.name for one in form.fields if one.needed and one.kind != "items" and not values.get(one.name)]
    if "items" in {one.name for one in form.fields} and not tuple(subjects):
        missing.insert(0, "items")
    if values.get("email") and not is_email(values["email"]) and "email" not in missing:
        missing.append("email")
    if form.code == "copyright" and not (values.get("address") or values.get("telephone")):
        missing.append("address")
    return tuple(missing)


def is_email(text: str) -> bool:
    """Whether mail can be sent to it."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


def items_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Public ids and digests that a text names, sorted, each once; and the lines in which none was found.

    A line is the address of a page here, a reference (``track:…``), an id, or the SHA-256 of a file.
    """
    found, strange = set(), []
    for line in filter(None, (one.strip() for one in text.splitlines())):
        digest, named = _SHA256.search(line), _NAMED.fullmatch(line)
        if digest:
            found.add(digest[1])
        elif named:
            found.add(named[1])
        else:
            strange.append(line)
    return tuple(sorted(found)), tuple(strange)
