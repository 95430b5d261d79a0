"""The command that was typed, so that a page can say how to make it again.

>>> command_line(["/usr/bin/heldout", "audit", "my model.py:make"])
"heldout audit 'my model.py:make'"
>>> command_line(["/lib/heldout/__main__.py", "audit"]), command_line(["work/train.py"]), command_line([])
('python -m heldout audit', 'python work/train.py', '')
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import PurePath


def command_line(argv: Sequence[str] | None = None) -> str:
    """`argv` (default: this process's) as one line for a shell, a program on the path by its name alone."""
    words = list(sys.argv if argv is None else argv)
    if not words:
        return ""
    program = PurePath(words[0])
    if program.name == "__main__.py":
        start = ["python", "-m", program.parent.name]
    elif program.suffix == ".py":
        start = ["python", words[0] if not program.is_absolute() else program.name]
    else:
        start = [program.name]
    return shlex.join([*start, *words[1:]])
