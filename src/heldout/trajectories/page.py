"""The page of `heldout trajectory` as plain data (schema heldout.trajectory/1): each checkpoint with its estimates.

>>> row = {"step": 500, "train_loss": 0.1, "train_loss_low": 0.09, "train_loss_high": 0.11, "train_loss_stderr": 0.005,
...        "train_loss_status": "ok", "llc": math.nan, "llc_status": "w* is no minimum"}
>>> found = trajectory_page(Trajectory((row,)), "modular addition")["rows"][0]
>>> found["train_loss"]["high"], found["llc"]["status"], found["trace"]
(0.11, 'w* is no minimum', None)
"""

from __future__ import annotations

import datetime
import math
from typing import Any

from heldout import __version__
from heldout.core.command_line import command_line
from heldout.core.estimate import Estimate
from heldout.trajectories.trajectory import Trajectory

NAMES = ("train_loss", "test_loss", "llc", "trace")


def trajectory_page(found: Trajectory, title: str, seed: int = 0) -> dict[str, Any]:
    """What the page draws. A measure that was not asked for is null; one that was withheld has its reason."""
    return {
        "schema": "heldout.trajectory/1",
        "title": title,
        "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "version": __version__,
        "seed": seed,
        "command": command_line(),
        "rows": [
            {"step": int(row["step"]), **{name: _estimate(row, name) for name in NAMES}} for row in found.rows
        ],
    }


def _estimate(row: dict[str, Any], name: str) -> dict[str, Any] | None:
    status = row.get(f"{name}_status")
    if status is None:
        return None
    if status != "ok":
        return Estimate.withheld(str(status)).as_json()
    value, low, high = (float(row[key]) for key in (name, f"{name}_low", f"{name}_high"))
    return Estimate(value, low, high, stderr=float(row.get(f"{name}_stderr", math.nan))).as_json()
