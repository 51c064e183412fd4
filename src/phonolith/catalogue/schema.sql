-- The catalogue: one SQLite file that explains itself. Tables first, then views that show them as people would write them.
--
-- Row numbers are ranks, best first, and belong to one build: tracks, releases and artists are numbered by popularity
-- (then by public id), so every list and every search comes out in rank order without a sort. Nothing outside this file
-- may name a row number; outside, things go by public id: base32(first 80 bits of SHA-256(source name, 0x00, source id)).
--
-- source_id is a 16-byte BLOB where the source's id is a UUID (an MBID), else TEXT.

CREATE TABLE meta (            -- what this file is: schema version, as-of date, settings digest, licence, credits
  key TEXT PRIMARY KEY,        -- schema_version, program, archive, as_of, settings, register_head, licence, rows.track ...
  value ANY                    -- text or number
) STRICT, WITHOUT ROWID;

CREATE TABLE source (          -- where descriptions come from, under which terms
  id INTEGER PRIMARY KEY,      -- number within this build
  name TEXT NOT NULL UNIQUE,   -- kind.collection, as in public ids
  title TEXT NOT NULL,         -- for a person
  url TEXT NOT NULL,           -- its address, '' if it has none
  licence TEXT NOT NULL,       -- licence code of the source's metadata, '' if none is stated
  credit TEXT NOT NULL         -- how it wants to be named
) STRICT;

CREATE TABLE licence (         -- every licence that occurs, with what it permits
  id INTEGER PRIMARY KEY,      -- number within this build
  code TEXT NOT NULL UNIQUE,   -- CC-BY-SA-3.0-DE
  family TEXT NOT NULL,        -- by-sa
  title TEXT NOT NULL,         -- for a person
  uri TEXT NOT NULL,           -- its canonical address
  spdx TEXT NOT NULL,          -- SPDX identifier, '' if SPDX has none
  hold INTEGER NOT NULL,       -- 1: copies may be kept
  stream INTEGER NOT NULL,     -- 1: it may be played to the public
  redistribute INTEGER NOT NULL, -- 1: verbatim copies may be passed on
  reencode INTEGER NOT NULL,   -- 1: other encodings may be passed on
  commercial INTEGER NOT NULL, -- 1: also for money
  attribution INTEGER NOT NULL, -- 1: credit is due
  share_alike INTEGER NOT NULL, -- 1: adaptations under the same licence only
  territories TEXT NOT NULL    -- space-separated ISO 3166-1 codes; '' = worldwide
) STRICT;

CREATE TABLE rights (          -- licence evidence and limits, each combination once; where and when of each item stay in its record
  id INTEGER PRIMARY KEY,      -- number within this build
  licence INTEGER REFERENCES licence, -- NULL: nothing recognised
  level INTEGER NOT NULL,      -- 0 none, 1 third party, 2 platform or file, 3 two sources, 4 rightsholder or attested
  stated TEXT NOT NULL,        -- the statement as found; of 'public-domain' the dates
  stated_by TEXT NOT NULL,     -- who says so: tag, sidecar, licence-file, operator, a source
  basis TEXT NOT NULL,         -- 'stated', 'attested', 'public-domain', 'conflict', 'none'
  composition INTEGER NOT NULL, -- 1: the evidence covers the composition too
  note TEXT NOT NULL,          -- one sentence for a person
  limits TEXT NOT NULL         -- what the source forbids whatever the licence says: 'stream-only', 'no-download', 'private'; '' nothing
) STRICT;

CREATE TABLE event_date (      -- dates as written, with what could be read from them
  id INTEGER PRIMARY KEY,      -- number within this build
  written TEXT NOT NULL UNIQUE, -- as the source writes it
  year INTEGER,                -- NULL: not known
  month INTEGER,               -- NULL: not known
  day INTEGER,                 -- NULL: not known
  problem TEXT                 -- NULL if fine, else why it cannot be a date: '0000', 'month 13', 'not a date'
) STRICT;

CREATE TABLE genre (           -- genres of tracks, releases and artists, each under one key
  id INTEGER PRIMARY KEY,      -- by number of tracks, most first
  name TEXT NOT NULL,          -- as most often written
  folded TEXT NOT NULL UNIQUE, -- its key in the page's address
  tracks INTEGER NOT NULL,     -- tracks that have it, themselves or through release or artist
  releases INTEGER NOT NULL,   -- releases that have it, themselves or through their first artist
  artists INTEGER NOT NULL     -- artists that have it
) STRICT;

CREATE TABLE genre_set (       -- sets of genres, each held once; scope is where it is pointed at from
  id INTEGER NOT NULL,         -- what columns named genres point at
  genre INTEGER NOT NULL REFERENCES genre, -- one genre of the set
  PRIMARY KEY (id, genre)
) STRICT, WITHOUT ROWID;

CREATE TABLE label (           -- labels, by number of tracks
  id INTEGER PRIMARY KEY,      -- by number of tracks, most first
  source INTEGER NOT NULL REFERENCES source, -- who describes it
  source_id ANY NOT NULL,      -- the source's id, else label: and the folded name
  name TEXT NOT NULL,          -- as the source writes it
  releases INTEGER NOT NULL,   -- releases on it
  tracks INTEGER NOT NULL      -- tracks on those
) STRICT;

CREATE TABLE kind (            -- sorts of artists, releases and things: group, person, album, single, work ...
  id INTEGER PRIMARY KEY,      -- number within this build
  name TEXT NOT NULL UNIQUE    -- the source's word
) STRICT;

CREATE TABLE artist (          -- artists, numbered by rank, best first
  id INTEGER PRIMARY KEY,      -- rank
  source INTEGER NOT NULL REFERENCES source, -- who describes it
  source_id ANY NOT NULL,      -- the source's id, else artist: and the folded name
  name TEXT NOT NULL,          -- as the source writes it
  sort_name TEXT,              -- NULL: as name
  disambiguation TEXT,         -- what tells it from others of its name
  kind INTEGER REFERENCES kind, -- group, person ...
  country TEXT,                -- ISO 3166-1 code as the source gives it
  begin_date INTEGER REFERENCES event_date, -- born or founded
  end_date INTEGER REFERENCES event_date, -- died or dissolved
  genres INTEGER,              -- genre_set.id
  popularity REAL,             -- in the source's unit, else listens counted elsewhere, else the sum over the artist's tracks
  releases INTEGER NOT NULL,   -- releases credited to this artist
  tracks INTEGER NOT NULL      -- tracks credited to this artist, on own and others' releases
) STRICT;

CREATE TABLE credit (          -- ordered artist credits of more than one name, or of a name as credited
  id INTEGER NOT NULL,         -- what columns named credit point at, negated
  position INTEGER NOT NULL,   -- from 0
  artist INTEGER NOT NULL REFERENCES artist, -- who is named
  name TEXT,                   -- as credited; NULL: the artist's name
  join_phrase TEXT NOT NULL,   -- what follows the name: ' feat. '
  role TEXT NOT NULL,          -- '' main, else 'composer', 'remixer' ...
  PRIMARY KEY (id, position)
) STRICT, WITHOUT ROWID;

-- A column named credit is positive for the one artist with that id, as named there, and -credit.id otherwise.

CREATE TABLE release (         -- releases, numbered by rank, best first
  id INTEGER PRIMARY KEY,      -- rank
  source INTEGER NOT NULL REFERENCES source, -- who describes it
  source_id ANY NOT NULL,      -- the source's id, else release-of: and the track's
  title TEXT NOT NULL,         -- as the source writes it
  credit INTEGER,              -- artist.id or -credit.id; NULL: nobody is named
  date INTEGER REFERENCES event_date, -- first published, as the source says
  label INTEGER REFERENCES label, -- its first label
  catalogue_number TEXT,       -- number at its first label
  barcode ANY,                 -- INTEGER when it is digits without a leading zero, else TEXT as written
  kind INTEGER REFERENCES kind, -- album, single, ep, compilation ...
  country TEXT,                -- ISO 3166-1 code as the source gives it
  release_group ANY,           -- source id of the group
  genres INTEGER,              -- genre_set.id
  rights INTEGER REFERENCES rights, -- evidence for all its tracks that have none of their own
  popularity REAL,             -- in the source's unit, else listens counted elsewhere, else the sum over its tracks
  discs INTEGER NOT NULL,      -- number of media
  tracks INTEGER NOT NULL,     -- number of tracks here
  duration INTEGER,            -- ms, sum of the known ones
  cover INTEGER REFERENCES object -- its cover, if held
) STRICT;

CREATE TABLE track (           -- tracks, numbered by rank, best first
  id INTEGER PRIMARY KEY,      -- rank
  release INTEGER NOT NULL REFERENCES release, -- the release it is on
  source_id ANY NOT NULL,      -- its source is the release's
  title TEXT NOT NULL,         -- as the source writes it
  credit INTEGER,              -- NULL: the release's
  disc INTEGER NOT NULL,       -- from 1
  position INTEGER NOT NULL,   -- from 1; 0 unknown
  duration INTEGER,            -- ms
  isrc INTEGER,                -- packed, see the view "tracks"; further ones in identifier
  date INTEGER REFERENCES event_date, -- NULL: the release's
  genres INTEGER,              -- NULL: the release's, then the artist's
  rights INTEGER REFERENCES rights, -- NULL: the release's
  popularity REAL,             -- in the source's unit, else listens counted elsewhere; NULL unknown
  explicit INTEGER,            -- 1 yes, 0 no, NULL unknown
  status INTEGER NOT NULL      -- code in status
) STRICT;

CREATE TABLE status (          -- the closed list of what can be the matter with a track, with how many tracks each has
  id INTEGER PRIMARY KEY,      -- code
  name TEXT NOT NULL,          -- for programs
  sentence TEXT NOT NULL,      -- for a person
  tracks INTEGER NOT NULL      -- how many tracks
) STRICT;

CREATE TABLE status_reason (   -- why, where the closed list is not enough
  track INTEGER PRIMARY KEY REFERENCES track, -- the track
  reason TEXT NOT NULL         -- one sentence
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
  release INTEGER NOT NULL,    -- its release
  position INTEGER NOT NULL,   -- from 1
  format TEXT,                 -- CD, 12" Vinyl ...
  title TEXT,                  -- title of the medium
  PRIMARY KEY (release, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE release_label (   -- labels of a release beyond its first
  release INTEGER NOT NULL,    -- its release
  position INTEGER NOT NULL,   -- from 1; the first label is in the release
  label INTEGER NOT NULL,      -- the label
  catalogue_number TEXT,       -- number there
  PRIMARY KEY (release, position)
) STRICT, WITHOUT ROWID;

-- In the tables below, subject = row * 4 + kind (0 track, 1 release, 2 artist, 3 label), as in permalink. A negative
-- one is the number of a thing that is none of these. Those numbers go from -1 down without a gap, in the order of the
-- things' public ids, so that one is found by halving and no table of their ids is needed.

CREATE TABLE thing (           -- what is said of labels, release groups, works, areas, places, events, series, instruments, addresses
  subject INTEGER PRIMARY KEY, -- a label's row * 4 + 3; else -1, -2, ... in the order of public ids
  source INTEGER NOT NULL REFERENCES source, -- who describes it
  source_id ANY NOT NULL,      -- the source's id; of a release group also in release.release_group
  kind INTEGER NOT NULL REFERENCES kind, -- label, release-group, work, area ...
  name TEXT NOT NULL,          -- name or title as the source writes it, '' if it has none; of a url its address
  sort_name TEXT,              -- NULL: as name
  type INTEGER REFERENCES kind, -- the source's word for its sort: Original Production, Album + Live, Song ...
  disambiguation TEXT,         -- what tells it from others of its name
  country TEXT,                -- ISO 3166-1 code as the source gives it
  begin_date INTEGER REFERENCES event_date, -- founded, opened, held; of a release group the first release
  end_date INTEGER REFERENCES event_date, -- dissolved, closed, over
  language TEXT,               -- of a work, as the source gives it
  credit INTEGER               -- of a release group: artist.id or -credit.id; NULL: nobody is named
) STRICT, WITHOUT ROWID;

CREATE TABLE identifier (      -- identifiers that have no column: further ISRCs, recording MBIDs, ISWC, ISNI, printed numbers ...
  subject INTEGER NOT NULL,    -- row * 4 + kind: 0 track, 1 release, 2 artist, 3 label; negative: see thing
  scheme TEXT NOT NULL,        -- isrc, iswc, isni, number, mbid.recording ...
  value TEXT NOT NULL,         -- as the source writes it
  PRIMARY KEY (subject, scheme, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE link (            -- outgoing links
  subject INTEGER NOT NULL,    -- row * 4 + kind: 0 track, 1 release, 2 artist, 3 label; negative: see thing
  rel TEXT NOT NULL,           -- homepage, source, buy ...
  url TEXT NOT NULL,           -- address
  PRIMARY KEY (subject, rel, url)
) STRICT, WITHOUT ROWID;

CREATE TABLE note (            -- publishable text without a column: disambiguation, alias, remainder (JSON)
  subject INTEGER NOT NULL,    -- row * 4 + kind: 0 track, 1 release, 2 artist, 3 label; negative: see thing
  kind TEXT NOT NULL,          -- disambiguation, alias, language, script, status, remainder
  position INTEGER NOT NULL,   -- from 0
  value TEXT NOT NULL,         -- the text
  PRIMARY KEY (subject, kind, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE object (          -- held bytes that something here points at
  id INTEGER PRIMARY KEY,      -- number within this build
  sha256 BLOB NOT NULL UNIQUE, -- 32 bytes
  size INTEGER NOT NULL,       -- bytes
  media_type TEXT NOT NULL     -- '' unknown
) STRICT;

CREATE TABLE file (            -- files of tracks and releases, held or only known of
  subject INTEGER NOT NULL,    -- row * 4 + kind: 0 track, 1 release, 2 artist, 3 label
  position INTEGER NOT NULL,   -- from 0
  role TEXT NOT NULL,          -- audio, cover, booklet, cue, log, playlist, lyrics, licence, other
  name TEXT NOT NULL,          -- as it was called
  object INTEGER REFERENCES object, -- NULL: not held
  url TEXT,                    -- where it is, if a source names a place
  codec TEXT,                  -- flac, opus, mp3 ...
  bitrate INTEGER,             -- bits per second
  sample_rate INTEGER,         -- Hz
  channels INTEGER,            -- number
  bit_depth INTEGER,           -- bits per sample
  problem TEXT,                -- why it cannot be read
  PRIMARY KEY (subject, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE correction (      -- what a person decided and this build applied
  subject INTEGER NOT NULL,    -- row * 4 + kind: 0 track, 1 release, 2 artist, 3 label
  field TEXT NOT NULL,         -- name of the field
  was TEXT,                    -- what the source says
  now TEXT,                    -- what was decided; NULL: there is none
  because TEXT NOT NULL,       -- the reason given
  event INTEGER NOT NULL,      -- number in the archive's register
  time TEXT NOT NULL,          -- when, ISO 8601
  PRIMARY KEY (subject, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE tally (           -- stored counts for stats and plots, so that no page counts rows
  name TEXT NOT NULL,          -- what is counted: licence, source, year, decade, duration, popularity, status, format ...
  bucket ANY NOT NULL,         -- its value; '' unknown, or the whole
  value INTEGER NOT NULL,      -- number of tracks unless the name says otherwise
  PRIMARY KEY (name, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE coverage (        -- what is held of what is known: under each definition, and along each axis
  name TEXT NOT NULL,          -- definition, place, rank, year, licence, source, label, genre; label.rest and genre.rest
  bucket ANY NOT NULL,         -- its value; '' unknown, of a rest all others; of rank how many of the best tracks
  known INTEGER NOT NULL,      -- how many are known: tracks unless the bucket of a definition says otherwise
  held INTEGER NOT NULL,       -- how many of them are held
  PRIMARY KEY (name, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE listening (       -- tracks by popularity in narrow cells, so that listening is summed without counting rows
  source INTEGER NOT NULL REFERENCES source, -- who counted
  cell REAL NOT NULL,          -- up to 10 in tenths, up to 100 in ones, above 1000 + 8 * log2(popularity)
  tracks INTEGER NOT NULL,     -- tracks in this cell
  held INTEGER NOT NULL,       -- those of them whose audio is held
  popularity REAL NOT NULL,    -- the sum over its tracks
  held_popularity REAL NOT NULL, -- the sum over those held
  bytes INTEGER NOT NULL,      -- audio of those held; a file of two tracks counts for both
  PRIMARY KEY (source, cell)
) STRICT, WITHOUT ROWID;

CREATE TABLE curve (           -- how many listens a source's popularity stands for, see the reference of the catalogue
  source INTEGER PRIMARY KEY REFERENCES source, -- who counted
  basis TEXT NOT NULL,         -- counted, fitted to listens beside its values, or stated: an assumption
  scale TEXT NOT NULL,         -- listens, score (0 to 100), rating of 10, rating of 5, count
  level REAL NOT NULL,         -- ln(listens) at x = 0; x is the popularity, of a count ln(1 + popularity)
  slope REAL NOT NULL,         -- of ln(listens) on x
  scatter REAL NOT NULL,       -- standard deviation of ln(listens) of single tracks around it
  pairs INTEGER NOT NULL,      -- values with listens beside them that it was fitted to
  draws TEXT NOT NULL,         -- JSON: [level, slope, scatter] of equally likely curves, for all tracks together
  sentence TEXT NOT NULL       -- what it rests on, for a person
) STRICT;

CREATE TABLE claim (           -- each number stated about this archive, with the SQL that gives it
  name TEXT PRIMARY KEY,       -- for programs
  sentence TEXT NOT NULL,      -- with {value} where the number goes
  procedure TEXT NOT NULL,     -- SQL with one value
  value ANY NOT NULL,          -- what it gave
  unit TEXT NOT NULL           -- of the value
) STRICT, WITHOUT ROWID;

CREATE TABLE comment (         -- what each table and column means, for programs that show schemas
  name TEXT PRIMARY KEY,       -- table or table.column
  text TEXT NOT NULL           -- what it means
) STRICT, WITHOUT ROWID;
