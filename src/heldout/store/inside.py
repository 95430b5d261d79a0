"""Whether a path stays inside a folder once its symbolic links are followed: for readers that serve to others.

>>> import os, pathlib, tempfile
>>> root = pathlib.Path(tempfile.mkdtemp())
>>> os.symlink("/etc", root / "out")
>>> stays_inside(root, root / "a" / "rows.ndjson"), stays_inside(root, root / "out" / "passwd")
(True, False)
"""

from __future__ import annotations

import os
from pathlib import Path


def stays_inside(root: str | os.PathLike[str], path: str | os.PathLike[str]) -> bool:
    """True where `path`, with every symbolic link followed, lies in the folder `root`; False for links in a circle."""
    base, text = os.path.join(os.fspath(root), ""), os.fspath(path)
    parts = text[len(base) :].split(os.sep)
    if text.startswith(base) and ".." not in parts:
        below = [base + os.sep.join(parts[: k + 1]) for k in range(len(parts))]
        if not any(map(os.path.islink, below)):
            return True  # no link on the way, so nothing to follow: a folder of thousands of runs asks this often
    try:
        return Path(path).resolve().is_relative_to(Path(root).resolve())
    except (OSError, RuntimeError):
        return False
