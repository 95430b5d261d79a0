"""`heldout cell`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from heldout.commands.exits import DONE, FOUND, complain


@dataclass(frozen=True)
class CellCommand:
    """Run one cell of a study into a run folder; a cell that is finished there is not run again."""

    study: tyro.conf.Positional[str]
    """A study's name, or its file."""
    hash: tyro.conf.Positional[str]
    """The cell, as pages and rows name it."""
    out: Path
    """The folder of the run; `heldout study ... --out` goes on with it."""
    seeds: int | None = None
    """The --seeds that the run was started with, if any."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        from heldout.laboratory.one_cell import one_cell

        ended, fresh = one_cell(self.study, self.hash, self.out, self.seeds)
        if ended.end != "done":
            return complain(f"cell {ended.cell} failed: {ended.reason}", FOUND)
        how = f"ran in {ended.seconds:.1f} s" if fresh else "was finished already"
        sys.stdout.write(f"cell {ended.cell}: {ended.rows} rows, {how}, in {self.out}\n")
        return DONE
