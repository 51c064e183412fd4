"""Phase 2: staged rows to tables in rank order, with every reference a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from phonolith.catalogue import staging
from phonolith.catalogue.dates import parse_date
from phonolith.catalogue.listens import give_listens
from phonolith.catalogue.stage import Stage
from phonolith.errors import Damaged
from phonolith.model.ids import is_public_id, public_key
from phonolith.model.progress import Progress
from phonolith.rights.decisions import Decisions
from phonolith.rights.licences import by_code

_DESCRIBED = (staging.Artist, staging.Release, staging.Track, staging.Thing)
#: Where a kind's popularity is when tables are joined for ranking, and whose it is.
_POPULARITY = {
    "artist": ("coalesce(a.popularity, s.popularity)", "a.source"),
    "release": ("coalesce(r.popularity, s.popularity)", "r.source"),
    "track": ("t.popularity", "t.source"),
}


@dataclass(frozen=True)
class Ranked:
    """What ranking met: rows staged per relation, and descriptions of one thing that several records gave."""

    staged: Mapping[str, int]
    doubles: Mapping[str, int]


def rank(stage: Stage, decisions: Decisions, held: Iterator[tuple[str, int]], progress: Progress) -> Ranked:
    """Load what phase 1 wrote and bring it into rank order. ``held`` are (SHA-256, size) of the ledger's objects."""
    steps = list(statements("rank.sql"))
    progress.start("Ranking", len(staging.RELATIONS) + len(steps) + 3, "steps")
    staged = {}
    for relation in staging.RELATIONS:
        staged[staging.table(relation)] = stage.load(relation)
        progress.advance(1)
    doubles = {one.__name__.lower(): _keep_fullest(stage, one) for one in _DESCRIBED}
    counters = give_listens(stage)
    stage.table("counter", {"source": "INTEGER", "counted_by": "INTEGER"}, sorted(counters.items()))
    if staged[staging.table(staging.Payload)]:
        _join_payloads(stage)
    _given(stage, decisions, held if staged["staged_file"] else iter(()))
    progress.advance(3)
    scores = {thing: _score(stage, thing, counters) for thing in _POPULARITY}
    for statement in steps:
        for thing, score in scores.items():
            statement = statement.replace(f"{{score:{thing}}}", score)
        stage.run(statement)
        progress.advance(1)
    progress.finish()
    return Ranked(staged, doubles)


def statements(name: str) -> Iterator[str]:
    """The statements of an SQL file of this package; they are separated by blank lines."""
    text = resources.files("phonolith.catalogue").joinpath(name).read_text("utf-8")
    for part in text.split(";\n"):
        lines = [line for line in part.splitlines() if line.strip() and not line.lstrip().startswith("--")]
        if lines:
            yield "\n".join(lines)


def _keep_fullest(stage: Stage, relation: type[staging.Row]) -> int:
    """Make several descriptions of one thing one: each column is that of the fullest description that has it.

    Returns how many were left over.
    """
    name = staging.table(relation)
    stage.run(f"CREATE TABLE doubles AS SELECT key FROM {name} GROUP BY key HAVING count(*) > 1")
    before = int(stage.one(f"SELECT count(*) FROM {name} WHERE key IN (SELECT key FROM doubles)"))
    if before:
        _tell_collision(stage, name)
        stage.run(
            f"CREATE TABLE fullest AS SELECT key, {_fullest(relation)} FROM (SELECT d.*, row_number() OVER"
            f" (PARTITION BY key ORDER BY length(to_json(d)) DESC, to_json(d)::VARCHAR) AS place FROM {name} d"
            f" WHERE key IN (SELECT key FROM doubles)) GROUP BY key"
        )
        stage.run(f"DELETE FROM {name} WHERE key IN (SELECT key FROM doubles)")
        stage.run(f"INSERT INTO {name} SELECT * FROM fullest")
        stage.run("DROP TABLE fullest")
    kept = int(stage.one("SELECT count(*) FROM doubles"))
    stage.run("DROP TABLE doubles")
    return before - kept


def _tell_collision(stage: Stage, name: str) -> None:
    """Raise Damaged where two ids share the first 64 bits of their public ids, by which everything here is joined.

    Among 100 million ids that happens in one archive of 3,700; to make one thing of two would be worse than to stop.
    """
    different = next(
        stage.rows(
            f"SELECT min(called), max(called) FROM (SELECT key, source || ':' || coalesce(uuid::VARCHAR, id) AS called"
            f" FROM {name} WHERE key IN (SELECT key FROM doubles))"
            " GROUP BY key HAVING min(called) <> max(called) ORDER BY ALL LIMIT 1"
        ),
        None,
    )
    if different:
        one, other = different
        raise Damaged("the build", f"two ids (source:id) have one key: {one} and {other}", "Report this")


def _fullest(relation: type[staging.Row]) -> str:
    """SQL of each column but the key, out of the rows of one key: of the fullest that says something there."""
    values = relation.__struct_defaults__
    unknown = dict(zip(relation.__struct_fields__[-len(values) :], values, strict=True))
    found = []
    for column, kind in staging.columns(relation).items():
        if column == "key":
            continue
        if kind == "VARCHAR":
            found.append(f"coalesce(arg_min(nullif({column}, ''), place), min({column})) AS {column}")
        else:
            zero = unknown.get(column) in (0, False)
            found.append(f"{f'max({column})' if zero else f'arg_min({column}, place)'} AS {column}")
    return ", ".join(found)


def _given(stage: Stage, decisions: Decisions, held: Iterator[tuple[str, int]]) -> None:
    """Tables of what staging does not have: held objects, withdrawn things, licences, dates."""
    _hold(stage, held)
    named = ((one, why) for one, why in sorted(decisions.withdrawn.items()) if is_public_id(one))
    withdrawn = [(public_key(one), why.because) for one, why in named]
    stage.table("withdrawn", {"key": "UBIGINT", "because": "VARCHAR"}, withdrawn)
    codes = [code for (code,) in stage.rows("SELECT DISTINCT licence FROM staged_rights WHERE licence IS NOT NULL")]
    known = [(number, code, by_code(code).family, by_code(code).hold) for number, code in enumerate(sorted(codes), 1)]
    stage.table("licence", {"id": "INTEGER", "code": "VARCHAR", "family": "VARCHAR", "hold": "BOOLEAN"}, known)
    written = stage.rows(
        "SELECT DISTINCT date FROM (SELECT date FROM staged_track UNION ALL SELECT date FROM staged_release"
        " UNION ALL SELECT begin_date FROM staged_artist UNION ALL SELECT end_date FROM staged_artist"
        " UNION ALL SELECT begin_date FROM staged_thing UNION ALL SELECT end_date FROM staged_thing)"
        " WHERE date IS NOT NULL ORDER BY date"
    )
    dates: list[tuple[object, ...]] = []
    for number, (text,) in enumerate(written, 1):
        date = parse_date(text)
        dates.append((number, text, date.year, date.month, date.day, date.problem))
    columns = {"id": "INTEGER", "written": "VARCHAR", "year": "INTEGER", "month": "INTEGER", "day": "INTEGER"}
    columns["problem"] = "VARCHAR"
    stage.table("event_date", columns, dates)


def _hold(stage: Stage, held: Iterator[tuple[str, int]]) -> None:
    stage.table("held", {"sha256": "VARCHAR", "size": "BIGINT"}, held)


def _join_payloads(stage: Stage) -> None:
    """Say of files that are known by their address which bytes it gave, by the last word on it."""
    last = "(SELECT address, arg_max(p, (time, sha256)) AS p FROM staged_payload p GROUP BY address)"
    stage.run(
        "UPDATE staged_file SET sha256 = last.p.sha256, media_type = coalesce(media_type, last.p.media_type)"
        f" FROM {last} AS last WHERE staged_file.sha256 IS NULL AND staged_file.url = last.address"
    )
    # Of a re-encoded copy nothing is as the source says of its file: neither codec nor figures nor the name's end.
    stage.run(
        "UPDATE staged_file SET codec = last.p.codec, media_type = last.p.media_type, bitrate = NULL,"
        " sample_rate = NULL, channels = NULL, bit_depth = NULL,"
        " name = regexp_replace(name, '\\.[A-Za-z0-9]{1,5}$', '') || '.' || last.p.codec"
        f" FROM {last} AS last WHERE last.p.codec IS NOT NULL AND staged_file.sha256 = last.p.sha256"
        " AND staged_file.url = last.address"
    )


def _score(stage: Stage, thing: str, counters: Mapping[int, int]) -> str:
    """What a kind is ordered by: popularity, or its percentile within who counted it where several did.

    That is the source itself, or the one that ``counters`` names for it.
    """
    popularity, source = _POPULARITY[thing]
    sources = stage.rows(
        "SELECT DISTINCT source FROM staged_track WHERE popularity IS NOT NULL UNION"
        f" SELECT DISTINCT source FROM staged_{thing} WHERE popularity IS NOT NULL"
    )
    if len({counters.get(one, one) for (one,) in sources}) < 2:
        return popularity
    cases = " ".join(f"WHEN {one} THEN {counter}" for one, counter in counters.items())
    counted_by = f"CASE {source} {cases} ELSE {source} END" if cases else source
    known = f"PARTITION BY {counted_by}, {popularity} IS NULL ORDER BY {popularity}"
    return f"CASE WHEN {popularity} IS NOT NULL THEN percent_rank() OVER ({known}) END"
