"""A run of a study as far as it came: what was asked, and the cells that ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heldout.laboratory.stored_cells import StoredCell


@dataclass(frozen=True)
class StudyRun:
    """`spec` as `run_spec` makes it; `cells` {hash: StoredCell}; `facts` about command, date and machine."""

    target: str
    spec: Mapping[str, Any]
    cells: Mapping[str, StoredCell]
    facts: Mapping[str, Any]
    folder: str | None = None
    interrupted: bool = False

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self.spec["study"])

    @property
    def done(self) -> list[StoredCell]:
        """The finished cells, in the order of the spec, whatever order they were run in."""
        found = [self.cells.get(name) for name in self.spec["cells"]]
        return [cell for cell in found if cell is not None and cell.end == "done"]

    @property
    def failed(self) -> list[StoredCell]:
        """The cells that raised or lost their process, in the order of the spec."""
        found = [self.cells.get(name) for name in self.spec["cells"]]
        return [cell for cell in found if cell is not None and cell.end != "done"]

    @property
    def total(self) -> int:
        """How many cells were asked for."""
        return len(self.spec["cells"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the finished cells: what `verdict` and `figures` are given."""
        return [dict(row) for cell in self.done for row in cell.rows]

    @property
    def diverged(self) -> int:
        """How many rows say that a run blew up."""
        return sum(row.get("status") == "diverged" for cell in self.done for row in cell.rows)

    @property
    def seconds(self) -> float:
        """What the ended cells took together, in seconds of one core."""
        return sum(cell.seconds for cell in self.cells.values())
