"""Phonolith: a music preservation archive that anyone may lawfully run, mirror and check."""
