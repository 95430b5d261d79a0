"""`heldout sql`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from heldout.commands.exits import DONE, check_folder


@dataclass(frozen=True)
class SqlCommand:
    """Query the runs of a folder with SQL (tables: runs, rows); no file and no network can be reached."""

    query: tyro.conf.Positional[str]
    runs: Path = Path("runs")

    def run(self) -> int:
        """Do it; returns the exit code."""
        check_folder(self.runs)
        from heldout.plain import print_query

        print_query(self.runs, self.query)
        return DONE
