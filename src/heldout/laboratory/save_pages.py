"""Pages of the laboratory on disk: one offline HTML file a study, and the index beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heldout.laboratory.index_report import index_report
from heldout.laboratory.kept import read_kept
from heldout.laboratory.study_report import study_report
from heldout.store.atomic import write_atomically
from heldout.store.disk_errors import raise_disk_error
from heldout.viewer.report import render_report


def save_page(report: Mapping[str, Any], path: Path) -> Path:
    """Write a report as its page, in a folder that is made where it is missing. Raises DiskError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise_disk_error(error, "make", path.parent)
    write_atomically(path, render_report(report).encode("utf-8"))
    return path


def save_json(report: Mapping[str, Any], path: Path) -> Path:
    """Write a report as JSON. Raises DiskError."""
    write_atomically(path, json.dumps(report, indent=1, allow_nan=False).encode("ascii") + b"\n")
    return path


def save_index(folder: Path) -> list[Path]:
    """`index.html` over all studies, and `<study>.html` for each kept run, which it links to."""
    report = index_report()
    written = [save_page(report, folder / "index.html")]
    for line in report["studies"]:
        kept = read_kept(line["name"]) if line["verdict"] else None
        if kept is not None:
            written.append(save_page(study_report(kept, kept=True), folder / f"{line['name']}.html"))
    return written
