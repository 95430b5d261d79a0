"""A folder of runs as a static site: the same pages, opened from disk or from any web host, with no server behind.

OUT/index.html     the viewer                     OUT/assets/   its script and stylesheet
OUT/data/*.js      the runs, a script each        OUT/page/, OUT/study/   pages that stand by themselves
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from heldout.core.errors import HeldoutError, InputError
from heldout.store.atomic import write_atomically
from heldout.store.disk_errors import raise_disk_error
from heldout.store.names import disk_name, printable
from heldout.viewer.report import ReportError
from heldout.viewing.asked import Asked
from heldout.viewing.run_json import run_json
from heldout.viewing.shell import ASSETS, POLICY_ON_DISK, shell
from heldout.viewing.tracks import Tracks

POINTS = 600
_SAFE = re.compile(r"[a-z0-9-]{1,80}")


@dataclass(frozen=True)
class Written:
    """What a bundle holds. `left_out`: what could not be drawn, each with its reason."""

    runs: int
    pages: int
    bytes: int
    left_out: tuple[str, ...] = ()


def write_bundle(folder: Path, out: Path, studies: bool = True) -> Written:
    """Write the runs of `folder` as a site into the new or empty folder `out`; `studies`: the kept studies as well.

    Raises InputError where `out` holds something already, DiskError where it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        taken = any(out.iterdir())
        for name in ("assets", "data", "page", "study"):
            if not taken:
                (out / name).mkdir()
    except OSError as error:
        raise_disk_error(error, "make", out)
    if taken:
        raise InputError(f"{printable(out)} is not empty", "name a new folder for the site")
    asked = Asked(folder)
    listing = asked.runs()
    left_out: list[str] = []
    pages = 0
    for run in listing["runs"]:
        run["file"] = f"run-{safe_file(run['id'])}"
        _script(out, run["file"], _whole_run(asked, run["id"]))
    for line in [*(run for run in listing["runs"] if run["report"]), *listing["files"]]:
        line.setdefault("file", f"file-{safe_file(line['id'])}")
        pages += _page(out / "page" / f"{line['file']}.html", asked.report_page, line["id"], left_out)
    _script(out, "runs", listing)
    if studies:
        index = asked.studies()
        _script(out, "studies", index)
        for study in index["studies"]:
            if study["verdict"]:
                name = study["name"]
                pages += _page(out / "study" / f"{name}.html", asked.study_page, name, left_out)
    else:
        _script(out, "studies", {"schema": "heldout.studies/1", "title": "studies", "studies": []})
    for name in ASSETS:
        write_atomically(out / "assets" / name, files("heldout.viewer").joinpath("assets", name).read_bytes())
    write_atomically(out / "index.html", shell(POLICY_ON_DISK).encode("utf-8"))
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Written(len(listing["runs"]), pages, size, tuple(left_out))


def safe_file(run_id: str) -> str:
    """A file name for an id: the id itself where heldout made it, else its slug and hash.

    >>> safe_file("digits-0a1b2c3d4e5f"), safe_file("../x")
    ('digits-0a1b2c3d4e5f', 'x-cb3093418359')
    """
    return run_id if _SAFE.fullmatch(run_id) else disk_name(run_id)


def _whole_run(asked: Asked, run_id: str) -> dict[str, Any]:
    shelf = asked.shelf
    tracks = Tracks(shelf.root / run_id / "rows", shelf.root)
    tracks.read(math.inf)
    return run_json(shelf.entry(run_id), tracks, 1.0, POINTS)


def _script(out: Path, name: str, data: Any) -> None:
    """`data/<name>.js`: JSON as text inside a script, so that no key of the data can be anything but a key."""
    text = json.dumps(json.dumps(data, allow_nan=False, separators=(",", ":")))
    script = f'heldoutData("{name}",{text});\n'
    write_atomically(out / "data" / f"{name}.js", script.encode("ascii"))


def _page(path: Path, render: Any, name: str, left_out: list[str]) -> int:
    try:
        page = render(name)
    except (ReportError, HeldoutError) as error:
        left_out.append(f"{printable(name)}: {error}")
        return 0
    if page is None:
        return 0
    write_atomically(path, page.encode("utf-8"))
    return 1
