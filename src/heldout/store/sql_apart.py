"""`query_apart`: a query in a process of its own, which ends when its time is over, whatever DuckDB is at.

`query` interrupts DuckDB between its chunks and bounds what its buffers hold; a single function on a huge value
(`repeat`, `levenshtein`, lists) heeds neither. Here the memory of the process is bounded by the system where it can be
(RLIMIT_AS), the process is killed at the end of its time, and a cell's text is cut.

>>> import tempfile
>>> query_apart(tempfile.mkdtemp(), "SELECT 1 AS one", max_rows=10, max_seconds=5, memory="1GB")
(['one'], [[1]])
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from typing import Any

from heldout.core.errors import InputError

LOAD_SECONDS = 20.0  # to start, and to load the rows
LONGEST_CELL = 10_000  # characters
_ADDRESS_SPACE = 4 * 2**30  # of the process: DuckDB's memory, its threads' stacks and the rows as text


def query_apart(
    root: str | os.PathLike[str], sql: str, *, max_rows: int, max_seconds: float, memory: str
) -> tuple[list[str], list[list[Any]]]:
    """As `query` with `confined`; values as JSON has them. Raises InputError, also where the process had to be ended."""
    asked = {
        "root": os.fspath(root),
        "sql": sql,
        "max_rows": max_rows,
        "max_seconds": max_seconds,
        "memory": memory,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "heldout.store.sql_apart"],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=LOAD_SECONDS + max_seconds,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"the query ran longer than {max_seconds:g} s", "ask for less at once") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        cause = f"the query needed more than {_ADDRESS_SPACE // 2**30} GB, or broke DuckDB"
        raise InputError(cause, "ask for less at once") from None
    if "cause" in answer:
        raise InputError(answer["cause"], answer["remedy"])
    return answer["columns"], answer["rows"]


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    from heldout.store.sql import query

    try:
        columns, rows = query(
            asked["root"],
            asked["sql"],
            max_rows=asked["max_rows"],
            max_seconds=asked["max_seconds"],
            memory=asked["memory"],
            confined=True,
        )
    except InputError as error:
        return {"cause": error.cause, "remedy": error.remedy}
    return {"columns": columns, "rows": [[_cell(value) for value in row] for row in rows]}


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)[:LONGEST_CELL]  # text, dates, decimals, lists


def _bound_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has none; the time is bounded all the same
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _ADDRESS_SPACE if hard == resource.RLIM_INFINITY else min(hard, _ADDRESS_SPACE)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    _bound_memory()
    try:
        said = _answer(json.loads(sys.stdin.buffer.read()))
    except MemoryError:
        said = {"cause": "the query needed too much memory", "remedy": "ask for less at once"}
    sys.stdout.write(json.dumps(said))
