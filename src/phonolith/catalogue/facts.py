"""What the catalogue says about itself: sources, licences, statuses, stored counts, claims, meta and comments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import apsw

from phonolith import __version__
from phonolith.catalogue import claims
from phonolith.catalogue.comments import comments
from phonolith.catalogue.stage import Stage
from phonolith.model.status import Status
from phonolith.rights.licences import by_code, parse
from phonolith.sources.base import Source
from phonolith.store.archive import Archive

#: Version of the catalogue's schema; stored in ``meta`` and in ``PRAGMA user_version``.
SCHEMA_VERSION = 4
#: Settings that a build reads, each an attribute of the archive. Whoever lets it read another one adds it here.
READ = ("name",)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a build is told and repeats in ``meta``."""

    archive: str
    as_of: str
    settings: str
    register_head: int


def settings_digest(archive: Archive) -> str:
    """SHA-256 over the settings that a build reads (:data:`READ`), as canonical JSON.

    Two catalogues of the same held/ and date with the same digest are the same; a port or a folder changes nothing.
    """
    read = {name: getattr(archive, name) for name in READ}
    return hashlib.sha256(
        json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()


def write_sources(db: apsw.Connection, stage: Stage, sources: Mapping[str, tuple[int, Source]]) -> None:
    """Fill ``source``, also for the stored counts in staging."""
    rows = []
    for name, (number, source) in sources.items():
        terms = source.terms
        found = parse(terms.metadata_licence) if terms.metadata_licence else None
        code = found.code if found else terms.metadata_licence
        rows.append((number, name, source.title, terms.url, code, terms.credit))
    db.executemany("INSERT INTO source VALUES (?, ?, ?, ?, ?, ?)", rows)
    named = [(number, name) for name, (number, _) in sources.items()]
    stage.table("source", {"id": "INTEGER", "name": "VARCHAR"}, named)


def write_licences(db: apsw.Connection, stage: Stage) -> None:
    """Fill ``licence`` with those that occur."""
    for number, code in list(stage.rows("SELECT id, code FROM licence ORDER BY id")):
        one = by_code(code)
        permits = (one.hold, one.stream, one.redistribute, one.reencode, one.commercial)
        flags = [int(flag) for flag in (*permits, one.attribution, one.share_alike)]
        values = (number, one.code, one.family, one.title, one.uri, one.spdx, *flags, " ".join(one.territories))
        db.execute(f"INSERT INTO licence VALUES ({', '.join('?' * len(values))})", values)


def write_counts(db: apsw.Connection, stage: Stage) -> None:
    """Fill ``tally`` and ``status``."""
    query = resources.files("phonolith.catalogue").joinpath("tally.sql").read_text("utf-8")
    counts = {(name, number if text is None else text): value for name, text, number, value in stage.rows(query)}
    rows = [(name, bucket, value) for (name, bucket), value in counts.items()]
    rows.sort(key=lambda row: (row[0], str(row[1])))
    db.executemany("INSERT INTO tally VALUES (?, ?, ?)", rows)
    counted = {bucket: value for (name, bucket), value in counts.items() if name == "status"}
    statuses = [(int(s), s.name.lower(), s.sentence, counted.get(int(s), 0)) for s in Status]
    db.executemany("INSERT INTO status VALUES (?, ?, ?, ?)", statuses)


def write_about(db: apsw.Connection, stated: Stated, counts: Mapping[str, int]) -> None:
    """Fill ``claim``, ``comment`` and ``meta``."""
    claims.state(db)
    db.executemany("INSERT INTO comment VALUES (?, ?)", sorted(comments().items()))
    sources = db.execute("SELECT title, licence, credit FROM source ORDER BY name").fetchall()
    credits = [{"source": title, "licence": licence, "credit": credit} for title, licence, credit in sources]
    licences = sorted({str(licence) for _, licence, _ in sources})
    values: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "program": f"Phonolith {__version__}",
        "archive": stated.archive,
        "as_of": stated.as_of,
        "settings": stated.settings,
        "register_head": stated.register_head,
        "licence": licences[0] if len(licences) == 1 else "",
        "credits": json.dumps(credits, ensure_ascii=False),
    }
    values |= {f"rows.{name}": count for name, count in counts.items()}
    db.executemany("INSERT INTO meta VALUES (?, ?)", sorted(values.items()))
    db.pragma("user_version", SCHEMA_VERSION)
