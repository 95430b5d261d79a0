"""Training runs that no rule of the watch's advice was chosen on: other seeds, other settings, other families.

    seeds      the cohorts of `bench.watch_families` with other rows, labels, teachers, first weights, rates and schedules
    settings   the same families with sizes, widths, depths, noise shares, learning rates, decays and betas that were not used there
    families   none of those eleven: composition in groups (may grok), two spirals, digits whose test rows are noisier and
               shifted by a pixel

`python -m bench.watch_runs --fresh` makes them; `python -m bench.watch_forecast --fresh` scores the shipped forecaster on them.
Nothing is fitted to them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional as F

from bench.watch_families import (
    Pool,
    cohorts,
    digits,
    draw,
    letters,
    one_dimensional,
    small_images,
    table,
    teacher,
)
from bench.watch_training import Cohort
from heldout.core.streams import stream

FIRST, SETTINGS, OTHERS = 100, 200, 300  # of the cohorts' numbers, from which their draws come
PARTS = ("seeds", "settings", "families")
DECAYS = (0.0, 0.003, 0.03, 0.3)


def fresh_cohorts() -> Iterator[Cohort]:
    """All of them; "part" in what is said of each run is one of `PARTS`."""
    parts = (cohorts(None, FIRST), _settings(SETTINGS), _families(OTHERS))
    for part, made in zip(PARTS, parts, strict=True):
        for cohort in made:
            for said in cohort.said:
                said["part"] = part
            yield cohort


def _settings(seed: int) -> Iterator[Cohort]:
    """Two cohorts a family."""
    usual = {"decays": DECAYS, "betas": (0.9, 0.999), "replicas": 10}
    for k, (p, share, lr) in enumerate([(17, 0.55, (2e-3, 1e-2)), (19, 0.8, (1e-2, 3e-2))], seed):
        a, b = torch.arange(p * p) // p, torch.arange(p * p) % p
        pool = torch.cat([F.one_hot(a, p), F.one_hot(b, p)], 1).float(), (a - b) % p, p
        yield draw(
            "modular", k, pool, int(share * p * p), 10, 2500, (96,), batch=int(share * p * p), lr=lr,
            decays=(0.0, 0.5, 1.5), schedules=("constant", "cosine"), kind=f"subtract mod {p}", activation="square",
        )  # fmt: skip
    for k, (bits, hidden, n) in enumerate([(16, 4, 1200), (28, 2, 400)], seed):
        x = torch.from_numpy(stream(k, "parity").integers(0, 2, (n + 1500, bits))).float() * 2 - 1
        pool = x, (x[:, :hidden] > 0).sum(1) % 2, 2
        yield draw(
            "parity", k, pool, n, 10, 3000, (96,), batch=32, lr=(5e-4, 1e-2), decays=(0.0, 0.03, 0.5),
            kind=f"{hidden} of {bits} bits",
        )  # fmt: skip
    for k, (n, share, layers) in enumerate([(450, 0.25, (80,)), (800, 0.5, (48, 48))], seed):
        yield draw(
            "label noise", k, digits(), n, steps=3000, hidden=layers, noise=share, lr=(2e-4, 2e-2), **usual
        )
    for k, (pool, n) in enumerate([(digits(), 400), (one_dimensional(), 600)], seed):
        yield draw("shuffled", k, pool, n, steps=1500, hidden=(96,), noise=1.0, batch=16, **usual)
    for k, (n, layers) in enumerate([(70, (24,)), (500, (128,))], seed):
        yield draw("few digits", k, digits(), n, steps=2500, hidden=layers, batch=16, **usual)
    for k, (name, n) in enumerate([("wine", 25), ("breast_cancer", 200)], seed):
        yield draw("tables", k, table(name), n, steps=1500, hidden=(16, 16), batch=8, kind=name, **usual)
    for k, (n, layers) in enumerate([(120, (96,)), (2000, (32, 32))], seed):
        yield draw(
            "teacher", k, teacher(k), n, steps=3000, hidden=layers, batch=16, kind=f"{n} rows", **usual
        )
    for k, (n, layers) in enumerate([(250, (32, 32)), (2000, (96,))], seed):
        yield draw("mnist", k, small_images(), n, steps=2000, hidden=layers, kind=f"{n} rows", **usual)
    for k, (n, layers) in enumerate([(300, (128,)), (2000, (32, 32))], seed):
        yield draw(
            "mnist1d", k, one_dimensional(), n, steps=3000, hidden=layers, batch=64, kind=f"{n} rows", **usual
        )
    for k, (n, layers) in enumerate([(1000, (96,)), (10000, (32, 32))], seed):
        yield draw("letters", k, letters(k), n, steps=3000, hidden=layers, kind=f"{n} places", **usual)
    for k, (pool, n) in enumerate([(digits(), 150), (small_images(), 800)], seed):
        yield draw(
            "too fast", k, pool, n, 10, 1200, (96,), batch=16, lr=(0.02, 10.0), rule="sgd", decays=(0.0, 1e-3),
            schedules=("constant", "cosine"),
        )  # fmt: skip


def _families(seed: int) -> Iterator[Cohort]:
    for k, (of, share) in enumerate([("S4", 0.5), ("S4", 0.7), ("D10", 0.6)], seed):
        pool = _group(of)
        n = int(share * len(pool[1]))
        yield draw(
            "groups", k, pool, n, 10, 2500, (96,), batch=n, lr=(3e-3, 2e-2), decays=(0.0, 0.3, 1.0, 2.0),
            schedules=("constant",), inits=(0.7, 1.5), kind=of, activation="square" if k % 2 else "relu",
        )  # fmt: skip
    for k, (n, noise) in enumerate([(60, 0.05), (200, 0.1), (600, 0.2)], seed):
        yield draw("spirals", k, _spirals(k, noise), n, 12, 3000, (48, 48), kind=f"{n} rows", noise=noise / 2)
    for k, (n, noise) in enumerate([(100, 0.2), (300, 0.3), (600, 0.2)], seed):
        x, y, classes = digits()
        moved = x.reshape(-1, 8, 8).roll(1, 2).reshape(-1, 64)
        moved = moved + noise * torch.from_numpy(stream(k, "shifted").standard_normal(x.shape)).float()
        cohort = draw(
            "shifted digits",
            k,
            (torch.cat([x, x]), y.repeat(2), classes),
            n,
            12,
            2500,
            (64,),
            kind=f"{n} rows",
        )
        yield _tested_elsewhere(cohort, torch.cat([x, moved]), k)


def _tested_elsewhere(cohort: Cohort, x: torch.Tensor, seed: int) -> Cohort:
    """The cohort on the pool x [2n d]: its train rows from the first half, its test and fresh rows from other places of the second."""
    half, n = len(x) // 2, cohort.rows["train"].shape[1]
    rng = stream(seed, "watch runs", "shifted digits", "places")
    order = torch.from_numpy(np.stack([rng.permutation(half) for _ in range(len(cohort.lr))]))
    y = torch.from_numpy(np.asarray(digits()[1]))
    places = {"train": (0, n), "test": (n, n + 500), "fresh": (n + 500, n + 1000)}
    rows = {split: order[:, a:b] for split, (a, b) in places.items()}
    labels = {split: y[of] for split, of in rows.items()}
    rows = {split: of + (0 if split == "train" else half) for split, of in rows.items()}
    return Cohort(**{**vars(cohort), "x": x, "rows": rows, "labels": labels})


def _group(name: str) -> Pool:
    """All pairs of elements of S4 (24) or of the dihedral group of a decagon (20), one-hot; the label is their product."""
    n = int(name[1:])
    if name[0] == "S":
        elements = list(itertools.permutations(range(n)))
    else:
        elements = [tuple((s * i + k) % n for i in range(n)) for s in (1, -1) for k in range(n)]
    number = {e: i for i, e in enumerate(elements)}
    m = len(elements)
    a, b = torch.arange(m * m) // m, torch.arange(m * m) % m
    product = [number[tuple(elements[i][j] for j in elements[k])] for i in range(m) for k in range(m)]
    return torch.cat([F.one_hot(a, m), F.one_hot(b, m)], 1).float(), torch.tensor(product), m


def _spirals(seed: int, noise: float) -> Pool:
    """2,400 points of two spirals of 1.5 turns, each coordinate moved by Gaussian noise."""
    rng = stream(seed, "spirals")
    y = rng.integers(0, 2, 2400)
    t = 3 * np.pi * np.sqrt(rng.random(2400))
    x = np.stack([np.cos(t + np.pi * y), np.sin(t + np.pi * y)], 1) * (t / (3 * np.pi))[:, None] * 2
    return torch.tensor(x + noise * rng.standard_normal(x.shape), dtype=torch.float32), torch.from_numpy(y), 2
