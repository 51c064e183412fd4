"""Checks anybody's copy of anything published: bags, torrents, archives; and repairs it from another copy."""
