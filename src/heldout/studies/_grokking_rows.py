"""What a cell of `grokking` runs: rows of seeds, branches from a checkpoint, and counts of every pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

P, HIDDEN = 31, 64
CHECKPOINT = 100


def rows_of(cell: dict[str, Any], seen: Any, frequencies: list[list[int]] | None) -> Iterator[dict[str, Any]]:
    """One row a seed; the first 4 seeds of a fast or tied cell keep their curves, at 40 looks evenly spaced in log steps."""
    from heldout.stats.regime_judge import reached

    steps = list(seen.steps)
    kept = sorted(
        {int(np.abs(np.array(steps) - s).argmin()) for s in np.geomspace(max(1, steps[1]), steps[-1], 40)}
    )
    for k, seed in enumerate(cell["seeds"]):
        row: dict[str, Any] = {
            "part": cell["part"],
            "seed": seed,
            "steps": cell["steps"],
            "branch": cell.get("branch"),
        }
        if bool(seen.diverged[k]):
            yield {**row, "status": "diverged"}
            continue
        train, test, norm = (a[:, k].tolist() for a in (seen.train, seen.test, seen.norm))
        fit, general = reached(steps, train), reached(steps, test)
        low = None
        if cell["part"] == "tied":  # the published threshold is of cross-entropy / 67
            low = next((s for s, v in zip(steps, seen.test_loss[:, k].tolist()) if v / 67 < 1e-3), None)
        row |= {
            "status": "ok",
            "fit": fit,
            "general": general,
            "low_loss": low,
            "test": round(test[-1], 4),
            "train": round(train[-1], 4),
        }
        row |= {
            "test_at_fit": None if fit is None else round(test[steps.index(fit)], 4),
            "norm": round(norm[-1], 3),
        }
        if frequencies is not None:
            row["frequencies"] = frequencies[k]
            row["norm_at_fit"] = None if fit is None else round(norm[steps.index(fit)], 3)
        if frequencies is not None and k < 4 and seed % 1000 < 16:
            row["curve"] = {
                "step": [steps[i] for i in kept],
                **{
                    key: [round(v[i], 3) for i in kept]
                    for key, v in (("train", train), ("test", test), ("norm", norm))
                },
            }
        yield row


def transformer_curves(seeds: list[int], steps: int) -> tuple[Any, list[list[int]]]:
    """The p = 113 transformer on 30% of all pairs, and the frequencies of its hidden units (through the heads' values at even attention)."""
    import torch

    from heldout.learners.adamw import adamw
    from heldout.learners.curves import curves
    from heldout.nets.modular_transformer import ModularTransformer
    from heldout.tasks.modular import modular, stack

    p = 113
    net, tasks = ModularTransformer(p), [modular(p, "add", 0.3, s) for s in seeds]
    train, test = (stack([getattr(t, k) for t in tasks], lambda x, _: x, p) for k in ("train", "test"))
    start = torch.cat([net.start(s, [0]) for s in seeds])
    looks = [*range(0, min(1000, steps), 50), *range(1000, steps + 1, 250)]
    seen = curves(net, start, adamw(1e-3, 1.0), train, test, looks)
    w = net.layout.unflatten(seen.state.thetas)
    inside = (w["E"][:, :p] @ w["V"] @ w["O"] @ w["W1"]).numpy()
    outside = (w["W2"] @ w["U"])[..., :p].mT.numpy()
    return seen, [frequencies_of(inside[k], outside[k]) for k in range(len(seeds))]


def branch_curves(
    name: str, net: Any, start: Any, train: Any, test: Any, steps: int, at: Any = None, look: Any = None
) -> Any:
    """The curves after the checkpoint of one branch of the fast recipe, at every tenth step or at the steps `at`."""
    import torch

    from heldout.core.batch import Batch
    from heldout.learners.adamw import adamw
    from heldout.learners.branches import branch
    from heldout.learners.curves import curves

    here = curves(net, start, adamw(1e-2, 1.0), train, test, [0, CHECKPOINT]).state
    if name.startswith("cut"):
        here = here._replace(thetas=_without_frequencies(net, here.thetas, strongest=name == "cut strongest"))
    if name == "more data":
        extra = test.y.shape[1] * 2 // 5  # 70% of all pairs instead of 50%
        train = Batch(*(torch.cat([a, b[:, :extra]], 1) for a, b in zip(train[:2], test[:2])))
        test = Batch(*(b[:, extra:] for b in test[:2]))
    kind = "as it was" if name.startswith("cut") or name == "more data" else name
    learner, state = branch(kind, here, 1e-2, 1.0, [2 * P * HIDDEN, HIDDEN * P])
    looks = list(range(CHECKPOINT, steps + 1, 10)) if at is None else at
    return curves(net, state, learner, train, test, looks, look=look)


def _without_frequencies(net: Any, thetas: Any, strongest: bool, count: int = 5) -> Any:
    """Weights without the 5 of 15 frequencies with most (least) power over all weights of a replica."""
    import torch

    parts = net.layout.unflatten(thetas)
    a, b, out = parts["W1"][:, :P].mT, parts["W1"][:, P:].mT, parts["W2"]
    spectra = [torch.fft.rfft(w, dim=-1) for w in (a, b, out)]
    power = torch.stack([s.abs().square().sum(1) for s in spectra]).sum(0)[:, 1:]
    cut = power.argsort(1, descending=strongest)[:, :count] + 1
    keep = torch.ones(len(thetas), 1, P // 2 + 1)
    keep.scatter_(2, cut.unsqueeze(1), 0.0)
    a, b, out = (torch.fft.irfft(s * keep, n=P, dim=-1) for s in spectra)
    return net.layout.flatten({"W1": torch.cat([a.mT, b.mT], 1), "W2": out})


def pair_counts(pairs: np.ndarray, trained: int, right: dict[int, Any], steps: int) -> dict[str, Any]:
    """For every pair, in how many of the cell's runs it was a training pair, and of those (and of the others) right."""
    row: dict[str, Any] = {"part": "pairs", "status": "ok", "runs": len(pairs)}
    seen = np.zeros(P * P, int)
    np.add.at(seen, pairs[:, :trained].ravel(), 1)
    row["trained"] = "".join(map(str, seen))
    for name, step in (("before", CHECKPOINT), ("after", steps)):
        for key, part in (("in", slice(None, trained)), ("out", slice(trained, None))):
            hits = np.zeros(P * P, int)
            np.add.at(hits, pairs[:, part].ravel(), right[step][:, part].ravel())
            row[f"{name}_{key}"] = "".join(map(str, hits))
    return row


def frequencies_of(w_in: np.ndarray, w_out: np.ndarray) -> list[int]:
    from heldout.measures.fourier_neurons import fourier_neurons

    return fourier_neurons(w_in, w_out).frequencies()
