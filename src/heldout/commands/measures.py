"""`heldout measures`."""

from __future__ import annotations

from dataclasses import dataclass

from heldout.commands.exits import DONE


@dataclass(frozen=True)
class MeasuresCommand:
    """List the measures, controls and certificates that are built."""

    rooms: tuple[str, ...] = ("measures", "controls", "certificates")

    def run(self) -> int:
        """Do it; returns the exit code."""
        from heldout.plain import print_measures

        print_measures(self.rooms)
        return DONE
