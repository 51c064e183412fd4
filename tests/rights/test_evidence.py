"""How statements and attestations add up to evidence, as a table of cases with their outcome."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.model.music import Level, LicenceStatement
from phonolith.rights.evidence import NO_EVIDENCE, Attestation, resolve, since

BY = "https://creativecommons.org/licenses/by/4.0/"
BY3 = "https://creativecommons.org/licenses/by/3.0/"
NC = "https://creativecommons.org/licenses/by-nc/4.0/"
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
MIXED = "CC BY 4.0 / CC BY-SA 4.0"


def said(uri: str, level: int = 2, by: str = "internetarchive", digest: str = "") -> LicenceStatement:
    return LicenceStatement(uri, Level(level), by, digest=digest)


def attested(licence: str, event: int = 1, capacity: str = "licensee") -> Attestation:
    return Attestation(licence, capacity, "a letter", event)


_CASES = {
    "nothing said": ([], [], (None, 0, "none")),
    "an aggregator": ([said(BY, 1)], [], ("CC-BY-4.0", 1, "stated")),
    "two aggregators do not rise": ([said(BY, 1, "a"), said(BY, 1, "b")], [], ("CC-BY-4.0", 1, "stated")),
    "a platform": ([said(BY)], [], ("CC-BY-4.0", 2, "stated")),
    "platform and aggregator": ([said(BY), said(BY, 1, "a")], [], ("CC-BY-4.0", 2, "stated")),
    "a platform beats an aggregator": ([said(BY), said(NC, 1, "a")], [], ("CC-BY-4.0", 2, "stated")),
    "two platforms agree": ([said(BY), said(BY, 2, "jamendo")], [], ("CC-BY-4.0", 3, "stated")),
    "one platform twice": ([said(BY), said(BY, 2, "InternetArchive ")], [], ("CC-BY-4.0", 2, "stated")),
    "tag and sidecar are one": ([said(BY, 2, "tag"), said(BY, 2, "sidecar")], [], ("CC-BY-4.0", 2, "stated")),
    "tag and platform are two": ([said(BY, 2, "tag"), said(BY)], [], ("CC-BY-4.0", 3, "stated")),
    "same bytes, two names": ([said(BY, 2, "a", "d"), said(BY, 2, "b", "d")], [], ("CC-BY-4.0", 2, "stated")),
    "other spelling agrees": ([said(BY), said("cc-by-4.0", 2, "tag")], [], ("CC-BY-4.0", 3, "stated")),
    "platforms disagree": ([said(BY), said(NC, 2, "jamendo")], [], (None, 2, "conflict")),
    "versions disagree": ([said(BY), said(BY3, 2, "tag")], [], (None, 2, "conflict")),
    "two against one": ([said(BY), said(BY, 2, "b"), said(NC, 2, "c")], [], (None, 2, "conflict")),
    "aggregators disagree": ([said(BY, 1, "a"), said(NC, 1, "b")], [], (None, 1, "conflict")),
    "rightsholder beats platform": ([said(NC), said(BY, 4, "artist")], [], ("CC-BY-4.0", 4, "stated")),
    "nobody states level 3": ([said(BY, 3)], [], ("CC-BY-4.0", 2, "stated")),
    "a claim of level 3 does not win": ([said(BY, 3), said(NC, 2, "b")], [], (None, 2, "conflict")),
    "a statement of level 0": ([said(BY, 0)], [], (None, 0, "none")),
    "prose": ([said("CC BY 4.0")], [], (None, 0, "none")),
    "prose beside its address": ([said("CC BY 4.0"), said(BY)], [], ("CC-BY-4.0", 2, "stated")),
    "prose of another version": ([said("CC BY 3.0"), said(BY)], [], (None, 2, "conflict")),
    "prose with one condition more": ([said("CC BY-NC 4.0"), said(BY)], [], (None, 2, "conflict")),
    "prose without a version": ([said("CC BY"), said(BY)], [], ("CC-BY-4.0", 2, "stated")),
    "prose of a port's original": ([said("CC-BY 3.0"), said(f"{BY3}de/")], [], ("CC-BY-3.0-DE", 2, "stated")),
    "prose with one condition less": ([said("CC BY"), said(NC)], [], (None, 2, "conflict")),
    "weaker prose": ([said("CC BY-NC 4.0", 1), said(BY)], [], ("CC-BY-4.0", 2, "stated")),
    "all rights reserved": ([said("© X. All rights reserved"), said(BY)], [], (None, 2, "conflict")),
    "public domain and CC0": ([said("CC0 1.0 (Public Domain)"), said(CC0)], [], ("CC0-1.0", 2, "stated")),
    "public domain and BY": ([said("Public Domain"), said(BY)], [], (None, 2, "conflict")),
    "mixed": ([said(MIXED)], [], (None, 2, "conflict")),
    "mixed beside an address": ([said(MIXED), said(BY)], [], (None, 2, "conflict")),
    "mixed beneath a platform": ([said(MIXED, 1), said(BY)], [], ("CC-BY-4.0", 2, "stated")),
    "mixed above an aggregator": ([said(MIXED), said(BY, 1)], [], (None, 2, "conflict")),
    "two addresses in one": ([said(f"{BY} {NC}")], [], (None, 2, "conflict")),
    "chatter beside an address": ([said("enjoy!"), said(BY)], [], ("CC-BY-4.0", 2, "stated")),
    "attested": ([], [attested(CC0)], ("CC0-1.0", 4, "attested")),
    "attested over a platform": ([said(NC)], [attested(BY)], ("CC-BY-4.0", 4, "attested")),
    "attested over a conflict": ([said(NC), said(BY, 2, "b")], [attested(BY)], ("CC-BY-4.0", 4, "attested")),
    "attested over mixed": ([said(MIXED)], [attested(BY)], ("CC-BY-4.0", 4, "attested")),
    "attested twice alike": ([], [attested(BY, 1), attested(BY, 2)], ("CC-BY-4.0", 4, "attested")),
    "attested two ways": ([], [attested(BY, 1), attested(NC, 2)], (None, 4, "conflict")),
    "attested nonsense": ([said(BY)], [attested("whatever")], (None, 4, "conflict")),
    "attested against the rightsholder": ([said(NC, 4, "artist")], [attested(BY)], (None, 4, "conflict")),
}


@pytest.mark.parametrize("case", _CASES)
def test_resolve(case: str) -> None:
    statements, attestations, (code, level, basis) = _CASES[case]
    evidence = resolve(statements, attestations)
    assert (evidence.licence.code if evidence.licence else None, evidence.level, evidence.basis) == (code, level, basis)
    assert evidence.composition == (code is not None)
    assert evidence.note.endswith(".")
    assert "\n" not in evidence.note


def test_a_stated_licence_does_not_cover_somebody_elses_composition() -> None:
    assert resolve([said(BY)]).composition
    assert not resolve([said(BY)], composition_by_others=True).composition


def test_an_attestation_covers_the_item_as_a_whole() -> None:
    assert resolve([], [attested(CC0)], composition_by_others=True).composition


def test_evidence_keeps_the_statement_as_found() -> None:
    evidence = resolve([said(" http://www.creativecommons.org/licenses/by/4.0/deed.de", by="jamendo")])
    assert evidence.stated == " http://www.creativecommons.org/licenses/by/4.0/deed.de"
    assert evidence.stated_by == "jamendo"


def test_weaker_statements_that_differ_are_mentioned() -> None:
    assert "CC-BY-NC-4.0" in resolve([said(BY), said(NC, 1)]).note


def test_nothing_said_is_no_evidence() -> None:
    assert resolve([]) == NO_EVIDENCE


_STATEMENTS = st.lists(
    st.builds(said, st.sampled_from([BY, BY3, NC, CC0, MIXED, "enjoy!", ""]), st.integers(0, 4), st.sampled_from("ab")),
    max_size=5,
)


@given(_STATEMENTS, st.randoms())
def test_order_does_not_matter_for_the_verdict(statements: list[LicenceStatement], random: object) -> None:
    shuffled = list(statements)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = resolve(statements), resolve(shuffled)
    assert (one.licence, one.level, one.basis) == (other.licence, other.level, other.basis)


@given(_STATEMENTS)
def test_a_licence_comes_only_from_somebody_who_named_it(statements: list[LicenceStatement]) -> None:
    evidence = resolve(statements)
    if evidence.licence is not None:
        naming = [one for one in statements if one.uri == evidence.licence.uri]
        assert naming
        assert evidence.level <= max(one.level for one in naming) + 1
        assert evidence.basis == "stated"
    else:
        assert evidence.basis in ("none", "conflict")


_SINCE = {
    "nothing said, then attested": ([], [], [attested(CC0, 9)], (CC0, 4, "attested")),
    "a third party, then attested": ([said(BY, 1)], [], [attested(CC0, 9)], (CC0, 4, "attested")),
    "a conflict below, then attested": ([said(BY), said(NC, 2, "b")], [], [attested(CC0, 9)], (CC0, 4, "attested")),
    "a rightsholder, then attested the same": ([said(BY, 4)], [], [attested(BY, 9)], (BY, 4, "attested")),
    "a rightsholder, then attested another": ([said(BY, 4)], [], [attested(NC, 9)], (None, 4, "conflict")),
    "two that disagree": ([], [], [attested(BY, 8), attested(NC, 9)], (None, 4, "conflict")),
    "attested, then another": ([], [attested(BY)], [attested(BY), attested(NC, 9)], (None, 4, "conflict")),
    "attested, then the same": ([], [attested(BY)], [attested(BY), attested(BY, 9)], (BY, 4, "attested")),
    "attested and revoked": ([], [attested(BY)], [], (None, 0, "none")),
    "attested, revoked, another": ([], [attested(BY)], [attested(NC, 9)], (NC, 4, "attested")),
    "one of two revoked": ([], [attested(BY), attested(BY, 2)], [attested(BY, 2)], (BY, 4, "attested")),
    "a conflict of attestations waits": (
        [],
        [attested(BY), attested(NC, 2)],
        [attested(NC, 2), attested(NC, 9)],
        (None, 4, "conflict"),
    ),
    "with a rightsholder and revoked": ([said(BY, 4)], [attested(BY)], [attested(NC, 9)], (None, 0, "none")),
}


@pytest.mark.parametrize("name", _SINCE)
def test_what_was_attested_since_the_build(name: str) -> None:
    statements, then, now, (uri, level, basis) = _SINCE[name]
    evidence = since(resolve(statements, then), now, head=5)
    assert (evidence.licence.uri if evidence.licence else None, evidence.level, evidence.basis) == (uri, level, basis)


_ATTESTED = st.lists(st.sampled_from([BY, NC, CC0, "unknown"]), max_size=3)


@given(_STATEMENTS, _ATTESTED, st.sets(st.integers(1, 3)), _ATTESTED)
def test_it_never_allows_more_than_a_build_would(
    statements: list[LicenceStatement], before: list[str], revoked: set[int], after: list[str]
) -> None:
    old = [attested(uri, event) for event, uri in enumerate(before, 1)]
    new = [attested(uri, event) for event, uri in enumerate(after, 4)]
    in_force = [one for one in old if one.event not in revoked] + new
    now, next_build = since(resolve(statements, old), in_force, head=3), resolve(statements, in_force)
    assert now.licence in (None, next_build.licence)
    assert now.composition <= next_build.composition
    if not old and all(one.level < 4 for one in statements):
        assert (now.licence, now.level, now.basis) == (next_build.licence, next_build.level, next_build.basis)
