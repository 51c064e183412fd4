-- held/records/open.sqlite: the open part of the records and the index of what the segments hold. If it is lost, all
-- but the lines of the open part is made again from the segments.
--
-- Every line a source ever gave has a number, 0, 1, 2 … within its source, which never changes: segments hold runs of
-- consecutive lines, the open part the latest ones.

CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  lines INTEGER NOT NULL,      -- number of lines so far = number of the next one
  open_bytes INTEGER NOT NULL, -- bytes of its lines in the open part
  fresh INTEGER NOT NULL       -- number of heads that were put into table fresh since it was last emptied
) STRICT;

CREATE TABLE head (            -- the latest line about each item, unless table fresh has a later one
  source INTEGER NOT NULL REFERENCES source,
  item ANY NOT NULL,           -- TEXT; BLOB (UTF-8 with surrogates kept) where it has NUL or a lone surrogate
  line INTEGER NOT NULL,
  digest BLOB NOT NULL,        -- SHA-256 of the payload
  validator ANY NOT NULL,      -- what tells cheaply that nothing changed; the last one seen
  time TEXT NOT NULL,
  size INTEGER NOT NULL,       -- bytes of the line
  gone TEXT NOT NULL,          -- when the source was first seen without it, '' if it is there
  PRIMARY KEY (source, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE fresh (           -- heads newer than those in head, moved there in order of items when they are many:
  source INTEGER NOT NULL REFERENCES source, -- millions of items in no order would touch every page at every write
  item ANY NOT NULL,
  line INTEGER NOT NULL,
  digest BLOB NOT NULL,
  validator ANY NOT NULL,
  time TEXT NOT NULL,
  size INTEGER NOT NULL,
  gone TEXT NOT NULL,
  PRIMARY KEY (source, item)
) STRICT, WITHOUT ROWID;

CREATE VIEW current AS         -- what is there now: the newer of both, without what is gone
SELECT source, item, line, digest, validator, time, size FROM fresh WHERE gone = ''
UNION ALL
SELECT source, item, line, digest, validator, time, size FROM head
WHERE gone = '' AND NOT EXISTS (SELECT 1 FROM fresh WHERE fresh.source = head.source AND fresh.item = head.item);

CREATE TABLE past (            -- lines that are not the current word on their item: superseded, or saying it is gone
  source INTEGER NOT NULL REFERENCES source,
  line INTEGER NOT NULL,
  PRIMARY KEY (source, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE open (            -- lines not yet sealed, as they will stand in the segment
  source INTEGER NOT NULL REFERENCES source,
  line INTEGER NOT NULL,
  text BLOB NOT NULL,
  PRIMARY KEY (source, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE segment (         -- sealed files: <source>/<number, six digits>.jsonl.zst
  source INTEGER NOT NULL REFERENCES source,
  number INTEGER NOT NULL,     -- 1, 2, 3 …
  first INTEGER NOT NULL,      -- number of its first line
  lines INTEGER NOT NULL,
  bytes INTEGER NOT NULL,      -- unpacked
  sha256 BLOB NOT NULL,        -- of the file
  frames BLOB NOT NULL,        -- lines in each frame, unsigned 32-bit little-endian
  PRIMARY KEY (source, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE harvest (         -- what each harvest brought; the state after it is all lines before the first of the next
  source INTEGER NOT NULL REFERENCES source,
  number INTEGER NOT NULL,     -- 1, 2, 3 …
  first INTEGER NOT NULL,      -- number of its first line
  time TEXT NOT NULL,          -- of that line
  new INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  PRIMARY KEY (source, number)
) STRICT, WITHOUT ROWID;

-- The frontier. It stands in this file because two files of a WAL do not commit together: what a task brought, what it
-- led to, and that it is done, are one transaction.

CREATE TABLE run (             -- the harvest of a source that goes on, or the last that there was
  source INTEGER PRIMARY KEY REFERENCES source,
  options TEXT NOT NULL,       -- what was asked for, in words of the source
  started TEXT NOT NULL,
  since TEXT NOT NULL,         -- where the run before ended: only what changed later is asked for; '' for everything
  high_water TEXT NOT NULL,    -- where the next run may begin; moved by a run that ended whole, and by no other
  reached TEXT NOT NULL,       -- what it will be moved to
  finished TEXT NOT NULL,      -- '' while it goes on
  listed INTEGER NOT NULL,     -- items that its lists named
  total INTEGER,               -- how many the origin says there are
  empty_pages INTEGER NOT NULL, -- lists in a row that named nothing
  last_page TEXT NOT NULL,     -- key of the list that was read last: where to go on if it was not the end
  last_listed INTEGER NOT NULL, -- how many items it named: they are not counted twice when it is read again
  new INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  problem TEXT NOT NULL,       -- why it could not end whole, '' if nothing stands against it
  partial INTEGER NOT NULL     -- 1: its lists named a part of what there is; what it did not meet is not gone
) STRICT;

CREATE TABLE task (            -- what is to be asked, and what became of what was; those done and waiting end with a run
  id INTEGER PRIMARY KEY,
  source INTEGER NOT NULL REFERENCES source,
  key TEXT NOT NULL,           -- page:<token>, item:<id> …
  address TEXT NOT NULL,
  rank INTEGER NOT NULL,       -- lower ones first
  page INTEGER NOT NULL,       -- 1: one of a chain of lists, which may not come twice
  state TEXT NOT NULL,         -- waiting, done, refused, failed, absent
  mark TEXT NOT NULL,          -- how far a long answer was read
  tries INTEGER NOT NULL,
  not_before TEXT NOT NULL,
  why TEXT NOT NULL,
  UNIQUE (source, key)
) STRICT;
CREATE INDEX waiting ON task (source, rank, id) WHERE state = 'waiting';

CREATE TABLE met (             -- items that a run over everything met so far: what it did not meet is gone
  source INTEGER NOT NULL REFERENCES source,
  item ANY NOT NULL,
  PRIMARY KEY (source, item)
) STRICT, WITHOUT ROWID;
