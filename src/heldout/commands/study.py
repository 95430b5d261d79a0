"""`heldout study`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from heldout.commands.exits import DONE, FOUND, INTERRUPTED, UNDECIDED, complain

if TYPE_CHECKING:
    from heldout.laboratory.study_run import StudyRun


@dataclass(frozen=True)
class StudyCommand:
    """Put a published claim to the test: run its study, print the verdict by its rule, write its page."""

    name: tyro.conf.Positional[str | None] = None
    """A study of `heldout studies`, or a file of your own (my_study.py)."""
    full: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """The full run, as the rule asks for; by default a quick one of at most a minute."""
    kept: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Run nothing: show the full run that heldout brings."""
    all: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Run nothing: the index page over all studies, and the page of each kept run, in the folder --out."""
    seeds: int | None = None
    """Other than the study's own number of seeds."""
    workers: int | None = None
    """Processes of one thread each; by default one for each core."""
    out: Path | None = None
    """Folder of the run, which goes on where it stopped; by default one of its own in runs/."""
    json: Path | None = None
    """Write the numbers here (.json)."""
    on: Literal["processes", "ray"] = "processes"
    """Where cells run; ray: the cluster of RAY_ADDRESS, or a local one (extra `ray`)."""
    keep: Path | None = None
    """Copy a finished full run to this folder (for the repository: src/heldout/studies/kept)."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        _check(self)
        from heldout.laboratory.kept import keep_run, read_kept
        from heldout.laboratory.run_study import run_study
        from heldout.laboratory.save_pages import save_index

        if self.all:
            written = save_index(self.out or Path("studies"))
            sys.stdout.write("".join(f"wrote {path}\n" for path in written))
            return DONE
        name = self.name or ""
        if self.kept:
            return _show_kept(self, name, read_kept(name))
        command = shlex.join(["heldout", *sys.argv[1:]])
        run = run_study(
            name,
            "full" if self.full else "quick",
            self.seeds,
            self.workers,
            self.out,
            self.on,
            command,
            progress=None,
        )
        code = _deliver(self, run)
        if self.keep is not None and not run.interrupted:
            sys.stdout.write(f"kept in {keep_run(run, self.keep)}\n")
        return code


def _check(command: StudyCommand) -> None:
    from heldout.core.errors import InputError

    if (command.name is None) == (not command.all):
        raise InputError(
            "heldout study takes the NAME of a study, or --all", "heldout studies lists the names"
        )
    if command.json is not None and command.json.suffix != ".json":
        raise InputError(f"{command.json.name} does not end in .json", "name it study.json")
    if (command.kept or command.all) and (command.full or command.seeds or command.keep):
        raise InputError("--kept and --all run nothing", "leave --full, --seeds and --keep out")


def _show_kept(command: StudyCommand, name: str, run: StudyRun | None) -> int:
    from heldout.core.errors import InputError
    from heldout.laboratory.find_study import find_study

    find_study(name)
    if run is None:
        raise InputError(f"no full run of {name} is kept", f"run it: heldout study {name} --full")
    return _deliver(command, run, kept=True)


def _deliver(command: StudyCommand, run: StudyRun, kept: bool = False) -> int:
    """Print the verdict, write page and JSON; the code says how it went."""
    from heldout.commands.printed_study import print_study
    from heldout.laboratory.save_pages import save_json, save_page
    from heldout.laboratory.study_report import study_report

    report = study_report(run, kept)
    folder = Path(run.folder) if run.folder else command.out or Path()
    page = folder / ("page.html" if run.folder else f"{run.name}.html")
    written = [save_page(report, page)]
    if command.json is not None:
        written.append(save_json(report, command.json))
    print_study(report, [str(path) for path in written])
    if run.interrupted:
        left = run.total - len(run.done)
        return complain(
            f"interrupted; {left} of {run.total} cells are left, the same command goes on", INTERRUPTED
        )
    if run.failed:
        return complain(f"{len(run.failed)} of {run.total} cells failed", FOUND)
    return UNDECIDED if report["verdict"]["headline"] == "undecided" else DONE
