-- The canonical dump: everything a catalogue says, without row numbers, in an order that no build decides.
-- "-- dump" names a part; references are written out as what they point at, things as (source, source id).

-- dump meta
SELECT key, value FROM meta WHERE key <> 'permalink_bits' ORDER BY key

-- dump source
SELECT name, title, url, licence, credit FROM source ORDER BY name

-- dump licence
SELECT code, family, title, uri, spdx, hold, stream, redistribute, reencode, commercial, attribution, share_alike,
       territories FROM licence ORDER BY code

-- dump artist
SELECT s.name, a.source_id, a.name, a.sort_name, a.disambiguation, (SELECT name FROM kind WHERE id = a.kind), a.country, b.written, e.written,
       (SELECT json_group_array(folded ORDER BY folded) FROM genre_set x JOIN genre g ON g.id = x.genre
        WHERE x.id = a.genres), a.popularity, a.releases, a.tracks
FROM artist a JOIN source s ON s.id = a.source LEFT JOIN event_date b ON b.id = a.begin_date
LEFT JOIN event_date e ON e.id = a.end_date ORDER BY s.name, a.source_id

-- dump release
SELECT s.name, r.source_id, r.title, {credit:r}, d.written, l.source_id, l.name, r.catalogue_number, r.barcode,
       (SELECT name FROM kind WHERE id = r.kind),
       r.country, r.release_group,
       (SELECT json_group_array(folded ORDER BY folded) FROM genre_set x JOIN genre g ON g.id = x.genre
        WHERE x.id = r.genres),
       {rights:r}, r.popularity, r.discs, r.tracks, r.duration, hex(o.sha256)
FROM release r JOIN source s ON s.id = r.source LEFT JOIN event_date d ON d.id = r.date
LEFT JOIN label l ON l.id = r.label LEFT JOIN object o ON o.id = r.cover ORDER BY s.name, r.source_id

-- dump track
SELECT s.name, t.source_id, r.source_id, t.title, {credit:t}, t.disc, t.position, t.duration, t.isrc, d.written,
       (SELECT json_group_array(folded ORDER BY folded) FROM genre_set x JOIN genre g ON g.id = x.genre
        WHERE x.id = t.genres),
       {rights:t}, t.popularity, t.explicit, st.name, why.reason
FROM track t JOIN release r ON r.id = t.release JOIN source s ON s.id = r.source JOIN status st ON st.id = t.status
LEFT JOIN event_date d ON d.id = t.date LEFT JOIN status_reason why ON why.track = t.id ORDER BY s.name, t.source_id

-- dump label
SELECT s.name, l.source_id, l.name, l.releases, l.tracks FROM label l JOIN source s ON s.id = l.source
ORDER BY s.name, l.source_id

-- dump thing
SELECT s.name, t.source_id, k.name, t.name, t.sort_name, y.name, t.disambiguation, t.country, b.written, e.written,
       t.language, {credit:t}
FROM thing t JOIN source s ON s.id = t.source JOIN kind k ON k.id = t.kind LEFT JOIN kind y ON y.id = t.type
LEFT JOIN event_date b ON b.id = t.begin_date LEFT JOIN event_date e ON e.id = t.end_date
ORDER BY s.name, t.source_id

-- dump genre
SELECT folded, name, tracks, releases, artists FROM genre ORDER BY folded

-- dump event_date
SELECT written, year, month, day, problem FROM event_date ORDER BY written

-- dump medium
SELECT s.name, r.source_id, m.position, m.format, m.title
FROM medium m JOIN release r ON r.id = m.release JOIN source s ON s.id = r.source
ORDER BY s.name, r.source_id, m.position

-- dump release_label
SELECT s.name, r.source_id, m.position, l.source_id, m.catalogue_number
FROM release_label m JOIN release r ON r.id = m.release JOIN label l ON l.id = m.label JOIN source s ON s.id = r.source
ORDER BY s.name, r.source_id, m.position

-- dump object
SELECT hex(sha256), size, media_type FROM object ORDER BY sha256

-- dump file
SELECT {subject:x}, x.position, x.role, x.name, hex(o.sha256), x.url, x.codec, x.bitrate, x.sample_rate, x.channels,
       x.bit_depth, x.problem
FROM file x LEFT JOIN object o ON o.id = x.object ORDER BY 1, 2, 3, x.position

-- dump identifier
SELECT {subject:x}, x.scheme, x.value FROM identifier x ORDER BY 1, 2, 3, x.scheme, x.value

-- dump link
SELECT {subject:x}, x.rel, x.url FROM link x ORDER BY 1, 2, 3, x.rel, x.url

-- dump note
SELECT {subject:x}, x.kind, x.position, x.value FROM note x ORDER BY 1, 2, 3, x.kind, x.position

-- dump correction
SELECT {subject:x}, x.field, x.was, x.now, x.because, x.event, x.time FROM correction x ORDER BY 1, 2, 3, x.field

-- dump tally
SELECT name, bucket, value FROM tally ORDER BY name, typeof(bucket), bucket

-- dump claim
SELECT name, sentence, procedure, value, unit FROM claim ORDER BY name

-- dump comment
SELECT name, text FROM comment ORDER BY name

-- dump coverage
SELECT name, bucket, known, held FROM coverage ORDER BY name, bucket

-- dump listening
SELECT s.name, l.cell, l.tracks, l.held, l.popularity, l.held_popularity, l.bytes
FROM listening l JOIN source s ON s.id = l.source ORDER BY s.name, l.cell

-- dump curve
SELECT s.name, c.basis, c.scale, c.level, c.slope, c.scatter, c.pairs, c.draws, c.sentence
FROM curve c JOIN source s ON s.id = c.source ORDER BY s.name
