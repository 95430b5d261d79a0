"""Processes: who writes a run, and whether it still lives. A killed writer cannot say that it stopped.

>>> is_running(this_process())
True
>>> is_running({**this_process(), "host": "another machine"}) is None
True
"""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heldout.store.names import slug


def this_process() -> dict[str, Any]:
    """`pid`, `host`, `boot` (this boot and process namespace), `start` (the kernel's start tick)."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "boot": _boot(), "start": _start(os.getpid())}


def is_running(process: Any) -> bool | None:
    """Whether the process that `this_process` once described still runs; None where that cannot be known.

    Unknown on another machine, in another container, after what looks like another boot, and off POSIX.
    """
    if not isinstance(process, dict) or not isinstance(process.get("pid"), int) or os.name != "posix":
        return None
    pid = process["pid"]
    if process.get("host") != socket.gethostname() or process.get("boot") != _boot() or pid <= 0:
        return None
    try:
        os.kill(pid, 0)  # signal 0 only asks
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, and belongs to someone else
    except OverflowError:
        return None
    return process.get("start") == _start(pid)  # the pid may have been given to a new process


def new_writer_name() -> str:
    """A name that no other writer has, sortable by time: one writer, one file.

    >>> new_writer_name() != new_writer_name()
    True
    """
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    return f"{moment}-{slug(socket.gethostname())[:20]}-{os.getpid()}-{os.urandom(4).hex()}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""  # no such files on this system: host and pid alone decide


def _start(pid: int) -> str:
    try:
        # The command's name, in parentheses, may itself hold spaces and parentheses.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
