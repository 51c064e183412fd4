-- The catalogue: one SQLite file that explains itself. Tables first, then views that show them as people would write them.
--
-- Row numbers are ranks, best first, and belong to one build: tracks, releases and artists are numbered by popularity
-- (then by public id), so every list and every search comes out in rank order without a sort. Nothing outside this file
-- may name a row number; outside, things go by public id: base32(first 80 bits of SHA-256(source name, 0x00, source id)).
--
-- source_id is a 16-byte BLOB where the source's id is a UUID (an MBID), else TEXT.

CREATE TABLE meta (            -- what this file is: schema version, as-of date, settings digest, licence, credits
  key TEXT PRIMARY KEY,
  value ANY
) STRICT, WITHOUT ROWID;

CREATE TABLE source (          -- where descriptions come from, under which terms
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  url TEXT NOT NULL,
  licence TEXT NOT NULL,       -- licence code of the source's metadata, '' if none is stated
  credit TEXT NOT NULL
) STRICT;

CREATE TABLE licence (         -- every licence that occurs, with what it permits
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,   -- CC-BY-SA-3.0-DE
  family TEXT NOT NULL,        -- by-sa
  title TEXT NOT NULL,
  uri TEXT NOT NULL,
  spdx TEXT NOT NULL,
  hold INTEGER NOT NULL, stream INTEGER NOT NULL, redistribute INTEGER NOT NULL, reencode INTEGER NOT NULL,
  commercial INTEGER NOT NULL, attribution INTEGER NOT NULL, share_alike INTEGER NOT NULL,
  territories TEXT NOT NULL    -- space-separated ISO 3166-1 codes; '' = worldwide
) STRICT;

CREATE TABLE rights (          -- licence evidence, each combination once; where and when of each item stay in its record
  id INTEGER PRIMARY KEY,
  licence INTEGER REFERENCES licence, -- NULL: nothing recognised
  level INTEGER NOT NULL,      -- 0 none, 1 third party, 2 platform or file, 3 two sources, 4 rightsholder or attested
  stated TEXT NOT NULL,        -- the statement as found
  stated_by TEXT NOT NULL,
  basis TEXT NOT NULL,         -- 'stated', 'attested', 'conflict', 'none'
  composition INTEGER NOT NULL,-- 1: the evidence covers the composition too
  note TEXT NOT NULL           -- one sentence for a person
) STRICT;

CREATE TABLE event_date (      -- dates as written, with what could be read from them
  id INTEGER PRIMARY KEY,
  written TEXT NOT NULL UNIQUE,
  year INTEGER, month INTEGER, day INTEGER,
  problem TEXT                 -- NULL if fine, else why it cannot be a date: '0000', 'month 13', 'not a date'
) STRICT;

CREATE TABLE genre (
  id INTEGER PRIMARY KEY,      -- by number of tracks, most first
  name TEXT NOT NULL,          -- as most often written
  folded TEXT NOT NULL UNIQUE, -- its key in the page's address
  tracks INTEGER NOT NULL, releases INTEGER NOT NULL, artists INTEGER NOT NULL
) STRICT;

CREATE TABLE genre_set (       -- sets of genres, each held once; scope is where it is pointed at from
  id INTEGER NOT NULL,
  genre INTEGER NOT NULL REFERENCES genre,
  PRIMARY KEY (id, genre)
) STRICT, WITHOUT ROWID;

CREATE TABLE label (
  id INTEGER PRIMARY KEY,      -- by number of tracks, most first
  source INTEGER NOT NULL REFERENCES source,
  source_id ANY NOT NULL,
  name TEXT NOT NULL,
  releases INTEGER NOT NULL, tracks INTEGER NOT NULL
) STRICT;

CREATE TABLE kind (            -- sorts of artists and releases: group, person, album, single ...
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE artist (
  id INTEGER PRIMARY KEY,      -- rank
  source INTEGER NOT NULL REFERENCES source,
  source_id ANY NOT NULL,
  name TEXT NOT NULL,
  sort_name TEXT,              -- NULL: as name
  disambiguation TEXT,
  kind INTEGER REFERENCES kind,
  country TEXT,
  begin_date INTEGER REFERENCES event_date,
  end_date INTEGER REFERENCES event_date,
  genres INTEGER,              -- genre_set.id
  popularity REAL,
  releases INTEGER NOT NULL,   -- releases credited to this artist
  tracks INTEGER NOT NULL      -- tracks credited to this artist, on own and others' releases
) STRICT;

CREATE TABLE credit (          -- ordered artist credits of more than one name, or of a name as credited
  id INTEGER NOT NULL,
  position INTEGER NOT NULL,   -- from 0
  artist INTEGER NOT NULL REFERENCES artist,
  name TEXT,                   -- as credited; NULL: the artist's name
  join_phrase TEXT NOT NULL,   -- what follows the name: ' feat. '
  role TEXT NOT NULL,          -- '' main, else 'composer', 'remixer' ...
  PRIMARY KEY (id, position)
) STRICT, WITHOUT ROWID;

-- A column named credit is positive for the one artist with that id, as named there, and -credit.id otherwise.

CREATE TABLE release (
  id INTEGER PRIMARY KEY,      -- rank
  source INTEGER NOT NULL REFERENCES source,
  source_id ANY NOT NULL,
  title TEXT NOT NULL,
  credit INTEGER,              -- artist.id or -credit.id; NULL: nobody is named
  date INTEGER REFERENCES event_date,
  label INTEGER REFERENCES label,
  catalogue_number TEXT,
  barcode ANY,                 -- INTEGER when it is digits without a leading zero, else TEXT as written
  kind INTEGER REFERENCES kind,
  country TEXT,
  release_group ANY,           -- source id of the group
  genres INTEGER,              -- genre_set.id
  rights INTEGER REFERENCES rights,
  popularity REAL,
  discs INTEGER NOT NULL,
  tracks INTEGER NOT NULL,
  duration INTEGER,            -- ms, sum of the known ones
  cover INTEGER REFERENCES object
) STRICT;

CREATE TABLE track (
  id INTEGER PRIMARY KEY,      -- rank
  release INTEGER NOT NULL REFERENCES release,
  source_id ANY NOT NULL,      -- its source is the release's
  title TEXT NOT NULL,
  credit INTEGER,              -- NULL: the release's
  disc INTEGER NOT NULL,       -- from 1
  position INTEGER NOT NULL,   -- from 1; 0 unknown
  duration INTEGER,            -- ms
  isrc INTEGER,                -- packed, see the view "tracks"; further ones in identifier
  date INTEGER REFERENCES event_date, -- NULL: the release's
  genres INTEGER,              -- NULL: the release's, then the artist's
  rights INTEGER REFERENCES rights,   -- NULL: the release's
  popularity REAL,
  explicit INTEGER,            -- 1 yes, 0 no, NULL unknown
  status INTEGER NOT NULL      -- code in status
) STRICT;

CREATE TABLE status (id INTEGER PRIMARY KEY, name TEXT NOT NULL, sentence TEXT NOT NULL, tracks INTEGER NOT NULL) STRICT;

CREATE TABLE status_reason (   -- why, where the closed list is not enough
  track INTEGER PRIMARY KEY REFERENCES track,
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE permalink (       -- public id -> row, about 32 to a bucket; which one is meant is settled by its source id
  bucket INTEGER PRIMARY KEY,  -- the first meta.permalink_bits bits of the id
  entries BLOB NOT NULL        -- for each the next 8 bits, then row * 4 + kind in 32: 0 track, 1 release, 2 artist, 3 label
) STRICT;

CREATE TABLE code (            -- ISRC -> tracks and barcode -> releases, in sorted blocks of about 64
  scheme TEXT NOT NULL,        -- 'isrc' as in track.isrc, 'barcode' as the number its digits make
  first INTEGER NOT NULL,      -- the smallest code in the block; equal codes are always in one block
  entries BLOB NOT NULL,       -- for each the last 8 bits of its code, then its row in 32 bits
  PRIMARY KEY (scheme, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE medium (          -- only where a format or title is known
  release INTEGER NOT NULL, position INTEGER NOT NULL, format TEXT, title TEXT,
  PRIMARY KEY (release, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE release_label (   -- labels of a release beyond its first
  release INTEGER NOT NULL, position INTEGER NOT NULL, label INTEGER NOT NULL, catalogue_number TEXT,
  PRIMARY KEY (release, position)
) STRICT, WITHOUT ROWID;

-- In the tables below, subject = row * 4 + kind (0 track, 1 release, 2 artist, 3 label), as in permalink.

CREATE TABLE identifier (      -- identifiers that have no column: further ISRCs, recording MBIDs, ISWC, ISNI, printed numbers ...
  subject INTEGER NOT NULL, scheme TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (subject, scheme, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
  subject INTEGER NOT NULL, rel TEXT NOT NULL, url TEXT NOT NULL,
  PRIMARY KEY (subject, rel, url)
) STRICT, WITHOUT ROWID;

CREATE TABLE note (            -- publishable text without a column: disambiguation, alias, remainder (JSON)
  subject INTEGER NOT NULL, kind TEXT NOT NULL, position INTEGER NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (subject, kind, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE object (          -- held bytes that something here points at
  id INTEGER PRIMARY KEY,
  sha256 BLOB NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  media_type TEXT NOT NULL
) STRICT;

CREATE TABLE file (            -- files of tracks and releases, held or only known of
  subject INTEGER NOT NULL,
  position INTEGER NOT NULL,
  role TEXT NOT NULL,          -- audio, cover, booklet, cue, log, playlist, lyrics, licence, other
  name TEXT NOT NULL,
  object INTEGER REFERENCES object, -- NULL: not held
  url TEXT,
  codec TEXT, bitrate INTEGER, sample_rate INTEGER, channels INTEGER, bit_depth INTEGER,
  problem TEXT,
  PRIMARY KEY (subject, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE correction (      -- what a person decided and this build applied
  subject INTEGER NOT NULL, field TEXT NOT NULL, was TEXT, now TEXT, because TEXT NOT NULL, event INTEGER NOT NULL,
  time TEXT NOT NULL,
  PRIMARY KEY (subject, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE tally (           -- stored counts for stats and plots, so that no page counts rows
  name TEXT NOT NULL, bucket ANY NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (name, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE claim (           -- each number stated about this archive, with the SQL that gives it
  name TEXT PRIMARY KEY, sentence TEXT NOT NULL, procedure TEXT NOT NULL, value ANY NOT NULL, unit TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE comment (         -- what each table and column means, for programs that show schemas
  name TEXT PRIMARY KEY, text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
