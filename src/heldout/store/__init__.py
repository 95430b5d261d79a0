"""Store: runs on disk. Importing it loads neither torch nor scipy, numpy or duckdb.

The function `looks` is imported from `heldout.store.looks`, whose name it shares.
"""

from __future__ import annotations

from heldout.store.atomic import write_atomically
from heldout.store.catalogue import list_runs
from heldout.store.disk_errors import DiskError
from heldout.store.listing import runs_table
from heldout.store.looks import Look, declare, record_look
from heldout.store.manifest import ManifestError
from heldout.store.names import content_hash, disk_name, printable
from heldout.store.run import Run, create_run, find_run, open_run
from heldout.store.sql import query

__all__ = [
    "DiskError",
    "Look",
    "ManifestError",
    "Run",
    "content_hash",
    "create_run",
    "declare",
    "disk_name",
    "find_run",
    "list_runs",
    "open_run",
    "printable",
    "query",
    "record_look",
    "runs_table",
    "write_atomically",
]
