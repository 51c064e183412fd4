"""The read model: every page, verb and API answer is read through here."""
