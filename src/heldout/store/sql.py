"""SQL over a folder of runs: DuckDB on two tables in memory, in a connection that can reach no file.

`runs`: one row a run (run, name, status, seed, spec, ...). `rows`: what the runs measured (run, writer,
attempt, seq, step and one column a further key).

>>> import tempfile
>>> from heldout.store.run import create_run
>>> root = tempfile.mkdtemp()
>>> run = create_run(root, "digits", {"lr": 0.1}, seed=0)
>>> run.append([{"step": 0, "loss": 2.5}, {"step": 1, "loss": 0.5}])
>>> query(root, "SELECT name, min(loss) AS lowest FROM runs JOIN rows USING (run) GROUP BY name")
(['name', 'lowest'], [('digits', 0.5)])
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heldout.core.errors import InputError
from heldout.store.catalogue import list_runs
from heldout.store.inside import stays_inside
from heldout.store.names import printable
from heldout.store.row_table import make_row_table
from heldout.store.rows import row_files

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_RUNS = {
    **dict.fromkeys(("run", "path", "name", "status", "reason"), "VARCHAR"),
    **dict.fromkeys(("attempt", "seed"), "BIGINT"),
    **dict.fromkeys(("created", "started", "finished", "hash"), "VARCHAR"),
    **dict.fromkeys(("spec", "notes", "code", "packages"), "JSON"),
    **dict.fromkeys(("python", "platform"), "VARCHAR"),
}


def query(
    root: str | os.PathLike[str],
    sql: str,
    *,
    max_rows: int = 100_000,
    max_seconds: float = 60.0,
    memory: str = "2GB",
    confined: bool = False,
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(column names, rows) of a query over the tables `runs` and `rows` of the run folders in `root`.

    Files and the network are closed to the connection before it sees the query, extensions and settings are
    locked, and what it does to its tables ends with it. Raises InputError, which names the tables and their
    columns, for a query that DuckDB refuses, that runs longer than `max_seconds`, needs more than `memory` or
    answers with more than `max_rows` rows. `confined`: what symbolic links lead to outside of `root` is left out.
    """
    import duckdb

    if not sql.strip():
        raise InputError("the query is empty", "for example: SELECT name, status FROM runs")
    settings = {
        "memory_limit": memory,
        "enable_external_access": "false",  # no file, no network, no ATTACH, no COPY
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",  # nor the variables of the calling Python code
        "temp_directory": "",  # DuckDB lets a query read and write there
        "threads": "2",
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        try:
            _load(connection, root, "rows" in sql.lower(), confined)
        except duckdb.Error as error:
            cause = f"the rows in {printable(root)} could not be loaded: {_first_lines(error)}"
            raise InputError(cause, f"allow more memory than {memory}, or query fewer runs") from error
        connection.execute("SET lock_configuration = true")
        alarm = threading.Timer(max_seconds, connection.interrupt)
        alarm.start()
        try:
            result = connection.execute(sql)
            columns = [column[0] for column in result.description or []]
            found = result.fetchmany(max_rows + 1) if columns else []
        except duckdb.InterruptException as error:
            cause = f"the query ran longer than {max_seconds:g} s"
            raise InputError(cause, "narrow it by WHERE, or raise max_seconds") from error
        except duckdb.Error as error:
            raise InputError(f"the query failed: {_first_lines(error)}", _tables(connection)) from error
        finally:
            alarm.cancel()
    if len(found) > max_rows:
        raise InputError(f"the query has more than {max_rows:,} rows", "aggregate, or end it with LIMIT")
    return columns, found


def _load(
    connection: DuckDBPyConnection, root: str | os.PathLike[str], with_rows: bool, confined: bool
) -> None:
    def kept(path: Path) -> bool:
        return not confined or stays_inside(root, path)

    runs = [run for run in list_runs(root) if kept(Path(run["path"]) / "manifest.json")]
    if with_rows:  # reading every row takes time that a query of `runs` alone need not wait for
        files = (
            (run["run"], path) for run in runs for path in row_files(Path(run["path"]) / "rows") if kept(path)
        )
        make_row_table(connection, files)
    # a folder's name that is no UTF-8 holds halves of surrogates, which DuckDB refuses
    lines = [
        json.dumps(run, allow_nan=False, ensure_ascii=False).encode("utf-8", "replace").decode()
        for run in runs
    ]
    connection.execute(
        f"CREATE TABLE runs AS SELECT unnest(json_transform(line, '{json.dumps(_RUNS)}'))"
        " FROM (SELECT unnest(?::VARCHAR[]) AS line)",
        [lines],
    )


def _tables(connection: DuckDBPyConnection) -> str:
    found = connection.execute(
        "SELECT table_name, string_agg(column_name, ', ' ORDER BY column_index) FROM duckdb_columns()"
        " WHERE NOT internal GROUP BY table_name ORDER BY table_name DESC"
    ).fetchall()
    return "the tables are " + " and ".join(f"{name} ({printable(columns)[:600]})" for name, columns in found)


def _first_lines(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable(" ".join(lines[:2]))[:400]
