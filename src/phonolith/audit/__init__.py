"""Audit: what an archive claims, what of it is circulating, and what can be proven; this archive's, or anybody's."""
