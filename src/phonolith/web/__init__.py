"""The library as pages, JSON API and byte ranges."""
