"""The licence parser and the evidence on two real collections, against tables written by hand."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from phonolith.model.music import Level, LicenceStatement
from phonolith.model.rights import Use
from phonolith.rights.evidence import resolve
from phonolith.rights.gate import Policy, Subject, decide
from phonolith.rights.licences import parse

#: Class to the tails of its addresses, as a person read them off the collection; no code of ours was asked.
_BY_HAND = {
    "by-nc-nd": (
        "by-nc-nd/2.0 by-nc-nd/2.0/at by-nc-nd/2.0/be by-nc-nd/2.0/de by-nc-nd/2.0/fr by-nc-nd/2.0/uk by-nc-nd/2.1/jp "
        "by-nc-nd/2.5 by-nc-nd/2.5/ar by-nc-nd/2.5/ca by-nc-nd/2.5/co by-nc-nd/2.5/hu by-nc-nd/2.5/it by-nc-nd/2.5/pt "
        "by-nc-nd/2.5/scotland by-nc-nd/2.5/se by-nc-nd/3.0 by-nc-nd/3.0/at by-nc-nd/3.0/de by-nc-nd/3.0/es "
        "by-nc-nd/3.0/fr by-nc-nd/3.0/hk by-nc-nd/3.0/ie by-nc-nd/3.0/it by-nc-nd/3.0/nl by-nc-nd/3.0/pl "
        "by-nc-nd/3.0/us by-nc-nd/4.0 by-nd-nc/1.0 by-nd-nc/1.0/fi"
    ),
    "by-nc-sa": (
        "by-nc-sa/2.0 by-nc-sa/2.0/at by-nc-sa/2.0/be by-nc-sa/2.0/de by-nc-sa/2.0/fr by-nc-sa/2.0/uk by-nc-sa/2.1/jp "
        "by-nc-sa/2.5 by-nc-sa/2.5/ar by-nc-sa/2.5/br by-nc-sa/2.5/ca by-nc-sa/2.5/ch by-nc-sa/2.5/co by-nc-sa/2.5/dk "
        "by-nc-sa/2.5/es by-nc-sa/2.5/il by-nc-sa/2.5/it by-nc-sa/2.5/mx by-nc-sa/2.5/se by-nc-sa/3.0 by-nc-sa/3.0/br "
        "by-nc-sa/3.0/de by-nc-sa/3.0/es by-nc-sa/3.0/nl by-nc-sa/3.0/ro by-nc-sa/3.0/us by-nc-sa/4.0"
    ),
    "by-nc": "by-nc/1.0 by-nc/1.0/fi by-nc/2.0 by-nc/2.0/uk by-nc/2.5 by-nc/2.5/hu by-nc/3.0 by-nc/3.0/us",
    "by-nd": (
        "by-nd/2.0 by-nd/2.0/be by-nd/2.0/de by-nd/2.0/uk by-nd/2.5 by-nd/2.5/es by-nd/2.5/pl by-nd/2.5/pt by-nd/3.0 "
        "by-nd/3.0/br by-nd/3.0/de by-nd/3.0/it by-nd/3.0/us"
    ),
    "by-sa": "by-sa/2.0 by-sa/2.0/de by-sa/2.0/fr by-sa/2.0/uk by-sa/2.5 by-sa/2.5/it by-sa/3.0",
    "by": "by/1.0 by/2.0 by/2.0/uk by/2.5 by/2.5/it by/2.5/pt by/3.0 by/3.0/de by/3.0/us",
    "sampling": "nc-sampling+/1.0",
    "pd": "publicdomain",
}
_ELSEWHERE = {
    "http://creativecommons.org/publicdomain/mark/1.0/": "pd",
    "http://creativecommons.org/publicdomain/zero/1.0/": "cc0",
    "http://freemusicarchive.org/FMA_License": "restricted",
}


def _class_by_hand() -> dict[str, str]:
    table = dict(_ELSEWHERE)
    for name, tails in _BY_HAND.items():
        table |= {f"http://creativecommons.org/licenses/{tail}/": name for tail in tails.split()}
    return table


@pytest.fixture(scope="module")
def stated(shared_data: Path) -> Counter[str]:
    """How many releases state each licence address."""
    with (shared_data / "freemusi-cc" / "releases.csv").open(encoding="utf-8", newline="") as file:
        return Counter(row["licenseurl"] for row in csv.DictReader(file) if row["licenseurl"])


def test_at_least_98_percent_get_their_class_and_none_a_wider_one(stated: Counter[str]) -> None:
    by_hand = _class_by_hand()
    assert stated.keys() == by_hand.keys(), "the table by hand is complete"
    assert stated.total() == 2003
    wrong = {
        address: licence.family if (licence := parse(address)) else "none"
        for address in stated
        if (licence := parse(address)) is None or licence.family != by_hand[address]
    }
    right = sum(count for address, count in stated.items() if address not in wrong)
    assert right >= 0.98 * stated.total(), f"wrong denials: {wrong}"
    assert set(wrong.values()) <= {"none"}, f"wrongly allowed: {wrong}"


def test_an_aggregators_word_allows_metadata_and_nothing_more(stated: Counter[str]) -> None:
    for address in stated:
        evidence = resolve([LicenceStatement(address, Level.THIRD_PARTY, "freemusi.cc")])
        subject = Subject(evidence, ("aaaaaaaaaaaaaaaa",))
        allowed = {use for use in Use if decide(use, subject, policy=Policy(), withdrawn={}).allowed}
        assert allowed == {Use.LIST}


#: Album to what may be concluded from text and address together.
_ATTRIBUTIONS = {
    "Wake Up": "CC-BY-NC-SA-3.0",
    "KJC": "CC-BY-NC-SA-4.0",
    "CC BY: FREE TO USE FOR ANYTHING": "CC-BY-4.0",
    "Kerplunk": None,  # two licences in one text, the address names one of them
    "legacyAlli 2025": None,  # four licences in one text
    "If Only Life Was This Easy Volume 5: The Beat Misdirect": "CC-BY-ND-4.0",
    "Deserted": "CC-BY-4.0",
    "Power Pop!": "CC0-1.0",
    "Sound Works: Volume 2": "CC-BY-4.0",
}


def test_mixed_licences_are_unknown_and_never_the_address(shared_data: Path) -> None:
    albums = json.loads((shared_data / "licence-attribution" / "fma_albums.json").read_text("utf-8"))["albums"]
    assert {album["album"] for album in albums} == _ATTRIBUTIONS.keys()
    for album in albums:
        texts = (album["license"], album["license_url"])
        evidence = resolve([LicenceStatement(text, Level.PLATFORM, "freemusicarchive") for text in texts])
        assert (evidence.licence.code if evidence.licence else None) == _ATTRIBUTIONS[album["album"]], album["album"]
        assert parse(album["artist"]) is None
        assert parse(album["album"]) is None
