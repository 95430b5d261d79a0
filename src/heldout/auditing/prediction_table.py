"""Reading and checking a file of predictions: every complaint names the column, the rows and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heldout.core.errors import InputError
from heldout.core.fits import OutputKind

SPLITS = ("train", "test", "validation", "shifted")


@dataclass(frozen=True)
class Table:
    """Columns as arrays over the rows of the file; replica is -1 on rows of the audited model."""

    example: np.ndarray
    split: np.ndarray
    label: np.ndarray
    outputs: np.ndarray
    kind: OutputKind
    classes: list[str]
    group: np.ndarray | None
    replica: np.ndarray | None
    trained_on: np.ndarray | None

    @property
    def audited(self) -> np.ndarray:
        """Rows [rows] bool of the audited model itself."""
        return np.ones(len(self.split), dtype=bool) if self.replica is None else self.replica < 0


def read_table(path: Path) -> Table:
    """Read a Parquet or CSV file with DuckDB and check it. Raises `InputError`."""
    columns = _load(path)
    names = set(columns)
    for needed in ("id", "split", "label"):
        if needed not in names:
            raise InputError(
                f"{path.name} has no column {needed!r} (it has {', '.join(sorted(names)[:12])})",
                "see docs/predictions-files.md",
            )
    example, split = columns["id"].astype(str), columns["split"].astype(str)
    if len(example) == 0:
        raise InputError(f"{path.name} is empty", "write one row an example")
    _refuse(_missing(columns["id"]), "id is missing", "give every example an id", path)
    unknown = ~np.isin(split, SPLITS)
    _refuse(unknown, f"split is none of {', '.join(SPLITS)}", "name the split of every row", path)
    outputs, kind = _outputs(columns, path)
    if kind == "labels":
        _refuse(_missing(columns["label"]), "label is missing", "give the label of every row", path)
        _refuse(_missing(columns["prediction"]), "prediction is missing", "predict every row", path)
        numbers = [v.dtype.kind in "iufb" for v in (columns["label"], outputs)]
        if numbers[0] != numbers[1]:
            cause = f"{path.name}: label and prediction are of different types"
            raise InputError(cause, "write both as numbers, or both as text")
        # 1 and 1.0 are one class.
        both = np.concatenate([_text(columns["label"], numbers[0]), _text(outputs, numbers[0])])
        found, codes = np.unique(both, return_inverse=True)
        label, classes = codes[: len(example)].astype(np.int64), [str(name) for name in found]
        outputs = codes[len(example) :].astype(np.float64)
    else:
        label, classes = _labels(columns["label"], kind, outputs, path)
    replica, trained_on = _replica(columns, path)
    key = np.char.add(np.char.add(split, "\x1f"), example)
    if replica is not None:
        key = np.char.add(np.char.add(key, "\x1f"), replica.astype(str))
    _, first, counts = np.unique(key, return_index=True, return_counts=True)
    if (counts > 1).any():
        doubled = np.zeros(len(key), dtype=bool)
        doubled[first[counts > 1]] = True
        _refuse(
            doubled,
            "the same id stands more than once in one split (and replica)",
            "write each example once",
            path,
        )
    if replica is not None:
        _, where = np.unique(np.char.add(np.char.add(split, "\x1f"), example), return_inverse=True)
        first_label = np.zeros(int(where.max()) + 1, dtype=label.dtype)
        first_label[where[::-1]] = label[::-1]
        _refuse(
            label != first_label[where],
            "the label differs from that of the same id in another replica or fold",
            "give each id of a split one label",
            path,
        )
    group = None
    if "group" in names:
        _refuse(
            _missing(columns["group"]),
            "group is missing",
            "name the group of every row, or drop the column",
            path,
        )
        group = np.unique(columns["group"].astype(str), return_inverse=True)[1].astype(np.int64)
    return Table(example, split, label, outputs, kind, classes, group, replica, trained_on)


def _load(path: Path) -> dict[str, np.ndarray]:
    import duckdb

    if not path.is_file():
        raise InputError(f"{path} does not exist", "check the path")
    reader = {".parquet": "read_parquet", ".csv": "read_csv"}.get(path.suffix)
    if reader is None:
        raise InputError(
            f"{path.name} is neither .parquet nor .csv",
            "write Parquet, for example with pandas.DataFrame.to_parquet",
        )
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        try:
            cursor = connection.execute(f"SELECT * FROM {reader}(?)", [str(path)])
            found: dict[str, Any] = cursor.fetchnumpy()
        except duckdb.Error as error:
            raise InputError(
                f"{path.name} cannot be read: {str(error).splitlines()[0]}", "write it again"
            ) from error
    return {
        name: np.ma.filled(v, np.nan) if isinstance(v, np.ma.MaskedArray) and v.dtype.kind == "f" else v
        for name, v in found.items()
    }


def _text(values: np.ndarray, number: bool) -> np.ndarray:
    return (
        np.array([f"{v:.17g}" for v in values.astype(np.float64).tolist()]) if number else values.astype(str)
    )


def _missing(values: np.ndarray) -> np.ndarray:
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.getmaskarray(values)
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype == object:
        return np.array([v is None or (isinstance(v, str) and not v.strip()) for v in values])
    return np.zeros(len(values), dtype=bool)


def _refuse(bad: np.ndarray, cause: str, remedy: str, path: Path) -> None:
    if bad.any():
        rows = (np.flatnonzero(bad)[:3] + 1).tolist()
        raise InputError(f"{path.name}: {cause} in {int(bad.sum())} rows (first: {rows})", remedy)


def _number(columns: dict[str, np.ndarray], name: str, path: Path) -> np.ndarray:
    if columns[name].dtype.kind not in "iuf":
        raise InputError(f"{path.name}: {name} is text", "write numbers")
    return np.asarray(np.ma.filled(columns[name].astype(np.float64), np.nan), dtype=np.float64)


def _outputs(columns: dict[str, np.ndarray], path: Path) -> tuple[np.ndarray, OutputKind]:
    numbered = sorted(
        (name for name in columns if name[:1] == "p" and name[1:].isdigit()), key=lambda name: int(name[1:])
    )
    if "probabilities" in columns:
        try:
            p = np.array([list(row) for row in columns["probabilities"]], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{path.name}: probabilities are not lists of one length", "write one list of c numbers a row"
            ) from error
    elif numbered:
        if [int(name[1:]) for name in numbered] != list(range(len(numbered))):
            raise InputError(
                f"{path.name}: probability columns are {', '.join(numbered)}",
                "name them p0, p1, ... without a gap",
            )
        p = np.stack([_number(columns, name, path) for name in numbered], axis=1)
    elif "value" in columns:
        values = _number(columns, "value", path)
        _refuse(
            ~np.isfinite(values), "value is missing or not finite", "predict a number for every row", path
        )
        return values, "values"
    elif "prediction" in columns:
        return np.asarray(columns["prediction"]), "labels"
    else:
        raise InputError(
            f"{path.name} has no predictions", "add p0, p1, ... or probabilities, value, or prediction"
        )
    if p.shape[1] < 2:
        raise InputError(
            f"{path.name} has one probability column", "write one for each class: p0 and p1 for two classes"
        )
    _refuse(
        np.asarray(~np.isfinite(p).all(1)),
        "a probability is missing or not finite",
        "predict every row",
        path,
    )
    _refuse(
        np.asarray(((p < -1e-6) | (p > 1 + 1e-6)).any(1)),
        "a probability lies outside [0, 1]",
        "write probabilities, not logits",
        path,
    )
    _refuse(
        np.abs(p.sum(1) - 1) > 1e-2,
        "probabilities do not sum to one",
        "normalize them (softmax over all classes)",
        path,
    )
    return p, "probabilities"


def _labels(
    values: np.ndarray, kind: OutputKind, outputs: np.ndarray, path: Path
) -> tuple[np.ndarray, list[str]]:
    _refuse(
        _missing(values),
        "label is missing",
        "give the label that the model was trained on (or tested against)",
        path,
    )
    if kind == "values":
        if values.dtype.kind not in "iuf":
            raise InputError(
                f"{path.name}: labels are text", "a file with a value column needs numbers as labels"
            )
        label = np.asarray(values, dtype=np.float64)
        _refuse(~np.isfinite(label), "label is not finite", "drop these rows", path)
        return label, []
    c = outputs.shape[1]
    if values.dtype.kind not in "iufb":
        raise InputError(
            f"{path.name}: labels are text",
            f"write the class index 0..{c - 1}, the column p<index> being its probability",
        )
    label = np.asarray(values, dtype=np.float64)
    _refuse(
        (label < 0) | (label >= c) | (label != np.round(label)),
        f"label is no class 0..{c - 1}",
        "use the index of its column",
        path,
    )
    return label.astype(np.int64), [str(k) for k in range(c)]


def _replica(columns: dict[str, np.ndarray], path: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    if "replica" in columns and "fold" in columns:
        raise InputError(
            f"{path.name} has replica and fold", "write one: fold is short for replicas that saw no row"
        )
    name = "replica" if "replica" in columns else ("fold" if "fold" in columns else None)
    if name is None:
        return None, None
    missing = _missing(columns[name])
    text = np.where(missing, "", columns[name].astype(str))
    codes = np.unique(text, return_inverse=True)[1].astype(np.int64)
    order = {code: k for k, code in enumerate(np.unique(codes[~missing]).tolist())}
    replica = np.array(
        [-1 if m else order[c] for m, c in zip(missing.tolist(), codes.tolist())], dtype=np.int64
    )
    if name == "fold":
        return replica, np.zeros(len(replica), dtype=bool)
    if "trained_on" not in columns:
        raise InputError(
            f"{path.name} has replicas without trained_on",
            "say for each row whether that replica trained on it",
        )
    column, theirs = columns["trained_on"], replica >= 0
    _refuse(
        theirs & _missing(column),
        "trained_on is missing",
        "say true or false for every row of a replica",
        path,
    )
    if column.dtype.kind not in "biuf":
        raise InputError(f"{path.name}: trained_on is text", "write true or false (a boolean column)")
    data = np.where(theirs, np.ma.filled(column, 0), 0)
    _refuse(
        theirs & ~np.isin(data, (0, 1)), "trained_on is neither true nor false", "write true or false", path
    )
    return replica, data.astype(bool)
