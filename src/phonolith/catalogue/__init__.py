"""Building the one SQLite catalogue file from held records."""
