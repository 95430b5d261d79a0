"""A run whose weights turn from noise into the exact quadratic construction for addition: cosines of one frequency a neuron."""

from __future__ import annotations

from typing import Any

import numpy as np

from heldout.laboratory.explorable import packed

P, FREQUENCIES, PHASES = 31, (3, 7, 12), 12


def construction() -> tuple[np.ndarray, np.ndarray]:
    """in [p h] and out [h p] with logits[a, b, c] greatest at c = a + b: out has the doubled phase."""
    turns = 2 * np.pi * np.arange(P) / P
    w_in, w_out = [], []
    for f in FREQUENCIES:
        for k in range(PHASES):
            phase = 2 * np.pi * k / PHASES
            w_in.append(np.cos(f * turns + phase))
            w_out.append(np.cos(f * turns + 2 * phase))
    return np.stack(w_in, 1), np.stack(w_out)


def run(name: str, cell: str | None, seed: int) -> dict[str, Any]:
    """Five snapshots on the way from noise to the construction."""
    rng = np.random.Generator(np.random.Philox(seed))
    w_in, w_out = construction()
    noise = rng.normal(size=w_in.shape), rng.normal(size=w_out.shape)
    steps = [0, 500, 1000, 1500, 2000]
    snapshots = []
    for step in steps:
        share = step / steps[-1]
        arrays = {
            "in_a": packed(share * w_in + (1 - share) * noise[0]),
            "out": packed(share * w_out + (1 - share) * noise[1]),
        }
        snapshots.append({"step": step, "arrays": arrays})
    times = list(range(0, 2001, 50))
    test = [1 / (1 + np.exp(-(t - 1200) / 120)) for t in times]
    return {
        "name": name,
        "cell": cell,
        "steps": times,
        "measures": {
            "test accuracy": test,
            "train loss": [10.0 * 0.99**t for t in times],
            "weight norm": times,
        },
        "log_measures": ["train loss"],
        "activation": "quadratic",
        "train": packed(rng.random((P, P)) < 0.4),
        "snapshots": snapshots,
    }


def explorable(cells: list[str]) -> dict[str, Any]:
    """A run for each cell, and two interventions."""
    runs = [run(f"seed {k}", cell, k) for k, cell in enumerate(cells)]
    branches = [
        {"name": "no decay from step 100", "command": "heldout cell grokking 0123 --out DIR"},
        {"name": "ablate", "command": "heldout cell grokking 4567 --out DIR"},
    ]
    return {"runs": runs, "interventions": branches}
