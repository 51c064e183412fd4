"""The payloads of the source ``folder``: one per audio file, one per release, one for the collection. JSON."""

from __future__ import annotations

from typing import Any

import msgspec

Tags = dict[str, list[str]]


class HeldFile(msgspec.Struct, omit_defaults=True):
    """A file whose bytes are held. ``role`` as in :class:`phonolith.model.music.File`; ``kind`` of a picture."""

    role: str
    name: str
    sha256: str
    size: int
    media_type: str = ""
    kind: str = ""
    problem: str = ""


class Audio(msgspec.Struct, omit_defaults=True):
    """Properties of the audio: milliseconds, bits per second, Hz."""

    format: str = ""
    codec: str = ""
    duration_ms: int | None = None
    bitrate: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    bit_depth: int | None = None


class Statement(msgspec.Struct, omit_defaults=True):
    """A licence statement as in :class:`phonolith.model.music.LicenceStatement`."""

    uri: str
    level: int
    by: str
    where: str = ""
    digest: str = ""


class SidecarRow(msgspec.Struct, omit_defaults=True):
    """The row of a sidecar that names this file; ``digest`` of the sidecar, which is held."""

    file: str
    digest: str
    row: dict[str, str]


class Track(msgspec.Struct, omit_defaults=True, tag="track", tag_field="kind"):
    """The record of one audio file.

    ``path`` is the path under the harvested folder where the item does not lead back to it. ``release`` is the item of
    its release's record, ``disc`` the number of the disc folder it lies in (0: none),
    ``covers`` the pictures it embeds.
    """

    release: str
    file: HeldFile
    audio: Audio
    tags: Tags = {}
    sidecar: SidecarRow | None = None
    licences: list[Statement] = []
    disc: int = 0
    path: str = ""
    covers: list[HeldFile] = []


class Said(msgspec.Struct, omit_defaults=True):
    """What ``count`` files of a release agree in saying about it: their tags that concern a release, or their rows."""

    tags: Tags
    count: int


class Release(msgspec.Struct, omit_defaults=True, tag="release", tag_field="kind"):
    """The record of a release: a folder, or the files of a folder that share an album.

    ``discs`` are (number, name of the folder). ``files`` are covers, booklets, logs and the like. ``album`` is set
    where the folder mixes albums.
    """

    folder: str
    said: list[Said]
    discs: list[tuple[int, str]] = []
    files: list[HeldFile] = []
    album: str = ""


class Collection(msgspec.Struct, omit_defaults=True, tag="collection", tag_field="kind"):
    """The settings record: what the collection is called, and from where it was last harvested."""

    title: str
    root: str = ""


Payload = Track | Release | Collection

_decoder = msgspec.json.Decoder(Payload)
_encoder = msgspec.json.Encoder()


def decode(data: bytes) -> Payload:
    """A payload. Raises msgspec.MsgspecError."""
    found: Payload = _decoder.decode(data)
    return found


def encode(payload: Payload) -> bytes:
    """The payload's bytes, the same for equal payloads."""
    return _encoder.encode(payload)


def plain(payload: Payload) -> Any:
    """The payload as dictionaries, lists and scalars."""
    return msgspec.to_builtins(payload)
