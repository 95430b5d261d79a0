"""Scores measures of complexity by how well they order the generalization gaps of a table of trained models.

A row is a model: its hyper-parameters, its measures, its gap and the number of test rows behind the gap. Each measure gets
Kendall's tau, psi along each hyper-parameter and their mean Psi, conditional mutual information, and the worst sign error
over environments (`stats.kendall_granulated`, `stats.conditional_mutual_information`, `stats.sign_error`). Where a
hyper-parameter is the number of training rows n, the null measure 1/n stands in the table: most of tau comes from it.
A measure is expected to rise with the gap; one that falls has a negative tau.

>>> rows = [{"width": w, "n": n, "norm": w / n, "gap": (w + 1) / n} for w in (1, 2, 3) for n in (100, 400)]
>>> table = ProxyTable.of(rows, hyper=("width", "n"), gap="gap", n_test=10**6)
>>> [(s.name, round(s.tau, 3), round(s.psi_mean, 3)) for s in proxies(table)]
[('1/n (null)', 0.6, 0.5), ('norm', 1.0, 1.0)]
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError
from heldout.core.existing_file import existing_file
from heldout.stats.conditional_mutual_information import conditional_mutual_information
from heldout.stats.kendall_granulated import kendall_granulated
from heldout.stats.sign_error import sign_error

NULL = "1/n (null)"


@dataclass(frozen=True)
class ProxyScore:
    """Scores of one measure; NaN where one cannot be judged, and `status` says why for the sign error.

    tau with its standard error over models; psi by hyper-parameter and their mean; conditional mutual information K
    (normalized, 0 to 1); the worst and the mean sign error over `judged` of `environments` environments.
    """

    name: str
    models: int
    tau: float
    tau_stderr: float
    psi: tuple[float, ...]
    psi_mean: float
    conditional: float
    worst: float
    mean_error: float
    judged: int
    environments: int
    status: str


@dataclass(frozen=True)
class ProxyTable:
    """hyper [n h] as text, measures by name [n], gap [n], n_test [n]; NaN where a measure was withheld for a model."""

    hyper_names: tuple[str, ...]
    hyper: NDArray[Any]
    measures: dict[str, NDArray[np.float64]]
    gap: NDArray[np.float64]
    n_test: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        rows: Sequence[Mapping[str, Any]],
        hyper: Sequence[str],
        gap: str = "gap",
        n_test: str | int = "n_test",
    ) -> ProxyTable:
        """From rows of one model each: columns `hyper` and `gap`, `n_test` (a column or a number); the others are measures."""
        if not rows:
            raise InputError("the table has no rows", "give one row a model")
        names = list(rows[0])
        fixed = [*hyper, gap, *([n_test] if isinstance(n_test, str) else [])]
        missing = [name for name in fixed if name not in names]
        if missing or not hyper:
            raise InputError(
                f"the table lacks {', '.join(missing) or 'hyper-parameters'}; it has {', '.join(names)}",
                "name the columns with --hyper, --gap and --n-test",
            )
        measures = {name: _column(rows, name, empty=True) for name in names if name not in fixed}
        if "n" in hyper:
            measures = {NULL: 1 / _column(rows, "n"), **measures}
        if not measures:
            raise InputError("the table has no measure", "add a column of numbers, one a model")
        tests = _column(rows, n_test) if isinstance(n_test, str) else np.full(len(rows), float(n_test))
        if not (tests >= 1).all():
            raise InputError(
                f"n_test runs from {tests.min():g}", "give the test rows behind each gap, at least 1"
            )
        text = np.array([[str(row[name]) for name in hyper] for row in rows])
        return cls(tuple(hyper), text, measures, _column(rows, gap), tests)

    @classmethod
    def read(
        cls, path: Path | str, hyper: Sequence[str], gap: str = "gap", n_test: str | int = "n_test"
    ) -> ProxyTable:
        """From a CSV file with a header; an empty cell of a measure is one that was withheld."""
        place = existing_file(path, "give a CSV file with one row a model")
        with place.open(newline="", encoding="utf-8-sig") as file:
            try:
                rows = list(csv.DictReader(file, strict=True))
            except (csv.Error, UnicodeDecodeError) as error:
                raise InputError(
                    f"{place.name} is no CSV file ({error})", "write UTF-8 with a header"
                ) from error
        if any(None in row or None in row.values() for row in rows):
            raise InputError(f"{place.name} has rows of other lengths than its header", "mend those rows")
        return cls.of(rows, hyper, gap, n_test)


def proxies(table: ProxyTable) -> list[ProxyScore]:
    """One score a measure, in the order of the table; a measure that is missing for some models is scored on the others."""
    found = []
    for name, values in table.measures.items():
        known = np.isfinite(values)
        if known.sum() < 3:
            nothing = (math.nan,) * len(table.hyper_names)
            reason = f"cannot be judged: known for {int(known.sum())} models"
            found.append(
                ProxyScore(name, int(known.sum()), *(math.nan,) * 2, nothing, *(math.nan,) * 4, 0, 0, reason)
            )
            continue
        mu, gap, grid = values[known], table.gap[known], table.hyper[known]
        ranks = kendall_granulated(mu, gap, grid)
        signs = sign_error(mu, gap, grid, table.n_test[known])
        conditional = conditional_mutual_information(mu, gap, grid).value
        found.append(
            ProxyScore(
                name,
                len(mu),
                ranks.tau,
                ranks.stderr,
                ranks.psi,
                ranks.mean,
                conditional,
                signs.worst,
                signs.mean,
                signs.judged,
                len(signs.environments),
                signs.status,
            )
        )
    return found


def _column(rows: Sequence[Mapping[str, Any]], name: str, empty: bool = False) -> NDArray[np.float64]:
    values = []
    for number, row in enumerate(rows, start=1):
        cell = row[name]
        try:
            value = math.nan if empty and cell == "" else float(cell)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"row {number}: {name} is {cell!r}, not a number",
                "give numbers, or name the column with --hyper",
            ) from error
        if not empty and not math.isfinite(value):
            raise InputError(f"row {number}: {name} is {value}", "leave out the models without it")
        values.append(value)
    return np.array(values, dtype=np.float64)
