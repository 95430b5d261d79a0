"""`Certified`: one row a family of bounds, each beside its shuffled-label control, drawn on one axis of risk.

>>> from heldout.certificates.certificate import Certificate
>>> sure = Certificate("error rate", 0.04, 0.05, 719, "", "", (), ())
>>> control = Certificate("error rate", 0.95, 0.05, 719, "", "", (), ())
>>> found = Certified("digits", 0.05, 0.9, (Row("hold-out", "this model", sure, None, 0.1), Row("PAC-Bayes", "a net", sure, control, 2.0)))
>>> found.best.family
'hold-out'
>>> print(found.axis(30).splitlines()[2])
PAC-Bayes |-*-----------------------Cc-| 0.0401 (control 0.9500), of a net
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from heldout.certificates.certificate import Certificate
from heldout.core.estimate import Estimate


@dataclass(frozen=True)
class Row:
    """One family: whose risk is bounded, its certificate, the same with shuffled labels (None: no such control), seconds.

    `observed`: the risk that was seen on the rows of the bound, where it is known with an interval of its own.
    """

    family: str
    predictor: str
    certificate: Certificate
    control: Certificate | None
    seconds: float
    observed: Estimate | None = None

    def as_json(self) -> dict[str, Any]:
        """A plain dictionary."""
        return {
            "family": self.family,
            "predictor": self.predictor,
            "certificate": self.certificate.as_json(),
            "control": None if self.control is None else self.control.as_json(),
            "observed": None if self.observed is None else self.observed.as_json(),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Certified:
    """The rows for one subject. `chance`: the error of the most frequent class, which no sound control falls below.
    `notes`: what was found among the rows that the bounds count and the reader must know."""

    name: str
    delta: float
    chance: float
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Row | None:
        """The row with the least certified value; choosing it is for reading: each row fails with probability delta."""
        sure = [row for row in self.rows if row.certificate.ok]
        return min(sure, key=lambda row: row.certificate.value, default=None)

    @property
    def suspicious(self) -> tuple[str, ...]:
        """Families whose control is below chance: random labels cannot be predicted, so something is wrong there."""
        return tuple(
            row.family
            for row in self.rows
            if row.control is not None and row.control.ok and row.control.value < self.chance
        )

    def axis(self, width: int = 50) -> str:
        """All rows on one axis from 0 to 1: `*` the certificate, `c` its control, `C` the error of a constant guess."""
        wide = max((len(row.family) for row in self.rows), default=0)
        lines = [f"{'':{wide}} 0{'error rate, upper bound':^{width - 4}}1"]
        for row in self.rows:
            if not row.certificate.ok:
                lines.append(f"{row.family:{wide}} withheld: {row.certificate.status}")
                continue
            cells = ["-"] * (width - 2)
            marks = [("C", self.chance), ("*", row.certificate.value)]
            said = row.certificate.printed() + (" vacuous" if row.certificate.vacuous else "")
            if row.control is not None and row.control.ok:
                marks.insert(1, ("c", row.control.value))
                said += f" (control {row.control.printed()})"
            if row.control is not None and not row.control.ok:
                said += f" (control {row.control.status})"
            for mark, value in marks:
                if math.isfinite(value):
                    cells[min(width - 3, int(value * (width - 2)))] = mark
            lines.append(f"{row.family:{wide}} |{''.join(cells)}| {said}, of {row.predictor}")
        return "\n".join(lines)

    def __str__(self) -> str:
        notes = "".join(f"\n{note}" for note in self.notes)
        return f"{self.name}, delta {self.delta:g} for each row\n{self.axis()}{notes}"

    def as_json(self) -> dict[str, Any]:
        """A plain dictionary."""
        best = self.best
        return {
            "name": self.name,
            "delta": self.delta,
            "chance": self.chance if math.isfinite(self.chance) else None,
            "best": None if best is None else best.family,
            "suspicious": list(self.suspicious),
            "notes": list(self.notes),
            "rows": [row.as_json() for row in self.rows],
        }
