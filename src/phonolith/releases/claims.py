"""The claims of a bundle: each figure that is stated of it, to be checked with its torrent and tag files alone.

A publication pins them with the other tag files: what was stated stays, whatever is counted later.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from phonolith.library.excerpt import Said
from phonolith.library.values import playing_time
from phonolith.model.claim import Claim, Stated
from phonolith.releases.group import Group
from phonolith.store.bag import CATALOGUE, EVIDENCE, HEADS, MANIFEST
from phonolith.store.claims import NAME, dump
from phonolith.verifier import digest, read_head, read_json

_METAINFO = "metainfo"
_BESIDE = 2  # tag files that are made after the others: the claims, and the manifest of tag files


def claims_of(
    name: str, group: Group, said: Sequence[Said], tags: Mapping[str, bytes], audio: Callable[[str], bool]
) -> list[Claim]:
    """What is stated of a bundle but for its bytes.

    ``tags`` are the tag files that are made before this one, ``audio`` says of a file's name whether it is audio.
    """
    seed = seed_of(tags.get(HEADS, b""), tags[MANIFEST])
    payload, listed = len(group.files), len(group.files) + len(tags) + _BESIDE
    different = {one.file.sha256 for one in group.files} | {hashlib.sha256(data).hexdigest() for data in tags.values()}
    tracks = sum(audio(one.path[-1]) for one in group.files)
    return [
        Claim("torrent.files", f"The torrent of {name} lists {_of(listed, 'file')}.", listed, "files", name, _METAINFO),
        Claim(
            "torrent.different",
            f"{len(different) + _BESIDE:,} of them differ in their bytes.",
            len(different) + _BESIDE,
            "files",
            name,
            _METAINFO,
            definition="files",
        ),
        Claim("torrent.tracks", f"{tracks:,} of them are audio.", tracks, "tracks", name, _METAINFO),
        Claim("files", f"{_of(listed, 'file')} of {name} can be had.", listed, "files", name, seed=seed),
        Claim("tracks", f"{_of(tracks, 'file')} of audio can be had.", tracks, "tracks", name, seed=seed),
        Claim(
            "evidence", f"For {_of(payload, 'file')} it is said why they may be passed on.", payload, "files", EVIDENCE
        ),
        *_licences(group),
        *_catalogue(said),
    ]


def claims_file(name: str, group: Group, stated: Stated, tags: Mapping[str, bytes]) -> bytes:
    """The file of them, its own bytes counted with those of all others: found by counting until it says its size.

    Numbers take no fewer characters as they grow, so counting up from nothing comes to an end.
    """
    known = sum(one.file.size for one in group.files) + sum(map(len, tags.values()))
    total = 0
    while True:
        found = dump(replace(stated, claims=(*stated.claims, *_bytes(name, total, stated.claims))))
        now = known + len(found) + _tag_manifest(tags)
        if now == total:
            return found
        total = now


def seed_of(heads: bytes, manifest: bytes) -> str:
    """What samples of a bundle are drawn by: the digest of the last signed head in it, which covers its payload.

    Of a bundle that nothing was signed about it is the SHA-256 of its manifest.
    """
    if heads:
        return digest(read_head(read_json(heads.splitlines()[-1])))
    return hashlib.sha256(manifest).hexdigest()


def _bytes(name: str, total: int, claims: Sequence[Claim]) -> Iterator[Claim]:
    seed = next(one.seed for one in claims if one.seed)
    yield Claim("torrent.bytes", f"Those files have {total:,} bytes.", total, "bytes", name, _METAINFO)
    yield Claim("bytes", f"{total:,} bytes of {name} can be had.", total, "bytes", name, seed=seed)


def _tag_manifest(tags: Mapping[str, bytes]) -> int:
    """Bytes of the manifest of tag files: a digest, two blanks, the path and a line's end for each."""
    return sum(64 + 2 + len(path) + 1 for path in (*tags, NAME))


def _licences(group: Group) -> Iterator[Claim]:
    """How many files are under each licence."""
    codes = Counter(one.file.standing.rights.licence.code for one in group.files if one.file.standing.rights.licence)
    for code, number in sorted(codes.items()):
        sentence = f"{_of(number, 'file')} of them may be passed on under {code}."
        yield Claim(f"licence.{code.lower()}", sentence, number, "files", EVIDENCE, f"rows where licence = {code}")


def _catalogue(said: Sequence[Said]) -> Iterator[Claim]:
    """What the bundle's part of the catalogue describes, and how long its tracks play."""
    kinds = Counter(one.kind for one in said)
    for kind in ("track", "release", "artist"):
        sentence = f"Its part of the catalogue describes {_of(kinds[kind], kind)}."
        yield Claim(f"described.{kind}s", sentence, kinds[kind], f"{kind}s", CATALOGUE, f"rows where kind = {kind}")
    time = sum(getattr(one.said, "duration_ms", None) or 0 for one in said if one.kind == "track")
    how = "sum said.duration_ms in milliseconds where kind = track"
    sentence = f"The tracks whose duration is known play for {playing_time(time)}, {time:,} milliseconds."
    yield Claim("duration", sentence, time, "milliseconds", CATALOGUE, how)


def _of(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
