"""The estimate of memory against what a fresh process really takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.learners.nets import C, N, dense, rows
from torch import nn

from heldout.core.batch import Batch
from heldout.core.cross_entropy import cross_entropy
from heldout.core.recipe import Recipe
from heldout.learners import memory, training
from heldout.learners.memory import chunk_size, estimate_bytes, replica_bytes

SCRIPT = """
import os, resource, sys
import torch
from torch import nn
from heldout.core.batch import Batch
from heldout.core.cross_entropy import cross_entropy
from heldout.core.recipe import Recipe
from heldout.learners.memory import estimate_bytes
from heldout.learners.training import train_population

def peak():
    if os.path.exists("/proc/self/status"):      # there getrusage begins with the parent's memory
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

make, width, batch, chunk, threads, path = {case}
data = Batch(torch.randn(2 * batch, width), torch.zeros(2 * batch, dtype=torch.long))
recipe = Recipe(make, epochs=1, batch_size=batch, optimizer="adam", path=path)
small = Recipe(lambda: nn.Linear(width, 10), epochs=1, batch_size=batch, optimizer="adam")
masks = torch.ones(chunk * threads, 2 * batch, dtype=torch.bool)
names = list(range(chunk * threads))
train_population(small, data, masks[:1], cross_entropy, 0, [0], threads=1)       # torch's own first-use memory
before = peak()
train_population(recipe, data, masks, cross_entropy, 0, names, chunk=chunk, threads=threads)
print(estimate_bytes(recipe, data, cross_entropy, chunk * threads, chunk, threads), peak() - before)
"""
WIDE = "nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, 10))"
NARROW = "nn.Sequential(nn.Linear(64, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 10))"
CASES = {
    "parameters": f"(lambda: {WIDE}, 256, 16, 12, 1, 'stack')",
    "activations": f"(lambda: {NARROW}, 64, 4096, 16, 1, 'stack')",
    "loop": f"(lambda: {NARROW}, 64, 60_000, 1, 1, 'loop')",
}


@pytest.mark.parametrize("case", CASES)
def test_the_estimate_is_right_within_a_factor_of_two(case: str) -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{case}", CASES[case])],
        capture_output=True, text=True, check=True, cwd=root,
        env={"PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1", "PATH": ""},
    )  # fmt: skip
    estimate, real = map(int, done.stdout.split())
    assert real > 50e6, "too small to be told from noise"
    assert 0.5 < estimate / real < 2.0


def test_the_parts_of_the_estimate() -> None:
    """Linear(6, 8), ReLU, Linear(8, 3): 83 parameters of 4 bytes."""
    data, recipe = Batch(rows(), torch.arange(N) % C), Recipe(dense, batch_size=10, optimizer="sgd")
    parameters, working = replica_bytes(recipe, data, cross_entropy)
    assert parameters == 83 * 4
    assert working > 3 * 83 * 4 + 10 * (6 + 8 + 3) * 4
    _, adam = replica_bytes(Recipe(dense, batch_size=10, optimizer="adam"), data, cross_entropy)
    assert adam - working == 2 * 83 * 4
    assert estimate_bytes(recipe, data, cross_entropy, 100, 10, 2) == 200 * parameters + 20 * working
    assert estimate_bytes(recipe, data, cross_entropy, 5, 10, 2) == 10 * parameters + 5 * working


def test_a_chunk_never_exceeds_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Batch(rows(), torch.arange(N) % C)
    recipe = Recipe(dense, batch_size=10, epochs=1)
    _, working = replica_bytes(recipe, data, cross_entropy)
    monkeypatch.setattr(memory, "MEMORY_BYTES", 7 * working)
    masks = torch.ones(8, N, dtype=torch.bool)
    for threads, widest in ((1, 7), (2, 3), (7, 1), (9, 1)):
        parts = list(training.train_chunks(recipe, data, masks, cross_entropy, 0, range(8), threads=threads))
        assert max(len(part.replicas) for part in parts) <= widest
    assert chunk_size(8, 10**12, 4) == 1


def test_frozen_weights_need_no_optimizer() -> None:
    def half() -> nn.Module:
        model = nn.Sequential(nn.Linear(6, 100), nn.ReLU(), nn.Linear(100, 3))
        model[0].requires_grad_(False)
        return model

    data = Batch(rows(), torch.arange(N) % C)
    parameters, _ = replica_bytes(Recipe(half), data, cross_entropy)
    assert parameters == 303 * 4
