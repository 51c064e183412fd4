"""Phonolith: a music preservation archive that anyone may lawfully run, mirror and check."""

__version__ = "0.1.0"
