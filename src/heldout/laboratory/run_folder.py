"""The folder of one run of a study: who may write to it, and whether it is the run that was asked for.

The folder is a run of the store (manifest.json, rows/<writer>.ndjson). One invocation at a time: a lock that the
kernel drops with the process, so that a killed run never blocks the next.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from heldout.core.errors import HeldoutError, InputError
from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.study import Size, Study
from heldout.store.atomic import sync_folder
from heldout.store.disk_errors import raise_disk_error
from heldout.store.manifest import ManifestError, new_manifest, next_manifest, read_manifest, write_manifest
from heldout.store.names import printable
from heldout.store.run import Run

LOCK = "lock"
SHOWN = 6


def run_spec(name: str, study: Study, size: Size, seeds: int | None) -> dict[str, Any]:
    """What makes a run this run: study, size, seeds, its rule, and its cells by hash.

    Raises InputError where the study lists no cell, the same cell twice, or one that JSON cannot hold.
    """
    if seeds is not None and seeds < 1:
        raise InputError(f"--seeds is {seeds}", "give 1 or more")
    cells: dict[str, Any] = {}
    for cell in study.cells(size, seeds):
        key = cell_hash(cell)
        if key in cells:
            raise InputError(f"{name} lists the cell {key} twice", "give each cell its own seed or setting")
        cells[key] = cell
    if not cells:
        raise InputError(f"{name} lists no cell for size {size}", "mend its cells()")
    return {
        "study": name,
        "size": size,
        "seeds": seeds,
        "rule": dataclasses.asdict(study.RULE),
        "cells": cells,
    }


@contextlib.contextmanager
def open_run_folder(folder: Path, spec: dict[str, Any]) -> Iterator[Run]:
    """Start or go on with the run in `folder`; alone, and only if it is a run of the same spec.

    On leaving, the manifest says done, interrupted or failed. Raises HeldoutError where another invocation is
    at work there or the folder holds another run (with the difference), DiskError where it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise_disk_error(error, "make", folder)
    with _alone(folder):
        manifest = new_manifest(spec["study"], spec, 0)
        try:
            previous: Mapping[str, Any] | None = read_manifest(folder)
        except ManifestError as error:
            # No manifest: new, or its rows came from `heldout cell`, whose hashes prove what they are.
            if "no manifest.json" not in error.reason:
                raise
            previous = None
        if previous is not None:
            different = difference(previous["spec"], manifest["spec"])
            if different:
                raise InputError(
                    f"{printable(folder)} holds another run: {'; '.join(different)}",
                    "give another --out, or ask for the run that is there",
                )
            manifest = next_manifest(previous, manifest)
        write_manifest(folder, manifest)
        sync_folder(folder)
        with Run(folder, manifest["attempt"]) as run:
            yield run


def difference(old: Any, new: Any) -> list[str]:
    """What changed between two specs, in words; empty where nothing did.

    >>> difference({"size": "quick", "cells": {"a": {"seed": 1}}}, {"size": "full", "cells": {"b": {"seed": 2}}})
    ['size was "quick" and is "full"', '1 cell is new: {"seed": 2}', '1 cell is gone: {"seed": 1}']
    """
    if not isinstance(old, Mapping):
        return ["its manifest has no spec"]
    found = [
        f"{place} was {_short(before)} and is {_short(after)}"
        for place, before, after in _changes(
            {k: v for k, v in old.items() if k != "cells"}, {k: v for k, v in new.items() if k != "cells"}, ""
        )
    ]
    before, after = old.get("cells") or {}, new.get("cells") or {}
    for cells, other, word in ((after, before, "new"), (before, after, "gone")):
        only = [cells[key] for key in cells if key not in other]
        if only:
            count = "1 cell is" if len(only) == 1 else f"{len(only)} cells are"
            found.append(f"{count} {word}{':' if len(only) == 1 else ', such as'} {_short(only[0])}")
    return found[:SHOWN] + ([f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else [])


def _changes(old: Any, new: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(k for k in new if k not in old)]:
            yield from _changes(old.get(key), new.get(key), f"{place}.{key}" if place else str(key))
    elif old != new:
        yield place, old, new


def _short(value: Any) -> str:
    import json

    text = printable(json.dumps(value, sort_keys=True))
    return text if len(text) <= 120 else text[:117] + "..."


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise_disk_error(error, "write", folder / LOCK)
    try:
        if os.name == "posix":
            import fcntl

            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                who = os.pread(descriptor, 40, 0).decode("ascii", "replace").strip()
                cause = f"another heldout study is at work in {printable(folder)}"
                cause += f" (process {printable(who)})" if who else ""
                raise HeldoutError(cause, "wait for it, or give another --out") from None
            try:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            except OSError as error:
                raise_disk_error(error, "write", folder / LOCK)
        yield
    finally:
        os.close(descriptor)
