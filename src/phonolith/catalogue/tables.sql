-- Phase 3, in DuckDB: what goes into each table of schema.sql, in the order of its key. "-- table" names it.
-- A source id comes as two columns, bytes and text, of which one is NULL. Tables that ranking left in order are read as
-- they are: DuckDB keeps the order of insertion. Tracks come first, because most words are theirs: they are folded while
-- the rest is written.

-- table track
SELECT rowid + 1, release, uuid, id, title, credit, disc, position, duration, isrc, date, genres, rights, popularity,
       explicit, status
FROM track

-- table artist
SELECT * FROM artist_row

-- table release
SELECT * FROM release_row

-- table status_reason
SELECT rowid + 1, reason FROM track WHERE reason IS NOT NULL ORDER BY rowid

-- table credit
SELECT * FROM credit_row

-- table label
SELECT rowid + 1, source, uuid, id, name, releases::INTEGER, tracks::INTEGER FROM label

-- table kind
SELECT id, name FROM kind ORDER BY id

-- table event_date
SELECT id, written, year, month, day, problem FROM event_date ORDER BY id

-- table rights
SELECT s.rowid + 1, l.id, s.level, s.stated, s.stated_by, s.basis, s.composition, s.note, s.limits
FROM rights s LEFT JOIN licence l ON l.code = s.licence ORDER BY s.rowid

-- table genre
SELECT id, name, folded, tracks::INTEGER, releases::INTEGER, artists::INTEGER FROM genre ORDER BY id

-- table genre_set
SELECT DISTINCT s.id, g.id AS genre FROM genre_set s JOIN genre g ON g.folded = s.folded ORDER BY s.id, genre

-- table release_label
SELECT place, position, arg_min(label, key), arg_min(number, key)
FROM (SELECT r.rowid + 1 AS place, x.position, l.rowid + 1 AS label, x.catalogue_number AS number, l.key
      FROM staged_release_label x JOIN release r ON r.key = x.release JOIN label l ON l.key = x.label)
GROUP BY ALL ORDER BY place, position

-- table medium
SELECT r.rowid + 1 AS place, m.position, min(m.format), min(m.title)
FROM staged_medium m JOIN release r ON r.key = m.release GROUP BY ALL ORDER BY place, m.position

-- table object
SELECT id, unhex(sha256), size, media_type FROM object ORDER BY id

-- table file
SELECT s.subject, row_number() OVER (PARTITION BY s.subject ORDER BY f.position, f.role, f.name, f.sha256, f.url) - 1
         AS place,
       f.role, f.name, o.id, f.url, f.codec, f.bitrate, f.sample_rate, f.channels, f.bit_depth, f.problem
FROM (SELECT DISTINCT * FROM staged_file) f JOIN subject s ON s.key = f.key AND s.kind = f.kind
LEFT JOIN object o ON o.sha256 = f.sha256 ORDER BY s.subject, place

-- table identifier
SELECT DISTINCT s.subject, i.scheme, i.value
FROM staged_identifier i JOIN subject s ON s.key = i.key AND s.kind = i.kind ORDER BY ALL

-- table link
SELECT DISTINCT s.subject, x.rel, x.url
FROM staged_link x JOIN subject s ON s.key = x.key AND s.kind = x.kind ORDER BY ALL

-- table note
SELECT subject, note, row_number() OVER (PARTITION BY subject, note ORDER BY position, value) - 1 AS place, value
FROM (SELECT s.subject, n.note, min(n.position) AS position, n.value
      FROM staged_note n JOIN subject s ON s.key = n.key AND s.kind = n.kind GROUP BY ALL)
ORDER BY subject, note, place

-- table correction
SELECT s.subject, c.field, arg_min(c.was, (c.guess, c.was)) AS was, min(c.now), min(c.because), c.event, min(c.time)
FROM staged_correction c JOIN subject s ON s.key = c.key AND s.kind = c.kind GROUP BY ALL ORDER BY ALL

-- table thing
SELECT t.subject, t.source, t.uuid, t.id, k.id, t.name, t.sort_name, y.id, t.disambiguation, t.country, b.id, e.id,
       t.language, c.value::BIGINT
FROM thing t JOIN kind k ON k.name = t.thing LEFT JOIN kind y ON y.name = t.type
LEFT JOIN event_date b ON b.written = t.begin_date LEFT JOIN event_date e ON e.written = t.end_date
LEFT JOIN credit_ref c ON c.key = t.credit ORDER BY t.subject
