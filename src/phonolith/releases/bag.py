"""The tag files of a bundle: what makes its folder a BagIt bag (RFC 8493), says whose the music is, and shows why.

Payload is listed in the manifest and never touched; all that is written here is small text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from phonolith import __version__
from phonolith.library.excerpt import Said
from phonolith.library.values import attribution, credit_text
from phonolith.model.claim import Stated
from phonolith.releases.choose import Chosen
from phonolith.releases.claims import claims_file, claims_of
from phonolith.releases.group import Group
from phonolith.sources.mirror import line_of
from phonolith.store.bag import CATALOGUE, EVIDENCE, HEADS, MANIFEST, TAG_MANIFEST, quoted
from phonolith.store.claims import NAME as CLAIMS

ATTRIBUTION = "ATTRIBUTION.txt"

_DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


@dataclass(frozen=True, slots=True)
class About:
    """What a bag says of its origin: the archive, whom to ask, where it is, and the catalogue's date."""

    archive: str
    contact: str
    url: str
    as_of: str


def tag_files(
    name: str, group: Group, said: Iterable[Said], heads: bytes, about: About, audio: Callable[[str], bool]
) -> dict[str, bytes]:
    """The tag files of a bundle by path. The same of all arguments give the same bytes.

    ``said`` is the catalogue's excerpt; ``heads`` the signed heads of the log that cover the payload, as a file of
    them, empty where nothing is committed to. ``audio``: whether a file of this name is counted as audio.
    """
    told = list(said)
    found = {
        "bagit.txt": _DECLARATION.encode(),
        "bag-info.txt": _info(name, group, about),
        MANIFEST: manifest({"/".join(one.path): one.file.sha256 for one in group.files}),
        ATTRIBUTION: _attribution(group, about),
        EVIDENCE: b"".join(_line(_evidence(one)) for one in group.files),
        **({HEADS: heads} if heads else {}),
        CATALOGUE: b"".join(_line(line_of(one.source, one.kind, one.said)) for one in told),
    }
    claims = tuple(claims_of(name, group, told, found, audio))
    stated = Stated(f"What {about.archive} says of {name}", about.archive, about.url, about.as_of, claims)
    found[CLAIMS] = claims_file(name, group, stated, found)
    found[TAG_MANIFEST] = manifest({path: hashlib.sha256(data).hexdigest() for path, data in found.items()})
    return found


def manifest(digests: Mapping[str, str]) -> bytes:
    """A manifest of SHA-256 digests by path (RFC 8493, section 2.1.3)."""
    return b"".join(f"{digests[path]}  {quoted(path)}\n".encode() for path in sorted(digests))


def _info(name: str, group: Group, about: About) -> bytes:
    size = sum(one.file.size for one in group.files)
    pairs = [
        ("Source-Organization", about.archive),
        ("Contact-Name", about.contact),
        ("External-Description", f"Music that may be passed on under the licence beside each piece, in {ATTRIBUTION}"),
        ("Bagging-Date", about.as_of),
        ("External-Identifier", name),
        ("Bag-Size", f"{size} bytes"),
        ("Payload-Oxum", f"{size}.{len(group.files)}"),
        ("Bag-Software-Agent", f"Phonolith {__version__}"),
        ("Licence-Family", group.licence),
        ("Popularity-Tier", group.tier),
        ("Size-Class", group.size_class),
        ("Origin", about.url),
    ]
    lines = (f"{label}: {' '.join(value.split())}\n" for label, value in pairs if value.strip())
    return "".join(lines).encode("utf-8", "replace")


def _attribution(group: Group, about: About) -> bytes:
    head = [
        f"Whose music this is, and under which licence it may be passed on. Gathered by {about.archive}.",
        "Keep this file with the music. A statement that shows why each licence holds is in evidence.jsonl.",
    ]
    lines = []
    for one in group.files:
        file = one.file
        title = file.track.title if file.track else f"{file.role} of {file.release.title}"
        artist = credit_text(file.track.credit if file.track else file.release.credit)
        said = attribution(title, artist, file.release.title, file.standing.rights.licence)
        licence = file.standing.rights.licence
        lines.append(f"{'/'.join(one.path)}\n  {said}\n  {licence.uri if licence else ''}")
    return ("\n".join(head) + "\n\n" + "\n\n".join(lines) + "\n").encode("utf-8", "replace")


def _evidence(one: Chosen) -> dict[str, Any]:
    """Why a file may be passed on: what was stated, by whom, how well that is known, and what would end it.

    ``ids`` are those that a withdrawal could name, ``witnesses`` those that an attestation could: with them and the
    register alone it can be decided later whether the file may still be passed on.
    """
    rights = one.file.standing.rights
    assert rights.licence is not None
    return {
        "path": "/".join(one.path),
        "sha256": one.file.sha256,
        "release": one.file.release.id,
        "track": one.file.track.id if one.file.track else None,
        "source": one.file.release.source,
        "licence": rights.licence.code,
        "uri": rights.licence.uri,
        "level": rights.level,
        "basis": rights.basis,
        "stated": rights.stated,
        "stated_by": rights.stated_by,
        "note": rights.note,
        "ids": one.file.ids,
        "witnesses": one.file.standing.witnesses,
        "attestations": one.file.attestations,
    }


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"
