"""The page of one label, under the name that other pages' modules have."""

from phonolith.library.facets import label, labels

__all__ = ["label", "labels"]
