-- Views that show the tables as people would write them: joined, named, decoded. Programs read the tables.

CREATE VIEW credit_text AS     -- each ordered credit as one text
SELECT id, group_concat(shown, '') AS text FROM (
  SELECT c.id, coalesce(c.name, a.name) || c.join_phrase AS shown
  FROM credit c JOIN artist a ON a.id = c.artist ORDER BY c.id, c.position
) GROUP BY id;

CREATE VIEW tracks AS          -- tracks with names, ISRC as text and what holds for them through their release
SELECT t.id AS rank, t.title,
       CASE WHEN coalesce(t.credit, r.credit) > 0
            THEN (SELECT name FROM artist WHERE id = coalesce(t.credit, r.credit))
            ELSE (SELECT text FROM credit_text WHERE id = -coalesce(t.credit, r.credit)) END AS artist,
       r.title AS release, t.disc, t.position, t.duration / 1000.0 AS seconds,
       char(65 + (t.isrc + 140000000000000) / 466560000000 / 26, 65 + (t.isrc + 140000000000000) / 466560000000 % 26)
         || substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', (t.isrc + 140000000000000) / 10000000 % 46656 / 1296 + 1, 1)
         || substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', (t.isrc + 140000000000000) / 10000000 % 1296 / 36 + 1, 1)
         || substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', (t.isrc + 140000000000000) / 10000000 % 36 + 1, 1)
         || printf('%07d', (t.isrc + 140000000000000) % 10000000) AS isrc,
       d.written AS date, d.year, l.name AS label, c.code AS licence, g.level AS evidence,
       CASE t.explicit WHEN 1 THEN 'yes' WHEN 0 THEN 'no' END AS explicit, t.popularity, x.sentence AS status,
       s.name AS source,
       CASE WHEN length(t.source_id) = 16 AND typeof(t.source_id) = 'blob'
            THEN lower(substr(hex(t.source_id), 1, 8) || '-' || substr(hex(t.source_id), 9, 4) || '-'
                 || substr(hex(t.source_id), 13, 4) || '-' || substr(hex(t.source_id), 17, 4) || '-'
                 || substr(hex(t.source_id), 21)) ELSE t.source_id END AS source_id
FROM track t JOIN release r ON r.id = t.release JOIN source s ON s.id = r.source JOIN status x ON x.id = t.status
LEFT JOIN event_date d ON d.id = coalesce(t.date, r.date) LEFT JOIN label l ON l.id = r.label
LEFT JOIN rights g ON g.id = coalesce(t.rights, r.rights) LEFT JOIN licence c ON c.id = g.licence;

CREATE VIEW releases AS        -- releases with names
SELECT r.id AS rank, r.title,
       CASE WHEN r.credit > 0 THEN (SELECT name FROM artist WHERE id = r.credit)
            ELSE (SELECT text FROM credit_text WHERE id = -r.credit) END AS artist,
       d.written AS date, d.year, l.name AS label, r.catalogue_number, r.barcode, k.name AS kind, r.country, r.tracks, r.discs,
       r.duration / 1000.0 AS seconds, c.code AS licence, g.level AS evidence, r.popularity, s.name AS source,
       CASE WHEN length(r.source_id) = 16 AND typeof(r.source_id) = 'blob'
            THEN lower(substr(hex(r.source_id), 1, 8) || '-' || substr(hex(r.source_id), 9, 4) || '-'
                 || substr(hex(r.source_id), 13, 4) || '-' || substr(hex(r.source_id), 17, 4) || '-'
                 || substr(hex(r.source_id), 21)) ELSE r.source_id END AS source_id
FROM release r JOIN source s ON s.id = r.source LEFT JOIN event_date d ON d.id = r.date
LEFT JOIN kind k ON k.id = r.kind LEFT JOIN label l ON l.id = r.label LEFT JOIN rights g ON g.id = r.rights LEFT JOIN licence c ON c.id = g.licence;

CREATE VIEW artists AS         -- artists with dates and genres as text
SELECT a.id AS rank, a.name, coalesce(a.sort_name, a.name) AS sort_name, a.disambiguation, k.name AS kind, a.country,
       b.written AS begin_date, e.written AS end_date,
       (SELECT group_concat(g.name, ', ') FROM genre_set s JOIN genre g ON g.id = s.genre WHERE s.id = a.genres)
         AS genres,
       a.releases, a.tracks, a.popularity, s.name AS source,
       CASE WHEN length(a.source_id) = 16 AND typeof(a.source_id) = 'blob'
            THEN lower(substr(hex(a.source_id), 1, 8) || '-' || substr(hex(a.source_id), 9, 4) || '-'
                 || substr(hex(a.source_id), 13, 4) || '-' || substr(hex(a.source_id), 17, 4) || '-'
                 || substr(hex(a.source_id), 21)) ELSE a.source_id END AS source_id
FROM artist a JOIN source s ON s.id = a.source LEFT JOIN event_date b ON b.id = a.begin_date
LEFT JOIN event_date e ON e.id = a.end_date LEFT JOIN kind k ON k.id = a.kind;

CREATE VIEW labels AS          -- labels with what is said of them
SELECT l.id AS rank, l.name, coalesce(t.sort_name, l.name) AS sort_name, t.disambiguation, y.name AS type, t.country,
       b.written AS begin_date, e.written AS end_date, l.releases, l.tracks, s.name AS source,
       CASE WHEN length(l.source_id) = 16 AND typeof(l.source_id) = 'blob'
            THEN lower(substr(hex(l.source_id), 1, 8) || '-' || substr(hex(l.source_id), 9, 4) || '-'
                 || substr(hex(l.source_id), 13, 4) || '-' || substr(hex(l.source_id), 17, 4) || '-'
                 || substr(hex(l.source_id), 21)) ELSE l.source_id END AS source_id
FROM label l JOIN source s ON s.id = l.source LEFT JOIN thing t ON t.subject = l.id * 4 + 3
LEFT JOIN kind y ON y.id = t.type LEFT JOIN event_date b ON b.id = t.begin_date
LEFT JOIN event_date e ON e.id = t.end_date;

CREATE VIEW things AS          -- release groups, works, areas, places and whatever else sources describe, with names
SELECT t.subject, k.name AS kind, t.name, coalesce(t.sort_name, t.name) AS sort_name, t.disambiguation, y.name AS type,
       CASE WHEN t.credit > 0 THEN (SELECT name FROM artist WHERE id = t.credit)
            ELSE (SELECT text FROM credit_text WHERE id = -t.credit) END AS artist,
       t.country, b.written AS begin_date, e.written AS end_date, t.language, s.name AS source,
       CASE WHEN length(t.source_id) = 16 AND typeof(t.source_id) = 'blob'
            THEN lower(substr(hex(t.source_id), 1, 8) || '-' || substr(hex(t.source_id), 9, 4) || '-'
                 || substr(hex(t.source_id), 13, 4) || '-' || substr(hex(t.source_id), 17, 4) || '-'
                 || substr(hex(t.source_id), 21)) ELSE t.source_id END AS source_id
FROM thing t JOIN source s ON s.id = t.source JOIN kind k ON k.id = t.kind LEFT JOIN kind y ON y.id = t.type
LEFT JOIN event_date b ON b.id = t.begin_date LEFT JOIN event_date e ON e.id = t.end_date WHERE t.subject < 0;
