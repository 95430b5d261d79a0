"""The families of training runs on which the forecaster of `heldout.watch` is measured, as cohorts of replicas.

    modular        arithmetic mod 13, 17, 19, 23: groks, half groks or never, by decay and share
    parity         3 hidden bits of 16 to 24: the same
    label noise    digits with 15% to 40% of the training labels drawn anew, wide nets: rises, falls again, or stays
    shuffled       digits and teachers with all labels drawn anew: nothing to learn
    few digits     40 to 300 handwritten digits
    tables         30 to 100 rows of wine, breast cancer, iris
    teacher        a Gaussian teacher net with noise, 60 to 8,000 rows
    mnist          100 to 3,000 images, 14 x 14
    mnist1d        500 to 2,500 rows
    letters        the next letter of English text after four, 500 to 20,000 places
    too fast       digits, teachers and mnist1d at learning rates up to divergence, momentum

Learning rate, decay, first weights and schedule are drawn for every replica (`draw`).
`first` is the number of a family's first cohort, from which its draws come: 0 for the runs of the fit.
"""

from __future__ import annotations

import pydoc_data.topics
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from torch import Tensor
from torch.nn import functional as F

from bench.watch_training import Cohort
from heldout.core.streams import stream
from heldout.tasks.mnist1d import mnist1d
from heldout.tasks.mnist5k import mnist5k

Pool = tuple[Tensor, Tensor, int]


def cohorts(only: list[str] | None = None, first: int = 0) -> Iterator[Cohort]:
    """All cohorts, family by family."""
    for name, make in FAMILIES.items():
        if only is None or name in only:
            yield from make(name, first)


def draw(
    family: str, seed: int, pool: Pool, n: int, replicas: int, steps: int, hidden: tuple[int, ...],
    batch: int = 32, lr: tuple[float, float] = (3e-4, 1e-2), decays: tuple[float, ...] = (0.0, 0.0, 0.01, 0.1, 1.0),
    noise: float = 0.0, schedules: tuple[str, ...] = ("constant", "constant", "constant", "cosine", "drop"),
    inits: tuple[float, float] = (0.5, 2.0), split: tuple[int, int] | None = None, kind: str = "", **others: Any,
) -> Cohort:  # fmt: skip
    """A cohort with rows drawn without replacement for every replica; `noise`: share of training labels drawn anew."""
    x, y, classes = pool
    rng = stream(seed, "watch runs", family)
    left = len(y) - n
    m, f = split or (min(512, left // 2), min(500, left - left // 2))
    order = torch.from_numpy(np.stack([rng.permutation(len(y)) for _ in range(replicas)]))
    rows = {"train": order[:, :n], "test": order[:, n : n + m], "fresh": order[:, n + m : n + m + f]}
    labels = {name: y[of] for name, of in rows.items()}
    if noise:
        anew = torch.from_numpy(rng.random((replicas, n)) < noise)
        labels["train"] = torch.where(
            anew, torch.from_numpy(rng.integers(0, classes, (replicas, n))), labels["train"]
        )
    rates, scales = (np.exp(rng.uniform(*np.log(ends), replicas)) for ends in (lr, inits))
    decay, schedule = rng.choice(decays, replicas), rng.choice(schedules, replicas)
    said = [
        {
            "rows": n,
            "lr": round(float(rates[k]), 6),
            "decay": float(decay[k]),
            "schedule": str(schedule[k]),
            "noise": noise,
        }
        for k in range(replicas)
    ]
    return Cohort(
        family, [kind or family] * replicas, x, rows, labels, classes, hidden, steps, batch,
        torch.tensor(rates, dtype=torch.float32), torch.tensor(decay, dtype=torch.float32),
        torch.tensor(scales, dtype=torch.float32), [str(s) for s in schedule], seed=seed, said=said, **others,
    )  # fmt: skip


def _modular(name: str, first: int) -> Iterator[Cohort]:
    operations: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "add": lambda a, b: a + b, "multiply": lambda a, b: a * b, "squares": lambda a, b: a * a + b * b,
    }  # fmt: skip
    cases = [
        (13, "add", 0.6, "square"), (17, "add", 0.5, "square"), (17, "multiply", 0.6, "square"), (17, "add", 0.7, "relu"),
        (19, "add", 0.4, "square"), (19, "squares", 0.7, "square"), (23, "add", 0.5, "square"),
    ]  # fmt: skip
    for seed, (p, operation, share, activation) in enumerate(cases, first):
        a, b = torch.arange(p * p) // p, torch.arange(p * p) % p
        pool = torch.cat([F.one_hot(a, p), F.one_hot(b, p)], 1).float(), operations[operation](a, b) % p, p
        n = int(share * p * p)
        yield draw(
            name, seed, pool, n, 12, 2500, (64,), batch=n, lr=(5e-3, 2e-2), decays=(0.0, 0.3, 1.0, 1.0, 2.0),
            schedules=("constant",), inits=(0.7, 1.5), kind=f"{operation} mod {p}", activation=activation,
        )  # fmt: skip


def _parity(name: str, first: int) -> Iterator[Cohort]:
    for seed, (bits, hidden, n) in enumerate(
        [(16, 3, 400), (20, 3, 700), (24, 3, 900), (20, 2, 250), (18, 4, 900)], first
    ):
        x = torch.from_numpy(stream(seed, "parity").integers(0, 2, (n + 1500, bits))).float() * 2 - 1
        y = (x[:, :hidden] > 0).sum(1) % 2
        yield draw(
            name, seed, (x, y, 2), n, 10, 3000, (48,), batch=64, lr=(1e-3, 6e-3), decays=(0.0, 0.1, 0.3, 1.0),
            schedules=("constant", "constant", "cosine"), kind=f"{hidden} of {bits} bits",
        )  # fmt: skip


def _label_noise(name: str, first: int) -> Iterator[Cohort]:
    for seed, (n, share, width) in enumerate(
        [(300, 0.2, 100), (600, 0.3, 160), (900, 0.15, 100), (600, 0.4, 60)], first
    ):
        yield draw(name, seed, digits(), n, 12, 3000, (width,), noise=share, lr=(5e-4, 1e-2))


def _shuffled(name: str, first: int) -> Iterator[Cohort]:
    for seed, (pool, n) in enumerate([(digits(), 200), (digits(), 800), (teacher(7 + first), 300)], first):
        yield draw(name, seed, pool, n, 12, 1500, (64,), noise=1.0)


def _few_digits(name: str, first: int) -> Iterator[Cohort]:
    for seed, (n, layers) in enumerate([(40, (64,)), (100, (64,)), (200, (48, 48)), (300, (64,))], first):
        yield draw(name, seed, digits(), n, 12, 2500, layers)


def _tables(name: str, first: int) -> Iterator[Cohort]:
    cases = [("wine", 40), ("wine", 80), ("breast_cancer", 60), ("breast_cancer", 100), ("iris", 30)]
    for seed, (kind, n) in enumerate(cases, first):
        yield draw(name, seed, table(kind), n, 10, 1500, (32,), batch=16, kind=kind)


def _teachers(name: str, first: int) -> Iterator[Cohort]:
    for seed, n in enumerate((60, 250, 1000, 4000, 8000), first):
        yield draw(name, seed, teacher(seed), n, 12, 3000, (48,), kind=f"{n} rows")


def _mnist(name: str, first: int) -> Iterator[Cohort]:
    for seed, n in enumerate((100, 500, 1500, 3000), first):
        yield draw(name, seed, small_images(), n, 12, 2000, (48,), kind=f"{n} rows")


def _mnist1d(name: str, first: int) -> Iterator[Cohort]:
    for seed, n in enumerate((500, 1500, 2500), first):
        yield draw(name, seed, one_dimensional(), n, 12, 3000, (64,), kind=f"{n} rows")


def _letters(name: str, first: int) -> Iterator[Cohort]:
    pool = letters(first)
    for seed, n in enumerate((500, 2000, 6000, 20000), first):
        yield draw(name, seed, pool, n, 10, 3000, (48,), batch=64, lr=(1e-3, 1e-2), kind=f"{n} places")


def _too_fast(name: str, first: int) -> Iterator[Cohort]:
    for seed, (pool, n) in enumerate(
        [(digits(), 300), (teacher(9 + first), 500), (one_dimensional(), 1500)], first
    ):
        yield draw(
            name,
            seed,
            pool,
            n,
            14,
            1200,
            (48,),
            lr=(0.05, 5.0),
            rule="sgd",
            decays=(0.0,),
            schedules=("constant", "drop"),
        )


def digits() -> Pool:
    x, y = load_digits(return_X_y=True)
    return torch.tensor(x / 16.0, dtype=torch.float32), torch.tensor(y), 10


def small_images() -> Pool:
    """5,000 images of MNIST, 14 x 14."""
    task = mnist5k(4000)
    x, y = torch.cat([task.train.x, task.test.x]), torch.cat([task.train.y, task.test.y])
    return F.avg_pool2d(x.reshape(-1, 1, 28, 28), 2).reshape(-1, 196), y, 10


def table(name: str) -> Pool:
    """A table of scikit-learn's, its columns standardized."""
    load = {"wine": load_wine, "breast_cancer": load_breast_cancer, "iris": load_iris}[name]
    x, y = load(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y), int(y.max()) + 1


def letters(seed: int) -> Pool:
    """24,000 places in an English text: four letters one-hot, and the next one."""
    text = re.sub("[^a-z]+", " ", " ".join(pydoc_data.topics.topics.values()).lower())
    codes = torch.tensor([ord(c) - 96 if c != " " else 0 for c in text])
    starts = torch.from_numpy(stream(seed, "letters").choice(len(codes) - 4, 24000, replace=False))
    context = torch.stack([codes[starts + k] for k in range(4)], 1)
    return F.one_hot(context, 27).reshape(-1, 108).float(), codes[starts + 4], 27


def one_dimensional() -> Pool:
    task = mnist1d()
    return torch.cat([task.train.x, task.test.x]).float(), torch.cat([task.train.y, task.test.y]), 10


def teacher(seed: int) -> Pool:
    """9,600 Gaussian inputs of 20 numbers; labels by a net of 8 hidden units, 5% of them drawn anew."""
    rng = stream(seed, "teacher")
    x = rng.standard_normal((9600, 20))
    z = np.tanh(x @ rng.standard_normal((20, 8))) @ rng.standard_normal((8, 3))
    y = np.where(rng.random(9600) < 0.05, rng.integers(0, 3, 9600), z.argmax(1))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y), 3


FAMILIES: dict[str, Callable[[str, int], Iterator[Cohort]]] = {
    "modular": _modular, "parity": _parity, "label noise": _label_noise, "shuffled": _shuffled, "few digits": _few_digits,
    "tables": _tables, "teacher": _teachers, "mnist": _mnist, "mnist1d": _mnist1d, "letters": _letters, "too fast": _too_fast,
}  # fmt: skip
