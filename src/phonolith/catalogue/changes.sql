-- derived/changes.sqlite: what the last build found changed between harvests, newest last. Made again by every build.

CREATE TABLE read (              -- up to which line the catalogue beside it knows each source
  source TEXT PRIMARY KEY,
  lines INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE harvest (           -- the last harvests of each source, with what they brought, in records
  source TEXT NOT NULL,
  number INTEGER NOT NULL,
  time TEXT NOT NULL,
  new INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  told INTEGER NOT NULL,         -- 1: all of it is in table change, 0: only the latest part, or nothing
  PRIMARY KEY (source, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE change (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  harvest INTEGER NOT NULL,
  what TEXT NOT NULL,            -- appeared, changed, vanished, moved, merged
  item TEXT NOT NULL,            -- the record that says so
  time TEXT NOT NULL,
  kind TEXT NOT NULL,
  thing TEXT NOT NULL,           -- public id
  title TEXT NOT NULL,
  artist TEXT NOT NULL,
  release TEXT NOT NULL,         -- public id of a track's release
  heir TEXT NOT NULL,            -- public id of what moved or merged ones are now
  stricter INTEGER NOT NULL,
  fields TEXT NOT NULL,          -- JSON: [{field, was, now, direction}, …]
  copies TEXT NOT NULL,          -- JSON: SHA-256 of held files that nothing else offers
  text TEXT NOT NULL             -- what a search finds it by, folded, each word between spaces
) STRICT;
CREATE INDEX change_by_source ON change (source, id);
CREATE INDEX change_by_thing ON change (thing);

CREATE TABLE about (             -- artists and labels that a change is about
  thing TEXT NOT NULL,           -- public id
  change INTEGER NOT NULL REFERENCES change,
  PRIMARY KEY (thing, change)
) STRICT, WITHOUT ROWID;
