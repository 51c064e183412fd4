"""Releases: what is published, as torrents and bags, and what is committed to before."""
