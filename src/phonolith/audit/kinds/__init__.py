"""One reader for each kind of evidence."""
