"""Signed reports: exactly which bytes of a report a key signs, and whether it did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from phonolith.verifier import signed_by

REPORT = "phonolith.audit.1"
SIGNATURE = "signature"

_EXACT = 2**53  # whole numbers up to here are the same to every program


def canonical(value: Any) -> bytes:
    """The one form of a JSON value that is signed: RFC 8785.

    Raises ValueError for what has no such form: a whole number beyond 2^53, one that is none, a lone surrogate.
    """
    return _text(value).encode()


def signed_bytes(report: Mapping[str, Any]) -> bytes:
    """What the signature of a report is over: the canonical form of everything in it but the signature."""
    return canonical({name: value for name, value in report.items() if name != SIGNATURE})


def digest(report: Mapping[str, Any]) -> str:
    """What names a report: SHA-256 of its signed bytes."""
    return hashlib.sha256(signed_bytes(report)).hexdigest()


def seal(told: Mapping[str, Any], auditor: str, key: str, sign: Callable[[bytes], str]) -> dict[str, Any]:
    """A report with its auditor, key and signature.

    ``key`` is the public half, 64 hexadecimal digits, ``sign`` gives the signature over some bytes, 128 of them. What
    is no text (a file's name in another encoding) is written as its escape.
    """
    report: dict[str, Any] = _readable({**told, "auditor": auditor, "key": key})
    return {**report, SIGNATURE: sign(signed_bytes(report))}


def is_signed(report: Mapping[str, Any]) -> bool:
    """Whether the signature in a report, whose fields have their forms, is by the key that it names."""
    return signed_by(bytes.fromhex(report["key"]), signed_bytes(report), bytes.fromhex(report[SIGNATURE]))


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))  # section 3.2.3
        return "{" + ",".join(f"{_text(name)}:{_text(value[name])}" for name in names) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT:
        raise ValueError(f"{value} is beyond 2^53")
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """A number as ECMAScript writes it (RFC 8785, section 3.2.2.3)."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{value} is no number")
    if not value:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    digits, _, exponent = repr(value).partition("e")
    power = int(exponent)
    return f"{digits.removesuffix('.0')}e{'+' if power > 0 else ''}{power}"


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_readable(name): _readable(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_readable(one) for one in value]
    return value
