"""How fast learners without gradients search, beside what they replace: `python -m bench.search [--quick]`.

- Blind search against the loop over one `nn.Module`, MLP 64-32-2 and 784-32-2, 16 examples: draw all weights, run,
  see whether it fits. Ours draws every weight, many nets at once, or Gaussian first layers by their outputs (exact).
- Every one-bit net with 4 inputs and 3 hidden units, 2^18 of them, against matrix products over the same weights.
- Evolution at 2,146 parameters against the package `cma` with a diagonal matrix (a full one takes minutes a
  generation there): ask and tell alone, 64 rows a round, on a loss that costs next to nothing.
- Puzzle generators, from `bench.puzzles`.

Peers and ours run in one process with one thread, one after the other in every repetition; a ratio is the median over
repetitions of the ratio of processor times, with its smallest and largest.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from heldout.laboratory.machine_class import machine_class
from heldout.learners.black_box import Budget, search
from heldout.learners.genetic import genetic
from heldout.learners.guess_and_check import Guesser, guess_and_check
from heldout.learners.mlp_guesses import mlp_guesses
from heldout.learners.one_bit import entropy_bits, every_one_bit_net, function_counts
from heldout.learners.one_plus_lambda import one_plus_lambda
from heldout.learners.openai_es import openai_es

PARAMETERS = 2146
ROWS = 64


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="three repetitions of small runs, under 30 s")
    chosen = options.parse_args()
    torch.set_num_threads(1)
    repetitions = 3 if chosen.quick else 9
    _say(
        f"{machine_class()}; torch {torch.__version__}, one thread; {repetitions} repetitions after a warm-up"
    )
    with torch.no_grad():
        _guessing(repetitions)
        _enumeration(repetitions)
        _evolution(repetitions)
    _puzzles(chosen.quick)


def _guessing(repetitions: int) -> None:
    _guess_at(64, repetitions, {"uniform 16, many at once": 7.0, "Gaussian, by outputs": 7.0})
    _guess_at(784, repetitions, {"Gaussian, by outputs": 20.0})


def _guess_at(d: int, repetitions: int, goals: dict[str, float]) -> None:
    x = torch.randn(16, d, generator=torch.Generator().manual_seed(0))
    y, few, widths = torch.arange(16) % 2, 300 if d == 64 else 100, (d, 32, 2)

    def ours(guesser: Guesser) -> Callable[[], int]:
        budget = Budget(evaluations=4 * guesser.size)
        return lambda: guess_and_check(guesser, y, budget, 0, wanted=1000).guesses

    uniform, gaussian = "uniform, module loop", "Gaussian, module loop"
    runs: dict[str, Callable[[], int]] = {
        uniform: lambda: module_loop(x, y, few, "uniform"),
        "uniform, many at once": ours(mlp_guesses(x, widths, "uniform", bias=True)),
        "uniform 16, many at once": ours(mlp_guesses(x, widths, "uniform 16", bias=True)),
        gaussian: lambda: module_loop(x, y, few, "gaussian"),
        "Gaussian, many at once": ours(mlp_guesses(x, widths, "gaussian", bias=True, by_outputs=False)),
        "Gaussian, by outputs": ours(mlp_guesses(x, widths, "gaussian", bias=True)),
    }
    seconds = _seconds(runs, repetitions)
    _say(f"\nblind search, MLP {d}-32-2, 16 examples")
    for name in runs:
        peer = None if "loop" in name else uniform if "uniform" in name else gaussian
        _say_rate(name, seconds, peer, goals.get(name))


def module_loop(x: Tensor, y: Tensor, count: int, law: str) -> int:
    """The peer: one module, its tensors drawn anew in place for every guess."""
    net = nn.Sequential(nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, 2))
    generator, fits = torch.Generator().manual_seed(0), 0
    weights = list(net.parameters())
    for _ in range(count):
        for w in weights:
            if law == "uniform":
                w.uniform_(-1.0, 1.0, generator=generator)
            else:
                w.normal_(generator=generator)
        fits += bool((net(x).argmax(1) == y).all())
    return count


def _enumeration(repetitions: int) -> None:
    found = function_counts(every_one_bit_net(4, 3))
    seconds = _seconds(
        {
            "matrix products": matrix_products,
            "truth tables in words": lambda: len(every_one_bit_net(4, 3)),
            "and the functions counted": lambda: int(function_counts(every_one_bit_net(4, 3)).counts.sum()),
        },
        repetitions,
    )
    same = np.array_equal(np.bincount(_by_products(0, 1 << 18)), np.bincount(every_one_bit_net(4, 3)))
    _say(
        f"\nevery one-bit net, 4 inputs, 3 hidden: {int(found.counts.sum()):,} nets, {len(found.functions)} functions, "
        f"entropy {entropy_bits(found):.2f} of 16 bits; the peer counts the same: {same}"
    )
    _say_rate("matrix products", seconds)
    _say_rate("truth tables in words", seconds, "matrix products")
    _say_rate("and the functions counted", seconds, "matrix products")
    rate = 1 / statistics.median(seconds["and the functions counted"]) / 1e6
    _say(f"  {rate:.0f}M nets/s with the count; goal 40M {_met(rate >= 40)}")


def matrix_products() -> int:
    """The peer: weights as rows of -1 and 1, in chunks of 2^14 nets."""
    for first in range(0, 1 << 18, 1 << 14):
        _by_products(first, 1 << 14)
    return 1 << 18


def _by_products(first: int, count: int) -> np.ndarray:
    bits = ((np.arange(first, first + count)[:, None] >> np.arange(18)) & 1).astype(np.float32) * 2 - 1
    units = bits.reshape(count, 3, 6)
    points = np.array(list(itertools.product((-1, 1), repeat=4)), np.float32)[:, ::-1]
    hidden = np.sign(units[:, :, :4] @ points.T + units[:, :, 4:5])  # five terms: never 0
    on = (hidden * units[:, :, 5:]).sum(1) > 0
    return on @ (1 << np.arange(16))


def _evolution(repetitions: int) -> None:
    try:
        import cma
    except ImportError:
        _say("\nevolution: the package cma is not installed, so there is no peer (pip install cma)")
        return

    start, rounds = torch.ones(PARAMETERS), 20

    def loss(thetas: Tensor) -> Tensor:
        return thetas[:, 0]

    options = {"popsize": ROWS, "CMA_diagonal": True, "verbose": -9, "seed": 1}

    def peer() -> int:
        warnings.simplefilter("ignore", UserWarning)  # on rounding in its diagonal, once a round
        strategy = cma.CMAEvolutionStrategy(start.double().numpy(), 0.1, options)
        for _ in range(rounds):
            rows = strategy.ask()
            strategy.tell(rows, [float(row[0]) for row in rows])
        return rounds * ROWS

    searchers = (openai_es(ROWS // 2), genetic(ROWS, ROWS // 2), one_plus_lambda(ROWS))
    runs: dict[str, Callable[[], int]] = {f"cma {cma.__version__}, diagonal": peer}
    for searcher in searchers:
        runs[searcher.name] = lambda searcher=searcher: (
            search(searcher, loss, start, Budget(evaluations=rounds * ROWS), 0).evaluations
        )
    seconds = _seconds(runs, repetitions)
    _say(f"\nevolution, {PARAMETERS:,} parameters, {ROWS} rows a round, per evaluation")
    first = next(iter(runs))
    _say_rate(first, seconds)
    for searcher in searchers:
        _say_rate(searcher.name, seconds, first, 10.0)


def _puzzles(quick: bool) -> None:
    try:
        from bench import puzzles
    except ImportError:
        _say("\npuzzle generators: bench.puzzles is not here")
        return
    _say("\npuzzle generators")
    for line in puzzles.ratios(quick):
        _say(f"  {line}")


def _seconds(runs: dict[str, Callable[[], int]], repetitions: int) -> dict[str, list[float]]:
    """Processor seconds for each thing done, by repetition; the first repetition warms up."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for repetition in range(repetitions + 1):
        for name, run in runs.items():
            before, done = time.process_time(), 0
            while time.process_time() - before < 0.02:  # short runs are repeated: the clock is coarse
                done += run()
            if repetition:
                taken[name].append((time.process_time() - before) / done)
    return taken


def _say_rate(
    name: str, seconds: dict[str, list[float]], peer: str | None = None, goal: float | None = None
) -> None:
    own = seconds[name]
    line = f"  {name:28} {1 / statistics.median(own):14,.0f} /s"
    if peer is not None:
        ratios = [theirs / ours for theirs, ours in zip(seconds[peer], own)]
        ratio = statistics.median(ratios)
        line += f"   {ratio:7.1f}x ({min(ratios):.1f} to {max(ratios):.1f}) {peer}"
        line += "" if goal is None else f"; goal {goal:g}x {_met(ratio >= goal)}"
    _say(line)


def _met(reached: bool) -> str:
    return "(met)" if reached else "(NOT met)"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
