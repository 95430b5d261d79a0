"""Atomic writing: a file is there whole, or as it was before; never half.

tmp in the same folder, fsync, rename, fsync of the folder. A reader that opens the path at any moment, also
after a kill -9 or a power cut, sees the old bytes or the new ones.

>>> import pathlib, tempfile
>>> path = pathlib.Path(tempfile.mkdtemp()) / "report.json"
>>> write_atomically(path, b"{}")
>>> path.read_bytes(), [p.name for p in path.parent.iterdir()]
(b'{}', ['report.json'])
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from heldout.store.disk_errors import disk_error, raise_disk_error

TEMPORARY = ".heldout-"


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace the file at `path` by `data`. Raises DiskError: read-only, missing folder, full disk, a folder.

    A symbolic link is followed; a path that is no regular file (`/dev/stdout`, a pipe) is written directly.
    """
    try:
        special = not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        special = False  # absent, or unreachable: the write below says why
    if special and not os.path.isdir(path):
        try:
            Path(path).write_bytes(data)
        except OSError as error:
            raise_disk_error(error, "write", path)
        return
    with replacing(path) as temporary, open(temporary, "xb") as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`; what the body writes there replaces `path` if it succeeds.

    For writers that want a path (numpy, safetensors, Parquet). On any error the temporary file is removed and
    `path` stays as it was. Raises DiskError for an OSError.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f"{TEMPORARY}{os.urandom(8).hex()}.tmp")
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        yield temporary
        sync_file(temporary)
        os.replace(temporary, target)
        sync_folder(target.parent)
    except OSError as error:
        raise disk_error(error, "write", path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def sync_file(path: str | os.PathLike[str]) -> None:
    """Ask the disk to keep a file's bytes (fsync)."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Ask the disk to keep a folder's names (fsync); a no-op where folders cannot be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # some network file systems
            raise
    finally:
        os.close(descriptor)
