"""`heldout audit`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from heldout.commands.arguments import NumbersFile, PageFile, SummaryFile
from heldout.commands.exits import DONE, FOUND, INTERRUPTED, OUR_ERROR, UNDECIDED, USAGE, complain

if TYPE_CHECKING:
    from heldout.auditing import Audit

FAIL_ON = "partly-memorizes,memorizes,does-not-learn"


@dataclass(frozen=True)
class AuditCommand:
    """Measure one trained model: did it learn the rule, or memorize the answers?"""

    target: Annotated[
        str | None, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET", help_behavior_hint="")
    ] = None
    """`file.py:name` or `package.module:name`, a function that returns a Subject (your code, run as you)."""
    predictions: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Audit this Parquet or CSV file of predictions instead; nothing is refitted."""
    out: PageFile = None
    """Write the page here (.html)."""
    json: NumbersFile = None
    """Write the numbers here (.json)."""
    markdown: SummaryFile = None
    """Write the summary here (.md), for a model card or a CI job."""
    budget: Annotated[
        Literal["predictions", "folds", "subsets"] | None,
        tyro.conf.arg(metavar="predictions|folds|subsets", help_behavior_hint=""),
    ] = None
    """How many models to train again; by default what fits in about two minutes."""
    deep: bool = False
    """Geometry of the loss as well: learning coefficient, trace, top eigenvalue, effective dimension."""
    fail_on: str = FAIL_ON
    """Comma-separated headlines and finding codes that end in exit code 1; empty: none."""
    mute: str = ""
    """Comma-separated finding codes to show as muted."""
    seed: int = 0
    delta: float = 0.05
    """Failure probability of the certificate."""
    certificates: NumbersFile = None
    """What `heldout certify --json` wrote for the same target: its certificates stand beside the hold-out one."""
    runs: Path = Path("runs")
    """Folder of runs, with the ledger of looks at test sets."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        from heldout.core.errors import InputError

        if (self.target is None) == (self.predictions is None):
            raise InputError(
                "heldout audit takes a TARGET or --predictions, one of them",
                "heldout audit file.py:make_subject",
            )
        for path, ending in ((self.out, ".html"), (self.json, ".json"), (self.markdown, ".md")):
            if path is not None and path.suffix != ending:
                raise InputError(f"{path.name} does not end in {ending}", f"name it report{ending}")
            if path is not None and not path.parent.is_dir():
                raise InputError(f"the folder {path.parent} does not exist", "make it first")
        _check_codes(self)
        if self.predictions is not None and self.budget not in (None, "predictions"):
            raise InputError(
                f"--budget {self.budget} needs refits, and a file of predictions has no model to refit",
                "leave it out",
            )
        if self.predictions is not None and self.certificates is not None:
            raise InputError(
                "--certificates belongs to a TARGET, and --predictions is given", "leave one out"
            )
        from heldout.auditing import audit, audit_predictions

        mute = tuple(code.strip() for code in self.mute.split(",") if code.strip())
        if self.predictions is not None:
            result = audit_predictions(
                self.predictions, seed=self.seed, delta=self.delta, runs=self.runs, mute=mute
            )
        else:
            from heldout.auditing.audit import data_hash
            from heldout.auditing.certificates import answers_hash, beside, read_certificates
            from heldout.targets import load_subject

            subject = load_subject(self.target or "")
            more = (
                None
                if self.certificates is None
                else read_certificates(
                    self.certificates, data_hash(subject), self.delta, answers_hash(subject)
                )
            )
            result = audit(
                subject, budget=self.budget, deep=self.deep, seed=self.seed, delta=self.delta, runs=self.runs,
                progress=True, mute=mute,
            )  # fmt: skip
            if more is not None:
                result.report["certificates"] = beside(more, result.report["certificate"])
        return _deliver(self, result)


def _check_codes(command: AuditCommand) -> None:
    from heldout.auditing.findings import CODES
    from heldout.core.errors import InputError

    headlines = (*FAIL_ON.split(","), "generalizes", "undecided")
    for option, text, allowed in (
        ("--fail-on", command.fail_on, (*headlines, *CODES)),
        ("--mute", command.mute, CODES),
    ):
        for code in (part.strip() for part in text.split(",") if part.strip()):
            if code not in allowed:
                what = "no headline and no finding code" if option == "--fail-on" else "no finding code"
                raise InputError(f"{option} {code!r} is {what}", f"use {', '.join(allowed)}")


def _deliver(command: AuditCommand, result: Audit) -> int:
    from heldout.plain import print_audit

    written = []
    problem = None
    for path in (command.out, command.json, command.markdown):
        if path is not None:
            try:
                written.append(str(result.save(path)))
            except OSError as error:
                problem = f"{path} could not be written: {error}; the run folder keeps the report"
            except Exception as error:
                from heldout.core.errors import HeldoutError

                if not isinstance(error, HeldoutError):
                    raise
                problem = str(error)
    print_audit(result, written)
    if problem:
        return complain(problem, USAGE)
    if result.failures:
        sys.stderr.write("\n".join(result.failures) + "\n")
        return complain(
            "a measure failed by an error of heldout itself; the rest of the report stands", OUR_ERROR
        )
    if result.interrupted:
        return complain("interrupted; what was finished is reported", INTERRUPTED)
    wanted = {part.strip() for part in command.fail_on.split(",") if part.strip()}
    seen = {result.verdict.headline.replace(" ", "-"), *(f.code for f in result.findings if not f.muted)}
    if wanted & seen:
        return complain(f"exit 1, because of --fail-on {','.join(sorted(wanted & seen))}", FOUND)
    muted = {f.code for f in result.findings if f.muted}
    unseen = result.report["not_looked_for"]
    said = [
        f"{code} was not looked for ({unseen[code]})" for code in sorted(wanted - muted) if code in unseen
    ]
    if said:
        return complain(f"exit 3, because of --fail-on: {'; '.join(said)}", UNDECIDED)
    return UNDECIDED if result.verdict.headline == "undecided" else DONE
