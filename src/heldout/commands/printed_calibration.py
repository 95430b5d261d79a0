"""What `heldout calibrate` prints: a table an instrument, one line a case; every number whole, however narrow the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from itertools import groupby

from heldout.calibration.calibrate import Summary
from heldout.plain import plain

HEAD = ("truth", "estimate", "rms error", "stderr", "z", "covered", "95% of it", "s", "gradients")


def print_calibration(lines: Sequence[Summary], runs: int, of: int) -> None:
    """Truth, estimate, errors, coverage with its interval and cost of every case, and how many runs of all are in it."""
    width = shutil.get_terminal_size((0, 0)).columns if sys.stdout.isatty() else 0
    sys.stdout.write(plain(calibration_table(lines, width)) + "\n")
    if runs < of:
        sys.stdout.write(f"{runs:,} of {of:,} runs are done\n")


def calibration_table(lines: Sequence[Summary], width: int = 0) -> str:
    """The text. width: of the terminal (0: without end); where a line does not fit, the name stands above its numbers."""
    if not lines:
        return "no cases"
    cells = [_numbers(line) for line in lines]
    sizes = [max(len(row[k]) for row in (HEAD, *cells)) for k in range(len(HEAD))]
    names = max(len(line.case) for line in lines)
    beside = width == 0 or 2 + names + sum(sizes) + 2 * len(sizes) <= width
    out = []
    for instrument, group in groupby(zip(lines, cells), key=lambda pair: pair[0].instrument):
        out.append(f"\n{instrument}")
        out.append("  " + " " * names * beside + _aligned(HEAD, sizes))
        for line, row in group:
            if beside:
                out.append(f"  {line.case:{names}}{_aligned(row, sizes)}")
            else:
                out += [f"  {line.case}", f"  {_aligned(row, sizes)}"]
            if line.reason:
                out.append(f"    withheld {line.runs - line.answered} of {line.runs}: {line.reason}")
    return "\n".join(out).lstrip("\n")


def _aligned(row: Sequence[str], sizes: Sequence[int]) -> str:
    return "".join(f"  {cell:>{size}}" for cell, size in zip(row, sizes))


def _numbers(line: Summary) -> tuple[str, ...]:
    share = f"{line.covered}/{line.answered}" + (f" of {line.runs}" if line.answered < line.runs else "")
    interval = f"{line.coverage_low:.2f}-{line.coverage_high:.2f}" if line.answered else ""
    numbers = [_number(value, ".4g") for value in (line.truth, line.mean, line.error, line.stderr)]
    costs = [_number(line.seconds, ".2g"), _number(line.gradients, ".0f")]
    return (*numbers, _number(line.z, ".2f"), share, interval, *costs)


def _number(value: float, how: str) -> str:
    """Blank where there is none."""
    return f"{value:{how}}" if value == value else ""
