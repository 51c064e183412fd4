"""Gives things that no source counts the listens that another counted, joined by MBID, before everything is ranked."""

from __future__ import annotations

from collections.abc import Mapping

from phonolith.catalogue.stage import Stage

# Of one kind only what was counted of most things is taken, so that numbers of different sorts are not compared.
_CHOSEN = """
CREATE TABLE listened AS
SELECT kind, mbid, max(listens) AS listens FROM staged_listened JOIN (
  SELECT kind, counted FROM (
    SELECT kind, counted, row_number() OVER (PARTITION BY kind ORDER BY count(*) DESC, counted) AS place
    FROM staged_listened GROUP BY kind, counted
  ) WHERE place = 1
) USING (kind, counted) GROUP BY kind, mbid
"""

# Beside what a source counts for itself: what a curve from one to the other is fitted to. Keys are as good as drawn.
_BESIDE = """
INSERT INTO listened_beside
SELECT source, popularity, listens FROM staged_track JOIN known USING (key)
WHERE popularity IS NOT NULL AND source IN (SELECT source FROM counts_itself)
QUALIFY row_number() OVER (PARTITION BY source ORDER BY key) <= 20000
"""

#: Per kind: its staged table, its code in permalinks, its name at MusicBrainz, and the scheme of such an identifier.
_THINGS = (
    ("staged_track", 0, "recording", "mbid.recording"),
    ("staged_release", 1, "release", "mbid.release"),
    ("staged_artist", 2, "artist", "mbid.artist"),
)


def give_listens(stage: Stage) -> Mapping[int, int]:
    """Fill the popularity of tracks, releases and artists of sources that give none at all.

    A source that counts for itself is left as it is: its numbers and listens are of different units. Returns, for each
    source whose things have listens now, the number of the source that counted them.
    """
    stage.run("CREATE TABLE listened_beside (source INTEGER, popularity DOUBLE, listens DOUBLE)")
    counting = stage.one("SELECT min(source) FROM staged_listened")
    if counting is None:
        return {}
    stage.run(_CHOSEN)
    own = " UNION ".join(f"SELECT source FROM {table} WHERE popularity IS NOT NULL" for table, *_ in _THINGS)
    stage.run(f"CREATE TABLE counts_itself AS {own}")
    for table, code, kind, scheme in _THINGS:
        stage.run(f"CREATE TABLE known AS {_known(table, code, kind, scheme)}")
        stage.run(
            f"UPDATE {table} SET popularity = known.listens FROM known WHERE known.key = {table}.key"
            " AND source NOT IN (SELECT source FROM counts_itself)"
        )
        if code == 0:
            stage.run(_BESIDE)
        stage.run("DROP TABLE known")
    given = " UNION ".join(f"SELECT source FROM {table} WHERE popularity IS NOT NULL" for table, *_ in _THINGS)
    filled = [source for (source,) in stage.rows(f"({given}) EXCEPT SELECT source FROM counts_itself")]
    for table in ("listened", "counts_itself", "staged_listened"):
        stage.run(f"DROP TABLE {table}")
    return dict.fromkeys(filled, counting)


def _known(table: str, code: int, kind: str, scheme: str) -> str:
    """SQL of listens by key: of what names an MBID, and of what has one for its id. Of several the most count."""
    return (
        f"SELECT key, max(listens)::DOUBLE AS listens FROM ("
        f"SELECT i.key, l.listens FROM staged_identifier i JOIN listened l ON l.mbid = lower(i.value)"
        f" WHERE l.kind = '{kind}' AND i.kind = {code} AND i.scheme = '{scheme}'"
        f" UNION ALL SELECT t.key, l.listens FROM {table} t JOIN listened l ON unhex(replace(l.mbid, '-', '')) = t.uuid"
        f" WHERE l.kind = '{kind}') GROUP BY key"
    )
