"""The command line. Nothing heavy is imported before a command needs it.

Exit codes: 0 done; 1 a finding or headline named in --fail-on; 2 usage or bad input; 3 undecided; 70 our own error;
130 interrupted (what was finished is reported).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    from heldout.auditing import Audit

DONE, FOUND, USAGE, UNDECIDED, OUR_ERROR, INTERRUPTED = 0, 1, 2, 3, 70, 130
FAIL_ON = "partly-memorizes,memorizes,does-not-learn"


@dataclass(frozen=True)
class AuditCommand:
    """Measure one trained model: did it learn the rule, or memorize the answers?"""

    target: tyro.conf.Positional[str | None] = None
    """`file.py:name` or `package.module:name`, a function that returns a Subject (your code, run as you)."""
    predictions: Path | None = None
    """Audit this Parquet or CSV file of predictions instead; nothing is refitted."""
    out: Path | None = None
    """Write the page here (.html)."""
    json: Path | None = None
    """Write the numbers here (.json)."""
    budget: Literal["predictions", "folds", "subsets"] | None = None
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
    runs: Path = Path("runs")
    """Folder of runs, with the ledger of looks at test sets."""


@dataclass(frozen=True)
class CertifyCommand:
    """What can be guaranteed about a model's error: one row a family of bounds, beside its shuffled-label control."""

    target: tyro.conf.Positional[str]
    """`file.py:name` or `package.module:name`, a function that returns a Subject (your code, run as you)."""
    delta: float = 0.05
    """Failure probability of each row."""
    control: bool = True
    """Repeat each row with shuffled labels, which no sound bound can put below chance."""
    json: Path | None = None
    """Write the certificates here (.json)."""
    proof: Path | None = None
    """Write the compressed model's proof and its rows into this folder, for `heldout verify`."""
    seed: int = 0
    runs: Path = Path("runs")
    """Folder of runs, with the ledger of looks at test sets."""


@dataclass(frozen=True)
class ConformalCommand:
    """Prediction sets with a promised coverage, from a file of predictions (coverage, not risk)."""

    predictions: tyro.conf.Positional[Path]
    """Parquet or CSV file as for `heldout audit --predictions`, with probabilities or values."""
    alpha: float = 0.1
    """Share of rows whose set may miss the answer."""
    delta: float = 0.05
    """Failure probability of the coverage given these calibration rows."""
    split: str = "test"
    """Rows that calibrate: seen neither by training nor by any choice."""
    json: Path | None = None
    """Write the numbers here (.json)."""
    seed: int = 0


@dataclass(frozen=True)
class RunsCommand:
    """List the runs of a folder."""

    runs: tyro.conf.Positional[Path] = Path("runs")


@dataclass(frozen=True)
class SqlCommand:
    """Query the runs of a folder with SQL (tables: runs, rows); no file and no network can be reached."""

    query: tyro.conf.Positional[str]
    runs: Path = Path("runs")


@dataclass(frozen=True)
class MeasuresCommand:
    """List the measures, controls and certificates that are built."""

    rooms: tuple[str, ...] = ("measures", "controls", "certificates")


@dataclass(frozen=True)
class VerifyCommand:
    """Check the proof file of a compression certificate against the rows it speaks of."""

    file: tyro.conf.Positional[Path]
    data: Path
    """The rows: a .npz file with arrays x [n D] and y [n], in the order of the proof."""


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


@dataclass(frozen=True)
class CalibrateCommand:
    """Run the instruments against cases with exactly known answers: estimate, truth, coverage, cost."""

    instrument: tuple[str, ...] = ()
    """Only these instruments, such as trace top_eigenvalues; default: all."""
    full: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """20 seeds and the slow cases as well."""
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """5 seeds and no slow cases: the default."""
    seeds: int | None = None
    """Seeds a case, in the place of 5 or 20."""
    out: Path | None = None
    """A folder of rows that is continued where it exists, so that an interrupted run may go on."""
    json: bool = False
    """Print the summary as JSON lines, one a case."""


Command = (
    Annotated[AuditCommand, tyro.conf.subcommand("audit")]
    | Annotated[CertifyCommand, tyro.conf.subcommand("certify")]
    | Annotated[ConformalCommand, tyro.conf.subcommand("conformal")]
    | Annotated[RunsCommand, tyro.conf.subcommand("runs")]
    | Annotated[SqlCommand, tyro.conf.subcommand("sql")]
    | Annotated[MeasuresCommand, tyro.conf.subcommand("measures")]
    | Annotated[VerifyCommand, tyro.conf.subcommand("verify")]
    | Annotated[ProxiesCommand, tyro.conf.subcommand("proxies")]
    | Annotated[CalibrateCommand, tyro.conf.subcommand("calibrate")]
)


def main(argv: list[str] | None = None) -> None:
    """Entry point of `heldout`."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


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
    bodies: dict[type, Any] = {
        AuditCommand: _audit,
        CertifyCommand: _certify,
        ConformalCommand: _conformal,
        RunsCommand: _runs,
        SqlCommand: _sql,
        MeasuresCommand: _measures,
        VerifyCommand: _verify,
        ProxiesCommand: _proxies,
        CalibrateCommand: _calibrate,
    }
    try:
        return int(bodies[type(command)](command))
    except HeldoutError as error:
        return _complain(str(error), USAGE)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except Exception:  # anything that is not the user's: show it whole, and say whose it is
        import traceback

        sys.stderr.write(traceback.format_exc())
        return _complain(
            "this is an error of heldout itself; please report it with the lines above", OUR_ERROR
        )


def _complain(message: str, code: int) -> int:
    from heldout.plain import plain

    sys.stderr.write(f"heldout: {plain(message)}\n")
    return code


def _audit(command: AuditCommand) -> int:
    from heldout.core.errors import InputError

    if (command.target is None) == (command.predictions is None):
        raise InputError(
            "heldout audit takes a TARGET or --predictions, one of them", "heldout audit file.py:make_subject"
        )
    for path, ending in ((command.out, ".html"), (command.json, ".json")):
        if path is not None and path.suffix != ending:
            raise InputError(f"{path.name} does not end in {ending}", f"name it report{ending}")
        if path is not None and not path.parent.is_dir():
            raise InputError(f"the folder {path.parent} does not exist", "make it first")
    _check_codes(command)
    if command.predictions is not None and command.budget not in (None, "predictions"):
        raise InputError(
            f"--budget {command.budget} needs refits, and a file of predictions has no model to refit",
            "leave it out",
        )
    from heldout.auditing import audit, audit_predictions

    mute = tuple(code.strip() for code in command.mute.split(",") if code.strip())
    if command.predictions is not None:
        result = audit_predictions(
            command.predictions, seed=command.seed, delta=command.delta, runs=command.runs, mute=mute
        )
    else:
        from heldout.targets import load_subject

        subject = load_subject(command.target or "")
        result = audit(
            subject, budget=command.budget, deep=command.deep, seed=command.seed, delta=command.delta, runs=command.runs,
            progress=True, mute=mute,
        )  # fmt: skip
    return _deliver(command, result)


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
    for path in (command.out, command.json):
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
        return _complain(problem, USAGE)
    if result.failures:
        sys.stderr.write("\n".join(result.failures) + "\n")
        return _complain(
            "a measure failed by an error of heldout itself; the rest of the report stands", OUR_ERROR
        )
    if result.interrupted:
        return _complain("interrupted; what was finished is reported", INTERRUPTED)
    wanted = {part.strip() for part in command.fail_on.split(",") if part.strip()}
    seen = {result.verdict.headline.replace(" ", "-"), *(f.code for f in result.findings if not f.muted)}
    if wanted & seen:
        return _complain(f"exit 1, because of --fail-on {','.join(sorted(wanted & seen))}", FOUND)
    return UNDECIDED if result.verdict.headline == "undecided" else DONE


def _certify(command: CertifyCommand) -> int:
    import json

    from heldout.certifying.certify import certify
    from heldout.plain import plain
    from heldout.targets import load_subject

    subject = load_subject(command.target)
    if command.proof is not None:
        command.proof.mkdir(parents=True, exist_ok=True)
    found = certify(
        subject,
        delta=command.delta,
        seed=command.seed,
        runs=command.runs,
        control=command.control,
        proof=command.proof,
    )
    sys.stdout.write(plain(f"{found}\n"))
    for family in found.suspicious:
        sys.stdout.write(f"the control of {family} lies below chance: that row is not to be believed\n")
    return _write(command.json, json.dumps(found.as_json(), indent=1))


def _conformal(command: ConformalCommand) -> int:
    import json

    from heldout.certifying.conformal import conformal

    found = conformal(
        command.predictions, alpha=command.alpha, delta=command.delta, split=command.split, seed=command.seed
    )
    sys.stdout.write(f"{found}\n")
    return _write(command.json, json.dumps(found.as_json(), indent=1))


def _write(path: Path | None, text: str) -> int:
    """Write `text`, or say why it cannot be written."""
    if path is not None:
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            return _complain(f"{path} could not be written: {error}", USAGE)
    return DONE


def _runs(command: RunsCommand) -> int:
    _check_folder(command.runs)
    from heldout.plain import print_runs

    print_runs(command.runs)
    return DONE


def _check_folder(runs: Path) -> None:
    from heldout.core.errors import InputError

    if not runs.is_dir():
        raise InputError(f"there is no folder {runs}", "name the folder of runs: heldout runs FOLDER")


def _sql(command: SqlCommand) -> int:
    _check_folder(command.runs)
    from heldout.plain import print_query

    print_query(command.runs, command.query)
    return DONE


def _measures(command: MeasuresCommand) -> int:
    from heldout.plain import print_measures

    print_measures(command.rooms)
    return DONE


def _verify(command: VerifyCommand) -> int:
    from heldout.certificates.verify import read_rows, verify
    from heldout.core.errors import InputError

    if not command.file.is_file():
        raise InputError(f"{command.file.name} does not exist", "give a file that a certificate wrote")
    found = verify(command.file, *read_rows(command.data))
    sys.stdout.writelines(f"  ok  {check}\n" for check in found.checks)
    if not found.accepted:
        from heldout.plain import plain

        sys.stdout.write(f"rejected: {plain(found.reason)}\n")
        return FOUND
    sys.stdout.write("accepted\n")
    return DONE


def _proxies(command: ProxiesCommand) -> int:
    from heldout.measures.proxies import ProxyTable
    from heldout.plain import print_proxies

    hyper = tuple(name.strip() for name in command.hyper.split(",") if name.strip())
    n_test = int(command.n_test) if command.n_test.isdigit() else command.n_test
    print_proxies(ProxyTable.read(command.file, hyper, command.gap, n_test))
    return DONE


def _calibrate(command: CalibrateCommand) -> int:
    from heldout.core.errors import InputError

    if command.full and command.quick:
        raise InputError("--full and --quick are given together", "pass one of them")
    import dataclasses

    from heldout.calibration.calibrate import calibrate, summary
    from heldout.plain import print_calibration
    from heldout.store.rows import row_line

    rows = calibrate(command.instrument, not command.full, command.seeds, command.out)
    lines = summary(rows)
    if command.json:
        for line in lines:
            sys.stdout.write(row_line(dataclasses.asdict(line)).decode() + "\n")
    else:
        print_calibration(lines)
    return DONE
