"""`heldout fsck`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from heldout.commands.exits import DONE, FOUND, check_folder


@dataclass(frozen=True)
class FsckCommand:
    """Check the run folders of a folder for damage: cut or damaged lines, missing manifests, left-over files."""

    runs: tyro.conf.Positional[Path] = Path("runs")
    repair: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Mend row files; what was damaged is kept under .aside. Runs that still go on are left alone."""

    def run(self) -> int:
        """Do it; returns the exit code: 1 where damage is left."""
        check_folder(self.runs)
        from heldout.plain import plain
        from heldout.store.fsck import fsck

        found = fsck(self.runs, self.repair)
        for damage in found:
            mended = "repaired: " if damage.repaired else ""
            sys.stdout.write(plain(f"{mended}{damage.what}  {damage.where}: {damage.detail}") + "\n")
        if not found:
            sys.stdout.write("no damage found\n")
        return DONE if all(damage.repaired for damage in found) else FOUND
