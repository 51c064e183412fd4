"""Which way a licence changed: a use or a place lost is stricter, whatever else is won."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phonolith.model.licence import Licence
from phonolith.model.music import Level, LicenceStatement
from phonolith.rights.evidence import Attestation, Evidence, resolve
from phonolith.rights.licences import LICENCES
from phonolith.rights.stricter import INHERITED, compare, is_open, restate, restate_pinned, territory


def of(code: str, level: Level = Level.PLATFORM, **more: bool) -> Evidence:
    return resolve((LicenceStatement(LICENCES[code].uri, level, "said"),), **more)


CC0, BY, ND, NC = (of(code) for code in ("CC0-1.0", "CC-BY-4.0", "CC-BY-ND-4.0", "CC-BY-NC-4.0"))
AMERICAN = of("CC-PDDC")


@pytest.mark.parametrize(
    ("was", "now", "direction"),
    [
        (BY, BY, ""),
        (BY, of("CC-BY-4.0", Level.RIGHTSHOLDER), ""),
        (BY, CC0, "other"),
        (BY, of("CC-BY-SA-4.0"), "other"),
        (BY, ND, "stricter"),
        (ND, NC, "stricter"),  # re-encoding won, commercial use lost
        (NC, BY, "looser"),
        (BY, of("CC-BY-4.0", composition_by_others=True), "stricter"),
        (BY, of("CC-BY-4.0", Level.THIRD_PARTY), "stricter"),
        (BY, INHERITED, "stricter"),
        (INHERITED, BY, "looser"),
        (CC0, AMERICAN, "stricter"),
        (AMERICAN, CC0, "looser"),
    ],
)
def test_a_use_or_a_place_lost_is_stricter(was: Evidence, now: Evidence, direction: str) -> None:
    assert compare(was, now) == direction
    assert restate(was, now) is (now if direction == "stricter" else was)


def test_every_licence_is_compared_by_what_it_allows() -> None:
    """Over all pairs: what is never stricter than anything is open, and what was lost is not allowed any more."""
    known = [of(code) for code in LICENCES]
    for now in known:
        never = all(compare(was, now) != "stricter" for was in known)
        assert never == is_open(now), now.licence
        for was in known:
            given = allows(restate(was, now))
            assert not given & (allows(was) - allows(now)) and given <= allows(was) | allows(now)
            assert compare(was, now) != "looser" or given == allows(was)


def allows(evidence: Evidence) -> set[str]:
    one: Licence | None = evidence.licence
    names = ("hold", "stream", "redistribute", "reencode", "commercial")
    return {name for name in names if one and getattr(one, name)}


def test_places() -> None:
    assert territory(CC0, AMERICAN) == "narrower" and territory(AMERICAN, CC0) == "wider"
    assert territory(AMERICAN, AMERICAN) == territory(CC0, BY) == territory(BY, INHERITED) == ""
    assert CC0.licence is not None and AMERICAN.licence is not None
    two = replace(AMERICAN, licence=replace(AMERICAN.licence, territories=("US", "CA")))
    assert territory(AMERICAN, two) == "wider" and territory(two, AMERICAN) == "narrower"


def test_what_was_attested_stands_and_the_first_witness_counts() -> None:
    attested = resolve((), (Attestation(LICENCES["CC-BY-4.0"].uri, "rightsholder", "ours", 1),))
    assert restate(attested, NC) is attested
    assert restate_pinned(BY, {"t": NC}, ("t", "r")) is NC
    assert restate_pinned(BY, {"r": NC}, ("t", "r")) is NC
    assert restate_pinned(BY, {"t": BY, "r": NC}, ("t", "r")) is BY
    assert restate_pinned(BY, {"r": INHERITED}, ("t", "r")) is BY, (
        "a release that states nothing says nothing of tracks"
    )
    assert restate_pinned(BY, {}, ("t", "r")) is BY
