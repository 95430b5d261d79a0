"""The command line: which commands there are, and what becomes of an error. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import tyro

from heldout.commands.audit import AuditCommand
from heldout.commands.calibrate import CalibrateCommand
from heldout.commands.cell import CellCommand
from heldout.commands.certify import CertifyCommand
from heldout.commands.conformal import ConformalCommand
from heldout.commands.emergence import EmergenceCommand
from heldout.commands.exits import CLOSED, DONE, INTERRUPTED, OUR_ERROR, USAGE, complain
from heldout.commands.fsck import FsckCommand
from heldout.commands.measures import MeasuresCommand
from heldout.commands.proxies import ProxiesCommand
from heldout.commands.runs import RunsCommand
from heldout.commands.sql import SqlCommand
from heldout.commands.studies import StudiesCommand
from heldout.commands.study import StudyCommand
from heldout.commands.trajectory import TrajectoryCommand
from heldout.commands.verify import VerifyCommand
from heldout.commands.view import ViewCommand

Command = (
    Annotated[AuditCommand, tyro.conf.subcommand("audit")]
    | Annotated[CertifyCommand, tyro.conf.subcommand("certify")]
    | Annotated[ConformalCommand, tyro.conf.subcommand("conformal")]
    | Annotated[RunsCommand, tyro.conf.subcommand("runs")]
    | Annotated[SqlCommand, tyro.conf.subcommand("sql")]
    | Annotated[MeasuresCommand, tyro.conf.subcommand("measures")]
    | Annotated[VerifyCommand, tyro.conf.subcommand("verify")]
    | Annotated[ProxiesCommand, tyro.conf.subcommand("proxies")]
    | Annotated[EmergenceCommand, tyro.conf.subcommand("emergence")]
    | Annotated[StudiesCommand, tyro.conf.subcommand("studies")]
    | Annotated[StudyCommand, tyro.conf.subcommand("study")]
    | Annotated[CellCommand, tyro.conf.subcommand("cell")]
    | Annotated[CalibrateCommand, tyro.conf.subcommand("calibrate")]
    | Annotated[TrajectoryCommand, tyro.conf.subcommand("trajectory")]
    | Annotated[ViewCommand, tyro.conf.subcommand("view")]
    | Annotated[FsckCommand, tyro.conf.subcommand("fsck")]
)


def main(argv: list[str] | None = None) -> None:
    """Entry point of `heldout`."""
    try:
        code = run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = CLOSED
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Parse and run one command; returns the exit code."""
    from heldout import __version__
    from heldout.core.errors import HeldoutError

    if argv in (["--version"], ["-V"]):
        sys.stdout.write(f"heldout {__version__}\n")
        return DONE
    try:
        command: Any = tyro.cli(
            Command,
            prog="heldout",
            description="Did the model learn the rule, or memorize the answers?",
            args=argv or ["--help"],
        )
    except SystemExit as leaving:
        return DONE if leaving.code in (None, 0) else USAGE
    try:
        return int(command.run())
    except HeldoutError as error:
        return complain(str(error), USAGE)
    except KeyboardInterrupt:
        return complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        raise
    except Exception:  # anything that is not the user's: show it whole, and say whose it is
        import traceback

        sys.stderr.write(traceback.format_exc())
        return complain(
            "this is an error of heldout itself; please report it with the lines above", OUR_ERROR
        )
