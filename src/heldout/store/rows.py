"""Rows: what a run measures, one JSON object a line, one file a writer.

NaN and infinities become null, and the row's field `nonfinite` says which they were. Readers skip what is no
whole JSON object: the torn tail of a writer that was killed.

>>> row_line({"step": 3, "loss": float("inf"), "score": 0.5})
b'{"step":3,"loss":null,"score":0.5,"nonfinite":"loss=inf"}'
"""

from __future__ import annotations

import json
import math
import numbers
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from heldout.core.errors import InputError
from heldout.store.disk_errors import raise_disk_error
from heldout.store.read_object import read_object

ROW_BYTES = 8 * 2**20
_INT64 = 2**63


def row_line(row: Mapping[str, Any], tags: Mapping[str, Any] | None = None) -> bytes:
    """A row as one line of ASCII JSON, without the newline; `tags` are fields for it unless it has them.

    Keys become columns: printable text of 1 to 200 characters. Values: None, bool, numbers, text, lists and
    dicts of them, numpy scalars and arrays. Integers beyond 64 bits and lone surrogates become text. Raises
    InputError, with the field, for anything else and for a row of more than 8 MB.
    """
    if not isinstance(row, Mapping):
        raise InputError(f"a row must be a dict, not {type(row).__name__}", "pass rows as a list of dicts")
    lost: list[str] = []
    given = {_column(key): _plain(value, key, lost, 0) for key, value in row.items()}
    plain = {**(tags or {}), **given}
    if lost:
        plain["nonfinite"] = _plain(", ".join(lost), "nonfinite", [], 0)
    line = json.dumps(plain, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(line) > ROW_BYTES:
        cause = f"a row has {len(line) / 2**20:.0f} MB, more than {ROW_BYTES // 2**20}"
        raise InputError(cause, "store arrays by save_array or save_tensors, and name them in the row")
    return line


def read_rows(folder: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """Every row of a run's `rows/` folder with its `writer`, writer by writer, in the order written."""
    for path in row_files(folder):
        for row in read_lines(path):
            yield {"writer": path.stem, **row}


def row_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The row files of a `rows/` folder by name; none where there is no such folder. Pipes, devices and folders are none."""
    try:
        return sorted(
            Path(entry.path)
            for entry in os.scandir(folder)
            if entry.name.endswith(".ndjson") and os.path.isfile(entry.path)
        )
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise_disk_error(error, "read", folder)


def read_lines(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects of one file of lines; lines that are not one are skipped."""
    try:
        with open(path, "rb") as file:
            for line in file:
                row = read_object(line)
                if row is not None:
                    yield row
    except OSError as error:
        raise_disk_error(error, "read", path)


def _column(key: Any) -> str:
    if not isinstance(key, str) or not 0 < len(key) <= 200 or not key.isprintable():
        cause = f"a row has the key {str(key)[:40]!r}"
        raise InputError(cause, "keys become columns: use short printable text")
    if key == "nonfinite":
        raise InputError("a row has the key 'nonfinite', which heldout writes itself", "use another key")
    return key


def _plain(value: Any, place: str, lost: list[str], depth: int) -> Any:
    if depth > 50:
        raise InputError(f"the row's field {place[:80]} is nested more than 50 deep", "flatten it")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, numbers.Integral):
        return int(value) if -_INT64 <= int(value) < _INT64 else str(int(value))
    if isinstance(value, numbers.Real):
        number = float(value)
        if math.isfinite(number):
            return number
        lost.append(f"{place}={number}")
        return None
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{place}[{i}]", lost, depth + 1) for i, item in enumerate(value)]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise InputError(f"the row's field {place} is a dict whose keys are not text", "use str keys")
        return {
            _plain(key, place, lost, depth + 1): _plain(item, f"{place}.{key}", lost, depth + 1)
            for key, item in value.items()
        }
    import numpy as np  # only here, so that reading a folder of runs does not wait for it

    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufU":
        return _plain(value.tolist(), place, lost, depth + 1)
    remedy = "convert tensors and others by .item() or .tolist(), or to text by str()"
    raise InputError(f"the row's field {place} is a {type(value).__name__}", remedy)
