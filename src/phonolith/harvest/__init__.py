"""Gathering: from a source into held records and objects."""
