"""Sealing: a finished run's rows copied to one Parquet file, for pandas, polars and other tools.

The row files stay and remain the truth: a late writer may still add to them, and loses nothing. The Parquet
file's own metadata (`heldout_covers`) says how many bytes of each it holds.
"""

from __future__ import annotations

import json
from pathlib import Path

from heldout.core.errors import HeldoutError
from heldout.store.atomic import replacing
from heldout.store.names import printable
from heldout.store.row_table import make_row_table
from heldout.store.rows import row_files

FILE = "rows.parquet"


def seal_rows(folder: Path) -> Path:
    """Write `rows.parquet` in a run folder: `writer`, `attempt`, `seq`, `step` and one column a further key.

    Written to a temporary file and renamed, so a reader sees all of it or what stood there before. Sealing
    again replaces it. Raises DiskError, or HeldoutError where DuckDB cannot write it.

    >>> import tempfile
    >>> from heldout.store.run import create_run
    >>> run = create_run(tempfile.mkdtemp(), "digits", {}, 0)
    >>> run.append([{"step": 0, "loss": 0.5}])
    >>> import duckdb
    >>> duckdb.sql(f"SELECT step, loss FROM '{seal_rows(run.path)}'").fetchall()
    [(0, 0.5)]
    """
    import duckdb

    files = row_files(folder / "rows")
    target = folder / FILE
    with replacing(target) as temporary, duckdb.connect(":memory:", config={"threads": "2"}) as connection:
        covers = json.dumps({path.stem: path.stat().st_size for path in files})
        try:
            make_row_table(connection, [("", path) for path in files])
            connection.execute("ALTER TABLE rows DROP COLUMN run")
            destination = str(temporary).replace("'", "''")
            metadata = covers.replace("'", "''")
            connection.execute(
                f"COPY rows TO '{destination}' (FORMAT parquet, COMPRESSION zstd,"
                f" KV_METADATA {{heldout_covers: '{metadata}'}})"
            )
        except duckdb.Error as error:
            cause = f"could not seal {printable(target)}: {printable(error)[:300]}"
            remedy = "free some space or memory and seal again; the rows are intact"
            raise HeldoutError(cause, remedy) from error
    return target
