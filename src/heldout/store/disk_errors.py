"""Disk errors: an `OSError` said again with its cause and its remedy.

>>> import errno
>>> print(disk_error(OSError(errno.ENOSPC, "No space left on device"), "write", "report.html"))
could not write report.html: the disk is full; free some space there, or choose a folder on another disk
"""

from __future__ import annotations

import errno
import os
from typing import NoReturn

from heldout.core.errors import HeldoutError
from heldout.store.names import printable


class DiskError(HeldoutError):
    """The disk refused: full, read-only, missing folder, or failing. What was stored before is intact.

    `os_error` is the operating system's own word.
    """

    def __init__(self, cause: str, remedy: str, os_error: OSError) -> None:
        self.os_error = os_error
        super().__init__(cause, remedy)


def disk_error(error: OSError, doing: str, path: str | os.PathLike[str]) -> DiskError:
    """The `DiskError` that says what could not be done (`doing`, a verb) to `path`, why, and what helps."""
    # numpy reports a full disk as "80000 requested and 512 written", without a number.
    unknown = (error.strerror or f"{error} (is the disk full?)", "")
    cause, remedy = _KNOWN.get(errno.errorcode.get(error.errno or 0, ""), unknown)
    return DiskError(
        f"could not {doing} {printable(os.fspath(path))}: {cause}",
        remedy or "check the disk and the path, or choose another folder",
        error,
    )


def raise_disk_error(error: OSError, doing: str, path: str | os.PathLike[str]) -> NoReturn:
    """Raise `disk_error(...)` from the `OSError` itself, so that its traceback stays."""
    raise disk_error(error, doing, path) from error


_FULL = ("the disk is full", "free some space there, or choose a folder on another disk")
_FORBIDDEN = ("writing there is not permitted", "choose a folder that you own, or change its permissions")
_KNOWN = {
    "ENOSPC": _FULL,
    "EDQUOT": ("your disk quota is used up", "delete what you no longer need, or choose another disk"),
    "EFBIG": ("the file would pass the size limit of this process or file system", "raise it (ulimit -f)"),
    "EROFS": ("the file system is read-only", "choose a folder that can be written"),
    "EACCES": _FORBIDDEN,
    "EPERM": _FORBIDDEN,
    "ENOENT": ("its folder does not exist", "create the folder first, or correct the path"),
    "ENOTDIR": ("a part of its path is a file, not a folder", "correct the path"),
    "EISDIR": ("it is a folder, not a file", "give a file name inside it"),
    "EEXIST": ("a file of that name is in the way", "move it away, or choose another name"),
    "ENAMETOOLONG": ("the path is too long", "choose a shorter one"),
    "ELOOP": ("its symbolic links run in a circle", "correct the link"),
    "EMFILE": ("this process has too many files open", "close some, or raise the limit (ulimit -n)"),
    "ESTALE": (
        "it was deleted while being written",
        "leave a run's folder alone until its end; start it again",
    ),
    "EIO": ("the disk failed while writing", "check the disk, and choose another one meanwhile"),
}
