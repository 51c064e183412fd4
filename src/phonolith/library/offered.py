"""The gate for what was published: which files of a bundle may be offered now, with a catalogue or without one.

A publication pins the evidence it used: the held ``evidence.jsonl`` of a bundle says of each file whose it is, what a
withdrawal of it could name, and which attestations it rested on. That and the register are enough to decide when
derived/ is gone; where they cannot say, the file is refused. With a catalogue, every thing that has the bytes is asked
about as well, and the evidence is what the last build found.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import msgspec

from phonolith.errors import NotFound, PhonolithError
from phonolith.library.access import Item, decision, item_of, standing
from phonolith.library.listing import raw_tracks, release_rows, track_rows
from phonolith.library.publications import Objects, PublishedFile, files
from phonolith.library.reading import Library, Reading, Standing
from phonolith.library.tracks import withdrawable
from phonolith.model.ids import KINDS
from phonolith.model.publication import Bundle
from phonolith.model.rights import Decision, Use
from phonolith.rights.decisions import Decisions
from phonolith.rights.evidence import REVOKED, Evidence, since
from phonolith.rights.gate import FORBIDDEN, GONE, Policy, Subject, decide
from phonolith.rights.licences import known
from phonolith.rights.stricter import restate_pinned
from phonolith.store.bag import EVIDENCE

_AT_ONCE = 500  # files
_UNREADABLE = (PhonolithError, KeyError, OSError, msgspec.MsgspecError)
_PRECEDENCE = (404, 403, 410, 451)

_HAVING = """
SELECT j.key, f.subject, f.role, f.name, lower(hex(o.sha256)), o.size, o.media_type, f.codec, f.problem
FROM json_each(?) j CROSS JOIN object o ON o.sha256 = unhex(j.value) CROSS JOIN file f ON f.object = o.id"""
_COVER = """
SELECT 'cover', 'cover', lower(hex(o.sha256)), o.size, o.media_type, '', NULL
FROM release r CROSS JOIN object o ON o.id = r.cover WHERE r.id = ? AND o.sha256 = unhex(?)"""


class Pinned(msgspec.Struct, frozen=True):
    """A line of ``evidence.jsonl``: why a file was published.

    ``ids`` are the public ids that a withdrawal of its bytes could name, ``witnesses`` those that an attestation
    could, ``attestations`` the events of those that it rested on.
    """

    path: str
    sha256: str
    release: str
    track: str | None
    licence: str
    level: int
    basis: str
    stated: str
    stated_by: str
    note: str
    ids: tuple[str, ...]
    witnesses: tuple[str, ...]
    attestations: tuple[int, ...]


class _Path(msgspec.Struct):
    path: str


@dataclass(frozen=True, slots=True)
class Contents:
    """A bundle's files by path, and the line of evidence of each payload file as it is held."""

    bundle: Bundle
    files: Mapping[str, PublishedFile]
    lines: Mapping[str, bytes]

    def __len__(self) -> int:
        return len(self.files)

    @property
    def payload(self) -> Iterator[str]:
        """The paths of the payload, in the order of the manifest."""
        return (path for path, one in self.files.items() if one.payload)


def offered(
    library: Library | None, objects: Objects, decisions: Decisions, bundle: Bundle, *, policy: Policy | None = None
) -> Mapping[str, Decision]:
    """The gate's answer now for every file of a bundle, tag files too, by path; pad files have no bytes to ask about.

    ``decisions`` are those in force. ``library`` is None where there is no catalogue; then ``policy`` says where the
    archive publishes, of which the default is the narrowest. Raises Damaged, NotFound or StorageError where the
    bundle's manifest cannot be read: then nothing of it may be offered.
    """
    return answers(library, decisions, contents(objects, bundle), policy=policy)


def contents(objects: Objects, bundle: Bundle) -> Contents:
    """The files of a bundle with what is pinned of each. Where the evidence cannot be read, there is none."""
    return Contents(bundle, {one.path: one for one in files(objects, bundle)}, _lines(objects, bundle))


def answers(
    library: Library | None,
    decisions: Decisions,
    inside: Contents,
    paths: Iterable[str] | None = None,
    *,
    policy: Policy | None = None,
) -> dict[str, Decision]:
    """As :func:`offered`, for the files at ``paths`` (every one if None) of a bundle that was read before."""
    wanted = list(inside.files if paths is None else paths)
    payload = ((path, _pinned(inside, path)) for path in wanted if inside.files[path].payload)
    found = {path: one for some in _decided(library, decisions, payload, policy) for path, one in some.items()}
    tags = [path for path in wanted if path not in found]
    if tags:
        every = ((path, _pinned(inside, path)) for path in inside.payload)
        found.update(dict.fromkeys(tags, _of_tags(_decided(library, decisions, every, policy))))
    return {path: found[path] for path in wanted}


def any_offered(
    library: Library | None, objects: Objects, decisions: Decisions, bundle: Bundle, *, policy: Policy | None = None
) -> bool:
    """Whether any payload of a bundle may be offered; where none may, the bundle as a whole is not.

    No more of the evidence is read than is needed to say so: of a bundle in good standing its first line.
    """
    return _any(_decided(library, decisions, ((one.path, one) for one in _streamed(objects, bundle)), policy))


def _any(portions: Iterable[Mapping[str, Decision]]) -> bool:
    return any(one.allowed for some in portions for one in some.values())


def _of_tags(portions: Iterable[Mapping[str, Decision]]) -> Decision:
    """Tag files are text about the music and go with it: they are offered as long as any of it is.

    Where none of it is, it was taken down; or nothing shows that it may be passed on, and then the reason is told.
    """
    forbidden, why = True, ""
    for one in (one for some in portions for one in some.values()):
        if one.allowed:
            return Decision(Use.REDISTRIBUTE, True, ("It is a tag file of the bundle: words about the music.",))
        forbidden, why = forbidden and one.status == FORBIDDEN, why or " ".join(one.reasons)
    if forbidden and why:
        return Decision(
            Use.REDISTRIBUTE, False, (f"Nothing in this bundle is passed on now. {why}",), FORBIDDEN, "licence"
        )
    return Decision(Use.REDISTRIBUTE, False, ("Everything that was in this bundle was taken down.",), GONE, "owner")


def _decided(
    library: Library | None,
    decisions: Decisions,
    payload: Iterable[tuple[str, Pinned | None]],
    policy: Policy | None,
) -> Iterator[dict[str, Decision]]:
    """The gate's answers for payload files by path, a portion at a time: the first by itself, then many at once."""
    left, size = iter(payload), 1
    while some := dict(islice(left, size)):
        size = _AT_ONCE
        if library is None:
            yield {path: _by_register(one, decisions, policy or Policy()) for path, one in some.items()}
            continue
        with library.catalogue.reading() as snapshot:
            yield _by_catalogue(library.view(snapshot, decisions), some)


def _by_register(one: Pinned | None, decisions: Decisions, policy: Policy) -> Decision:
    """The gate's answer by what was pinned and what was decided since."""
    if one is None:
        return _UNKNOWN
    subject = Subject(_evidence(one, decisions), (*one.ids, one.sha256))
    return decide(Use.REDISTRIBUTE, subject, policy=policy, withdrawn=decisions.withdrawn)


def _evidence(one: Pinned, decisions: Decisions) -> Evidence:
    """Pinned evidence as it stands now. It covered the composition, else the file would not have been published."""
    built = Evidence(
        known(one.licence), one.level, one.stated, one.stated_by, one.basis, composition=True, note=one.note
    )
    now = decisions.attestations(*one.witnesses)
    if not set(one.attestations) <= {attestation.event for attestation in now}:
        return _NOT_IN_FORCE
    return since(restate_pinned(built, decisions.restated, one.witnesses), now, max(one.attestations, default=0))


def _by_catalogue(reading: Reading, pinned: Mapping[str, Pinned | None]) -> dict[str, Decision]:
    """The gate's answers by what has the bytes; by what was pinned where nothing in this catalogue has them."""
    items = _items(reading, {path: one for path, one in pinned.items() if one is not None})
    found = {}
    for path, one in pinned.items():
        by_register = _by_register(one, reading.decisions, reading.policy)
        if one is None or any(name in reading.decisions.withdrawn for name in (*one.ids, one.sha256)):
            found[path] = by_register
            continue
        asked = [decision(reading, Use.REDISTRIBUTE, item) for item in items[path]]
        found[path] = max(asked, key=_kindest, default=by_register)
    return found


def _kindest(one: Decision) -> tuple[bool, int]:
    return one.allowed, 0 if one.allowed else _PRECEDENCE.index(one.status)


def _items(reading: Reading, pinned: Mapping[str, Pinned]) -> dict[str, list[Item]]:
    """What has the bytes of each file: the tracks and releases whose files they are, or whose cover."""
    sha256 = {path: one.sha256 for path, one in pinned.items()}
    rows = reading.rows(_HAVING, (json.dumps(sha256),))
    stands = _standings(reading, {row[1] for row in rows})
    found: dict[str, list[Item]] = defaultdict(list)
    for path, subject, *file in rows:
        if subject in stands and not (file[0] == "audio" and file[6]):
            found[path].append(item_of(path, file, stands[subject]))
    for path, one in pinned.items():
        if path not in found:
            found[path] += _named(reading, path, one)
    return found


def _named(reading: Reading, path: str, one: Pinned) -> Iterator[Item]:
    """The thing that a file was published for, where that is in this catalogue and its bytes are another file's."""
    try:
        kind, row = reading.snapshot.find(one.track or one.release)
    except NotFound:
        return
    cover = None if one.track else reading.rows(_COVER, (row, one.sha256))
    file = cover[0] if cover else ("other", path, one.sha256, 0, "", "", None)
    yield item_of(path, file, standing(reading, kind, row))


def _standings(reading: Reading, subjects: Iterable[int]) -> dict[int, Standing]:
    """What tracks and releases stand on, by number of the subject: shown tracks together, others one by one."""
    found = {}
    wanted = [subject for subject in subjects if KINDS[subject % 4] in ("track", "release")]
    shown = reading.shown("track", [subject // 4 for subject in wanted if KINDS[subject % 4] == "track"])
    releases = _releases(reading, shown)
    for row, track in zip(shown, track_rows(reading, shown), strict=True):
        ids = withdrawable(track, releases[track.release.id])
        found[row * 4] = Standing(track.rights, ids, (track.id, track.release.id))
    for subject in wanted:
        if subject not in found:
            found[subject] = standing(reading, KINDS[subject % 4], subject // 4)
    return found


def _releases(reading: Reading, tracks: Sequence[int]) -> Mapping[str, Any]:
    rows = dict.fromkeys(one.release for one in raw_tracks(reading, tracks))
    return {one.id: one for one in release_rows(reading, rows)}


def _pinned(inside: Contents, path: str) -> Pinned | None:
    """What was pinned of a file; None where nothing can be read that is about these very bytes."""
    try:
        found = msgspec.json.decode(inside.lines.get(path, b""), type=Pinned)
    except msgspec.MsgspecError:
        return None
    return found if found.sha256 == inside.files[path].sha256 else None


def _lines(objects: Objects, bundle: Bundle) -> dict[str, bytes]:
    """The lines of evidence by path; none of them where one cannot be read."""
    with suppress(*_UNREADABLE), objects.open(bundle.tags[EVIDENCE]) as file:
        return {msgspec.json.decode(line, type=_Path).path: line for line in file}
    return {}


def _streamed(objects: Objects, bundle: Bundle) -> Iterator[Pinned]:
    """What was pinned of each file, as far as it can be read."""
    with suppress(*_UNREADABLE), objects.open(bundle.tags[EVIDENCE]) as file:
        for line in file:
            yield msgspec.json.decode(line, type=Pinned)


_NOT_IN_FORCE = replace(
    REVOKED,
    note="The attestation it rested on is not in force here: it was revoked, or it is another archive's and counts as "
    "that archive's statement from the next build on.",
)

_UNKNOWN = Decision(
    Use.REDISTRIBUTE,
    False,
    ("Why it was published cannot be read any more, so it is not passed on.",),
    FORBIDDEN,
    "licence",
)
