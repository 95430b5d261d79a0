"""The fits of `svm_or_net`: RBF machines one by one, nets of 128 ReLU units as one population, 12 settings each.

Both are tuned by the same three inner folds of the same training rows, standardized on what is fitted. A setting of the net is a
weight decay and a number of steps (AdamW, lr 6e-3, batches of 128): a run is looked at after 5%, 15%, 50% and 100% of its
steps, and each look counts as a setting.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from heldout.core.streams import stream
from heldout.learners.adamw import adamw
from heldout.nets.two_layer import TwoLayer

MACHINES = tuple((C, gamma) for C in (0.3, 1.0, 3.0, 10.0) for gamma in (0.05, 0.2, 1.0))
DECAYS, LOOKS = (0.0, 0.3, 1.0), (0.05, 0.15, 0.5, 1.0)
HIDDEN, BATCH, OUTER, INNER = 128, 128, 5, 3
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Split = tuple[Ints, Ints]


def folds(y: Ints, k: int, seed: int, *names: str | int) -> list[Split]:
    """k stratified splits (train rows, test rows); classes with fewer than k rows are spread as far as they go."""
    import warnings

    draw = int(stream(seed, "folds", *names).integers(2**31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return list(StratifiedKFold(k, shuffle=True, random_state=draw).split(np.zeros(len(y)), y))


def shuffled(y: Ints, cluster: Ints, seed: int) -> Ints:
    """Labels given to other clusters of equal rows at random, so that copies of a row go on sharing a label."""
    _, first, at = np.unique(cluster, return_index=True, return_inverse=True)
    return np.asarray(y[first][stream(seed, "shuffled").permutation(len(first))][at.reshape(-1)])


def standardized(x: Floats, split: Split) -> tuple[Floats, Floats]:
    """Training and test rows in units of the training rows."""
    train, test = x[split[0]], x[split[1]]
    mean, std = train.mean(0), train.std(0)
    return (train - mean) / std, (test - mean) / std


def machine(x: Floats, y: Ints, split: Split, setting: tuple[float, float] | None) -> tuple[float, float]:
    """Train and test accuracy; no setting: scikit-learn's defaults."""
    train, test = standardized(x, split)
    model = SVC() if setting is None else SVC(C=setting[0], gamma=setting[1])
    model.fit(train, y[split[0]])
    return float(model.score(train, y[split[0]])), float(model.score(test, y[split[1]]))


def nets(x: Floats, splits: list[Split], y: Ints, steps: int, seed: int, name: str) -> Floats:
    """Train and test accuracy [s decay look 2] of nets on s splits; one population.

    The training rows are cut to the shortest of the splits (a row or two), so that all nets take equal batches.
    """
    n = min(len(train) for train, _ in splits)
    parts = [standardized(x, split) for split in splits]
    kept = [stream(seed, name, "rows", k).permutation(len(p[0]))[:n] for k, p in enumerate(parts)]
    inputs = torch.tensor(np.stack([p[0][rows] for p, rows in zip(parts, kept)]), dtype=torch.float32)
    answers = torch.tensor(np.stack([y[split[0]][rows] for split, rows in zip(splits, kept)]))
    held = [torch.tensor(p[1], dtype=torch.float32) for p in parts]
    truth = [torch.tensor(y[split[1]]) for split in splits]
    s, d = len(splits), len(DECAYS)
    owner = torch.arange(s).repeat_interleave(d)  # replica = split x decay
    net = TwoLayer(x.shape[1], HIDDEN, int(y.max()) + 1, "relu", bias=True)
    learner = adamw(6e-3, torch.tensor(DECAYS).repeat(s)[:, None])
    state = learner.init(net.start(seed, range(s * d)))
    batches = n // BATCH
    scores = np.full((s, d, len(LOOKS), 2), np.nan)
    order = torch.zeros(0)
    looks = [round(share * steps) for share in LOOKS]
    for step in range(steps):
        if step % batches == 0:
            order = torch.from_numpy(stream(seed, name, "order", step).permutation(n))
        rows = order[(step % batches) * BATCH : (step % batches + 1) * BATCH]
        # The copies of a split's rows are made for each decay: a batch is small.
        _, slope = net.gradient(state.thetas, inputs[:, rows][owner], answers[:, rows][owner])
        state = learner.step(state, slope)
        if step + 1 in looks:
            look = looks.index(step + 1)
            for k in range(s):
                mine = state.thetas[k * d : (k + 1) * d]
                for side, (data, said) in enumerate(((inputs[k], answers[k]), (held[k], truth[k]))):
                    z = net.logits(mine, data.expand(d, -1, -1))
                    hit = (z.argmax(-1) == said).double().mean(1)
                    scores[k, :, look, side] = torch.where(z.isfinite().all(2).all(1), hit, torch.nan).numpy()
    return scores


def outer(x: Floats, y: Ints, cluster: Ints, seed: int, only: int, steps: int) -> list[dict[str, Any]]:
    """One row for each of the first `only` of 5 outer folds: what each side chose and scored."""
    splits = folds(y, OUTER, seed, "outer")[:only]
    false = shuffled(y, cluster, seed)
    within = [
        [(train[a], train[b]) for a, b in folds(y[train], INNER, seed, k)]
        for k, (train, _) in enumerate(splits)
    ]
    flat = [pair for pairs in within for pair in pairs]
    tuned = nets(x, flat, y, steps, seed, "inner")[..., 1].reshape(len(splits), INNER, -1).mean(1)
    final = nets(x, splits, y, steps, seed, "final").reshape(len(splits), -1, 2)
    fooled = nets(x, splits, false, steps, seed, "shuffled").reshape(len(splits), -1, 2)
    found = []
    for k, split in enumerate(splits):
        if not np.isfinite(tuned[k]).any():
            found.append(
                {"fold": k, "status": "diverged", "reason": "no net of the 12 settings stayed finite"}
            )
            continue
        pick = int(np.nanargmax(tuned[k]))
        inner = [np.mean([machine(x, y, pair, m)[1] for pair in within[k]]) for m in MACHINES]
        best = MACHINES[int(np.argmax(inner))]
        commonest = np.bincount(y[split[0]]).argmax()
        sides = {
            "SVM": (machine(x, y, split, best), machine(x, false, split, best), machine(x, y, split, None)),
            "net": (final[k, pick], fooled[k, pick], final[k, len(LOOKS) - 1]),
        }
        row: dict[str, Any] = {"fold": k, "status": "ok", "n": len(split[0]), "m": len(split[1])}
        row["constant"] = round(float((y[split[1]] == commonest).mean()), 6)
        row["chosen"] = {
            "SVM": list(best),
            "net": [DECAYS[pick // len(LOOKS)], round(LOOKS[pick % len(LOOKS)] * steps)],
        }
        for side, scores in sides.items():
            row[side] = {
                kind: [round(float(v), 6) for v in pair]
                for kind, pair in zip(("tuned", "shuffled", "untuned"), scores)
            }
        found.append(row)
    return found
