"""A record as one line of JSON, the form in which it lies in a segment and in the open part."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import msgspec

from phonolith.errors import Damaged
from phonolith.model.bulk import in_bulk
from phonolith.model.record import Record


class Line(msgspec.Struct, omit_defaults=True):
    """The line's fields, in this order. A field that its own text cannot fill is there as ``…64`` instead.

    ``payload``: the bytes as text, if they are UTF-8 without NUL; ``payload64``: else, base64; ``object``: for more
    than 1 MiB, the payload is the held object of this SHA-256 (equal to ``digest``). ``item64``, ``url64`` and
    ``validator64``: base64 of UTF-8 with NUL and lone surrogates kept (WTF-8). ``gone``: the source no longer
    has the item.
    """

    source: str
    item: str = ""
    item64: str = ""
    url: str = ""
    url64: str = ""
    time: str = ""
    media_type: str = ""
    validator: str = ""
    validator64: str = ""
    digest: str = ""
    payload: str | None = None
    payload64: str | None = None
    object: str = ""
    gone: bool = False


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def encode_record(record: Record, digest: str, object_digest: str = "") -> bytes:
    """The line, without its newline. ``object_digest`` is given where the payload is held as an object instead."""
    line = Line(record.source, time=record.time, media_type=record.media_type, digest=digest, object=object_digest)
    if not object_digest:
        _put_payload(line, record.payload)
    line.item, line.url, line.validator = record.item, record.url, record.validator
    return _encode(line)


def encode_gone(source: str, item: str, time: str) -> bytes:
    """The line that says the source no longer has the item."""
    return _encode(Line(source, item, time=time, gone=True))


def decode_lines(data: bytes) -> list[Line]:
    """Lines of JSON, newline-separated. Raises Damaged."""
    try:
        return _decoder.decode_lines(data)
    except msgspec.DecodeError as error:
        raise Damaged("records", f"a line is not a record ({error})", "Restore it from a backup or a mirror") from error


def item_of(line: Line) -> str:
    """The line's item, from whichever field has it."""
    return _text(line.item, line.item64)


def validator_of(line: Line) -> str:
    """The line's validator, from whichever field has it."""
    return _text(line.validator, line.validator64)


def record_of(line: Line, fetch: Callable[[str], bytes]) -> Record:
    """The record again, byte for byte; ``fetch`` reads a held object. Raises what ``fetch`` raises."""
    if line.payload is not None:
        payload = line.payload.encode()
    elif line.object:
        payload = fetch(line.object)
    else:
        payload = base64.b64decode(line.payload64 or "")
    item = _text(line.item, line.item64)
    return Record(
        line.source, item, _text(line.url, line.url64), line.time, payload, line.media_type, validator_of(line)
    )


def records_of(lines: Sequence[Line], fetch: Callable[[str], bytes]) -> list[Record]:
    """The records of many lines, as :func:`record_of` makes them."""
    if any(line.payload is None or line.item64 or line.url64 or line.validator64 for line in lines):
        return [record_of(line, fetch) for line in lines]
    columns = (
        [line.source for line in lines],
        [line.item for line in lines],
        [line.url for line in lines],
        [line.time for line in lines],
        [line.payload.encode() for line in lines if line.payload is not None],
        [line.media_type for line in lines],
        [line.validator for line in lines],
    )
    return in_bulk(Record, columns, len(lines))


def _put_payload(line: Line, payload: bytes) -> None:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # DuckDB and PostgreSQL take no NUL in a text
        line.payload64 = base64.b64encode(payload).decode("ascii")
    else:
        line.payload = text


def _encode(line: Line) -> bytes:
    try:
        if "\0" not in line.item and "\0" not in line.url and "\0" not in line.validator:
            return _encoder.encode(line)
    except UnicodeEncodeError:
        pass
    for name in ("item", "url", "validator"):
        text = getattr(line, name)
        if not is_clean(text):
            setattr(line, name + "64", base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii"))
            setattr(line, name, "")
    return _encoder.encode(line)


def is_clean(text: str) -> bool:
    """Whether the text is Unicode without lone surrogates and without NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _text(text: str, text64: str) -> str:
    return base64.b64decode(text64).decode("utf-8", "surrogatepass") if text64 else text
