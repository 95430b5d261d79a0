"""`heldout verify`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from heldout.commands.exits import DONE, FOUND


@dataclass(frozen=True)
class VerifyCommand:
    """Check the proof file of a compression certificate against the rows it speaks of."""

    file: tyro.conf.Positional[Path]
    data: Path
    """The rows: a .npz file with arrays x [n D] and y [n], in the order of the proof."""
    classes: int | None = None
    """How many classes the problem has; by default the largest label + 1."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        from heldout.certificates.verify import read_rows, verify
        from heldout.core.existing_file import existing_file

        file = existing_file(self.file, "give a file that a certificate wrote")
        found = verify(file, *read_rows(self.data), classes=self.classes)
        sys.stdout.writelines(f"  ok  {check}\n" for check in found.checks)
        if not found.accepted:
            from heldout.plain import plain

            sys.stdout.write(f"rejected: {plain(found.reason)}\n")
            return FOUND
        sys.stdout.write("accepted\n")
        return DONE
