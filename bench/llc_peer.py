"""lambda(n beta) of reduced rank regression 5-3-5, rank 1, to 5% standard error, beside devinterp: `python -m bench.llc_peer`.

Both get the same module, data (n = 1000, unit noise), weights (the least-squares minimum), n beta = n/log n, gamma = 1, full
batches and 8 chains, in one process with one thread. Ours is `llc_of_energy` with `error=0.05`: it stops by itself once R-hat and
ESS would let it report and the standard error is at most 5%, and all of its wall time counts. devinterp, which does not look
at its error, runs with half as many draws again at a time until that of its chains' means is at most 5%; only its last run counts,
burn-in included. It gets its data as one tensor and, for one seed, through a DataLoader, and the step size `LR`, found by hand: its SGLD has no
rule for it. What both should find comes from long Hamiltonian chains. Without devinterp the script says so and prints our own figures.
"""

from __future__ import annotations

import argparse
import importlib
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from heldout.core.population import over_replicas
from heldout.core.streams import stream
from heldout.measures.llc import llc_of_energy
from heldout.measures.posterior.coefficient import LearningCoefficient
from heldout.measures.posterior.settings import OneTemperature

N, CHAINS, WANTED = 1000, 8, 0.05
T = N / math.log(N)
LR, PEER_BURN = 5e-4, 300
FIRST, MOST = 100, 12_800  # draws of the peer's first run, and at most


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seeds", type=int, default=3)
    compare(options.parse_args().seeds)


def compare(seeds: int) -> None:
    """Print what both say of each of so many seeds, and the ratio of their times."""
    torch.set_num_threads(1)
    model, x, y = _trained()
    exact = _measured(model, x, y, 0, OneTemperature(T, "hamiltonian", chains=8, burn=200, draws=600))
    truth = float(exact.curve[0])
    _say(
        f"lambda(n beta = {T:.0f}), gamma = 1, Hamiltonian chains: {truth:.3f} +- {exact.curve_stderr[0]:.3f}"
    )
    try:
        sampler: Any = importlib.import_module("devinterp.slt.sampler")
    except ImportError:
        for seed in range(seeds):
            _ours(model, x, y, seed, truth)
        _say("devinterp is not installed: no ratio (pip install 'heldout[bench]')")
        return
    warnings.simplefilter("ignore")
    for name, loader in _loaders(x, y).items():
        few = seeds if "tensor" in name else 1
        pairs = [  # in turns, for the machine's speed drifts
            (
                _ours(model, x, y, seed, truth),
                _until(partial(_peer, sampler, model, loader, seed), name, truth),
            )
            for seed in range(few)
        ]
        ours, peer = zip(*pairs)
        ratios = [own / other for own, other in pairs]
        _say(
            f"wall time, heldout / {name}: {statistics.median(ours) / statistics.median(peer):.2f} (medians of {few} "
            f"seeds; seed by seed {min(ratios):.2f} to {max(ratios):.2f})"
        )


def _trained() -> tuple[nn.Module, Tensor, Tensor]:
    """The module at the least-squares minimum of its data, float32."""
    draw = stream(0, "bench llc data")
    x = torch.from_numpy(draw.standard_normal((N, 5)))
    y = torch.from_numpy(draw.standard_normal((N, 5)))
    y[:, 0] += x[:, 0]
    model = nn.Sequential(nn.Linear(5, 3, bias=False), nn.Linear(3, 5, bias=False)).double()
    with torch.no_grad():
        for layer in model:
            layer.weight.copy_(
                0.1 * torch.from_numpy(stream(0, "bench llc start").standard_normal(layer.weight.shape))
            )
            layer.weight[0, 0] += 1.0
    search = torch.optim.LBFGS(model.parameters(), max_iter=2000, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        search.zero_grad()
        loss = _loss(model(x), y).mean()
        loss.backward()
        return loss

    search.step(closure)
    return model.float(), x.float(), y.float()


def _loss(out: Tensor, y: Tensor) -> Tensor:
    return 0.5 * (out - y).square().sum(-1)


def _ours(model: nn.Module, x: Tensor, y: Tensor, seed: int, truth: float) -> float:
    """Wall seconds of one run that stops by itself."""
    begun = time.perf_counter()
    found = _measured(model, x, y, seed, OneTemperature(T, chains=CHAINS, draws=MOST, error=WANTED))
    seconds = time.perf_counter() - begun
    value, stderr = float(found.curve[0]), float(found.curve_stderr[0])
    _say(
        f"  heldout, full batches: {found.choices['draws']} draws, {value / truth:.3f} of it, standard error {stderr / value:.1%}, "
        f"R-hat {found.checks['R-hat']:.3f}, {seconds:.2f} s, {found.reason}"
    )
    return seconds


def _measured(
    model: nn.Module, x: Tensor, y: Tensor, seed: int, settings: OneTemperature
) -> LearningCoefficient:
    """Chains of copies of the module itself, as a user's module runs: no algebra of this model is used."""
    names = [(name, part.shape) for name, part in model.named_parameters()]
    sizes = [shape.numel() for _, shape in names]

    def one(theta: Tensor, data: tuple[Tensor, Tensor]) -> Tensor:
        parts = torch.split(theta, sizes)
        weights = {name: part.view(shape) for (name, shape), part in zip(names, parts)}
        return _loss(functional_call(model, weights, (data[0],)), data[1]).mean()

    def energy(thetas: Tensor) -> Tensor:
        return over_replicas(one, thetas.float(), (x, y), CHAINS)

    start = torch.cat([part.detach().reshape(-1) for part in model.parameters()])
    return llc_of_energy(energy, start, N, seed, gamma=1.0, settings=settings, tensors=sizes)


def _peer(sampler: Any, model: nn.Module, loader: Any, seed: int, draws: int) -> tuple[float, float]:
    def evaluate(module: nn.Module, data: Any) -> Tensor:
        return _loss(module(data[0]), data[1]).mean()

    found = sampler.estimate_learning_coeff_with_summary(
        model,
        loader,
        evaluate=evaluate,
        optimizer_kwargs={"lr": LR, "nbeta": T, "localization": 1.0},
        num_draws=draws,
        num_chains=CHAINS,
        num_burnin_steps=PEER_BURN,
        seed=seed,
        verbose=False,
    )
    return float(found["llc/mean"]), float(found["llc/std"]) / math.sqrt(CHAINS)


def _loaders(x: Tensor, y: Tensor) -> dict[str, Any]:
    rows = torch.utils.data.TensorDataset(x, y)
    whole = torch.utils.data.TensorDataset(x[None], y[None])
    return {
        "devinterp, one tensor": torch.utils.data.DataLoader(
            whole, batch_size=1, collate_fn=lambda items: items[0]
        ),
        "devinterp, DataLoader": torch.utils.data.DataLoader(rows, batch_size=N),
    }


def _until(run: Callable[[int], tuple[float, float]], name: str, truth: float) -> float:
    """Wall seconds of the peer's first run whose standard error is small enough."""
    draws = FIRST
    while True:
        begun = time.perf_counter()
        value, stderr = run(draws)
        seconds = time.perf_counter() - begun
        if stderr <= WANTED * abs(value) or draws >= MOST:
            break
        draws = draws * 3 // 2
    reached = "" if stderr <= WANTED * abs(value) else "  NOT REACHED"
    _say(
        f"  {name}: {draws} draws, {value / truth:.3f} of it, standard error {stderr / value:.1%}, {seconds:.2f} s{reached}"
    )
    return seconds


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
