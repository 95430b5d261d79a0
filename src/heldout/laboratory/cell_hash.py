"""The identity of a cell: what makes a run resumable, and a point on a page traceable.

    cell_hash(spec) = first 12 hex digits of blake2b(canonical JSON of the spec: sorted keys, no spaces)

The page, the rows and `heldout cell STUDY HASH` all name a cell by it.

>>> cell_hash({"study": "grokking", "seed": 2000, "decay": 1.0})
'33a2f3d8276f'
>>> cell_hash({"decay": 1.0, "seed": 2000, "study": "grokking"})   # the order of keys does not matter
'33a2f3d8276f'
>>> cell_hash({"decay": 1, "seed": 2000, "study": "grokking"})     # 1 and 1.0 are two specs
'3bead05b1e8f'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heldout.store.names import HASH_LENGTH, content_hash


def cell_hash(spec: Mapping[str, Any]) -> str:
    """The hash of a cell's spec. Raises InputError, with the place, for a spec that JSON cannot hold."""
    return content_hash(dict(spec))[:HASH_LENGTH]
