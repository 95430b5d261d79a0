"""lambda(n beta) of reduced rank regression 5-3-5, rank 1, to 5% standard error, beside devinterp: `python -m bench.llc_peer`.

Both get the same module, data (n = 1000, unit noise), weights (the least-squares minimum), n beta = n/log n, gamma = 1 and
full batches, in one process with one thread. Each runs with 8 chains and twice as many draws at a time until its standard
error is at most 5% of its value; only the last run's wall time counts, burn-in and set-up included. devinterp is given its
data as one tensor and through a DataLoader, and the step size `LR`, found by hand: its SGLD has no rule for it. Its standard
error is that of its chains' means. What both should find comes from long Hamiltonian chains. Without devinterp the script
says so and prints our own figures.
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
LR, PEER_BURN, BURN = 5e-4, 300, 150
FIRST, MOST = 100, 12_800  # draws of the first run and of the last


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seeds", type=int, default=3)
    seeds = options.parse_args().seeds
    torch.set_num_threads(1)
    model, x, y = _trained()
    exact = _measured(model, x, y, 0, OneTemperature(T, "hamiltonian", chains=8, burn=200, draws=300))
    truth = float(exact.curve[0])
    _say(
        f"lambda(n beta = {T:.0f}), gamma = 1, Hamiltonian chains: {truth:.3f} +- {exact.curve_stderr[0]:.3f}"
    )
    ours = [
        _until(partial(_ours, model, x, y, seed), "heldout, full batches", truth) for seed in range(seeds)
    ]
    try:
        sampler: Any = importlib.import_module("devinterp.slt.sampler")
    except ImportError:
        _say("devinterp is not installed: no ratio (pip install devinterp==1.3.2)")
        return
    warnings.simplefilter("ignore")
    for name, loader in _loaders(x, y).items():
        runs = [partial(_peer, sampler, model, loader, seed) for seed in range(seeds)]
        peer = [_until(run, name, truth) for run in runs]
        ratio = statistics.median(ours) / statistics.median(peer)
        _say(f"wall time, heldout / {name}: {ratio:.2f} (medians of {seeds} seeds)")


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


def _ours(model: nn.Module, x: Tensor, y: Tensor, seed: int, draws: int) -> tuple[float, float]:
    found = _measured(model, x, y, seed, OneTemperature(T, chains=CHAINS, burn=BURN, draws=draws))
    return float(found.curve[0]), float(found.curve_stderr[0])


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
    return llc_of_energy(energy, start, N, seed, gamma=1.0, settings=settings)


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
    """Wall seconds of the first run whose standard error is small enough."""
    draws = FIRST
    while True:
        begun = time.perf_counter()
        value, stderr = run(draws)
        seconds = time.perf_counter() - begun
        if stderr <= WANTED * abs(value) or draws >= MOST:
            break
        draws *= 2
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
