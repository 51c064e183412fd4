-- Phase 2, in DuckDB: one row per thing, credits and dictionaries resolved, everything numbered by rank.
-- "-- step" lines name what follows for people. Tables staged_* come from phase 1.

-- step sums of fractions that do not depend on the order of adding: thousandths as integers
CREATE MACRO exact_sum(x) AS sum((x * 1000)::HUGEINT)::DOUBLE / 1000;

-- step releases that nothing describes, made from the first of their tracks
INSERT INTO staged_release BY NAME
SELECT t.release AS key, min(f.source) AS source, min(f.uuid) AS uuid, min(f.id) AS id,
       arg_min(t.title, (t.disc, t.position, t.key)) AS title, arg_min(t.credit, (t.disc, t.position, t.key)) AS credit,
       '' AS limits
FROM staged_track t JOIN (SELECT DISTINCT key, source, uuid, id FROM staged_release_ref) f ON f.key = t.release
WHERE t.release NOT IN (SELECT key FROM staged_release)
GROUP BY t.release;

-- step ordered credits, each once
CREATE TABLE renamed AS SELECT DISTINCT key, was FROM staged_correction WHERE kind = 2 AND field = 'name';

CREATE TABLE credit_name AS
SELECT n.key, position, min(source) AS source, min(artist) AS artist, min(uuid) AS uuid, min(id) AS id,
       min(CASE WHEN r.key IS NULL THEN name ELSE '' END) AS name, min(join_phrase) AS join_phrase, min(role) AS role
FROM staged_credit_name n LEFT JOIN renamed r ON r.key = n.artist AND r.was = n.name GROUP BY n.key, position;

DROP TABLE staged_credit_name;

-- step artists that are known from credits only
INSERT INTO staged_artist BY NAME
SELECT artist AS key, min(source) AS source, min(uuid) AS uuid, min(id) AS id,
       arg_max(name, (n, name)) AS name
FROM (SELECT artist, source, uuid, id, name, count(*) AS n FROM credit_name GROUP BY ALL) named
WHERE artist NOT IN (SELECT key FROM staged_artist)
GROUP BY artist;

-- step what is on each release
CREATE TABLE release_sum AS
SELECT release AS key, count(*) AS tracks, max(disc) AS discs, sum(duration) AS duration, exact_sum(popularity) AS popularity
FROM staged_track GROUP BY release;

-- step popularity of releases and artists whose source gives none: the sum over their tracks
CREATE TABLE credit_sum AS
SELECT credit, sum(tracks) AS tracks, sum(releases) AS releases, exact_sum(popularity) AS popularity
FROM (
  SELECT coalesce(t.credit, r.credit) AS credit, count(*) AS tracks, 0 AS releases, exact_sum(t.popularity) AS popularity
  FROM staged_track t JOIN staged_release r ON r.key = t.release GROUP BY 1
  UNION ALL
  SELECT credit, 0, count(*), NULL FROM staged_release GROUP BY credit
) WHERE credit IS NOT NULL GROUP BY credit;

CREATE TABLE artist_sum AS
SELECT artist AS key, sum(tracks) AS tracks, sum(releases) AS releases, exact_sum(popularity) AS popularity
FROM (SELECT DISTINCT key, artist FROM credit_name) n JOIN credit_sum s ON s.credit = n.key GROUP BY artist;

DROP TABLE credit_sum;

-- step artists by rank
CREATE TABLE artist AS
SELECT a.* REPLACE (coalesce(a.popularity, s.popularity) AS popularity),
       coalesce(s.releases, 0) AS releases, coalesce(s.tracks, 0) AS tracks
FROM staged_artist a LEFT JOIN artist_sum s USING (key)
ORDER BY {score:artist} DESC NULLS LAST, key;

DROP TABLE staged_artist;

-- step what a credit column holds: the one artist as named there, or minus the number of a credit
CREATE TABLE credit_ref AS
WITH named AS (
  SELECT n.key, count(*) AS names, min(a.rowid + 1) AS artist,
         bool_and(n.role = '' AND n.join_phrase = '' AND n.name IN ('', a.name)) AS plain
  FROM credit_name n JOIN artist a ON a.key = n.artist GROUP BY n.key
)
SELECT key, CASE WHEN names = 1 AND plain THEN artist
            ELSE -(row_number() OVER (PARTITION BY names = 1 AND plain ORDER BY key)) END AS value
FROM named;

-- step sets of genres
CREATE TABLE genre_set AS
SELECT key, (dense_rank() OVER (ORDER BY key))::INTEGER AS id, folded, name
FROM (SELECT key, folded, min(name) AS name FROM staged_genre_name GROUP BY key, folded);

CREATE TABLE genre_set_id AS SELECT DISTINCT key, id FROM genre_set;

-- step dates; a licence comes before them, the release's too
UPDATE staged_track SET rights = NULL FROM staged_release r, staged_rights s
WHERE r.key = staged_track.release AND r.rights IS NOT NULL AND s.key = staged_track.rights AND s.basis = 'public-domain';

-- step what sources forbid; a track's limits are its own and its release's
CREATE MACRO with_limits(own, more) AS CASE WHEN own IN ('', more) OR more = '' THEN greatest(own, more)
ELSE array_to_string(list_sort(list_distinct(string_split(own || ' ' || more, ' '))), ' ') END;

CREATE TABLE nothing_stated AS
SELECT min(key) AS key FROM staged_rights WHERE basis = 'none' AND stated = '' AND stated_by = '';

CREATE TABLE limited AS
SELECT coalesce(r.rights, n.key) AS key, r.limits FROM staged_release r, nothing_stated n WHERE r.limits <> ''
UNION SELECT coalesce(t.rights, r.rights, n.key), with_limits(t.limits, r.limits)
FROM staged_track t JOIN staged_release r ON r.key = t.release, nothing_stated n WHERE t.limits <> ''
UNION SELECT t.rights, r.limits
FROM staged_track t JOIN staged_release r ON r.key = t.release WHERE t.rights IS NOT NULL AND t.limits = '' AND r.limits <> '';

-- step evidence; where another wrote the composition, a release's evidence covers the recording only
CREATE TABLE rights AS
WITH once AS (
  SELECT s.*, '' AS limits FROM (SELECT DISTINCT * FROM staged_rights) s
  UNION ALL SELECT s.*, x.limits FROM (SELECT DISTINCT * FROM staged_rights) s JOIN limited x USING (key)
)
SELECT *, key AS base, false AS variant FROM once
UNION ALL
SELECT s.* REPLACE (0 AS composition), s.key AS base, true AS variant
FROM once s
WHERE s.composition = 1 AND s.basis = 'stated' AND EXISTS (SELECT 1 FROM staged_track WHERE others AND rights IS NULL)
ORDER BY licence, level, base, variant, limits;

-- whatever limit there is forbids holding a copy
CREATE TABLE rights_ref AS
SELECT s.key, s.limits, s.rowid + 1 AS number, s.level, coalesce(l.hold, false) AND s.limits = '' AS hold
FROM rights s LEFT JOIN licence l ON l.code = s.licence WHERE NOT s.variant;

CREATE TABLE rights_variant AS SELECT base AS key, limits, rowid + 1 AS number FROM rights WHERE variant;

-- step releases by rank
CREATE TABLE release AS
SELECT r.* REPLACE (coalesce(r.popularity, s.popularity) AS popularity, greatest(r.discs, coalesce(s.discs, 1)) AS discs,
                    CASE WHEN r.limits <> '' THEN coalesce(r.rights, n.key) ELSE r.rights END AS rights),
       coalesce(s.tracks, 0) AS tracks, s.duration
FROM staged_release r LEFT JOIN release_sum s USING (key), nothing_stated n
ORDER BY {score:release} DESC NULLS LAST, key;

DROP TABLE staged_release;

DROP TABLE release_sum;

-- step sorts of artists and releases
CREATE TABLE kind AS
SELECT (row_number() OVER (ORDER BY name))::INTEGER AS id, name
FROM (SELECT kind AS name FROM artist UNION SELECT kind FROM release) WHERE name IS NOT NULL;

-- step labels by number of tracks
CREATE TABLE label AS
WITH named AS (
  SELECT key, min(source) AS source, min(uuid) AS uuid, min(id) AS id, coalesce(min(nullif(name, '')), '') AS name
  FROM staged_label GROUP BY key
), uses AS (
  SELECT label, key AS release, tracks FROM release WHERE label IS NOT NULL
  UNION
  SELECT l.label, l.release, r.tracks FROM staged_release_label l JOIN release r ON r.key = l.release
)
SELECT named.*, count(uses.release) AS releases, coalesce(sum(uses.tracks), 0) AS tracks
FROM named LEFT JOIN uses ON uses.label = named.key GROUP BY ALL ORDER BY tracks DESC, named.key;

-- step audio that is held, unreadable or lost
CREATE TABLE audio AS
SELECT f.key,
       bool_or(o.sha256 IS NOT NULL AND f.problem IS NULL) AS held,
       bool_or(o.sha256 IS NOT NULL AND f.problem IS NOT NULL) AS unreadable,
       min(f.problem) AS problem, min(CASE WHEN o.sha256 IS NULL THEN f.sha256 END) AS missing
FROM staged_file f LEFT JOIN held o ON o.sha256 = f.sha256
WHERE f.kind = 0 AND f.role = 'audio' AND f.sha256 IS NOT NULL GROUP BY f.key;

-- step withdrawn things and what is under them
CREATE TABLE withdrawn_track AS
SELECT t.key, min(w.because) AS because FROM staged_track t JOIN withdrawn w ON w.key IN (t.key, t.release) GROUP BY t.key;

-- step tracks by rank
CREATE TABLE track AS
SELECT t.key, t.source, t.uuid, t.id, r.id AS release, t.title,
       CASE WHEN t.credit IS DISTINCT FROM r.credit THEN c.value END::BIGINT AS credit,
       greatest(t.disc, 1) AS disc, t.position, t.duration, t.isrc,
       CASE WHEN t.date IS DISTINCT FROM r.date THEN d.id END AS date,
       CASE WHEN t.genres IS DISTINCT FROM r.genres THEN g.id END AS genres,
       nullif(coalesce(CASE WHEN t.rights IS NULL AND t.others THEN v.number END, own.number), rel.number) AS rights,
       t.popularity, t.explicit,
       CASE
         WHEN w.key IS NOT NULL THEN 6
         WHEN a.held THEN 1
         WHEN a.unreadable THEN 8
         WHEN a.missing IS NOT NULL THEN 9
         WHEN coalesce(own.level, rel.level, 0) < 2 THEN 2
         WHEN NOT coalesce(own.hold, rel.hold, false) THEN 3
         WHEN t.offered THEN 0
         ELSE 4
       END::TINYINT AS status,
       coalesce(w.because, CASE WHEN NOT a.held THEN coalesce(a.problem, 'its object is not in the ledger: ' || a.missing) END,
                CASE WHEN a.key IS NULL AND coalesce(own.limits, rel.limits, '') <> '' AND coalesce(own.level, rel.level, 0) >= 2
                     THEN 'its source marks it ' || replace(coalesce(own.limits, rel.limits), ' ', ' and ') END) AS reason
FROM staged_track t
JOIN (SELECT key, rowid + 1 AS id, credit, date, genres, rights, limits FROM release) r ON r.key = t.release
LEFT JOIN credit_ref c ON c.key = t.credit
LEFT JOIN event_date d ON d.written = t.date
LEFT JOIN genre_set_id g ON g.key = t.genres
LEFT JOIN rights_ref own ON own.limits = with_limits(t.limits, r.limits)
  AND own.key = CASE WHEN t.limits = '' OR t.rights IS NOT NULL THEN t.rights ELSE coalesce(r.rights, (SELECT key FROM nothing_stated)) END
LEFT JOIN rights_ref rel ON rel.key = r.rights AND rel.limits = r.limits
LEFT JOIN rights_variant v ON v.key = r.rights AND v.limits = with_limits(t.limits, r.limits)
LEFT JOIN audio a ON a.key = t.key
LEFT JOIN withdrawn_track w ON w.key = t.key
ORDER BY {score:track} DESC NULLS LAST, t.key;



DROP TABLE staged_track;

-- step objects that something here points at
CREATE TABLE object AS
SELECT (row_number() OVER (ORDER BY sha256))::INTEGER AS id, sha256, size, media_type
FROM (SELECT h.sha256, h.size, coalesce(min(f.media_type), '') AS media_type
      FROM staged_file f JOIN held h ON h.sha256 = f.sha256 GROUP BY h.sha256, h.size);

CREATE TABLE cover AS
SELECT f.key, arg_min(o.id, f.position) AS object
FROM staged_file f JOIN object o ON o.sha256 = f.sha256 WHERE f.kind = 1 AND f.role = 'cover' GROUP BY f.key;

-- step genres, with those that tracks have through their release or its first artist
CREATE TABLE genre AS
WITH release_genres AS (
  SELECT r.rowid + 1 AS id, r.tracks, coalesce(r.genres, a.genres) AS genres
  FROM release r LEFT JOIN credit_name n ON n.key = r.credit AND n.position = 0 LEFT JOIN artist a ON a.key = n.artist
), uses AS (
  SELECT genres, sum(tracks) AS tracks, sum(releases) AS releases, sum(artists) AS artists FROM (
    SELECT genres, tracks, 1 AS releases, 0 AS artists FROM release_genres
    UNION ALL SELECT r.genres, -1, 0, 0 FROM track t JOIN release_genres r ON r.id = t.release WHERE t.genres IS NOT NULL
    UNION ALL SELECT i.key, 1, 0, 0 FROM track t JOIN genre_set_id i ON i.id = t.genres WHERE t.genres IS NOT NULL
    UNION ALL SELECT genres, 0, 0, 1 FROM artist
  ) WHERE genres IS NOT NULL GROUP BY genres
), spelt AS (
  SELECT folded, arg_max(name, (n, name)) AS name
  FROM (SELECT s.folded, s.name, coalesce(sum(u.tracks + u.artists), 0) AS n
        FROM genre_set s LEFT JOIN uses u ON u.genres = s.key GROUP BY s.folded, s.name) GROUP BY folded
), counted AS (
  SELECT s.folded, sum(u.tracks) AS tracks, sum(u.releases) AS releases, sum(u.artists) AS artists
  FROM genre_set s LEFT JOIN uses u ON u.genres = s.key GROUP BY s.folded
)
SELECT (row_number() OVER (ORDER BY coalesce(tracks, 0) DESC, folded))::INTEGER AS id, name, folded,
       coalesce(tracks, 0) AS tracks, coalesce(releases, 0) AS releases, coalesce(artists, 0) AS artists
FROM spelt JOIN counted USING (folded);

-- step artists and releases as they are written
CREATE TABLE artist_row AS
SELECT a.rowid + 1 AS row, a.source, a.uuid, a.id, a.name, a.sort_name, a.disambiguation, k.id AS kind,
       a.country, b.id AS begin_date, e.id AS end_date, g.id AS genres, a.popularity, a.releases::INTEGER, a.tracks::INTEGER
FROM artist a LEFT JOIN event_date b ON b.written = a.begin_date LEFT JOIN event_date e ON e.written = a.end_date
LEFT JOIN genre_set_id g ON g.key = a.genres LEFT JOIN kind k ON k.name = a.kind ORDER BY row;

CREATE MACRO whole_number(x) AS
coalesce(try_cast(x AS BIGINT) > 0 AND try_cast(x AS BIGINT)::VARCHAR = x, false);

CREATE TABLE release_row AS
SELECT r.rowid + 1 AS row, r.source, r.uuid, r.id, r.title, c.value::BIGINT AS credit, d.id AS date, l.row AS label,
       r.catalogue_number,
       CASE WHEN whole_number(r.barcode) THEN try_cast(r.barcode AS BIGINT) END AS barcode,
       CASE WHEN NOT whole_number(r.barcode) THEN r.barcode END AS other_barcode,
       k.id AS kind, r.country,
       CASE WHEN regexp_full_match(r.release_group, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
            THEN unhex(replace(r.release_group, '-', '')) END AS release_group,
       CASE WHEN NOT regexp_full_match(r.release_group, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
            THEN r.release_group END AS other_group,
       g.id AS genres, x.number AS rights,
       r.popularity, r.discs::INTEGER, r.tracks::INTEGER, r.duration::BIGINT, v.object
FROM release r LEFT JOIN credit_ref c ON c.key = r.credit LEFT JOIN event_date d ON d.written = r.date
LEFT JOIN (SELECT key, rowid + 1 AS row FROM label) l ON l.key = r.label LEFT JOIN genre_set_id g ON g.key = r.genres
LEFT JOIN kind k ON k.name = r.kind LEFT JOIN rights_ref x ON x.key = r.rights AND x.limits = r.limits LEFT JOIN cover v ON v.key = r.key
ORDER BY row;

CREATE TABLE credit_row AS
SELECT -c.value::BIGINT AS credit, n.position, a.row AS artist, CASE WHEN n.name NOT IN ('', a.name) THEN n.name END AS name,
       n.join_phrase, n.role
FROM credit_name n JOIN credit_ref c ON c.key = n.key AND c.value < 0
JOIN (SELECT key, name, rowid + 1 AS row FROM artist) a ON a.key = n.artist ORDER BY credit, n.position;

-- step what is said of labels, by their rows, and of things that are neither track, release nor artist, by public id
CREATE TABLE thing AS
SELECT t.*, coalesce(l.subject, -(row_number() OVER (PARTITION BY l.subject IS NULL ORDER BY t.key)))::BIGINT AS subject
FROM staged_thing t
LEFT JOIN (SELECT key, rowid * 4 + 7 AS subject FROM label) l ON l.key = t.key AND t.thing = 'label';

INSERT INTO kind
SELECT (SELECT count(*) FROM kind) + row_number() OVER (ORDER BY name), name
FROM (SELECT thing AS name FROM thing UNION SELECT type FROM thing)
WHERE name IS NOT NULL AND name NOT IN (SELECT name FROM kind);

-- step row numbers of what further tables point at
CREATE VIEW subject AS
SELECT key, 0 AS kind, rowid * 4 + 4 AS subject FROM track UNION ALL SELECT key, 1, rowid * 4 + 5 FROM release
UNION ALL SELECT key, 2, rowid * 4 + 6 FROM artist UNION ALL SELECT key, 3, rowid * 4 + 7 FROM label
UNION ALL SELECT key, 4, subject FROM thing WHERE subject < 0;
