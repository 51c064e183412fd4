"""Held truth, derived files and private data as they lie on disk: formats, locks and crash safety."""
