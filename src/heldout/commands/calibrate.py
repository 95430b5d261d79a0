"""`heldout calibrate`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from heldout.commands.arguments import PageFile
from heldout.commands.exits import DONE, INTERRUPTED, check_page, complain, write_page


@dataclass(frozen=True)
class CalibrateCommand:
    """Run the instruments against cases with exactly known answers: estimate, truth, coverage, cost."""

    instrument: tuple[str, ...] = ()
    """Only these instruments, such as trace top_eigenvalues; default: all."""
    full: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """20 seeds and the slow cases as well."""
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """5 seeds and no slow cases: the default."""
    seeds: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="")] = None
    """Seeds a case, in the place of 5 or 20."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """A folder of rows that is continued where it exists, so that an interrupted run may go on."""
    kept: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Run nothing: the table (and page) of what FOLDER holds."""
    page: PageFile = None
    """Write the page here (.html)."""
    json: bool = False
    """Print the summary as JSON lines, one a case."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        from heldout.core.errors import InputError

        if self.full and self.quick:
            raise InputError("--full and --quick are given together", "pass one of them")
        check_page(self.page)
        import dataclasses

        from heldout.auditing.progress import Progress
        from heldout.calibration.calibrate import calibrate, summary
        from heldout.calibration.page import calibration_page
        from heldout.commands.printed_calibration import print_calibration
        from heldout.store.rows import row_line

        done, total = 0, 0
        with Progress() as progress:

            def tick(finished: int, of: int) -> None:
                nonlocal done, total
                done, total = finished, of
                progress.tick("runs", finished, of)

            try:
                rows = calibrate(self.instrument, not self.full, self.seeds, self.out, tick, self.kept)
            except KeyboardInterrupt:
                where = f"{done} of {total} runs are kept in {self.out}; the same command goes on" if self.out else "nothing is kept; pass --out FOLDER to go on later"  # fmt: skip
                return complain(f"interrupted; {where}", INTERRUPTED)
        lines = summary(rows)
        if self.json:
            for line in lines:
                sys.stdout.write(row_line(dataclasses.asdict(line)).decode() + "\n")
        else:
            print_calibration(lines, len(rows), total)
        return write_page(self.page, calibration_page(rows)) if self.page else DONE
