"""What payload a source's descriptions lead to: where each file is, what was stated of it, and whose licence it has.

A candidate is an offer, not a permission: each is put to the gate before one request for it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from phonolith.model.music import Description, File, LicenceStatement, ReleaseDescription, TrackDescription
from phonolith.model.record import Record

#: The roles of files that are fetched: music, pictures, and what was written to go with them.
ROLES = frozenset({"audio", "cover", "booklet", "lyrics", "licence"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that could be fetched.

    ``address`` is where it is (http or https): the ``url`` of the description's :class:`File`, word for word, because
    by that the build finds what is held of it. ``description`` is the source id of the track or release it belongs
    to; ``role``, ``name`` and ``media_type`` are as in :class:`File`. ``size`` in bytes and the digests, in
    hexadecimal, are what the source states of it; "" and None: nothing.

    ``licences`` are statements about this file itself, for a picture by another hand or a bonus under other terms;
    empty means: those of its description. ``limits`` are what the source forbids with it: ``stream-only``,
    ``no-download``, ``private`` (:data:`phonolith.rights.gate.LIMITS`).
    """

    address: str
    description: str
    role: str
    name: str = ""
    size: int | None = None
    media_type: str = ""
    md5: str = ""
    sha1: str = ""
    sha256: str = ""
    licences: tuple[LicenceStatement, ...] = ()
    limits: frozenset[str] = frozenset()


@runtime_checkable
class OffersMedia(Protocol):
    """A source that knows more of its files than a description says: digests, limits, licences of single files."""

    def media(self, record: Record, said: Sequence[Description]) -> Iterable[Candidate]:
        """The candidates of a record, of which ``said`` is what ``interpret`` said: pure, without network or clock.

        Best first where the same music comes in several encodings; those that are not wanted are left out. Raises
        BadInput when the payload is not what this source writes.
        """


def candidates(source: object, record: Record, said: Sequence[Description]) -> list[Candidate]:
    """What can be fetched of what a record says, each address once: by the source's own word, else by the descriptions.

    Raises BadInput as the source does.
    """
    found = source.media(record, said) if isinstance(source, OffersMedia) else described(said)
    return list({one.address: one for one in reversed(list(found))}.values())[::-1]


def described(said: Iterable[Description]) -> Iterator[Candidate]:
    """A candidate for each file of a fetched role for which a description names an address."""
    for one in said:
        if isinstance(one, TrackDescription | ReleaseDescription):
            yield from (_candidate(one.id, file) for file in one.files if _wanted(file))


def _wanted(file: File) -> bool:
    return file.role in ROLES and not file.sha256 and file.url.startswith(("http://", "https://"))


def _candidate(description: str, file: File) -> Candidate:
    return Candidate(file.url, description, file.role, file.name, file.size, file.media_type)
