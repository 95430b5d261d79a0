"""`Estimate`: a number never travels alone. Where there is no answer the value is NaN and the status is the reason.

>>> Estimate(0.9, 0.88, 0.92, method="Clopper-Pearson", n=1000).as_json()["value"]
0.9
>>> Estimate.withheld("no test set").as_json()["value"] is None
True
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Any

import torch
from torch import Tensor

Number = Tensor | float
_FIRST = 6  # values that are printed of many


def _tensor(value: Number) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(float(value), dtype=torch.float64)


def _shown(value: Tensor, low: Tensor, high: Tensor) -> str:
    return f"{float(value):.4g} [{float(low):.4g}, {float(high):.4g}]"


def _plain(value: Tensor | None) -> Any:
    if value is None:
        return None
    if value.ndim == 0:
        number = float(value)
        return number if math.isfinite(number) else None
    return [_plain(v) for v in value]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval `[low, high]` at `level`, its standard error, method, n and status ("ok" or why not)."""

    value: Tensor
    low: Tensor
    high: Tensor
    level: float = 0.95
    stderr: Tensor | None = None
    method: str = ""
    n: int = 0
    status: str = "ok"

    def __init__(
        self,
        value: Number,
        low: Number,
        high: Number,
        level: float = 0.95,
        stderr: Number | None = None,
        method: str = "",
        n: int = 0,
        status: str = "ok",
    ) -> None:
        fields = {
            "value": _tensor(value),
            "low": _tensor(low),
            "high": _tensor(high),
            "level": float(level),
            "stderr": None if stderr is None else _tensor(stderr),
            "method": method,
            "n": int(n),
            "status": status,
        }
        for name, field in fields.items():
            object.__setattr__(self, name, field)

    @classmethod
    def joined(cls, rows: list[Estimate]) -> Estimate:
        """One estimate of values [r ...] from r of them; NaN where one was withheld, and the status counts them.

        >>> both = Estimate.joined([Estimate(1.0, 0.0, 2.0, stderr=0.5), Estimate.withheld("no minimum")])
        >>> both.value.tolist(), both.status
        ([1.0, nan], '1 of 2 withheld; row 1: no minimum')
        """
        good = [row for row in rows if row.ok]
        if not good:
            return cls.withheld(rows[0].status if rows else "no rows", n=0)
        first = good[0]

        def column(part: str) -> Tensor:
            values = [getattr(row, part) if row.ok else None for row in rows]
            shape = first.value.shape
            empty = torch.full(shape, math.nan, dtype=first.value.dtype)
            return torch.stack([empty if v is None else v.expand(shape) for v in values])

        lost = [k for k, row in enumerate(rows) if not row.ok]
        status = (
            f"{len(lost)} of {len(rows)} withheld; row {lost[0]}: {rows[lost[0]].status}" if lost else "ok"
        )
        stderr = None if any(row.stderr is None for row in good) else column("stderr")
        parts = (column("value"), column("low"), column("high"))
        return cls(*parts, first.level, stderr, first.method, max(row.n for row in good), status)

    @property
    def ok(self) -> bool:
        """True where the estimate is an answer."""
        return self.status == "ok"

    @classmethod
    def withheld(cls, reason: str, method: str = "", n: int = 0) -> Estimate:
        """No answer: NaN everywhere and the reason as status."""
        return cls(math.nan, math.nan, math.nan, method=method, n=n, status=reason)

    @classmethod
    def of(cls, interval: Any) -> Estimate:
        """From anything that has `value, low, high, level, stderr, method, n` (and perhaps `status`), as `stats` returns."""
        return cls(
            interval.value,
            interval.low,
            interval.high,
            interval.level,
            interval.stderr,
            interval.method,
            interval.n,
            getattr(interval, "status", "ok"),
        )

    def __str__(self) -> str:
        if not self.ok:
            return f"withheld: {self.status}"
        if self.value.ndim:
            shape = " x ".join(str(size) for size in self.value.shape)
            parts = [
                part.expand_as(self.value).flatten()[:_FIRST] for part in (self.value, self.low, self.high)
            ]
            first = ", ".join(_shown(*each) for each in zip(*parts))
            return f"{shape} values: {first}{', ..' if self.value.numel() > _FIRST else ''}"
        return _shown(self.value, self.low, self.high)

    def _repr_html_(self) -> str:
        """For notebooks: the number with its interval, and what it is; every text escaped, no script, no colour."""
        what = f"{100 * self.level:g}% interval; {self.method or 'method not named'}; n = {self.n:,}"
        head = f"<span><strong>{escape(str(self))}</strong>"
        return f"{head}<br><small>{escape(what)}</small></span>" if self.ok else f"{head}</span>"

    def as_json(self) -> dict[str, Any]:
        """A plain dictionary; non-finite numbers become None (the status says why)."""
        return {
            "value": _plain(self.value),
            "low": _plain(self.low),
            "high": _plain(self.high),
            "level": self.level,
            "stderr": _plain(self.stderr),
            "method": self.method,
            "n": self.n,
            "status": self.status,
        }
