"""The licence parser against a corpus of spellings with their verdicts, and against its own laws."""

from __future__ import annotations

import csv
import json
import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from phonolith.model.licence import Licence
from phonolith.rights.licences import LICENCES, by_code, known, parse

_CORPUS = Path(__file__).parent / "corpus"
_USES = ("hold", "stream", "redistribute", "reencode", "commercial", "attribution", "share_alike")
_FAMILIES = {
    *("cc0", "pd", "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "sampling", "other-open", "restricted")
}


def _corpus() -> list[tuple[str, str, str]]:
    """Statement, verdict and the file and reason it comes from."""
    found = []
    for path in sorted(_CORPUS.glob("*.tsv")):
        if path.name.startswith(("permissions", "public_domain")):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if not line.startswith("#"):
                statement, verdict, why = line.split("\t")
                found.append((json.loads(statement), verdict, f"{path.stem}:{number} {why}"))
    return found


@pytest.mark.parametrize(("statement", "verdict", "why"), [pytest.param(*row, id=row[2]) for row in _corpus()])
def test_corpus(statement: str, verdict: str, why: str) -> None:
    licence = parse(statement)
    assert (licence.code if licence else "none") == verdict, why


def test_corpus_is_large_and_mostly_refused() -> None:
    verdicts = [verdict for _, verdict, _ in _corpus()]
    assert len(verdicts) >= 300
    assert sum(verdict == "none" for verdict in verdicts) >= 150


def test_no_text_allows_more_than_it_says_and_the_open_ones_are_understood() -> None:
    """The figures: wrong allows of all texts, and the share of those that name an open licence which are right."""
    allowed_wrongly, right, open_ones = [], 0, 0
    for statement, verdict, why in _corpus():
        got, meant = (
            one and {use for use in _USES[:5] if getattr(one, use)} for one in (parse(statement), known(verdict))
        )
        if (got or set()) - (meant or set()):
            allowed_wrongly.append(why)
        if meant:
            open_ones += 1
            right += parse(statement) == known(verdict)
    assert allowed_wrongly == []
    assert open_ones >= 100
    assert right / open_ones >= 0.98


def _permissions() -> dict[str, tuple[str, dict[str, bool]]]:
    with (_CORPUS / "permissions.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row["code"]: (row["family"], {use: row[use] == "yes" for use in _USES}) for row in rows}


@pytest.mark.parametrize("code", sorted(_permissions()))
def test_permissions_are_those_of_the_table_written_by_hand(code: str) -> None:
    family, expected = _permissions()[code]
    licence = by_code(code)
    assert licence.family == family
    assert {use: getattr(licence, use) for use in _USES} == expected


def test_every_family_is_in_the_table_of_permissions() -> None:
    assert {family for family, _ in _permissions().values()} == _FAMILIES


@pytest.mark.parametrize("licence", LICENCES.values(), ids=str)
def test_code_address_and_spdx_identifier_lead_back(licence: Licence) -> None:
    assert parse(licence.uri) == licence
    assert parse(licence.code) == licence
    if licence.spdx:
        assert parse(licence.spdx) == licence
    assert licence.family in _FAMILIES
    assert licence.title


def test_a_port_permits_what_its_unported_licence_permits() -> None:
    for licence in LICENCES.values():
        original = LICENCES.get(licence.code.removesuffix(f"-{licence.jurisdiction}"))
        if licence.jurisdiction and original is not None and licence != original:
            assert {use: getattr(licence, use) for use in _USES} == {use: getattr(original, use) for use in _USES}


def test_no_derivatives_is_never_reencoded_and_non_commercial_never_sold() -> None:
    for licence in LICENCES.values():
        if "nd" in licence.family.split("-") or licence.family in ("sampling", "restricted"):
            assert not licence.reencode
        if "nc" in licence.family.split("-") or licence.family in ("sampling", "restricted"):
            assert not licence.commercial
        if licence.redistribute or licence.stream:
            assert licence.hold


def test_spdx_identifiers_agree_with_the_list_of_spdx() -> None:
    """Every CC identifier that SPDX has is known here, and names the address that its name says."""
    expression = pytest.importorskip("license_expression")
    known = {key for key in expression.get_spdx_licensing().known_symbols if key.startswith(("CC-", "CC0-", "LAL-"))}
    ours = {licence.spdx for licence in LICENCES.values()}
    assert {key for key in known if not key.startswith("LicenseRef")} <= ours
    ported = {licence.spdx for licence in LICENCES.values() if licence.spdx.startswith("CC-") and licence.jurisdiction}
    assert ported <= known


@given(st.text(max_size=60))
def test_parse_never_raises_on_text(text: str) -> None:
    parse(text)


_GOOD = [row[0] for row in _corpus() if row[1] != "none"]
_BAD = [row[0] for row in _corpus() if row[1] == "none" and row[0].strip()]


@given(st.sampled_from(_GOOD), st.integers(0, 80), st.characters(min_codepoint=0x80))
def test_a_character_outside_ascii_anywhere_makes_it_nothing(statement: str, place: int, character: str) -> None:
    assert parse(statement[:place] + character + statement[place:]) is None


@given(st.sampled_from(_GOOD), st.sampled_from(["?", "#", "@", "\\", "|", ",", ";", "%", '"', "<", "\x00", "\x7f"]))
def test_a_sign_that_ends_or_splits_an_address_makes_it_nothing(statement: str, sign: str) -> None:
    text = statement.strip()
    for place in range(len(text) + 1):
        assert parse(text[:place] + sign + text[place:]) is None


@given(st.sampled_from(_BAD), st.sampled_from([" ", "/", "\n", "\t"]), st.booleans())
def test_what_names_nothing_names_nothing_with_white_space_or_slash_around_it(
    text: str, more: str, front: bool
) -> None:
    assume(not (more == "/" and not front))  # a last slash may complete a spelling, never turn it into another
    assert parse(more + text if front else text + more) is None


def test_two_licences_in_one_statement_are_none() -> None:
    """Every pair of good statements, run together in six ways."""
    for one, other in product(_GOOD, repeat=2):
        for between in ("", " ", "/", ", ", " or ", "\n"):
            assert parse(one + between + other) is None, (one, between, other)


@given(st.sampled_from(_GOOD))
def test_parsing_is_idempotent_on_the_canonical_address(statement: str) -> None:
    licence = parse(statement)
    assert licence is not None
    assert parse(licence.uri) == licence


_ELEMENTS = re.compile(r"(?:licenses/|^cc-)((?:by|nc|nd|sa)(?:-(?:by|nc|nd|sa))*)(?=[-/])")


@given(st.sampled_from(_GOOD + _BAD), st.data())
def test_a_changed_character_never_drops_a_condition(statement: str, data: st.DataObject) -> None:
    """Whatever one changed character makes of a text: a licence has exactly the conditions that the text spells."""
    text = statement.strip()
    place = data.draw(st.integers(0, len(text) - 1))
    edited = text[:place] + data.draw(st.characters(min_codepoint=0x20, max_codepoint=0x7E)) + text[place + 1 :]
    licence = parse(edited)
    spelled = _ELEMENTS.search(edited.lower())
    if licence is not None and spelled is not None:
        assert set(spelled[1].split("-")) == {"by", "nc", "nd", "sa"} & set(licence.code.lower().split("-"))
