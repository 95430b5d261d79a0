"""Provenance: the code, packages and machine behind a run. Never fails: what cannot be learned is None.

>>> found = provenance()
>>> sorted(found), "numpy" in found["packages"]
(['code', 'packages', 'platform', 'python'], True)
"""

from __future__ import annotations

import os
import platform
from typing import Any

PACKAGES = ("heldout", "torch", "numpy", "scipy", "scikit-learn", "safetensors", "duckdb", "transformers")


def provenance(folder: str | os.PathLike[str] = ".") -> dict[str, Any]:
    """`code` (git revision of `folder`, whether changed since), `packages`, `python`, `platform`."""
    return {
        "code": code_revision(folder),
        "packages": package_versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def code_revision(folder: str | os.PathLike[str] = ".", new: str = "") -> dict[str, Any] | None:
    """`{"revision": hex, "changed": bool | None}` of the git checkout around `folder`, None outside.

    `new`: files of this form in `folder` that git does not know (and does not ignore) count as changes as well, such as "*.py".
    """
    revision = _git(folder, "rev-parse", "HEAD")
    if not revision:
        return None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if new and changes == "":
        changes = _git(folder, "ls-files", "--others", "--exclude-standard", "--", new)
    return {"revision": revision, "changed": None if changes is None else bool(changes)}


def package_versions() -> dict[str, str]:
    """Versions of the installed packages among `PACKAGES`, read from their metadata, importing none."""
    from importlib import metadata

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _git(folder: str | os.PathLike[str], *arguments: str) -> str | None:
    import subprocess

    command = ["git", "-c", "core.fsmonitor=false", "-C", os.fspath(folder), *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}  # a status must not write to the user's index
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None  # no git here, or it hangs: a run does not depend on it
    return done.stdout.strip() if done.returncode == 0 else None
