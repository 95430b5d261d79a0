"""Measures: one file each. `from heldout.measures import llc` gives the function, as the file of that name defines it."""

from heldout.measures.llc import llc

__all__ = ["llc"]
