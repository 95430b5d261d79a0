"""Curvature beside the routes everyone writes: `python -m bench.curvature [--quick]`.

Speed: milliseconds a Hessian-vector product, and ratios, all routes in one process with one thread, one after the other in
every repetition; a ratio is the median over repetitions of the ratio within a repetition. curvlinops, hessian-eigenthings and PyHessian
take part where they are installed. Estimators: the error of traces and densities of a trained 760-parameter network whose Hessian is known exactly,
beside plain textbook versions written here. Then effective dimension with true and random labels, and two seeds of one
network joined by a line and by a curve.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import itertools
import math
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.stats import kstest, wasserstein_distance
from scipy.stats import t as student
from torch import Tensor, nn
from torch.nn import functional as F

from heldout.core.krylov import probes
from heldout.core.operator import Operator
from heldout.core.quadrature import quadrature
from heldout.core.second_order import Matrix, second_order
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.measures.effective_dimension import effective_dimension
from heldout.measures.mode_connectivity import mode_connectivity
from heldout.measures.spectral_density import spectral_density
from heldout.measures.trace import trace

CURVLINOPS = "curvlinops H @ v"


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--quick", action="store_true", help="fewer repetitions and seeds; no networks but the first"
    )
    options.add_argument("--part", choices=["routes", "speed", "estimators", "published"], action="append")
    chosen = options.parse_args()
    torch.set_num_threads(1)
    parts = chosen.part or ["routes", "speed", "estimators", *([] if chosen.quick else ["published"])]
    if "routes" in parts:
        _routes()
    if "speed" in parts:
        _speed("MLP 64-128-128-10", _mlp(), _digits(), 3 if chosen.quick else 7)
        _speed("transformer, 8 tokens, width 32", _Tokens(), _digits(300), 3 if chosen.quick else 7)
    if "estimators" in parts:
        for steps in (300,) if chosen.quick else (300, 40):
            _estimators(steps, 50 if chosen.quick else 200)
    if "published" in parts:
        _effective_dimensions()
        _paths()


def _digits(n: int = 1797, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return torch.from_numpy(x[:n] / 16.0).to(dtype), torch.from_numpy(y[:n])


def _mlp() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 10))


class _Tokens(nn.Module):
    """One encoder layer over the eight rows of a digit."""

    def __init__(self, width: int = 32, heads: int = 4, hidden: int = 128) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Linear(8, width)
        self.layer = nn.TransformerEncoderLayer(
            width, heads, hidden, dropout=0.1, batch_first=True, activation="gelu"
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.embed(x.reshape(-1, 8, 8))).mean(1))


def _routes() -> None:
    """The relative error of each way to one product, float64, against reverse mode over reverse mode."""
    layer_norm = nn.Sequential(nn.Linear(64, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 10))
    for name, model in (("MLP with affine LayerNorm", layer_norm), ("transformer layer", _Tokens(8, 2, 8))):
        torch.manual_seed(0)
        for w in model.parameters():
            w.data += 0.3 * torch.randn_like(w)
        data = _digits(100, torch.float64)
        subject = Subject.from_torch(model.double(), data)
        assert subject.thetas is not None
        theta = subject.thetas[0]
        v = probes(len(theta), 1, 0, "routes")[0]

        def loss(at: Tensor, subject: Subject = subject) -> Tensor:
            assert subject.loss is not None
            return subject.loss(at, subject.train).mean()

        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            leaf = theta.clone().requires_grad_()
            (g,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)
            (truth,) = torch.autograd.grad(g @ v, leaf)
            linear = torch.func.linearize(torch.func.grad(loss), theta)[1]
            calls = [linear(v).clone() for _ in range(3)]
            found = {
                "jvp(grad)": torch.func.jvp(torch.func.grad(loss), (theta,), (v,))[1],
                "jvp(jacrev)": torch.func.jvp(torch.func.jacrev(loss), (theta,), (v,))[1],
                "torch.func.linearize(grad), call 1": calls[0],
                "torch.func.linearize(grad), call 2": calls[1],
                "torch.func.linearize(grad), call 3": calls[2],
            }
        peer = _peer_product(model, data, v)
        if peer is not None:
            found["curvlinops H @ v"] = peer
        ours = second_order(subject)
        found["heldout, forward route, call 3"] = [ours(v.unsqueeze(0))[0] for _ in range(3)][-1]
        _say(f"\n{name}, {len(theta)} parameters, float64: relative error of one Hessian-vector product")
        for route, product in found.items():
            _say(f"  {route:40}{float((product - truth).norm() / truth.norm()):.1e}")


def _peer_product(model: nn.Module, data: tuple[Tensor, Tensor], v: Tensor) -> Tensor | None:
    try:
        peer = importlib.import_module("curvlinops")
    except ImportError:
        return None
    params = {name: w for name, w in model.named_parameters() if w.requires_grad}
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        operator = peer.HessianLinearOperator(
            model.eval(), nn.CrossEntropyLoss(), list(params.values()), [data], check_deterministic=False
        )
        return torch.as_tensor(operator @ v).detach()


def _speed(name: str, model: nn.Module, data: tuple[Tensor, Tensor], repetitions: int) -> None:
    x, y = data
    subject = Subject.from_torch(model, data)
    assert subject.thetas is not None
    start = time.perf_counter()
    ours = second_order(subject)
    built = time.perf_counter() - start
    kept = second_order(subject, Matrix(route="backward"))
    p = subject.thetas.shape[1]
    vectors = probes(p, 8, 0, "bench").to(torch.float32)
    model.eval()
    weights = [w for w in model.parameters() if w.requires_grad]

    def loss() -> Tensor:
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            return F.cross_entropy(model(x), y)

    def gradient() -> None:
        torch.autograd.grad(loss(), weights)

    def double_backward() -> None:
        grads = torch.autograd.grad(loss(), weights, create_graph=True)
        flat = torch.cat([g.reshape(-1) for g in grads])
        torch.autograd.grad(flat @ vectors[0], weights)

    routes: dict[str, tuple[Callable[[], object], int]] = {
        "one gradient": (gradient, 1),
        "double backward, graph built anew": (double_backward, 1),
        "heldout, backward route (graph kept), 8": (lambda: kept(vectors), 8),
        "heldout, forward route, 1": (lambda: ours(vectors[:1]), 1),
        "heldout, forward route, 8": (lambda: ours(vectors), 8),
        **_peers(model, x, y, vectors),
    }
    times: dict[str, list[float]] = {route: [] for route in routes}
    for repetition in range(repetitions + 1):
        for route, (run, count) in routes.items():
            with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # for the peers
                start = time.perf_counter()
                run()
            if repetition:
                times[route].append((time.perf_counter() - start) * 1000 / count)
    _say(f"\n{name}: {p:,} parameters, {len(y):,} rows, float32; built and checked in {built:.1f} s")
    _say(
        f"{'':44}{'ms a product':>14}{'of a gradient':>15}{'speed to double backward':>26}{'to curvlinops H @ v':>22}"
    )
    reference = times["double backward, graph built anew"]
    beside = times.get(CURVLINOPS)
    for route, found in times.items():
        of = statistics.median(a / b for a, b in zip(found, times["one gradient"]))
        to = statistics.median(b / a for a, b in zip(found, reference))
        peer = "" if beside is None else f"{statistics.median(b / a for a, b in zip(found, beside)):22.2f}"
        _say(f"{route:44}{statistics.median(found):14.2f}{of:15.2f}{to:26.2f}{peer}")
    exact = second_order(subject, Matrix(dtype=torch.float64))(vectors.double())
    error = float((ours(vectors).double() - exact).norm() / exact.norm())
    _say(f"float32 products differ from float64 ones by {error:.1e} of their length")


def _peers(
    model: nn.Module, x: Tensor, y: Tensor, vectors: Tensor
) -> dict[str, tuple[Callable[[], object], int]]:
    """The peers that are installed, each by its own way to one product."""
    params = {name: w for name, w in model.named_parameters() if w.requires_grad}
    found: dict[str, tuple[Callable[[], object], int]] = {}
    for name, add in (
        ("curvlinops", _curvlinops),
        ("hessian_eigenthings", _eigenthings),
        ("pyhessian", _pyhessian),
    ):
        try:
            peer = importlib.import_module(name)
        except ImportError:
            _say(f"{name} is not installed: not beside the products")
            continue
        found |= add(peer, model, x, y, params, vectors)
    return found


def _curvlinops(
    peer: Any, model: nn.Module, x: Tensor, y: Tensor, params: dict[str, Tensor], vectors: Tensor
) -> dict[str, tuple[Callable[[], object], int]]:
    operator = peer.HessianLinearOperator(
        model, nn.CrossEntropyLoss(), list(params.values()), [(x, y)], check_deterministic=False
    )
    columns = vectors.T.contiguous()
    return {
        CURVLINOPS: (lambda: operator @ vectors[0], 1),
        "curvlinops H @ V, 8": (lambda: operator @ columns, 8),
    }


def _eigenthings(
    peer: Any, model: nn.Module, x: Tensor, y: Tensor, params: dict[str, Tensor], vectors: Tensor
) -> dict[str, tuple[Callable[[], object], int]]:
    operator = peer.HessianOperator(
        model, [(x, y)], lambda model, batch: F.cross_entropy(model(batch[0]), batch[1])
    )
    return {"hessian-eigenthings": (lambda: operator.matvec(vectors[0]), 1)}


def _pyhessian(
    peer: Any, model: nn.Module, x: Tensor, y: Tensor, params: dict[str, Tensor], vectors: Tensor
) -> dict[str, tuple[Callable[[], object], int]]:
    own = copy.deepcopy(model)  # it leaves gradients in the model and sets it to eval mode
    product = importlib.import_module("pyhessian.utils").hessian_vector_product
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        kept = peer.hessian(own, nn.CrossEntropyLoss(), data=(x, y), cuda=False)
    parts = [
        part.view_as(w)
        for part, w in zip(torch.split(vectors[0], [w.numel() for w in kept.params]), kept.params)
    ]
    return {"PyHessian, graph kept": (lambda: product(kept.gradsH, kept.params, parts), 1)}


def _trained(
    sizes: tuple[int, ...], data: tuple[Tensor, Tensor], steps: int, seed: int, lr: float
) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for inside, outside in itertools.pairwise(sizes):
        layers += [nn.Linear(inside, outside), nn.Tanh()]
    model = nn.Sequential(*layers[:-1]).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(data[0]), data[1]).backward()
        optimizer.step()
    optimizer.zero_grad()
    return model


def _estimators(steps: int, seeds: int) -> None:
    data = _digits(dtype=torch.float64)
    subject = Subject.from_torch(_trained((64, 10, 10), data, steps, 0, 0.03), data)
    matrix = second_order(subject).dense()
    exact = torch.linalg.eigvalsh(matrix)
    operator, truth, size = Operator.of_matrix(matrix, "Hessian"), float(matrix.trace()), len(matrix)
    _say(f"\n{size}-parameter network after {steps} steps, exact trace {truth:.4f}; {seeds} seeds")
    found = [trace(operator, products=60, seed=seed) for seed in range(seeds)]
    z = [(float(one.value) - truth) / float(one.stderr) for one in found]
    df = found[0].n - 1
    covered = sum(float(one.low) <= truth <= float(one.high) for one in found)
    _say("trace at 60 products, relative RMSE:")
    for name, draw in (("Hutchinson", _hutchinson), ("Hutch++", _hutch_pp), ("XTrace", _xtrace)):
        _say(f"  {name:32}{_rmse([draw(operator, seed) for seed in range(seeds)], truth):.4f}")
    _say(f"  {'heldout':32}{_rmse([float(one.value) for one in found], truth):.4f}")
    p = kstest(z, lambda value: student.cdf(value, df)).pvalue
    _say(f"  z-scores: standard deviation {np.std(z):.2f}, Kolmogorov-Smirnov against t({df}) p = {p:.2f}, 95% intervals cover {covered}/{seeds}")  # fmt: skip
    _say("density, Wasserstein distance / mean |lambda|, median and worst over 20 seeds:")
    few = range(20)
    plain = [_distance(exact, *_plain_atoms(operator, 4, 40, seed)) for seed in few]
    more = [_distance(exact, *_plain_atoms(operator, 5, 42, seed)) for seed in few]
    ours = [spectral_density(operator, seed=seed) for seed in few]
    gaps = [_distance(exact, *one.atoms()) for one in ours]
    for name, values in (("plain, 4 x 40 = 160 products", plain), ("plain, 5 x 42 = 210 products", more), (f"heldout, {ours[0].products} products", gaps)):  # fmt: skip
        _say(f"  {name:32}{statistics.median(values):.3f}  {max(values):.3f}")


def _rmse(values: list[float], truth: float) -> float:
    return math.sqrt(statistics.mean((value / truth - 1) ** 2 for value in values))


def _distance(exact: Tensor, points: Tensor, weights: Tensor) -> float:
    return float(wasserstein_distance(exact, points, None, weights.clamp_min(0))) / float(exact.abs().mean())


def _hutchinson(operator: Operator, seed: int, products: int = 60) -> float:
    g = torch.from_numpy(stream(seed, "signs").choice([-1.0, 1.0], (products, operator.size)))
    return float((operator(g) * g).sum(1).mean())


def _hutch_pp(operator: Operator, seed: int, products: int = 60) -> float:
    third = products // 3
    q = torch.linalg.qr(operator(probes(operator.size, third, seed, "sketch")).T)[0].T
    g = probes(operator.size, third, seed, "rest")
    g = g - (g @ q.T) @ q
    return float((operator(q) * q).sum() + (operator(g) * g).sum(1).mean())


def _xtrace(operator: Operator, seed: int, products: int = 60) -> float:
    """Epperly, Tropp & Webber (2024): every probe serves in the sketch of all others; lengths rescaled in the complement."""
    half, p = products // 2, operator.size
    omega = probes(p, half, seed, "xtrace")
    q, r = torch.linalg.qr(operator(omega).T)
    h, w = q.T @ operator(q.T).T, q.T @ omega.T
    s = torch.linalg.inv(r).T
    s = s / s.norm(dim=0)
    found = []
    for k in range(half):
        kept = w[:, k] - s[:, k] * (s[:, k] @ w[:, k])
        rest = w[:, k] @ r[:, k] - 2 * kept @ r[:, k] + kept @ h @ kept
        length = float(omega[k] @ omega[k] - kept @ kept)
        found.append(float(h.trace() - s[:, k] @ h @ s[:, k] + (p - half + 1) / length * rest))
    return statistics.mean(found)


def _plain_atoms(operator: Operator, count: int, steps: int, seed: int) -> tuple[Tensor, Tensor]:
    rule = quadrature(operator, count, steps, 0, seed)
    return rule.nodes.flatten(), rule.weights.flatten() / count


def _effective_dimensions() -> None:
    x, y = _digits(1437, torch.float64)
    random = torch.from_numpy(stream(0, "labels").integers(0, 10, len(y)))
    half = torch.where(torch.from_numpy(stream(0, "which").random(len(y)) < 0.5), random, y)
    _say("\neffective dimension, Hessian of the summed loss, MLP 64-12-10 on 1,437 digits, all eigenvalues:")
    for name, labels in (("true labels", y), ("half of them random", half), ("random labels", random)):
        model = _trained((64, 12, 10), (x, labels), 600, 0, 0.02)
        subject = Subject.from_torch(model, (x, labels))
        values = [
            effective_dimension(subject, Matrix(scaling="sum"), alpha=alpha, deflate=1000)
            for alpha in (1.0, 10.0)
        ]
        fit = float((model(x).argmax(1) == labels).double().mean())
        _say(f"  {name:24} train score {fit:.3f}   alpha = 1: {float(values[0].value):6.1f}   alpha = 10: {float(values[1].value):6.1f}")  # fmt: skip


def _paths() -> None:
    data = _digits(1437, torch.float64)
    models = [_trained((64, 64, 10), data, 300, seed, 0.01) for seed in (0, 1)]
    ends = [torch.cat([w.detach().reshape(-1) for w in model.parameters()]) for model in models]
    subject = Subject.from_torch(models[0], data)
    _say(
        "\ntwo seeds of MLP 64-64-10 (tanh): largest mean training loss on the way, and the barrier above the chord"
    )
    for curve in ("line", "bezier"):
        path = mode_connectivity(subject, ends[0], ends[1], curve=curve, steps=800)  # type: ignore[arg-type]
        _say(f"  {curve:8} loss {float(path.loss.max()):.5f} (ends {float(path.loss[0]):.5f}, {float(path.loss[-1]):.5f})   barrier {path.barrier}")  # fmt: skip


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
