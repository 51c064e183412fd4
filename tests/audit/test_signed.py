"""Signed reports: one form of bytes, and no byte of it can be changed without the signature being wrong."""

from __future__ import annotations

import json
import random
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonolith.audit.received import LARGEST, Seal, parse
from phonolith.audit.signed import canonical, signed_bytes
from phonolith.errors import BadInput
from tests.audit.signing import CLAIMED, PROVEN, received, sampled, signed_by, told_of

SIGNED = signed_by(1, told_of(PROVEN, CLAIMED | {"id": "other"}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # RFC 8785, section 3.2.2.3 and appendix B
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (1e21, "1e+21"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (0.000001, "0.000001"),
        (333333333.33333329, "333333333.3333333"),
        (4.5, "4.5"),
        (0.002, "0.002"),
        (1e-27, "1e-27"),
        (1.0, "1"),
        # section 3.2.3: names sort by UTF-16 code units
        ({"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7}, None),
        ('\u20ac$\u000f\nA\'B"\\\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        ([True, False, None, [], {}], "[true,false,null,[],{}]"),
    ],
)
def test_the_canonical_form_is_that_of_rfc_8785(value: object, text: str | None) -> None:
    if text is None:
        order = [json.loads(f'"{name}"') for name in ("\\r", "1", "\\u0080", "ö", "€", "😀", "\\ufb33")]
        assert list(json.loads(canonical(value))) == order
    else:
        assert canonical(value) == text.encode()


@pytest.mark.skipif(shutil.which("node") is None, reason="node writes numbers as the RFC wants them")
def test_numbers_are_written_as_ecmascript_writes_them() -> None:
    draw = random.Random(1)
    numbers = [draw.uniform(-1, 1) * 10 ** draw.randint(-30, 30) for _ in range(2000)]
    script = "process.stdin.on('data', d => process.stdout.write(JSON.stringify(JSON.parse(d))))"
    run = subprocess.run(["node", "-e", script], input=json.dumps(numbers).encode(), capture_output=True, check=True)
    assert canonical(numbers) == run.stdout


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1, "\ud800"])
def test_what_has_no_canonical_form_is_not_signed(value: object) -> None:
    with pytest.raises(ValueError):
        canonical(value)


def test_a_report_is_sound_however_it_is_laid_out() -> None:
    for layout in ({"indent": 2}, {"separators": (",", ":")}, {"sort_keys": True}, {"ensure_ascii": False}):
        assert parse(json.dumps(SIGNED, **layout).encode(), "x").seal is Seal.SIGNED
    told = SIGNED | {"verdicts": [{**SIGNED["verdicts"][0], "quantity": 3.0}, SIGNED["verdicts"][1]]}
    assert received(told).seal is Seal.SIGNED  # the same number


def test_a_name_of_a_file_in_another_encoding_can_be_signed() -> None:
    assert received(signed_by(1, told_of(PROVEN | {"sentence": "a\udcff"}))).seal is Seal.SIGNED


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_byte_changed_is_never_signed(data: st.DataObject) -> None:
    text = bytearray(json.dumps(SIGNED, separators=(",", ":")).encode())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != text[place]))
    try:
        found = parse(bytes(text), "x")
    except BadInput:
        return
    assert found.seal is not Seal.SIGNED or signed_bytes(json.loads(text)) == signed_bytes(SIGNED)


def test_the_control_an_unchanged_report_is_signed() -> None:
    assert received(SIGNED).seal is Seal.SIGNED
    assert received({**SIGNED, "signature": "", "key": ""}).seal is Seal.UNSIGNED
    assert received({**SIGNED, "signature": "0" * 128}).seal is Seal.FORGED
    assert received({**SIGNED, "auditor": "Somebody else"}).seal is Seal.FORGED
    assert received({**SIGNED, "key": signed_by(2, told_of())["key"]}).seal is Seal.FORGED
    assert received({**SIGNED, "more": 1}).seal is Seal.FORGED, "what is not known is signed as well"


_TEXT = json.dumps(SIGNED)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not JSON"),
        ("[]", "no JSON object"),
        ("{}", "its type is 'None'"),
        ("{" * 100_000, "nested more than"),
        ("[" * 33 + "]" * 33, "nested more than"),
        ('{"a":[' + "0," * 1_000_001 + "0]}", "more than 1,000,000 values"),
        (" " * (LARGEST + 1), "more than 16 MiB"),
        (_TEXT.replace('"quantity": 3', '"quantity": NaN', 1), "no number of JSON"),
        (_TEXT.replace('"quantity": 3', '"quantity": 1e999', 1), "inf is no number"),
        (_TEXT.replace('"quantity": 3', '"quantity": -1', 1), "figure is 0 or more"),
        (_TEXT.replace('"quantity": 3', '"quantity": "3"', 1), "Expected"),
        (_TEXT.replace('"quantity": 3', '"quantity": 9007199254740993', 1), "beyond 2^53"),
        (_TEXT.replace('"by": "Phonolith"', '"by": "a", "by": "b"'), "twice in one object"),
        (_TEXT.replace('"id": "other"', '"id": "rows"'), "two of its claims have one id"),
        (_TEXT.replace('"unit": "tracks"', '"unit": "pieces"'), "no unit 'pieces'"),
        (_TEXT.replace('"verdict": "proven"', '"verdict": "certain"'), "certain"),
        (_TEXT.replace(SIGNED["key"], SIGNED["key"].upper()), "Expected"),
        (_TEXT.replace(SIGNED["key"], ""), "one of key and signature"),
        (_TEXT.replace(SIGNED["signature"], "00"), "Expected"),
        (_TEXT.replace('"made": "2026-11-30', '"made": "30-11-2026'), "Expected"),
        (_TEXT.replace('"Auditor 1"', '"' + "a" * 201 + '"'), "Expected"),
        (_TEXT.replace("There", "\\ud800"), "surrogates not allowed"),
        (_TEXT.encode().replace(b"There", b"\xff\xfe"), "not JSON"),
    ],
)
def test_a_strangers_file_that_is_no_report_is_told_why(text: str | bytes, problem: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse(text if isinstance(text, bytes) else text.encode(), "theirs.json")
    assert problem in raised.value.problem and raised.value.subject == "theirs.json"
    assert len(raised.value.problem) < 400


def test_mutated_reports_end_in_words_or_a_seal() -> None:
    draw = random.Random(20261130)
    for _ in range(1500):
        text = bytearray(_TEXT.encode())
        for _ in range(draw.randint(1, 6)):
            place, what = draw.randrange(len(text)), draw.random()
            if what < 0.5:
                text[place] = draw.choice(b'0919{}[]",:\\eE-.nul\x00\xff')
            elif what < 0.75:
                del text[place : place + draw.randint(1, 40)]
            else:
                text[place:place] = text[place : place + draw.randint(1, 40)]
        try:
            found = parse(bytes(text), "x")
        except BadInput:
            continue
        assert found.seal is not Seal.SIGNED or signed_bytes(json.loads(text)) == signed_bytes(SIGNED)


def test_samples_and_their_seed_come_back() -> None:
    (found,) = received(signed_by(1, told_of(sampled("q")))).report.verdicts
    assert (found.seed, found.facts[0].basis) == ("q", "sampled")
