"""`heldout proxies`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from heldout.commands.exits import DONE


@dataclass(frozen=True)
class ProxiesCommand:
    """Score measures of complexity over a table of trained models: how well does each order their gaps?"""

    file: tyro.conf.Positional[Path]
    """A CSV file, one row a model: hyper-parameters, measures, gap, number of test rows behind the gap."""
    hyper: str
    """Comma-separated columns of hyper-parameters; one named n is the number of training rows."""
    gap: str = "gap"
    """Column of the gap between training and test."""
    n_test: str = "n_test"
    """Column of the number of test rows behind the gap, or that number."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        from heldout.measures.proxies import ProxyTable
        from heldout.plain import print_proxies

        hyper = tuple(name.strip() for name in self.hyper.split(",") if name.strip())
        n_test = int(self.n_test) if self.n_test.isdigit() else self.n_test
        print_proxies(ProxyTable.read(self.file, hyper, self.gap, n_test))
        return DONE
