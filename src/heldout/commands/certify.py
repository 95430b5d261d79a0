"""`heldout certify`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from heldout.commands.arguments import NumbersFile, PageFile, Target
from heldout.commands.exits import check_page, write, write_page


@dataclass(frozen=True)
class CertifyCommand:
    """What can be guaranteed about a model's error: one row a family of bounds, beside its shuffled-label control."""

    target: Target
    """`file.py:name` or `package.module:name`, a function that returns a Subject (your code, run as you)."""
    delta: float = 0.05
    """Failure probability of each row."""
    control: bool = True
    """Repeat each row with shuffled labels, which no sound bound can put below chance."""
    out: PageFile = None
    """Write the page here (.html)."""
    json: NumbersFile = None
    """Write the certificates here (.json)."""
    proof: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Write the compressed model's proof and its rows into this folder, for `heldout verify`."""
    limit: float = 120.0
    """About how many seconds it may take; what there is no time for is left out, and said."""
    seed: int = 0
    """Fix it beforehand: to keep the best of k seeds, divide delta by k."""
    runs: Path = Path("runs")
    """Folder of runs, with the ledger of looks at test sets."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        import json

        check_page(self.out)
        from heldout.auditing.audit import data_hash
        from heldout.auditing.certificates import answers_hash
        from heldout.certifying.certify import certify
        from heldout.certifying.page import certified_page
        from heldout.plain import plain
        from heldout.targets import load_subject

        subject = load_subject(self.target)
        if self.proof is not None:
            self.proof.mkdir(parents=True, exist_ok=True)
        answers = answers_hash(subject)  # a model that answers NaN is refused before anything is trained
        found = certify(
            subject,
            delta=self.delta,
            seed=self.seed,
            runs=self.runs,
            control=self.control,
            proof=self.proof,
            progress=None,
            limit_seconds=self.limit,
        )
        sys.stdout.write(plain(f"{found}\n"))
        for family in found.suspicious:
            sys.stdout.write(f"the control of {family} lies below chance: that row is not to be believed\n")
        page = certified_page(found, self.seed, data_hash(subject), answers)
        return write_page(self.out, page) or write(self.json, json.dumps(page, indent=1))
