"""Are the verdicts right? Audits planted subjects of known truth and counts: `python -m bench.verdicts --report`.

    python -m bench.verdicts --families sealed --out bench/rows/verdicts-2026-11-21.ndjson    # run or resume
    python -m bench.verdicts --report [--out FILE]                                            # the table of kept rows

One line a subject, written when its audit ends; a line that stands is not audited again, so a killed run resumes. The
same seed gives the same subjects and audits. Families and their split into `dev` (for tuning) and `sealed` (scored
once): `planted/families.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # two processes of one thread each; set before numpy loads

from bench.planted.families import FAMILIES
from bench.planted.planted import WATCHED, Family
from bench.verdict_table import table

ROWS = Path(__file__).parent / "rows"


def main(arguments: list[str] | None = None) -> int:
    """Run (or resume) the chosen families, or print the table of a file of rows."""
    p = argparse.ArgumentParser(
        prog="bench.verdicts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--quick", type=int, default=0, metavar="N", help="at most N subjects a family")
    p.add_argument("--families", default="all", help="dev, sealed, all, or part of a family's name")
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=Path, default=None)
    p.add_argument("--report", action="store_true", help="print the table of the kept rows and stop")
    p.add_argument(
        "--wrong", action="store_true", help="with --report: list every subject that was not judged right"
    )
    args = p.parse_args(arguments)
    if args.report:
        files = [args.out] if args.out else sorted(ROWS.glob("verdicts-*.ndjson"))
        print(table([row for file in files for row in kept(file)], args.wrong))
        return 0
    out = args.out or ROWS / f"verdicts-{time.strftime('%Y-%m-%d')}.ndjson"
    families = chosen(args.families)
    if not families:
        print(f"no family is called {args.families}", file=sys.stderr)
        return 2
    failed = run(families, out, args.seed, args.workers, args.quick)
    print(table(kept(out), args.wrong))
    return 1 if failed else 0


def chosen(which: str) -> list[Family]:
    """Families by split, or by a part of their name."""
    return [f for f in FAMILIES if which in ("all", f.split) or which in f.name]


def run(families: list[Family], out: Path, seed: int, workers: int, quick: int = 0) -> list[str]:
    """Audit every subject that has no row in `out` yet; what failed, with its reason."""
    failed: list[str] = []
    done = {row["id"] for row in kept(out) if "id" in row}
    todo = [
        (f.name, k)
        for f in families
        for k in range(min(f.count, quick or f.count))
        if f"{f.name}/{k}" not in done
    ]
    # Short and long audits mixed, the same order for every run: what is kept of a killed run is a fair part of the whole.
    todo.sort(key=lambda item: (item[1], item[0]))
    out.parent.mkdir(parents=True, exist_ok=True)
    torn = out.exists() and out.stat().st_size > 0 and not out.read_bytes().endswith(b"\n")
    with out.open("a") as file, _pool(workers) as pool:
        file.write("\n" if torn else "")
        _write(file, _header(seed, workers))
        waiting = {pool.submit(audited, name, index, seed): f"{name}/{index}" for name, index in todo}
        for k, future in enumerate(as_completed(waiting), 1):
            try:
                _write(file, future.result())
            except Exception as error:  # this subject gets no row and is tried again by the next run
                failed.append(f"{waiting[future]}: {type(error).__name__}: {error}")
                print(f"\nfailed: {failed[-1]}", file=sys.stderr)
            if sys.stderr.isatty() or k % 20 == 0:
                print(
                    f"\r{k}/{len(todo)} {waiting[future]:50.50}",
                    end="" if sys.stderr.isatty() else "\n",
                    file=sys.stderr,
                )
    return failed


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),)
    )


def _end_with(parent: int) -> None:
    """A worker whose parent was killed would wait for its next subject for ever: it looks every second, and leaves."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def audited(name: str, index: int, seed: int) -> dict[str, Any]:
    """Build one planted subject, audit it, and hold the verdict against its truth."""
    import torch

    import heldout

    torch.set_num_threads(1)
    family = next(f for f in FAMILIES if f.name == name)
    plant = family.build(index, seed)
    start = time.perf_counter()
    found = heldout.audit(plant.subject, budget=plant.budget, runs=None, progress=False, seed=seed, threads=1)
    seconds = time.perf_counter() - start
    headline = found.verdict.headline
    codes = sorted({f.code for f in found.findings if f.code in WATCHED})
    return {
        "id": f"{name}/{index}", "family": name, "split": family.split, "truth": plant.truth, "accept": sorted(plant.accept),
        "honest": plant.honest, "headline": headline, "right": headline in plant.accept, "findings": codes,
        "expect": sorted(plant.expect), "forbid": sorted(plant.forbid), "budget": plant.budget, "seconds": round(seconds, 2),
        "note": plant.note, "failures": [text.strip().splitlines()[-1][:160] for text in found.failures],
        "gate": found.report["split_status"][:60], "evidence": _evidence(found.estimates),
    }  # fmt: skip


def _evidence(estimates: dict[str, dict[str, Any]]) -> dict[str, list[float | None]]:
    """value, low, high of what the rules read, and of the scores beside it."""
    names = {
        "skill": "skill", "fit": "fit", "share": "rote share", "wrong": "wrong labels", "repeated": "suspected labels repeated",
        "train": "train score", "test": "test score", "1-NN": "control: 1-NN",
    }  # fmt: skip
    found = {short: estimates.get(name, {}) for short, name in names.items()}
    return {
        short: [None if e.get(k) is None else round(e[k], 3) for k in ("value", "low", "high")]
        for short, e in found.items()
    }


def kept(file: Path) -> list[dict[str, Any]]:
    """The whole rows of a file; a line torn by a kill is left out. A repeated id counts once."""
    rows: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(file.read_text().splitlines() if file.exists() else []):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        rows.setdefault(row.get("id", f"header {number}"), row)
    return list(rows.values())


def _header(seed: int, workers: int) -> dict[str, Any]:
    from heldout.auditing import verdict

    rules = {
        name: value
        for name, value in vars(verdict).items()
        if name.isupper() and isinstance(value, int | float)
    }
    return {
        "command": f"python -m bench.verdicts {' '.join(sys.argv[1:])}".strip(), "date": time.strftime("%Y-%m-%d"), "seed": seed,
        "machine": _machine(), "workers": workers, "python": platform.python_version(), "thresholds": rules,
    }  # fmt: skip


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB"


def _write(file: Any, row: dict[str, Any]) -> None:
    file.write(json.dumps(row, separators=(",", ":")) + "\n")
    file.flush()
    os.fsync(file.fileno())


if __name__ == "__main__":
    raise SystemExit(main())
