"""What two snapshots of a source say differently: each thing that appeared, changed, vanished, moved or merged.

Only what changed is interpreted, both sides of it by the source as it is today. What is found lies in a temporary
file until it is compared, so that memory is bounded however much changed.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import apsw

from phonolith.catalogue.compare import compared, keys_of
from phonolith.errors import BadInput
from phonolith.model.change import Change, What
from phonolith.model.ids import implicit_release, named_artist, named_label, public_id
from phonolith.model.music import (
    ArtistDescription,
    Credit,
    Described,
    Label,
    OtherDescription,
    ReleaseDescription,
    TrackDescription,
)
from phonolith.model.record import Record
from phonolith.sources.base import SETTINGS, Source, speaks_for
from phonolith.store.history import Difference, History

_CACHE_KIB = 32 * 1024
_BATCH, _BATCH_BYTES = 1_000, 32 * 1024 * 1024
_SCHEMA = """
CREATE TABLE said (kind TEXT, id TEXT, item TEXT, time TEXT, before BLOB, after BLOB, heir TEXT NOT NULL DEFAULT '',
  what TEXT NOT NULL DEFAULT '', PRIMARY KEY (kind, id));
CREATE TABLE key (key TEXT, kind TEXT, id TEXT, side INTEGER, PRIMARY KEY (key, kind, id, side)) WITHOUT ROWID;
CREATE INDEX key_of ON key (kind, id, side);
"""
_PUT = """
INSERT INTO said (kind, id, item, time, before, after) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
before = coalesce(excluded.before, before), after = coalesce(excluded.after, after), item = excluded.item,
time = excluded.time"""

#: Things that are no more, and what has the same keys now: the least of them, so that the answer is always the same.
_HEIRS = """
UPDATE said SET heir = coalesce((
  SELECT min(k.id) FROM key own JOIN key k ON k.key = own.key AND k.kind = own.kind AND k.side = 1 AND k.id != own.id
  WHERE own.kind = said.kind AND own.id = said.id AND own.side = 0), '')
WHERE after IS NULL"""
#: One heir of one thing that was not there before has moved; of several things, or one that was there, they merged.
_WHAT = """
UPDATE said SET what = CASE
  WHEN after IS NOT NULL AND before IS NOT NULL THEN 'changed'
  WHEN after IS NOT NULL THEN 'appeared'
  WHEN heir = '' THEN 'vanished'
  WHEN (SELECT before FROM said h WHERE h.kind = said.kind AND h.id = said.heir) IS NULL
    AND (SELECT count(*) FROM said o WHERE o.kind = said.kind AND o.heir = said.heir) = 1 THEN 'moved'
  ELSE 'merged' END"""
_TOLD = """
SELECT s.what, s.kind, s.id, s.item, s.time, s.before, coalesce(s.after, h.after), s.heir
FROM said s LEFT JOIN said h ON s.what = 'moved' AND h.kind = s.kind AND h.id = s.heir
WHERE s.what != 'appeared'
  OR NOT EXISTS (SELECT 1 FROM said o WHERE o.what = 'moved' AND o.kind = s.kind AND o.heir = s.id)
ORDER BY s.rowid"""

#: Of held files, by SHA-256, of the thing with that public id, which is no more, those that something else offers.
Elsewhere = Callable[[Sequence[str], str], set[str]]


@dataclass(frozen=True, slots=True)
class Said:
    """A description with what only its record knows: the credits, title and labels of a track's release."""

    one: Described
    credits: tuple[Credit, ...]
    labels: tuple[Label, ...]


def diff(
    history: History,
    name: str,
    source: Source,
    a: int,
    b: int,
    *,
    elsewhere: Elsewhere | None = None,
    there: Callable[[str], bool] = lambda _: False,
) -> Iterator[Change]:
    """What the snapshots of ``a`` and ``b`` lines of ``name`` say differently, in the order in which it was said.

    ``source`` reads its records. ``elsewhere`` tells which held files something else offers (None: nobody is asked,
    and no copy is called the last), ``there`` whether a thing with that public id is there after all, because a record
    that did not change describes it too. A record that cannot be read says nothing. Raises Damaged, StorageError.
    """
    with closing(apsw.Connection("")) as db:
        db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}; PRAGMA journal_mode=OFF").fetchall()
        db.execute(_SCHEMA)
        _stage(db, source, history.changes(name, a, b))
        for sql in (_HEIRS, "CREATE INDEX by_heir ON said (kind, heir)", _WHAT):
            db.execute(sql)
        for one in _told(db, name, speaks_for(source, name), elsewhere):
            if one.what is not What.VANISHED or not there(one.id):
                yield one


def _stage(db: apsw.Connection, source: Source, found: Iterable[Difference]) -> None:
    """Put what both sides say into the temporary file, by kind and id: a thing may pass from one record to another."""
    waiting: list[Difference] = []
    size = 0
    for one in found:
        if one.item != SETTINGS:
            waiting.append(one)
            size += sum(len(record.payload) for record in (one.before, one.after) if record is not None)
        if len(waiting) >= _BATCH or size >= _BATCH_BYTES:
            _stage_some(db, source, waiting)
            waiting, size = [], 0
    _stage_some(db, source, waiting)


def _stage_some(db: apsw.Connection, source: Source, some: Sequence[Difference]) -> None:
    keys: list[tuple[str, str, str, int]] = []
    rows: list[tuple[str, str, str, str, bytes | None, bytes | None]] = []
    for one in some:
        for side, record in enumerate((one.before, one.after)):
            for said in _read(source, record):
                kind, key, data = kind_of(said.one), _key(said.one.id), pickle.dumps(said)
                rows.append((kind, key, _key(one.item), one.time, *((None, data) if side else (data, None))))
                keys += [(_key(found), kind, key, side) for found in keys_of(said.one)]
    db.executemany(_PUT, rows)
    db.executemany("INSERT OR IGNORE INTO key VALUES (?, ?, ?, ?)", keys)


def _read(source: Source, record: Record | None) -> Iterator[Said]:
    try:
        said = source.interpret(record) if record is not None else ()
        every = [one for one in said if isinstance(one, Described)]  # how often a thing was heard is no thing
    except BadInput:
        return
    releases = {one.id: one for one in every if isinstance(one, ReleaseDescription)}
    for one in every:
        release = releases.get(one.release) if isinstance(one, TrackDescription) else None
        own = () if isinstance(one, ArtistDescription) else one.credits
        labels = one.labels if isinstance(one, ReleaseDescription) else release.labels if release else ()
        yield Said(one, own or (release.credits if release else ()), labels)


def _told(db: apsw.Connection, name: str, spoken: str, elsewhere: Elsewhere | None) -> Iterator[Change]:
    for row in cast("Iterator[tuple[Any, ...]]", db.execute(_TOLD)):
        what, kind, key, item, time, before, after, heir = row
        was, now = _load(before), _load(after)
        shown = now if now is not None and what != What.MERGED else was
        assert shown is not None  # one side is there, or it would not be in the file
        fields = compared(was.one, now.one) if was and now else ()
        if what == What.CHANGED and not fields:
            continue
        copies = _last_copies(was.one, public_id(spoken, _id(key)), elsewhere) if was and what == What.VANISHED else ()
        release = shown.one.release or implicit_release(shown.one.id) if isinstance(shown.one, TrackDescription) else ""
        yield Change(
            What(what),
            name,
            _id(item),
            time,
            kind,
            public_id(spoken, _id(key)),
            title_of(shown.one),
            "".join(f"{credit.name}{credit.join}" for credit in shown.credits if not credit.role),
            public_id(spoken, release) if release else "",
            fields,
            public_id(spoken, _id(heir)) if heir else "",
            copies,
            tuple(dict.fromkeys(_about(spoken, shown))),
            " ".join([title_of(shown.one), *(c.name for c in shown.credits), *(one.name for one in shown.labels)]),
        )


def _about(spoken: str, said: Said) -> Iterator[str]:
    for credit in said.credits:
        yield public_id(spoken, credit.artist or named_artist(credit.name))
    for label in said.labels:
        yield public_id(spoken, label.label or named_label(label.name))


def _last_copies(was: Described, identifier: str, elsewhere: Elsewhere | None) -> tuple[str, ...]:
    files = () if isinstance(was, ArtistDescription | OtherDescription) else was.files
    held = [one.sha256 for one in files if one.sha256 and one.role == "audio"]
    if elsewhere is None or not held:
        return ()
    others = elsewhere(held, identifier)
    return tuple(one for one in held if one not in others)


def kind_of(one: Described) -> str:
    """``track``, ``release``, ``artist``, or what else a source describes: ``label``, ``work`` …"""
    if isinstance(one, OtherDescription):
        return one.kind
    if isinstance(one, TrackDescription):
        return "track"
    return "release" if isinstance(one, ReleaseDescription) else "artist"


def title_of(one: Described) -> str:
    """Its title or name."""
    return one.title if isinstance(one, TrackDescription | ReleaseDescription) else one.name


def _key(text: str) -> str:
    """A source's text as SQLite can take it: lone surrogates and NUL escaped."""
    return json.dumps(text)


def _id(key: str) -> str:
    return cast(str, json.loads(key))


def _load(data: bytes | None) -> Said | None:
    return None if data is None else cast(Said, pickle.loads(data))  # noqa: S301 - written above, in a file of our own
