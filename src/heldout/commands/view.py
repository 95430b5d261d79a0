"""`heldout view`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from heldout.commands.exits import DONE, check_folder


@dataclass(frozen=True)
class ViewCommand:
    """View the runs, audits and studies of a folder in the browser (127.0.0.1 only), live while they run."""

    folder: tyro.conf.Positional[Path] = Path("runs")
    port: int = 0
    """The port to serve on; 0 takes any that is free."""
    bundle: Annotated[Path | None, tyro.conf.arg(metavar="OUT", help_behavior_hint="")] = None
    """Write a static site to this new folder instead: it opens from disk and from any web host."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        check_folder(self.folder)
        if self.bundle is not None:
            from heldout.viewing.bundle import write_bundle

            written = write_bundle(self.folder, self.bundle)
            sys.stdout.write(f"{written.runs} runs, {written.pages} pages, {written.bytes / 1e6:.1f} MB\n")
            sys.stdout.write(f"wrote {self.bundle / 'index.html'}\n")
            return DONE
        from heldout.viewing.serve import serve

        serve(self.folder, self.port, _say)
        return DONE


def _say(address: str) -> None:
    sys.stdout.write(f"{address}\nOpen this address in a browser; Ctrl-C ends it.\n")
    sys.stdout.flush()
