"""A small collection of public-domain pieces that the program renders itself, so that anybody hears the whole road."""

from phonolith.demo.collection import render

__all__ = ["render"]
