"""A run: a folder that can be copied, tailed, read with standard tools, and outlives its process.

    runs/<name>-<hash>/manifest.json          what it is and how it went
                       rows/<writer>.ndjson   what it measured, one file a writer
                       arrays/*.npy, *.safetensors
                       rows.parquet           a copy of the rows for other tools, once sealed

>>> import tempfile
>>> with create_run(tempfile.mkdtemp(), "digits", {"lr": 0.1}, seed=0) as run:
...     run.append([{"step": 0, "loss": 2.3}, {"step": 1, "loss": float("nan")}])
>>> [(row["step"], row["attempt"], row["seq"], row["loss"]) for row in run.rows()], run.manifest["status"]
([(0, 1, 0, 2.3), (1, 1, 1, None)], 'done')
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, final

from heldout.core.errors import HeldoutError, InputError
from heldout.store import arrays
from heldout.store.atomic import TEMPORARY, sync_folder
from heldout.store.disk_errors import DiskError, disk_error
from heldout.store.line_writer import LineWriter
from heldout.store.manifest import (
    ManifestError,
    new_manifest,
    next_manifest,
    now,
    read_manifest,
    run_hash,
    write_manifest,
)
from heldout.store.names import content_hash, disk_name, printable
from heldout.store.process import new_writer_name
from heldout.store.rows import read_rows, row_line
from heldout.store.seal import seal_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDINGS = ("done", "interrupted", "failed")


def create_run(root: str | os.PathLike[str], name: str, spec: Any, seed: int) -> Run:
    """Start a run of this name, spec (JSON-able) and seed in the folder of runs `root`, made where missing.

    The same three again are the same folder: a new attempt begins, and what earlier ones stored stays.
    Raises InputError for a spec that JSON cannot hold, DiskError for a disk that cannot be written.
    """
    manifest = new_manifest(name, spec, seed)
    folder = Path(root) / disk_name(name, manifest["hash"])
    if not _made(folder, manifest):
        manifest = _next(folder, manifest)
        write_manifest(folder, manifest)
    return Run(folder, manifest["attempt"])


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open the run in the folder `path`: to read it, or as one more writer of its newest attempt.

    Writes nothing by itself. For workers: pass them `run.path`. Raises ManifestError where it is no run.
    """
    folder = Path(path)
    return Run(folder, read_manifest(folder)["attempt"])


def find_run(root: str | os.PathLike[str], name: str, spec: Any, seed: int) -> Run | None:
    """The run of this name, spec and seed if it was ever started, else None; see `ever_done`."""
    folder = Path(root) / disk_name(name, run_hash(name, spec, seed))
    try:
        return open_run(folder)
    except ManifestError:
        return None


@final
class Run:
    """A run folder and this process's writer in it. Made by `create_run` and `open_run`.

    Safe among threads, and after a fork: each process appends to a file of its own.
    """

    def __init__(self, path: Path, attempt: int) -> None:
        self.path = path
        self.attempt = attempt
        self._writers: dict[int, LineWriter] = {}  # at most one a process: pid -> writer
        self._seq = itertools.count()

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store rows: when this returns they survive a kill -9. All of them, or none and an error.

        Each row gets `attempt` and `seq` (its number with this writer) unless it brings them: no point is
        ever dropped for repeating a `step`. NaN and infinities become null, named in the row's field
        `nonfinite`. Raises InputError for values that JSON cannot hold, DiskError for a full or closed disk.
        """
        if isinstance(rows, Mapping):
            raise InputError("append got one dict", "pass a list of rows: run.append([row])")
        lines = [row_line(row, {"attempt": self.attempt, "seq": next(self._seq)}) for row in rows]
        if lines:
            self._writer().write(lines)

    def rows(self) -> list[dict[str, Any]]:
        """Every stored row of every writer, with its `writer`; torn tails of killed writers are skipped."""
        return list(read_rows(self.path / "rows"))

    def save_array(self, name: str, array: NDArray[Any]) -> Path:
        """Store a numpy array (any shape, no objects) as `arrays/<name>.npy`, replacing one of that name."""
        return arrays.save_array(self.path / "arrays", name, array)

    def load_array(self, name: str) -> NDArray[Any]:
        """The array stored under this name. Never unpickles."""
        return arrays.load_array(self.path / "arrays", name)

    def save_tensors(self, name: str, tensors: Mapping[str, NDArray[Any]]) -> Path:
        """Store named numpy arrays together as `arrays/<name>.safetensors`, replacing those of that name."""
        return arrays.save_tensors(self.path / "arrays", name, tensors)

    def load_tensors(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays stored together under this name."""
        return arrays.load_tensors(self.path / "arrays", name)

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as it stands on disk now."""
        return read_manifest(self.path)

    @property
    def ever_done(self) -> bool:
        """Whether any attempt came to its end: then the run need not be computed again."""
        manifest = self.manifest
        return "done" in [manifest["status"], *(attempt.get("status") for attempt in manifest["earlier"])]

    def note(self, key: str, value: Any) -> None:
        """Enter a JSON-able fact into the manifest's `notes`, such as the number of a look at a test set."""
        content_hash({key: value})  # refuses what JSON cannot hold, with the place
        manifest = self.manifest
        write_manifest(self.path, {**manifest, "notes": {**manifest["notes"], key: value}})

    def finish(self, status: str = "done", reason: str = "") -> None:
        """Flush this process's rows to the disk and enter how the run ended: done, interrupted or failed.

        A later attempt's manifest is left alone, and one writer's failure does not undo another's `done`.
        """
        if status not in ENDINGS:
            raise InputError(f"a run cannot end as {status!r}", f"use one of {', '.join(ENDINGS)}")
        writer = self._writers.pop(os.getpid(), None)
        if writer is not None:
            writer.sync()
            writer.close()
            sync_folder(writer.path.parent)
        manifest = self.manifest
        if manifest["attempt"] <= self.attempt and not (manifest["status"] == "done" and status != "done"):
            ending = {"status": status, "reason": printable(reason)[:500], "finished": now()}
            write_manifest(self.path, {**manifest, **ending})

    def seal(self) -> Path:
        """Copy the rows to `rows.parquet` (tmp + rename) for other tools; see `seal_rows`."""
        return seal_rows(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            if self.manifest["status"] == "running":
                self.finish("done")
        elif issubclass(kind, KeyboardInterrupt):
            self.finish("interrupted", "stopped by Ctrl-C")
        else:
            self.finish("failed", f"{kind.__name__}: {error}")

    def _writer(self) -> LineWriter:
        pid = os.getpid()
        writer = self._writers.get(pid)
        if writer is None:
            name = f"{self.attempt:04d}-{new_writer_name()}"
            # Should two threads come here at once, setdefault keeps one file; the other stays empty.
            writer = self._writers.setdefault(pid, LineWriter(self.path / "rows" / f"{name}.ndjson"))
        return writer


def _made(folder: Path, manifest: dict[str, Any]) -> bool:
    """Whether the folder is new: it appears whole, with its manifest, or somebody else's stands there."""
    if folder.is_dir():
        return False
    staging = folder.with_name(f"{TEMPORARY}{os.urandom(8).hex()}.tmp")
    try:
        staging.mkdir(parents=True)
        write_manifest(staging, manifest)
        (staging / "rows").mkdir()
        os.rename(staging, folder)
        sync_folder(folder.parent)
    except DiskError as error:
        raise disk_error(error.os_error, "start the run", folder) from error
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY) and folder.is_dir():
            return False  # another process was quicker by a moment
        raise disk_error(error, "start the run", folder) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return True


def _next(folder: Path, fresh: dict[str, Any]) -> dict[str, Any]:
    try:
        previous = read_manifest(folder)
    except ManifestError as error:
        # The folder's name proves name, spec and seed, so the run can go on; what the manifest said is lost.
        lost = {"attempt": 1, "status": f"unreadable: {error.reason}"}
        return {**fresh, "attempt": 2, "earlier": [lost]}
    if previous["hash"] != fresh["hash"]:
        cause = f"{printable(folder)} holds another run, of the hash {printable(previous['hash'])[:40]}"
        raise HeldoutError(cause, "undo the edit of its manifest, or choose another name for this run")
    return next_manifest(previous, fresh)
