"""Where music and metadata come from: one file per source, all through the same door."""
