"""What the watch costs, how often its phases are false alarms, and how good its forecasts are.

    python -m bench.watch [--runs 200] [--steps 4000] [--only overhead|advice|phases|forecast]

Overhead: the same training with and without the watch, in turn, in one process; beside it what the watch itself reports.
False alarms: curves of one phase (still, falling train loss, both losses falling) under noise that wanders: share of runs
that were given a second phase, by run length in looks, with Clopper-Pearson intervals.
Forecasts: their Brier skill for each family of training runs left out of the fit (`bench.watch_forecast --skill`).
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import torch
from torch import nn

import heldout
from bench.watch_forecast import measured, print_skill
from bench.watch_runs import read_runs
from heldout.core.streams import stream
from heldout.stats.proportion import clopper_pearson
from heldout.watching.advice import Advisor
from heldout.watching.features import NEEDED
from heldout.watching.phases import Phases

SHAPES = {"still": (0.0, 0.0), "train falls": (-0.03, 0.0), "both fall": (-0.03, -0.02)}


def train(steps: int, every: int | None) -> tuple[float, float]:
    """Seconds of a training run of a 784-256-10 net (batch 64), and the overhead that the watch reports."""
    torch.manual_seed(0)
    X, y = torch.randn(4000, 784), torch.randint(0, 10, (4000,))
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    start = time.perf_counter()
    seen = None
    if every:
        seen = heldout.watch(model, (X[:3000], y[:3000]), (X[3000:], y[3000:]), every=every, out=None)
    for step in range(steps):
        rows = torch.arange(step * 64, step * 64 + 64) % 3000
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X[rows]), y[rows]).backward()
        optimizer.step()
        if seen is not None:
            seen.step()
    if seen is not None:
        seen.close()
    return time.perf_counter() - start, math.nan if seen is None else seen.overhead


def wander(n: int, phi: float | None, sd: float, rng: np.random.Generator) -> np.ndarray:
    """AR(1) noise [n] of that sd; phi None: AR(2) with a double root of .9, smooth over twenty looks."""
    a, b = (1.8, -0.81) if phi is None else (phi, 0.0)
    e = rng.standard_normal(n + 300)
    x = np.zeros(n + 300)
    for k in range(2, n + 300):
        x[k] = a * x[k - 1] + b * x[k - 2] + e[k]
    variance = (1 - b) / ((1 + b) * ((1 - b) ** 2 - a**2))
    return x[300:] / math.sqrt(variance) * sd


def second_phase(n: int, slopes: tuple[float, float], phi: float | None, sd: float, seed: int) -> bool:
    """Whether a run of one phase, n looks long, is given a second one."""
    rng = stream(seed, "watch", n, str(slopes), str(phi), str(sd))
    train_loss, test_loss = (np.exp(slope * np.arange(n) + wander(n, phi, sd, rng)) for slope in slopes)
    seen = Phases()
    for k in range(n):
        seen.see(k, float(train_loss[k]), float(test_loss[k]), 1.0)
    return len(seen.phases) > 1


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--only", choices=("overhead", "advice", "phases", "forecast"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, part in (
        ("overhead", overhead),
        ("advice", advice),
        ("phases", false_alarms),
        ("forecast", forecasts),
    ):
        if options.only in (None, name):
            part(options)


def overhead(options: argparse.Namespace) -> None:
    """The same training with and without the watch."""
    pairs = [(train(options.steps, None)[0], *train(options.steps, 50)) for _ in range(5)]
    ratios = sorted(watched / plain for plain, watched, _ in pairs)
    told = sorted(overhead for _, _, overhead in pairs)
    print(
        f"{options.steps} steps, every=50: {ratios[2]:.3f}x [{ratios[0]:.3f}, {ratios[-1]:.3f}] over 5 pairs; reported overhead {told[2]:.3f}"
    )


def advice(options: argparse.Namespace) -> None:
    """Processor time of one advice, after the last look of a kept run, and after 5,000 looks."""
    kept = next(row for row in read_runs()[1] if row["family"] == "mnist")
    for looks in (len(kept["steps"]), 5000):
        advisor = Advisor()
        for k in range(looks):
            place = k * len(kept["steps"]) // looks
            advisor.see(
                k if looks == 5000 else kept["steps"][k], {name: kept[name][place] for name in NEEDED}
            )
        begin = time.process_time()
        for _ in range(100):
            advisor.advise()
        print(
            f"one advice after {looks} looks: {(time.process_time() - begin) * 10:.2f} ms of processor time; {advisor.advise()}"
        )


def false_alarms(options: argparse.Namespace) -> None:
    """Second phases of curves of one phase."""
    print("looks  noise              second phase, share of runs (95%)")
    for n in (100, 300, 1000):
        everything: list[bool] = []
        for phi in (0.0, 0.5, 0.8, 0.95, None):
            for sd in (0.02, 0.1):
                runs = max(options.runs * 100 // n, 10) // 3
                hits = [second_phase(n, s, phi, sd, k) for s in SHAPES.values() for k in range(runs)]
                said = clopper_pearson(sum(hits), len(hits))
                name = "AR(2), smooth" if phi is None else f"AR(1) {phi:g}"
                print(f"{n:5d}  {name:13s} sd {sd:g}  {said}  n={len(hits)}", flush=True)
                everything += hits
        print(
            f"{n:5d}  all of them  {clopper_pearson(sum(everything), len(everything))}  n={len(everything)}"
        )


def forecasts(options: argparse.Namespace) -> None:
    """The skill of the forecaster on families of runs that were left out of its fit."""
    head, runs = read_runs()
    print_skill(measured(runs), head)


if __name__ == "__main__":
    main()
