-- Stored counts for stats and plots, in DuckDB over the ranked tables: name, bucket (text and number, one of them NULL),
-- value. The bucket '' is "unknown", or the whole where a name has one bucket only.
WITH whole AS (
  SELECT t.duration, t.popularity, t.status, s.name AS source, coalesce(dt.year, dr.year) AS year,
         coalesce(l.family, 'none') AS family
  FROM track t
  JOIN (SELECT rowid + 1 AS id, source, date, rights, limits FROM release) r ON r.id = t.release
  JOIN source s ON s.id = r.source
  LEFT JOIN event_date dt ON dt.id = t.date
  LEFT JOIN event_date dr ON dr.written = r.date AND t.date IS NULL
  LEFT JOIN rights_ref x ON x.key = r.rights AND x.limits = r.limits
  LEFT JOIN (SELECT rowid + 1 AS id, licence FROM rights) g ON g.id = coalesce(t.rights, x.number)
  LEFT JOIN licence l ON l.code = g.licence
), buckets AS (
  SELECT family, source, status, year,
         CASE WHEN duration IS NULL THEN NULL ELSE least(duration // 30000 * 30, 3600) END AS seconds,
         CASE WHEN popularity IS NULL THEN NULL WHEN popularity < 1 THEN 0
              ELSE pow(10, floor(log10(popularity)))
                   * CASE WHEN popularity / pow(10, floor(log10(popularity))) >= 5 THEN 5
                          WHEN popularity / pow(10, floor(log10(popularity))) >= 2 THEN 2 ELSE 1 END END AS listens,
         count(*) AS n
  FROM whole GROUP BY ALL
)
SELECT 'licence', family, NULL::BIGINT, sum(n)::BIGINT FROM buckets GROUP BY family
UNION ALL SELECT 'source', source, NULL, sum(n)::BIGINT FROM buckets GROUP BY source
UNION ALL SELECT 'year', CASE WHEN year IS NULL THEN '' END, year, sum(n)::BIGINT FROM buckets GROUP BY year
UNION ALL SELECT 'decade', CASE WHEN year IS NULL THEN '' END, year // 10 * 10, sum(n)::BIGINT FROM buckets GROUP BY ALL
UNION ALL SELECT 'duration', CASE WHEN seconds IS NULL THEN '' END, seconds, sum(n)::BIGINT FROM buckets GROUP BY seconds
UNION ALL SELECT 'popularity', CASE WHEN listens IS NULL THEN '' END, listens::BIGINT, sum(n)::BIGINT
  FROM buckets GROUP BY listens
UNION ALL SELECT 'status', NULL, status, sum(n)::BIGINT FROM buckets GROUP BY status
UNION ALL SELECT 'format', coalesce(nullif(f.codec, ''), 'unknown'), NULL, count(DISTINCT f.key)::BIGINT
  FROM staged_file f JOIN object o ON o.sha256 = f.sha256 WHERE f.kind = 0 AND f.role = 'audio' GROUP BY ALL
UNION ALL SELECT 'tracks', '', NULL, count(*)::BIGINT FROM track
UNION ALL SELECT 'releases', '', NULL, count(*)::BIGINT FROM release
UNION ALL SELECT 'artists', '', NULL, count(*)::BIGINT FROM artist
UNION ALL SELECT 'labels', '', NULL, count(*)::BIGINT FROM label
UNION ALL SELECT 'genres', '', NULL, count(*)::BIGINT FROM genre
UNION ALL SELECT 'held', '', NULL, count(*) FILTER (status = 1)::BIGINT FROM track
UNION ALL SELECT 'objects', '', NULL, count(*)::BIGINT FROM object
UNION ALL SELECT 'bytes', '', NULL, coalesce(sum(size), 0)::BIGINT FROM object
