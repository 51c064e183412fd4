-- Few and narrow: index creation is most of a build. ISRC and barcode are found in blocks of the table
-- code, at a third of an index's bytes. Lists by label, genre, year, licence and status come from postings.
CREATE INDEX track_by_release ON track (release);
CREATE INDEX track_by_credit ON track (credit) WHERE credit IS NOT NULL;
CREATE INDEX release_by_credit ON release (credit) WHERE credit IS NOT NULL;
CREATE INDEX release_by_group ON release (release_group) WHERE release_group IS NOT NULL;
CREATE INDEX credit_by_artist ON credit (artist);
CREATE INDEX file_by_object ON file (object) WHERE object IS NOT NULL;
CREATE INDEX identifier_of_work ON identifier (value) WHERE scheme = 'mbid.work';
