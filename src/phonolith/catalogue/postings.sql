-- Where each word and each facet occurs, as row numbers of the kind's table; row numbers are ranks, so every list is in
-- rank order. Words are folded (lower case, no accents); facets begin with a slash: /year/2004, /genre/12, /family/by-sa.
-- ids are either 0x00 and differences as base-128 numbers, highest bits first, bit 7 set on all bytes but a number's
-- last; or a Roaring bitmap in its portable serialisation (first byte 0x3A or 0x3B).

CREATE TABLE term (            -- words and facets of each kind of row, with where they occur
  kind INTEGER NOT NULL,       -- 0 track, 1 release, 2 artist, 3 label
  term TEXT NOT NULL,
  rows INTEGER NOT NULL,       -- how many rows have it
  ids ANY NOT NULL,            -- BLOB: all of them, as differences without the 0x00; INTEGER n: in parts, see posting
  PRIMARY KEY (kind, term)
) STRICT, WITHOUT ROWID;

CREATE TABLE posting (         -- the ids of frequent terms in parts, one for each tier of ranks
  id INTEGER PRIMARY KEY,      -- tier * 2^32 + term.ids
  ids BLOB NOT NULL
) STRICT;

CREATE TABLE posting_tier (    -- the tiers: best ranks first, so that a page is found without reading the rest
  kind INTEGER NOT NULL, tier INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (kind, tier)
) STRICT, WITHOUT ROWID;

CREATE TABLE title_order (     -- rows by folded title, in stretches: all titles of one come before those of the next
  id INTEGER PRIMARY KEY,      -- kind * 2^32 + place of the stretch
  ids BLOB NOT NULL,           -- as above, so not by title within the stretch
  same INTEGER NOT NULL        -- 1: all its rows have the same title
) STRICT;

CREATE TABLE exact_title (     -- rows by the CRC-32 of their folded title or name, where all its words are frequent
  id INTEGER PRIMARY KEY,      -- kind * 4096 + the lowest 12 bits of the CRC
  ids BLOB NOT NULL,           -- as above
  marks BLOB NOT NULL          -- one byte for each id: the next 8 bits of the CRC
) STRICT;
