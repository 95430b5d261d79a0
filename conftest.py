"""Runs the ```python blocks of README.md and docs/ as tests: one namespace a file, in a folder of their own.

Blocks in other languages (`sh`, `text`, `sql`) are read by nobody. What a block needs but a reader does not (data,
assertions) stands before or after it in an invisible block: `<!--- invisible-code-block: python`.
"""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser


def enter(namespace: dict[str, Any]) -> None:
    """A fresh folder, so that what a page writes (runs/, report.html) does not land in the repository."""
    folder = tempfile.TemporaryDirectory(prefix="heldout-docs-")
    namespace["_left"] = (Path.cwd(), folder)
    os.chdir(folder.name)


def leave(namespace: dict[str, Any]) -> None:
    """Back, and the folder is gone."""
    before, folder = namespace["_left"]
    os.chdir(before)
    folder.cleanup()


# A shell's background job ignores Ctrl-C and so would the processes it starts; those of the tests must hear theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md", "docs/*/*.md"],
    setup=enter,
    teardown=leave,
).pytest()
