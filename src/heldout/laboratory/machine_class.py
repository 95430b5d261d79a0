"""The class of machine behind a run: processor, cores and memory; no name of a host.

>>> "cores" in machine_class()
True
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def machine_class() -> str:
    """Such as "x86_64, Xeon Gold 6338, 2 cores, 8 GB"; what cannot be learned is left out."""
    parts = [platform.machine(), _processor(), f"{usable_cores()} cores", _memory()]
    return ", ".join(part for part in parts if part)


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return re.sub(r"\s+", " ", found.group(1)).strip()[:60] if found else ""


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return ""
    return f"{size / 2**30:.0f} GB"
