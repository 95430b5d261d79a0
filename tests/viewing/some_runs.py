"""Run folders for the tests: a watched run, and everything that may go wrong with one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from heldout.store.run import Run, create_run

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">\u202egnp.exe"


def look(k: int) -> dict[str, Any]:
    """The row of a watch at its k-th look."""
    train, test = 3 * math.exp(-k / 8), 3 / (1 + math.exp((k - 30) / 4)) + 0.01
    losses = [max(1e-4, 3 * math.exp(-max(0, k - row) / 4)) for row in range(32)]
    return {
        "step": 50 * k,
        "train loss": {"value": train, "low": 0.8 * train, "high": 1.2 * train},
        "test loss": {"value": test, "low": 0.9 * test, "high": 1.1 * test},
        "gap": {"value": 0.1, "low": 0.05, "high": 0.15},
        "norm": 20.0 + k,
        "rows": {"train losses": losses, "test losses": losses[:16]},
        "phase": "fits by rote" if k < 20 else "rule forms",
    }


def watched(root: Path, name: str = "modular addition", seed: int = 0, looks: int = 60) -> Run:
    """A run as a watch leaves it, not finished."""
    run = create_run(root, name, {"kind": "watch"}, seed)
    run.append([look(k) for k in range(looks)])
    return run


def hostile(root: Path) -> Run:
    """A run whose every text is an attack."""
    run = create_run(root, HOSTILE, {"kind": "<b>bold</b>"}, 1)
    run.append([{"step": k, HOSTILE[:40]: float(k), "phase": "</script><b>x</b>"} for k in range(5)])
    run.note("outcome", "<i>leans</i>")
    run.finish("failed", "<script>document.title='owned'</script>")
    return run
