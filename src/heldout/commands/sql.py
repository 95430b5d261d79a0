"""`heldout sql`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from heldout.commands.exits import DONE, check_folder, write

MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class SqlCommand:
    """Query the runs of a folder with SQL (tables: runs, rows); no file and no network can be reached."""

    query: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SQL")]
    runs: Path = Path("runs")
    csv: Annotated[Path | None, tyro.conf.arg(metavar="FILE.csv", help_behavior_hint="")] = None
    """Write the answer here, whole, in the place of printing it."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        from heldout.core.errors import InputError

        check_folder(self.runs)
        if self.csv is None:
            from heldout.plain import print_query

            print_query(self.runs, self.query)
            return DONE
        if not self.csv.parent.is_dir():
            raise InputError(f"the folder {self.csv.parent} does not exist", "make it first")
        import csv
        import io

        from heldout.store.sql import query

        text = io.StringIO(newline="")
        columns, rows = query(self.runs, self.query, max_rows=MOST_ROWS)
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        return write(self.csv, text.getvalue())
