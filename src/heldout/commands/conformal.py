"""`heldout conformal`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from heldout.commands.arguments import NumbersFile
from heldout.commands.exits import write


@dataclass(frozen=True)
class ConformalCommand:
    """Prediction sets with a promised coverage, from a file of predictions (coverage, not risk)."""

    predictions: tyro.conf.Positional[Path]
    """Parquet or CSV file as for `heldout audit --predictions`, with probabilities or values."""
    alpha: float = 0.1
    """Share of rows whose set may miss the answer."""
    delta: float = 0.05
    """Failure probability of the coverage given these calibration rows."""
    split: str = "test"
    """Rows that calibrate: seen neither by training nor by any choice."""
    json: NumbersFile = None
    """Write the numbers here (.json)."""
    seed: int = 0

    def run(self) -> int:
        """Do it; returns the exit code."""
        import json

        from heldout.certifying.conformal import conformal

        found = conformal(
            self.predictions, alpha=self.alpha, delta=self.delta, split=self.split, seed=self.seed
        )
        sys.stdout.write(f"{found}\n")
        return write(self.json, json.dumps(found.as_json(), indent=1))
