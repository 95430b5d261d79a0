"""Exit codes of the command line, and how it complains.

0 done; 1 a finding or headline named in --fail-on; 2 usage or bad input; 3 undecided, or not looked for; 70 our own error;
130 interrupted (what was finished is reported); 141 the reader of the output closed the pipe.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DONE, FOUND, USAGE, UNDECIDED, OUR_ERROR, INTERRUPTED, CLOSED = 0, 1, 2, 3, 70, 130, 141


def complain(message: str, code: int) -> int:
    """One line on stderr; returns the code."""
    from heldout.plain import plain

    sys.stderr.write(f"heldout: {plain(message)}\n")
    return code


def write(path: Path | None, text: str) -> int:
    """Write `text`, or say why it cannot be written."""
    if path is not None:
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            return complain(f"{path} could not be written: {error}", USAGE)
    return DONE


def check_page(path: Path | None) -> None:
    """A page that cannot be written is refused before anything is computed."""
    from heldout.core.errors import InputError

    if path is not None and path.suffix != ".html":
        raise InputError(f"{path.name} does not end in .html", f"name it {path.stem or 'page'}.html")
    if path is not None and not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist", "make it first")


def write_page(path: Path | None, data: Mapping[str, Any]) -> int:
    """Write `data` as the page of its schema, or say why it cannot be written."""
    if path is None:
        return DONE
    from heldout.viewer import render_report

    return write(path, render_report(data))


def check_folder(runs: Path) -> None:
    """A folder that is not there is the user's error."""
    from heldout.core.errors import InputError

    if not runs.is_dir():
        raise InputError(
            f"there is no folder {runs}", "name the folder of runs, or wait until a run has written there"
        )
