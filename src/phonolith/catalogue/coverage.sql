-- What is held of what is known, in DuckDB over the ranked tables: name, bucket (text and number, one of them NULL),
-- known, held. Of labels and genres the hundred with most tracks have a row, and all others one together.

-- step audio of tracks: its bytes, and whether anybody names an address for the same bytes or the same track
CREATE TABLE addressed AS
SELECT DISTINCT sha256 FROM staged_file WHERE kind = 0 AND role = 'audio' AND url IS NOT NULL AND sha256 IS NOT NULL;

CREATE TABLE sound AS
SELECT f.key, sum(o.size)::BIGINT AS bytes, bool_or(f.url IS NOT NULL OR a.sha256 IS NOT NULL) AS elsewhere
FROM (SELECT DISTINCT key, sha256, url FROM staged_file WHERE kind = 0 AND role = 'audio') f
LEFT JOIN object o ON o.sha256 = f.sha256 LEFT JOIN addressed a ON a.sha256 = f.sha256 GROUP BY f.key;

-- step tracks by everything that they are counted by
CREATE TABLE covered AS
SELECT coalesce(dt.year, dr.year) AS year, coalesce(l.family, 'none') AS family, r.source, r.label,
       count(*) AS known, count(*) FILTER (t.status = 1) AS held
FROM track t
JOIN (SELECT rowid + 1 AS id, source, date, rights, limits, label FROM release) r ON r.id = t.release
LEFT JOIN event_date dt ON dt.id = t.date
LEFT JOIN event_date dr ON dr.written = r.date AND t.date IS NULL
LEFT JOIN rights_ref x ON x.key = r.rights AND x.limits = r.limits
LEFT JOIN (SELECT rowid + 1 AS id, licence FROM rights) g ON g.id = coalesce(t.rights, x.number)
LEFT JOIN licence l ON l.code = g.licence
GROUP BY ALL;

CREATE TABLE covered_genre AS
WITH of_release AS (
  SELECT r.rowid + 1 AS id, g.id AS genres
  FROM release r LEFT JOIN credit_name n ON n.key = r.credit AND n.position = 0 LEFT JOIN artist a ON a.key = n.artist
  LEFT JOIN genre_set_id g ON g.key = coalesce(r.genres, a.genres)
), sets AS (
  SELECT coalesce(t.genres, o.genres) AS genres, count(*) AS known, count(*) FILTER (t.status = 1) AS held
  FROM track t JOIN of_release o ON o.id = t.release GROUP BY 1
), of_set AS (SELECT DISTINCT s.id AS genres, g.id, g.name FROM genre_set s JOIN genre g USING (folded))
SELECT o.id, o.name, sum(s.known) AS known, sum(s.held) AS held
FROM sets s LEFT JOIN of_set o USING (genres) GROUP BY ALL;

CREATE TABLE covered_label AS
SELECT l.name, sum(c.known) AS known, sum(c.held) AS held, row_number() OVER (ORDER BY l.name IS NULL, sum(c.known) DESC, l.name) AS place
FROM covered c LEFT JOIN (SELECT key, nullif(name, '') AS name FROM label) l ON l.key = c.label GROUP BY l.name;

-- step popularity in cells
CREATE TABLE heard AS
SELECT coalesce(c.counted_by, r.source) AS source,
       CASE WHEN t.popularity <= 10 THEN round(t.popularity * 10) / 10 WHEN t.popularity <= 100 THEN round(t.popularity)
            ELSE 1000 + round(log2(t.popularity) * 8) END AS cell,
       count(*) AS tracks, count(*) FILTER (t.status = 1) AS held, exact_sum(t.popularity) AS popularity,
       coalesce(exact_sum(CASE WHEN t.status = 1 THEN t.popularity END), 0) AS held_popularity,
       coalesce(sum(s.bytes) FILTER (t.status = 1), 0)::BIGINT AS bytes, max(t.popularity) AS highest
FROM track t JOIN (SELECT rowid + 1 AS id, source FROM release) r ON r.id = t.release
LEFT JOIN counter c ON c.source = r.source LEFT JOIN sound s ON s.key = t.key
WHERE t.popularity >= 0 GROUP BY ALL;

-- step all of it
CREATE TABLE coverage AS
WITH artists AS (
  SELECT n.artist, bool_or(c.held) AS held FROM (
    SELECT coalesce(t.credit, v.value) AS credit, bool_or(t.status = 1) AS held
    FROM track t JOIN (SELECT rowid + 1 AS id, credit FROM release) r ON r.id = t.release
    LEFT JOIN credit_ref v ON v.key = r.credit GROUP BY 1
  ) c JOIN (SELECT DISTINCT v.value AS credit, n.artist FROM credit_name n JOIN credit_ref v ON v.key = n.key) n USING (credit)
  GROUP BY n.artist
), recordings AS (
  SELECT lower(i.value) AS mbid, bool_or(t.status = 1) AS held
  FROM staged_identifier i JOIN track t ON t.key = i.key WHERE i.kind = 0 AND i.scheme = 'mbid.recording' GROUP BY 1
), files AS (
  SELECT f.sha256, bool_or(o.sha256 IS NOT NULL) AS held FROM staged_file f LEFT JOIN object o ON o.sha256 = f.sha256
  WHERE f.kind = 0 AND f.role = 'audio' AND f.sha256 IS NOT NULL GROUP BY 1
), releases AS (
  SELECT release, bool_or(status = 1) AS partly, bool_and(status = 1) AS whole FROM track GROUP BY release
), steps AS (
  SELECT (m * pow(10, e))::BIGINT AS step FROM unnest([1, 2, 5]) AS u(m), range(0, 11) AS v(e)
), best AS (
  SELECT s.step, count(*) AS known, count(*) FILTER (t.status = 1) AS held
  FROM (SELECT rowid + 1 AS place, status FROM track) t ASOF JOIN steps s ON t.place <= s.step GROUP BY s.step
)
SELECT 'definition' AS name, 'rows' AS text, NULL::BIGINT AS number, count(*) AS known, count(*) FILTER (status = 1) AS held FROM track
UNION ALL SELECT 'definition', 'ids', NULL, count(*), count(*) FILTER (status = 1) FROM track
UNION ALL SELECT 'definition', 'isrcs', NULL, count(DISTINCT isrc), count(DISTINCT isrc) FILTER (status = 1) FROM track
UNION ALL SELECT 'definition', 'files', NULL, count(*), count(*) FILTER (held) FROM files
UNION ALL SELECT 'definition', 'recordings', NULL, count(*), count(*) FILTER (held) FROM recordings
UNION ALL SELECT 'definition', 'releases', NULL, (SELECT count(*) FROM release), count(*) FILTER (partly) FROM releases
UNION ALL SELECT 'definition', 'whole releases', NULL, (SELECT count(*) FROM release), count(*) FILTER (whole) FROM releases
UNION ALL SELECT 'definition', 'artists', NULL, (SELECT count(*) FROM artist), count(*) FILTER (held) FROM artists
UNION ALL SELECT 'definition', 'popular', NULL, count(popularity), count(popularity) FILTER (status = 1) FROM track
UNION ALL SELECT 'place', 'only here', NULL, count(*), count(*) FILTER (NOT coalesce(s.elsewhere, false))
  FROM track t LEFT JOIN sound s ON s.key = t.key WHERE t.status = 1
UNION ALL SELECT 'rank', NULL, least(step, (SELECT count(*) FROM track)), (sum(known) OVER (ORDER BY step))::BIGINT,
                 (sum(held) OVER (ORDER BY step))::BIGINT FROM best
UNION ALL SELECT 'year', CASE WHEN year IS NULL THEN '' END, year, sum(known), sum(held) FROM covered GROUP BY year
UNION ALL SELECT 'licence', family, NULL, sum(known), sum(held) FROM covered GROUP BY family
UNION ALL SELECT 'source', s.name, NULL, sum(known), sum(held) FROM covered c JOIN source s ON s.id = c.source GROUP BY s.name
UNION ALL SELECT 'label', coalesce(name, ''), NULL, known, held FROM covered_label WHERE place <= 100 OR name IS NULL
UNION ALL SELECT 'label.rest', '', NULL, sum(known), sum(held) FROM covered_label WHERE place > 100 AND name IS NOT NULL HAVING count(*) > 0
UNION ALL SELECT 'genre', coalesce(name, ''), NULL, known, held FROM covered_genre WHERE id <= 100 OR id IS NULL
UNION ALL SELECT 'genre.rest', '', NULL, sum(known), sum(held) FROM covered_genre WHERE id > 100 HAVING count(*) > 0;
