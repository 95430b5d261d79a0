"""Rows as a DuckDB table: one column a key, its type from the values, in a connection that can reach no file.

The text of the row files is handed to DuckDB by this process. So the connection needs no right to read
anything, and a path with `*` or `[` in it is never taken for a pattern.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heldout.store.disk_errors import raise_disk_error

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FIXED = {"attempt": "BIGINT", "seq": "BIGINT", "step": "BIGINT"}  # there even where no row has been written
_TYPES = {"UBIGINT": "BIGINT", "HUGEINT": "BIGINT"} | {
    kind: kind for kind in ("BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR")
}
_BLOCK_BYTES = 2**18  # DuckDB splits many such texts 10x faster than one of 30 MB
_BATCH_BYTES = 2**26


def make_row_table(connection: DuckDBPyConnection, files: Iterable[tuple[str, Path]]) -> None:
    """Creates the table `rows` from (run, row file) pairs: `run`, `writer`, `attempt`, `seq`, `step` and one
    column a further key.

    Numbers are BIGINT or DOUBLE, text VARCHAR, lists, dicts and mixed kinds JSON; a row without the key has
    NULL. A key that differs only in case from another gets a number behind its name. Lines that are no JSON
    object are skipped, as by `read_rows`.
    """
    connection.execute("CREATE TABLE lines (run VARCHAR, writer VARCHAR, line VARCHAR)")
    for runs, writers, texts in _batches(files):
        connection.execute(
            "WITH texts AS (SELECT unnest(?) AS run, unnest(?) AS writer, unnest(?) AS text), pieces AS"
            " (SELECT run, writer, unnest(string_split(text, chr(10))) AS line FROM texts)"
            " INSERT INTO lines FROM pieces WHERE json_valid(line) AND json_type(line) = 'OBJECT'",
            [runs, writers, texts],
        )
    found = connection.execute("SELECT json_group_structure(line::JSON)::VARCHAR FROM lines").fetchall()[0][0]
    keys = json.loads(found) if found else {}
    types = dict(FIXED)
    if isinstance(keys, dict):  # rows without any key have the structure "JSON"
        # Over the fixed ones too: a `step` with a fraction must not be cut to an integer.
        types |= {key: _TYPES.get(str(kind), "JSON") for key, kind in keys.items() if kind != "NULL" and key}
        types |= {key: "JSON" for key in keys if key and key not in types}
    taken = {"run", "writer"}
    plain, renamed = {}, []
    for key, kind in types.items():
        if key.lower() in taken:
            renamed.append((key, kind, _free(key, taken | {other.lower() for other in types})))
            taken.add(renamed[-1][2].lower())
        else:
            taken.add(key.lower())
            plain[key] = kind
    extra = "".join(f", {_extracted(key, kind)} AS {_identifier(name)}" for key, kind, name in renamed)
    shape = _text(json.dumps(plain, ensure_ascii=False))
    connection.execute(
        f"CREATE TABLE rows AS SELECT run, writer, unnest(json_transform(line, {shape})){extra} FROM lines"
    )
    connection.execute("DROP TABLE lines")


def _batches(files: Iterable[tuple[str, Path]]) -> Iterator[tuple[list[str], list[str], list[str]]]:
    runs: list[str] = []
    writers: list[str] = []
    texts: list[str] = []
    size = 0
    for run, path in files:
        for text in _blocks(path):
            runs.append(run)
            writers.append(path.stem)
            texts.append(text)
            size += len(text)
            if size > _BATCH_BYTES:
                yield runs, writers, texts
                runs, writers, texts, size = [], [], [], 0
    if texts:
        yield runs, writers, texts


def _blocks(path: str | os.PathLike[str]) -> Iterator[str]:
    try:
        with open(path, "rb") as file:
            while lines := file.readlines(_BLOCK_BYTES):
                yield b"".join(lines).decode("utf-8", "replace")
    except OSError as error:
        raise_disk_error(error, "read", path)


def _free(key: str, taken: set[str]) -> str:
    number = 2
    while f"{key}_{number}".lower() in taken:
        number += 1
    return f"{key}_{number}"


def _extracted(key: str, kind: str) -> str:
    pointer = _text("/" + key.replace("~", "~0").replace("/", "~1"))
    if kind == "VARCHAR":
        return f"json_extract_string(line, {pointer})"
    return f"CAST(nullif(json_extract(line, {pointer})::VARCHAR, 'null') AS {kind})"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
