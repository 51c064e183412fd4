"""What a person reads who asks why."""

from __future__ import annotations

from phonolith.model.music import Level, LicenceStatement
from phonolith.rights.decisions import Withdrawal
from phonolith.rights.evidence import Attestation, resolve
from phonolith.rights.explain import explain
from phonolith.rights.gate import Policy, Subject

ID = "aaaaaaaaaaaaaaaa"
DIGEST = "ab" * 32
STATED = LicenceStatement(
    "http://creativecommons.org/licenses/by-nc-nd/3.0/de/",
    Level.THIRD_PARTY,
    "freemusi",
    "releases.csv",
    "2026",
    DIGEST,
)


def told(
    statements: list[LicenceStatement],
    attestations: list[Attestation] | None = None,
    withdrawn: dict[str, Withdrawal] | None = None,
    held: bool = True,
) -> str:
    subject = Subject(resolve(statements, attestations or []), (ID,), held)
    lines = explain(
        f"track:{ID}", subject, statements, policy=Policy(), withdrawn=withdrawn or {}, attestations=attestations or []
    )
    assert all("\n" not in line for line in lines)
    return "\n".join(lines)


def test_a_denial_says_what_was_stated_where_and_what_would_change_it() -> None:
    text = told([STATED])
    for part in (
        "NonCommercial-NoDerivatives 3.0 (DE)",
        "level 1 of 4",
        "“http://creativecommons.org/licenses/by-nc-nd/3.0/de/” = CC-BY-NC-ND-3.0-DE",
        "freemusi in releases.csv, 2026",
        DIGEST,
        "list its metadata: yes",
        "stream it: no (403)",
        "level 2 is needed",
        f"phonolith rights attest track:{ID} --licence https://creativecommons.org/licenses/by-nc-nd/3.0/de/",
    ):
        assert part in text
    assert "does not permit commercial use" in text


def test_nothing_stated() -> None:
    text = told([])
    assert "Stated: nothing" in text
    assert "--licence URI" in text


def test_an_attestation_is_shown_as_attested_with_its_event() -> None:
    attestation = Attestation("CC0-1.0", "rightsholder", "we made it", 12, "2026-01-01T00:00:00Z", DIGEST)
    text = told([STATED], [attestation])
    assert "basis: attested" in text
    assert f"attested as rightsholder in event 12, 2026-01-01T00:00:00Z; document {DIGEST}" in text
    assert "What would change this" not in text


def test_a_withdrawal_is_shown_with_the_way_back() -> None:
    text = told([STATED], withdrawn={ID: Withdrawal("law", "a court said so", 9)})
    assert "no (451)" in text
    assert "a court said so" in text
    assert f"phonolith reinstate track:{ID}" in text


def test_two_attestations_that_differ_name_the_events_to_revoke() -> None:
    pair = [Attestation("CC0-1.0", "licensee", "x", 3), Attestation("CC-BY-4.0", "licensee", "y", 5)]
    text = told([], pair)
    assert "conflicts" in text
    assert "rights revoke 3 or 5" in text


def test_text_from_outside_stays_text_on_its_line() -> None:
    hostile = LicenceStatement("\x1b]0;own\x07\nCC0\u202e", Level.PLATFORM, "a\nb", "c\x00d")
    text = told([hostile])
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "not recognised" in text
