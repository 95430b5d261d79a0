"""The speed of grokking runs: `python -m bench.grokking_step [--quick]`.

1. A step of the p = 67 tied net: ours (stacked, gradient by hand, AdamW as a pure function) against the naive published form
   (embedding gathers, autograd, torch.optim.AdamW as it comes), one after the other in every repetition; and the share of the
   machine's matmul peak (1024^3 in float32, same thread) that ours reaches. An optimal step has 27.2 MFLOP.
2. 32 seeds of the fast p = 31 recipe, 1,500 steps, on one core.
3. Stacked and single runs agree: after one step to rounding, and in the distribution of the step of 99% test accuracy.
"""

from __future__ import annotations

import argparse
import math
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import ks_2samp
from torch import Tensor, nn
from torch.nn import functional as F

from heldout.learners.adamw import adamw
from heldout.learners.curves import curves
from heldout.learners.descend import descend, flushed
from heldout.nets.tied_modular import TiedModular
from heldout.nets.two_layer import TwoLayer
from heldout.stats.regime_judge import reached
from heldout.tasks.modular import modular, one_hot, stack, two_hot

MFLOP = 27.2


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="fewer repetitions and seeds")
    quick = options.parse_args().quick
    torch.set_num_threads(1)
    say(f"{platform.machine()}, torch {torch.__version__}, one thread; processor time")
    step_speed(3 if quick else 9)
    fast_seeds(8 if quick else 32)
    say(f"peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def step_speed(repetitions: int) -> None:
    """Ratios of a step within each repetition, and the share of the matmul peak."""
    task = modular(67, "add", 0.4, 0, unordered=True)
    net = TiedModular(67)
    theta = net.start(0, [0])
    x, y = two_hot(task.train.x, 67), task.train.y
    naive = NaiveTied(net, theta[0])
    plain = torch.optim.AdamW(naive.parameters(), lr=1e-3, weight_decay=1.0, betas=(0.9, 0.98))

    def published() -> None:
        plain.zero_grad()
        logp = torch.log_softmax(naive(task.train.x), -1)
        (-(F.one_hot(y, 67) * logp).mean()).backward()  # type: ignore[no-untyped-call]
        plain.step()

    def ours(seeds: int) -> Callable[[int], None]:
        data, labels = x.repeat(seeds, 1, 1), y.repeat(seeds, 1)
        start = theta.repeat(seeds, 1)

        def go(steps: int) -> None:
            gradient = lambda thetas: net.gradient(thetas, data, labels, scale=1 / 67)  # noqa: E731
            list(descend(gradient, adamw(1e-3, 1.0), start, at=[steps]))

        return go

    ratios: dict[int, list[float]] = {1: [], 4: [], 8: []}
    shares: dict[int, list[float]] = {seeds: [] for seeds in ratios}
    naives, peaks = [], []
    square = torch.randn(1024, 1024)
    loops = {seeds: ours(seeds) for seeds in ratios}
    for k in range(repetitions + 1):
        slow = cpu_ms(lambda: [published() for _ in range(20)]) / 20
        for seeds, loop in loops.items():
            steps = 400 // seeds
            peak = 2 * 1024**3 / 1e6 * 5 / cpu_ms(lambda: [square @ square for _ in range(5)])
            each = cpu_ms(lambda loop=loop, steps=steps: loop(steps)) / ((steps + 1) * seeds)
            if k:  # the first repetition warms up
                ratios[seeds].append(slow / each)
                shares[seeds].append(MFLOP / each / peak)
        naives.append(slow)
        peaks.append(peak)
    middle = {seeds: statistics.median(r) for seeds, r in ratios.items()}
    say(
        f"p = 67 step: naive published form {statistics.median(naives):.2f} ms; ours {middle[1]:.1f}x faster alone, {middle[4]:.1f}x and {middle[8]:.1f}x a seed in a stack of 4 and 8 (goal 8x)"
    )
    parts = ", ".join(
        f"{statistics.median(each):.0%} in a stack of {seeds} ({min(each):.0%} to {max(each):.0%})"
        for seeds, each in shares.items()
    )
    say(f"  share of the matmul peak (median {statistics.median(peaks):.0f} GFLOP/s): {parts} (goal 30%)")
    say(
        f"  one step, ours against the naive form: largest difference {one_step_difference(net, theta, task.train.x, y):.1e}"
    )


def fast_seeds(count: int) -> None:
    """Time of `count` fast seeds, stacked by 8 and one by one, and whether both agree."""
    took, times = {}, {}
    for size in (8, 1):
        began = time.process_time()
        found: list[float] = []
        for first in range(0, count, size):
            found += fast_times(range(first, first + size))
        took[size], times[size] = time.process_time() - began, found
    test = ks_2samp(times[8], times[1])
    same = float(np.mean([a == b for a, b in zip(times[8], times[1])]))
    say(
        f"{count} fast seeds, 1,500 steps: {took[8]:.1f} s of one core stacked by 8, {took[1]:.1f} s one by one"
    )
    say(
        f"  step of 99% test accuracy, stacked against single: median {np.median(times[8]):.0f} and {np.median(times[1]):.0f}, the same look for {same:.0%} of seeds, Kolmogorov-Smirnov p = {test.pvalue:.2f}"
    )


def fast_times(seeds: range) -> list[float]:
    """The step of 99% test accuracy of each seed of the fast recipe; 1,500 where it was not reached."""
    tasks = [modular(31, "add", 0.5, s) for s in seeds]
    net = TwoLayer(62, 64, 31, "quadratic")
    train, test = (stack([getattr(t, k) for t in tasks], one_hot, 31) for k in ("train", "test"))
    start = torch.cat([net.start(s, [0]) for s in seeds])
    seen = curves(net, start, adamw(1e-2, 1.0), train, test, list(range(0, 1501, 10)))
    found = [reached(seen.steps, seen.test[:, k].tolist()) for k in range(len(tasks))]
    return [1500.0 if step is None else float(step) for step in found]


class NaiveTied(nn.Module):
    """The tied net as it is published: two gathers of width 500, then three products."""

    def __init__(self, net: TiedModular, theta: Tensor) -> None:
        super().__init__()
        parts = net.layout.unflatten(theta)
        self.E, self.H, self.O = (nn.Parameter(parts[name].clone()) for name in ("E", "H", "O"))

    def forward(self, pairs: Tensor) -> Tensor:
        embedded = F.embedding(pairs, self.E)
        hidden = torch.relu(embedded[:, 0] @ self.H + embedded[:, 1] @ self.H)
        return (hidden @ self.O) @ self.E.T


def one_step_difference(net: TiedModular, theta: Tensor, pairs: Tensor, y: Tensor) -> float:
    """Largest difference of the gradients, in units of the largest gradient."""
    naive = NaiveTied(net, theta[0])
    (F.cross_entropy(naive(pairs), y) / 67).backward()  # type: ignore[no-untyped-call]
    theirs = torch.cat([p.grad.flatten() for p in (naive.E, naive.H, naive.O) if p.grad is not None])
    ours = net.gradient(theta, two_hot(pairs, 67)[None], y[None], scale=1 / 67)[1][0]
    return float((ours - theirs).abs().max() / theirs.abs().max())


def cpu_ms(run: Callable[[], object]) -> float:
    with flushed():
        began = time.process_time()
        run()
        return max(time.process_time() - began, math.ulp(1.0)) * 1e3


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
