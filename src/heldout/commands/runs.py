"""`heldout runs`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from heldout.commands.exits import DONE, check_folder


@dataclass(frozen=True)
class RunsCommand:
    """List the runs of a folder."""

    runs: tyro.conf.Positional[Path] = Path("runs")

    def run(self) -> int:
        """Do it; returns the exit code."""
        check_folder(self.runs)
        from heldout.plain import print_runs

        print_runs(self.runs)
        return DONE
