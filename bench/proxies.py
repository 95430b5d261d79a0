"""How good the proxies are on nets whose gaps are known to .002: `python -m bench.proxies [--quick] [--csv FILE]`.

Students of one hidden ReLU layer learn a random teacher net (20 inputs, 4 classes) from n rows, to a cross-entropy below .03,
on a grid of width, learning rate, batch size and n; each gap is measured on 50,000 new rows. Every measure is scored as
`heldout proxies` does, beside the null 1/n. --quick: one batch size and one learning rate. --csv keeps the table. --geometry:
the effective dimension and the learning coefficient as well.
"""

from __future__ import annotations

import argparse
import copy
import csv
import itertools
import math
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.streams import stream, torch_seed
from heldout.core.subject import Subject
from heldout.measures.ascent_sharpness import ascent_sharpness
from heldout.measures.effective_dimension import effective_dimension
from heldout.measures.flatness import flatness
from heldout.measures.llc import llc
from heldout.measures.margins import inverse_margin
from heldout.measures.norms import norms, path_norm
from heldout.measures.pac_bayes_measures import pac_bayes_measures
from heldout.measures.proxies import ProxyTable
from heldout.plain import print_proxies

TEST, HYPER, ENOUGH = 50_000, ("width", "lr", "batch", "n"), 0.03


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="one learning rate and batch size")
    options.add_argument("--csv", type=Path, default=None, help="keep the table of models here")
    options.add_argument(
        "--geometry",
        action="store_true",
        help="effective dimension and learning coefficient as well: minutes a net",
    )
    chosen = options.parse_args()
    torch.set_num_threads(1)
    lrs, batches = ((0.1,), (64,)) if chosen.quick else ((0.05, 0.2), (32, 128))
    begun = time.perf_counter()
    x_test, y_test = draw("test", TEST)
    rows = []
    for width, lr, batch, n, seed in itertools.product((16, 64, 256), lrs, batches, (150, 400, 1000), (0, 1)):
        row = student(width, lr, batch, n, seed, x_test, y_test, chosen.geometry)
        if row is not None:
            rows.append(row)
    path = chosen.csv or Path(tempfile.mkdtemp()) / "proxies.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    gaps = sorted(float(row["gap"]) for row in rows)
    sys.stdout.write(
        f"{len(rows)} nets trained and measured in {time.perf_counter() - begun:.0f} s; gaps {gaps[0]:.3f} to {gaps[-1]:.3f}\n"
    )
    print_proxies(ProxyTable.read(path, HYPER))


def draw(name: str, n: int) -> tuple[Tensor, Tensor]:
    """n rows of the teacher."""
    rng = stream(0, "teacher net")
    first, second = rng.normal(size=(20, 8)), rng.normal(size=(8, 4))
    x = stream(0, "rows", name).normal(size=(n, 20))
    scores = abs(x @ first) @ second
    scores -= (abs(stream(0, "rows", "centre").normal(size=(5000, 20)) @ first) @ second).mean(0)
    return torch.from_numpy(x).float(), torch.from_numpy(scores.argmax(1))


def student(
    width: int, lr: float, batch: int, n: int, seed: int, x_test: Tensor, y_test: Tensor, geometry: bool
) -> dict[str, float] | None:
    """One trained net as a row of the table; None where it did not reach the cross-entropy."""
    x, y = draw(f"train {n} {seed}", n)
    torch.manual_seed(torch_seed(seed, "student", width))
    net = nn.Sequential(nn.Linear(20, width), nn.ReLU(), nn.Linear(width, 4))
    start = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    steps, loss_now = 0, math.inf
    for epoch in range(2000):
        order = torch.from_numpy(stream(seed, "order", width, epoch).permutation(n))
        for part in order.split(batch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[part]), y[part]).backward()
            optimizer.step()
            steps += 1
        with torch.no_grad():
            loss_now = float(nn.functional.cross_entropy(net(x), y))
        if loss_now < ENOUGH or not math.isfinite(loss_now):
            break
    if not loss_now < ENOUGH:
        return None
    with torch.no_grad():
        logits = net(x)
        train = float((logits.argmax(1) == y).double().mean())
        test = float((net(x_test).argmax(1) == y_test).double().mean())
    sizes = norms(net, start)
    row: dict[str, float] = {
        "width": width,
        "lr": lr,
        "batch": batch,
        "n": n,
        "gap": train - test,
        "n_test": TEST,
    }
    row |= {
        name: value / n if not name.startswith("log ") else value - math.log(n)
        for name, value in sizes.items()
    }
    row["path norm"] = path_norm(net, x) / n
    row["inverse margin"] = inverse_margin(logits, y) / n
    for name, aware in (("flatness", False), ("magnitude-aware flatness", True)):
        try:
            found = flatness(net, x, y, magnitude_aware=aware)
            row[name] = found.measure / n
        except Withheld:
            row[name] = ""  # type: ignore[assignment]
        else:
            if not aware:
                row |= {k: v / n for k, v in pac_bayes_measures(net, start, found.noise_std, n).items()}
        try:
            row[f"{name} by ascent"] = ascent_sharpness(net, x, y, magnitude_aware=aware) / n
        except Withheld:
            row[f"{name} by ascent"] = ""  # type: ignore[assignment]
    row["steps to the loss"] = steps
    if not geometry:
        return row
    subject = Subject.from_torch(net, (x, y), loss="cross_entropy")
    for name, measure in (("effective dimension", _dimension), ("learning coefficient", _llc)):
        try:
            estimate = measure(subject)
            row[name] = float(estimate.value) / n if estimate.ok else ""  # type: ignore[assignment]
        except Withheld:
            row[name] = ""  # type: ignore[assignment]
    return row


def _dimension(subject: Subject) -> Estimate:
    """Of the Hessian of the mean loss at alpha = 1/n, that of a standard normal prior."""
    return effective_dimension(subject, alpha=1.0 / len(subject.train.y), deflate=20, probes=4, steps=12)


def _llc(subject: Subject) -> Estimate:
    return llc(subject)


if __name__ == "__main__":
    main()
