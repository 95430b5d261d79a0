"""A study for the tests: what each cell does stands in its spec, and each start of a cell is noted in a file."""

from __future__ import annotations

import os
import time
from pathlib import Path

from heldout.laboratory.study import DotRow, Dots, Named, Published, Rule, Verdict

QUESTION = "Is the mean above 0?"
CLAIM = "The mean is above 0."
SOURCE = "S0: planted"
PUBLISHED = (Published("mean", "1", "nowhere"),)
RULE = Rule("mean value", 0.1, 0.95, 4, "mean over seeds", "mean above 0.1", "mean below 0.1")
NOTES = Path(os.environ.get("PLANTED_NOTES", "notes.txt"))
PLAN = os.environ.get("PLANTED_PLAN", "fine,fine,fine,fine").split(",")


def cells(size, seeds):
    base = 2000 if size == "full" else 1000
    plan = PLAN if seeds is None else PLAN[:1] * seeds
    return [{"study": "planted_study", "seed": base + k, "does": does} for k, does in enumerate(plan)]


def smoke():
    return {"study": "planted_study", "seed": 0, "does": "fine"}


def run(cell):
    with NOTES.open("a") as file:
        file.write(f"{cell['seed']}\n")
    does = cell["does"]
    for step in range(3):
        yield {"seed": cell["seed"], "step": step, "value": 1.0 + cell["seed"] % 10}
        if does == "slow":
            time.sleep(0.4)
        if does == "raises":
            raise ArithmeticError("the loss became infinite")
        if does == "dies" or (does == "dies once" and NOTES.read_text().count(str(cell["seed"])) == 1):
            os.kill(os.getpid(), 9)
        if does == "prints":
            os.write(1, b'{"cell": "nonsense"}\n')
        if does == "taken":
            yield {"cell": "mine"}
    if does == "diverges":
        yield {"seed": cell["seed"], "status": "diverged", "reason": "the loss became NaN"}


def verdict(rows):
    values = [row["value"] for row in rows if row.get("status") != "diverged" and row["step"] == 2]
    mean = sum(values) / max(1, len(values))
    number = {
        "value": mean,
        "low": mean - 1,
        "high": mean + 1,
        "level": 0.95,
        "method": "planted",
        "n": len(values),
        "status": "ok",
    }
    return Verdict(
        "supported" if mean > 0.1 else "undecided",
        f"The mean is {mean}.",
        (Named("mean", number),),
        "planted",
    )


def figures(rows):
    return [
        Dots(
            "Values",
            "Planted.",
            "value",
            rows=tuple(DotRow(str(r["seed"]), r.get("value"), None, None, "rule", r["cell"]) for r in rows),
        )
    ]
