"""How soon `heldout view` shows something: first paint in a real browser, with many runs and with many points.

    python -m bench.view [--runs 2000] [--rows 500] [--long 1000000] [--repeats 3]

A folder of `--runs` runs with `--rows` rows each (a million rows by default), and one run of `--long` rows. Each
view gets a new server (nothing cached) and a new browser context. Seconds from the start of the navigation until the
content stands on the page, and the browser's own first contentful paint:

    list          the first rows of the table of all runs
    run           the first figure of one of them
    long, first   the first figure of the long run, from as many rows as the server has read until then
    long, whole   all of its rows read and drawn, thinned

Needs chromium and playwright. Beside them, for a machine that does other work: processor seconds of the page's main
thread and of the server (its start included), and the most memory that the server held until then.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from heldout.store.manifest import new_manifest, run_hash
from heldout.store.names import disk_name

COMMAND = [sys.executable, "-c", "from heldout.cli import main; main()", "view"]
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime / 1000"


def make_run(root: Path, name: str, seed: int, rows: int, like: dict[str, Any]) -> str:
    """A finished run of `rows` rows with two losses; its id. Written directly: the store would sync each to the disk."""
    manifest = like | {"name": name, "seed": seed, "status": "done", "finished": like["started"]}
    folder = root / disk_name(name, run_hash(name, like["spec"], seed))
    (folder / "rows").mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with open(folder / "rows" / "0001-bench.ndjson", "w") as file:
        for k in range(rows):
            train, test = math.exp(-k / rows * 6), 0.3 + math.exp(-k / rows * 3)
            loss = f'{{"value":{test:.6f},"low":{0.9 * test:.6f},"high":{1.1 * test:.6f}}}'
            file.write(
                f'{{"attempt":1,"seq":{k},"step":{50 * k},"train loss":{train:.6f},"test loss":{loss}}}\n'
            )
    return folder.name


def times(root: Path, views: dict[str, tuple[str, str]], chromium: str) -> dict[str, float]:
    """Seconds to each view's content, {name: (place, selector)}, each from a new server: nothing is cached."""
    from playwright.sync_api import sync_playwright

    found: dict[str, float] = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--headless"])
        for name, (place, selector) in views.items():
            server = subprocess.Popen([*COMMAND, str(root)], stdout=subprocess.PIPE, text=True)
            try:
                assert server.stdout is not None
                address = server.stdout.readline().strip()
                page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
                metrics = page.context.new_cdp_session(page)
                metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
                began = time.perf_counter()
                page.goto(f"{address}#/{place}", wait_until="commit")
                page.wait_for_selector(selector, timeout=600_000)
                found[name] = time.perf_counter() - began
                found[f"{name} / first paint"] = float(page.evaluate(PAINT))
                told = {m["name"]: m["value"] for m in metrics.send("Performance.getMetrics")["metrics"]}
                found[f"{name} / page, processor"] = float(told["TaskDuration"])
                found[f"{name} / server, processor"] = _processor(server.pid)
                found[f"{name} / server, MB"] = _peak(server.pid)
                page.context.close()
                print(f"# {name}: {found[name]:.2f} s", file=sys.stderr, flush=True)
            finally:
                server.terminate()
                server.wait(20)
        browser.close()
    return found


def _peak(pid: int) -> float:
    """The most memory the process held so far, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _processor(pid: int) -> float:
    """Processor seconds of the process so far, its start included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Make the folder, measure, print medians with the least and the greatest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or importlib.util.find_spec("playwright") is None:
        sys.exit("this benchmark needs chromium and the package playwright")
    with tempfile.TemporaryDirectory(prefix="heldout-view-") as folder:
        root = Path(folder)
        like = new_manifest("run", {"kind": "watch"}, 0)
        ids = [make_run(root, f"run {k}", k, options.rows, like) for k in range(options.runs)]
        long = make_run(root, "long run", 0, options.long, like)
        drawn = "#panel-0 .curve"
        views = {
            "list": ("runs", "tbody tr"),
            "run": (f"run/{ids[0]}", drawn),
            "long, first": (f"run/{long}", drawn),
            "long, whole": (f"run/{long}", f"#facts :text('{options.long:,} by')"),
        }
        seen = [times(root, views, chromium) for _ in range(options.repeats)]
    print(
        f"{options.runs:,} runs of {options.rows:,} rows, one of {options.long:,}; {options.repeats} repeats"
    )
    for name in seen[0]:
        values = sorted(one[name] for one in seen)
        print(f"{name:28s} {statistics.median(values):8.2f} [{values[0]:.2f}, {values[-1]:.2f}]")


if __name__ == "__main__":
    main()
