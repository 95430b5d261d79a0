"""`heldout studies`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heldout.commands.exits import DONE, write


@dataclass(frozen=True)
class StudiesCommand:
    """List the studies: question, source, verdict of the kept full run, cost."""

    json: Path | None = None
    """Write the list here (.json) as well."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        import json

        from heldout.commands.printed_study import print_studies
        from heldout.laboratory.index_report import index_report

        report = index_report()
        print_studies(report)
        return write(self.json, json.dumps(report, indent=1) + "\n") if self.json else DONE
