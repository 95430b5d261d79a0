"""Name -> study: a study is found by the presence of its file in `heldout.studies`, or given as a path to one.

>>> find_study("grokkin")
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: there is no study 'grokkin'; ...
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from heldout.core.errors import HeldoutError, InputError
from heldout.laboratory.study import Study
from heldout.store.names import printable

NAMES = ("QUESTION", "CLAIM", "SOURCE", "PUBLISHED", "RULE", "cells", "smoke", "run", "verdict", "figures")


def study_names() -> list[str]:
    """The studies that heldout brings, by file name."""
    return sorted(path.stem for path in _room().glob("[!_]*.py"))


def study_file(target: str) -> Path:
    """The file of the study that `target` names. Raises InputError, with the nearest names."""
    if target.endswith(".py"):
        if not Path(target).is_file():
            raise InputError(f"there is no file {printable(target)}", "check the path")
        if not Path(target).stem.isidentifier():
            raise InputError(f"{printable(target)} is no name of a module", "use letters, digits and _")
        return Path(target).resolve()
    if target in study_names():
        return _room() / f"{target}.py"
    near = difflib.get_close_matches(target, study_names(), n=3, cutoff=0.5)
    nearest = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(study_names())}"
    raise InputError(
        f"there is no study {printable(target)[:60]!r}", f"{nearest} (or give a file: my_study.py)"
    )


def find_study(target: str) -> Study:
    """The study named `target`, or in the file `target`. Raises InputError where it lacks one of `NAMES`."""
    path = study_file(target)
    try:
        module = _load(target, path)
    except HeldoutError:
        raise
    except Exception as error:
        cause = f"{printable(path)} cannot be imported ({type(error).__name__}: {printable(error)[:300]})"
        raise InputError(cause, "mend the file of the study") from error
    missing = [name for name in NAMES if not hasattr(module, name)]
    if missing:
        raise InputError(
            f"{printable(path)} is no study: it has no {', '.join(missing)}",
            "define it as heldout.laboratory.study says",
        )
    return cast(Study, module)


def extra_cells(study: Study) -> list[dict[str, Any]]:
    """Cells of no run, which `heldout cell` runs by their hash: what a study's `extra()` lists, if it has one."""
    listed = getattr(study, "extra", None)
    return listed() if listed is not None else []


def _room() -> Path:
    return Path(str(files("heldout.studies")))


def _load(target: str, path: Path) -> ModuleType:
    if not target.endswith(".py"):
        return importlib.import_module(f"heldout.studies.{target}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{printable(path)} cannot be loaded as Python", "check the file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses and pickles look their module up by name
    spec.loader.exec_module(module)
    return module
