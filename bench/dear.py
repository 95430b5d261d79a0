"""What dear measures cost a training run, and how many readings fit: asked share against the share that was taken.

    python -m bench.dear [--seconds 120] [--shares 0.1 0.3]

A net of 20-64-2 (1,474 parameters) learns the product of two inputs, by AdamW with batches of 64; each run trains for the
given seconds of a clock, the watch included.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import torch
from torch import nn

import heldout

DEAR: dict[str, dict[str, Any]] = {"trace": {}, "llc": {"gamma": 100.0}}


def run(share: float, seconds: float) -> Any:
    """One watched training run of about `seconds`."""
    torch.manual_seed(0)
    X = torch.randn(2000, 20)
    y = (X[:, 0] * X[:, 1] > 0).long()
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.1)
    until = time.perf_counter() + seconds
    train, test = (X[:1000], y[:1000]), (X[1000:], y[1000:])
    with heldout.watch(model, train, test, every=50, out=None, dear=DEAR, dear_share=share) as watch:
        while time.perf_counter() < until:
            rows = torch.randint(0, 1000, (64,))
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
            watch.step()
    return watch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.3])
    options = parser.parse_args()
    seconds = options.seconds
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for share in options.shares:
        watch = run(share, seconds)
        costs = watch.costs
        whole = costs["training"] + costs["looks"] + sum(costs[name]["seconds"] for name in DEAR)
        print(
            f"dear_share={share}: {whole:.0f} s, {watch.rows[-1]['step']} steps, looks {costs['looks'] / whole:.3f}"
        )
        for name in DEAR:
            taken = [row[name] for row in watch.rows if name in row]
            good = sum(reading["value"] is not None for reading in taken)
            print(
                f"  {name}: {costs[name]['seconds'] / whole:.3f} of the time, {len(taken)} readings, {good} with a value"
            )
            print(f"    {costs[name].get('reason', '')}")
            if taken:
                print(f"    the last: {taken[-1]}")


if __name__ == "__main__":
    main()
