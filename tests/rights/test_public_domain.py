"""The public domain by dates against a corpus of border cases, against laws of its own, and at the gate."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from phonolith.model.music import Level, LicenceStatement, Origin
from phonolith.model.rights import Use
from phonolith.rights import public_domain
from phonolith.rights.evidence import Attestation, Evidence, dated, on_day, resolve, since
from phonolith.rights.explain import explain
from phonolith.rights.gate import Policy, Subject, decide
from phonolith.rights.licences import LICENCES, by_code, known, parse

_CORPUS = Path(__file__).parent / "corpus"
_ASKED = ("US", "DE", "FR", "ES", "GB", "CA", "AU")
_MORE = ("CH", "JP", "NZ")
#: Files of border cases, with the territories of which each says whether a work is free there.
_FILES = {"public_domain.tsv": _ASKED, "public_domain_more.tsv": _MORE}
_SHORT = {"old song": "composition published 1850; writers died 1860", "old record": "published 1900-05"}
_WORDS = {
    "recorded": "recorded",
    "published": "published",
    "edition": "edition",
    "composition published": "composition_published",
    "writers died": "writers_died",
}
_TODAY = date(2026, 11, 30)
_WORLD = "https://creativecommons.org/publicdomain/zero/1.0/"


def _origin(text: str, level: int = 2) -> Origin:
    for short, full in _SHORT.items():
        text = text.replace(short, full)
    found = {}
    for part in text.split("; "):
        word = next(word for word in sorted(_WORDS, key=len, reverse=True) if part.startswith(f"{word} "))
        found[_WORDS[word]] = part.removeprefix(f"{word} ")
    return Origin(**found, level=Level(level), by="archive", where="page", date="2026-01-02T03:04:05Z", digest="d" * 64)


def _cases() -> list[tuple[str, date, tuple[str, ...], set[str], str]]:
    found = []
    for name, asked in _FILES.items():
        rows = [line.split("\t") for line in (_CORPUS / name).read_text("utf-8").splitlines() if line[0] != "#"]
        found += [(text, date.fromisoformat(day), asked, set(free.split()), why) for text, day, free, why in rows]
    return found


def _free(origin: Origin, day: date, asked: tuple[str, ...] = (*_ASKED, *_MORE)) -> set[str]:
    return {term.territory for term in public_domain.free_in(origin, day)} & set(asked)


@pytest.mark.parametrize(("text", "day", "asked", "free", "why"), _cases())
def test_corpus(text: str, day: date, asked: tuple[str, ...], free: set[str], why: str) -> None:
    assert free <= set(asked)
    assert _free(_origin(text), day, asked) == free, why


def test_corpus_is_large_and_has_both_verdicts() -> None:
    cases = _cases()
    assert len(cases) >= 140
    assert len({text for text, *_ in cases}) >= 80
    assert sum(len(free) for *_, free, _ in cases) >= 240, "verdicts for free"
    assert sum(len(asked) - len(free) for _, _, asked, free, _ in cases) >= 240, "verdicts against"


def _wrong() -> tuple[int, int]:
    """Verdicts that allow wrongly and that deny wrongly, over the corpus."""
    found = [(_free(_origin(text), day, asked), free) for text, day, asked, free, _ in _cases()]
    return sum(len(got - free) for got, free in found), sum(len(free - got) for got, free in found)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    public_domain.terms.cache_clear()
    monkeypatch.setattr(public_domain, "_RULES", public_domain.rules())
    return monkeypatch


@pytest.mark.parametrize("rule", public_domain.rules(), ids=lambda rule: rule.id)
def test_a_rule_that_is_a_year_or_a_day_off_fails_the_corpus(
    rule: public_domain.Rule, table: pytest.MonkeyPatch
) -> None:
    """The control: the corpus has the border of every rule, so that a slip in the table cannot pass it."""
    assert _wrong() == (0, 0)
    if rule.free:
        slips = [replace(rule, free=rule.free - timedelta(days=1))]
    elif rule.until and date(rule.until.year + rule.years + 1, 1, 1) <= rule.since:
        slips = []  # all that it speaks of had run out when it took force: only its border shows
    else:
        slips = [replace(rule, years=rule.years - 1), replace(rule, years=rule.years + 1)]
    if rule.until and rule.id != "us-recording-1947-1956":  # 110 years after 1957 are beyond what frees them all
        slips.append(replace(rule, until=rule.until + timedelta(days=1)))
    allowed = 0
    for slip in slips:
        rules = tuple(slip if one is rule else one for one in public_domain.rules())
        with table.context() as patch:
            patch.setattr(public_domain, "_RULES", rules)
            public_domain.terms.cache_clear()
            wrong = _wrong()
        public_domain.terms.cache_clear()
        assert wrong != (0, 0), f"nobody noticed {slip}"
        allowed += wrong[0]
    assert allowed, "a rule made too short must show as a wrong allow"


def test_every_rule_names_law_address_and_the_day_it_was_read() -> None:
    found = public_domain.rules()
    assert len({rule.id for rule in found}) == len(found)
    for rule in found:
        assert rule.layer in public_domain.LAYERS
        assert rule.by in {*_WORDS.values()} - {"edition"}
        assert (rule.free is None) == (rule.years > 0)
        assert all(re.fullmatch("[A-Z]{2}", place) for place in rule.territories)
        assert rule.statute
        assert all(re.match("https?://", one) for one in rule.url.split())
        assert rule.url
        assert date.fromisoformat(rule.read) <= _TODAY
        assert rule.note.endswith(".")
    for place in public_domain.territories():
        assert {rule.layer for rule in found if place in rule.territories} == set(public_domain.LAYERS), place


_DATES = st.one_of(
    st.just(""),
    st.integers(1850, 2000).map(str),
    st.dates(date(1850, 1, 1), date(2000, 1, 1)).map(str),
    st.dates(date(1850, 1, 1), date(2000, 1, 1)).map(lambda day: str(day)[:7]),
    st.sampled_from(["circa 1900", "0000", "1900-02-30", "1900; writers died 1800"]),
)
_ORIGINS = st.builds(
    Origin, _DATES, _DATES, _DATES, _DATES, _DATES, level=st.sampled_from(Level), by=st.just("archive")
)
_DAYS = st.dates(date(1990, 1, 1), date(2150, 1, 1))
_POLICIES = st.builds(
    Policy,
    st.sampled_from(["", *_ASKED, *_MORE, "BR"]),
    st.lists(st.sampled_from([*_ASKED, *_MORE, "BR"]), max_size=3).map(tuple),
)


@given(_ORIGINS, _DAYS, st.integers(0, 40_000), _POLICIES, st.sampled_from(Use))
def test_what_dates_allow_once_they_allow_for_ever(
    origin: Origin, day: date, later: int, policy: Policy, use: Use
) -> None:
    """All else equal, the passing of time never takes back what it gave."""
    first, then = (
        decide(use, Subject(dated(origin, one), ()), policy=policy, withdrawn={})
        for one in (day, day + timedelta(days=later))
    )
    assert then.allowed or not first.allowed


@given(_ORIGINS, _DAYS, st.sampled_from(["recorded", "published", "composition_published", "writers_died"]))
def test_a_less_exact_date_frees_nothing_earlier(origin: Origin, day: date, name: str) -> None:
    exact = getattr(origin, name)
    assume(not exact or public_domain.latest(exact))  # what cannot be read denies; nothing at all says less than that
    vaguer = replace(origin, **{name: exact[:4]})
    assert _free(vaguer, day) <= _free(origin, day) or name == "recorded"  # a vaguer one may no longer contradict


@given(_ORIGINS)
def test_dates_come_back_from_the_line_that_is_kept_of_them(origin: Origin) -> None:
    line = public_domain.statement(origin)
    again = public_domain.origin_of(line, origin.level, origin.by)
    assert public_domain.statement(again) == line
    assert [(t.territory, t.free_from) for t in public_domain.terms(again)] == [
        (t.territory, t.free_from) for t in public_domain.terms(origin)
    ]


def test_a_kept_line_that_is_something_else_frees_nothing() -> None:
    for line in ("", "public domain", "published 1900; x 1", "https://creativecommons.org/publicdomain/mark/1.0/"):
        assert not public_domain.free_in(public_domain.origin_of(line, 2, "x"), _TODAY)


@given(st.sets(st.sampled_from(public_domain.territories()), min_size=1))
def test_the_code_of_a_reach_leads_back_to_it_and_is_no_statement(places: set[str]) -> None:
    licence = public_domain.licence_for(sorted(places))
    assert by_code(licence.code) == known(licence.code) == licence
    assert licence.territories == tuple(sorted(places))
    assert parse(licence.code) is None, "nobody may state it"
    assert parse(licence.uri) is None
    assert licence.code not in LICENCES


@pytest.mark.parametrize(
    ("places", "shown"),
    [
        (["US"], "US"),
        (["FR", "DE"], "DE, FR"),
        (
            sorted(set(public_domain.territories()) - {"US", "FR", "ES"}),
            "AU, CA, CH, GB, JP, NZ, European Union without ES, FR",
        ),
        (public_domain.territories(), "AU, CA, CH, GB, JP, NZ, US, European Union"),
    ],
)
def test_a_reach_in_words(places: list[str], shown: str) -> None:
    assert public_domain.licence_for(places).title == f"Public domain by its dates ({shown})"


@pytest.mark.parametrize("code", ["PD", "PD-", "PD-ZZ", "PD-US-GB", "PD-US-US", "pd-us", "PD-US ", "PD-BR", "PD-US-ZZ"])
def test_codes_that_no_reach_has(code: str) -> None:
    assert known(code) is None
    with pytest.raises(KeyError):
        by_code(code)


def _evidence(text: str = "published 1910; old song", level: int = 2) -> Evidence:
    return resolve([], origin=_origin(text, level), on=_TODAY)


def _allowed(use: Use, evidence: Evidence, policy: Policy) -> bool:
    return decide(use, Subject(evidence, ()), policy=policy, withdrawn={}).allowed


def test_a_use_is_allowed_only_where_the_work_is_free() -> None:
    everywhere = _evidence()
    not_in_the_us = _evidence("published 1950; old song")
    assert not _allowed(Use.STREAM, everywhere, Policy()), "nobody said where"
    assert not _allowed(Use.REDISTRIBUTE, everywhere, Policy("US")), "published to the whole world"
    assert not _allowed(Use.STREAM, everywhere, Policy("BR")), "the table does not say"
    assert _allowed(Use.STREAM, everywhere, Policy("US"))
    assert _allowed(Use.HOLD, everywhere, Policy("US"))
    assert _allowed(Use.REDISTRIBUTE, everywhere, Policy("", ("US", "DE")))
    assert not _allowed(Use.REDISTRIBUTE, not_in_the_us, Policy("DE", ("US", "DE"))), "all of them, not some"
    assert _allowed(Use.STREAM, not_in_the_us, Policy("DE", ("US", "DE")))
    assert not _allowed(Use.HOLD, not_in_the_us, Policy("US"))


def test_a_third_partys_dates_open_no_door() -> None:
    assert not _allowed(Use.STREAM, _evidence(level=1), Policy("US"))
    assert not _allowed(Use.STREAM, _evidence(level=0), Policy("US"))
    assert dated(_origin("old record", 3), _TODAY).level == Level.PLATFORM, "nobody states level 3 of himself"


@pytest.mark.parametrize("stated", ["© Acme. All rights reserved", "ask us", _WORLD])
def test_dates_count_only_where_nobody_states_anything(stated: str) -> None:
    said = [LicenceStatement(stated, Level.PLATFORM, "archive")]
    origin = _origin("published 1910; old song")
    assert resolve(said, origin=origin, on=_TODAY) == resolve(said)


def test_an_attestation_comes_before_dates_and_dates_are_back_when_it_goes() -> None:
    attested = Attestation(_WORLD, "licensee", "a letter", 7)
    built = _evidence()
    assert since(built, [attested], 3).basis == "attested"
    assert since(built, [], 9) == built


def test_the_day_turns_what_a_build_left_closed() -> None:
    built = resolve([], origin=_origin("published 1926; composition published 1900; old song"), on=date(2026, 12, 31))
    assert not _allowed(Use.STREAM, built, Policy("US"))
    assert not _allowed(Use.STREAM, on_day(built, date(2026, 12, 31)), Policy("US"))
    turned = on_day(built, date(2027, 1, 1))
    assert _allowed(Use.STREAM, turned, Policy("US"))
    assert turned.stated == built.stated
    unfree = resolve([], origin=_origin("published 1980; old song"), on=_TODAY)
    assert unfree.licence is None
    assert _allowed(Use.STREAM, on_day(unfree, date(2051, 1, 1)), Policy("GB")), "closed everywhere at the build"


def test_why_tells_dates_rules_and_law() -> None:
    origin = _origin("published 1922; composition published 1901; writers died 1930")
    subject = Subject(resolve([], origin=origin, on=_TODAY), ("x",))
    text = "\n".join(explain("track:x", subject, policy=Policy("US"), withdrawn={}, origin=origin))
    assert "basis: public-domain" in text
    assert "published 1922; composition published 1901; writers died 1930" in text
    assert "17 U.S.C. § 1401(a)(2)(B)(i)" in text
    assert "FR: from 2046-01-01" in text
    assert f"shown by SHA-256 {'d' * 64}" in text
    assert "stream it: yes" in text
