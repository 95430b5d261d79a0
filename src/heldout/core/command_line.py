"""The command that was typed, so that a page can say how to make it again.

>>> command_line(["/usr/bin/heldout", "audit", "my model.py:make"])
"heldout audit 'my model.py:make'"
>>> command_line(["/lib/heldout/__main__.py", "audit"], "heldout.__main__"), command_line(["/home/me/train.py"]), command_line(["-c"])
('python -m heldout audit', 'python train.py', '')
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import PurePath


def command_line(argv: Sequence[str] | None = None, module: str | None = None) -> str:
    """`argv` as one line for a shell, the program without its folder; "" where it is not known.

    module: the one that `python -m` ran. Both default to this process's.
    """
    if argv is None:
        argv, spec = sys.argv, getattr(sys.modules.get("__main__"), "__spec__", None)
        module = None if spec is None else spec.name
    if not argv or argv[0] in ("", "-c"):
        return ""
    program = PurePath(argv[0])
    if module is not None:
        start = ["python", "-m", module.removesuffix(".__main__")]
    else:
        start = ["python", program.name] if program.suffix == ".py" else [program.name]
    return shlex.join([*start, *argv[1:]])
