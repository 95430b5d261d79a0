"""`Certificate`: an upper bound with its probability of failure, what it assumes, and where its delta went.

>>> charge = Charge("look 1 at this test set", 0.05)
>>> sure = Certificate("error rate", 0.022459353, 0.05, 10_000, "Beta^-1", "Clopper & Pearson 1934", ("iid",), (charge,))
>>> sure.printed(4), sure.ok                       # rounded up: 0.0225 still holds
('0.0225', True)
>>> print(Certificate.withheld("error rate", 0.05, 100, "rows are not independent"))
withheld: rows are not independent
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple

from heldout.core.errors import InputError


class Charge(NamedTuple):
    """One line of the ledger: what the part `delta` of the failure probability was spent on."""

    what: str
    delta: float


@dataclass(frozen=True)
class Certificate:
    """With probability at least 1 - `delta` over the draw of the n units, `quantity` <= `value`.

    `value` is rounded outward: never below the bound that `formula` defines. The ledger says on what this
    bound spent how much of `delta`; the rest is kept for other looks. `rows`: which rows the n units are.
    `prior`: where the prior or the code came from, empty where the bound has none. `trivial`: what is known
    without any data, 1 for an error rate, the largest loss otherwise; a value that reaches it is `vacuous`.
    `unit`: of the value, empty for a risk in [0, 1]. `status` is "ok", or the reason why nothing is
    certified; then `value` is NaN.
    """

    quantity: str
    value: float
    delta: float
    n: int
    formula: str
    source: str
    assumptions: tuple[str, ...]
    ledger: tuple[Charge, ...]
    status: str = "ok"
    rows: str = ""
    prior: str = ""
    trivial: float = 1.0
    unit: str = ""

    def __post_init__(self) -> None:
        spent = math.fsum(charge.delta for charge in self.ledger)
        if self.ok and spent > self.delta * (1.0 + 1e-12):
            raise InputError(
                f"the ledger spends {spent:g} of a delta of {self.delta:g}",
                "divide delta among everything that is charged",
            )

    @classmethod
    def withheld(cls, quantity: str, delta: float, n: int, reason: str) -> Certificate:
        """No certificate: NaN and the reason."""
        return cls(quantity, math.nan, delta, n, "", "", (), (), reason)

    @property
    def ok(self) -> bool:
        """True where something is certified."""
        return self.status == "ok"

    @property
    def vacuous(self) -> bool:
        """True where the value says no more than is known without data."""
        return self.ok and self.value >= self.trivial

    def printed(self, digits: int = 4) -> str:
        """The value rounded up at `digits` decimals, "withheld" where there is none."""
        if not self.ok:
            return "withheld"
        return str(Decimal(self.value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_CEILING))

    def __str__(self) -> str:
        if not self.ok:
            return f"withheld: {self.status}"
        said = f"{self.quantity} <= {self.printed()}{' ' + self.unit if self.unit else ''}"
        vacuous = ", vacuous" if self.vacuous else ""
        return f"{said} with probability {1 - self.delta:g} (n={self.n}{vacuous})"

    def as_json(self) -> dict[str, Any]:
        """A plain dictionary; NaN becomes None (the status says why)."""
        return {
            "quantity": self.quantity,
            "value": self.value if math.isfinite(self.value) else None,
            "delta": self.delta,
            "n": self.n,
            "formula": self.formula,
            "source": self.source,
            "assumptions": list(self.assumptions),
            "ledger": [{"what": charge.what, "delta": charge.delta} for charge in self.ledger],
            "status": self.status,
            "rows": self.rows,
            "prior": self.prior,
            "trivial": self.trivial,
            "unit": self.unit,
            "vacuous": self.vacuous,
        }
