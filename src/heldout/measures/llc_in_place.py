"""lambda(n beta) of a model too large for a stack, by one chain that moves the model itself; saved, resumed, data-parallel.

    n beta (mean loss of the chain's batches - L(w*)) - what the step size added,   L(w*) on all rows
The chain (`learners.in_place`) is kept in the file `state`: a killed run that is started again goes on bit for bit. Under
torchrun or accelerate every process calls this with the same arguments and all of the data; rows are shared out, gradients
summed. The model is at w* again afterwards, also after an interruption. One chain sees no other basin: several seeds do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.stats import norm
from torch import nn

from heldout.core.batch import Batch, len_of, take
from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.population import trainable
from heldout.core.preserved import in_eval
from heldout.learners.in_place import Chain, advanced, share, summed
from heldout.stats.rhat_ess import ess, r_hat

LARGEST_R_HAT, FEWEST_DRAWS, LARGEST_ERROR = 1.1, 50, 0.25
ROWS_AT_ONCE = 1024
TRUSTED = 0.1  # of the correction enters the error


def llc_in_place(
    model: nn.Module,
    data: Batch,
    loss: Callable[[nn.Module, Batch], torch.Tensor],
    *,
    gamma: float,
    n_beta: float | None = None,
    batch_size: int = 64,
    burn: int = 500,
    draws: int = 2000,
    seed: int = 0,
    state: Path | None = None,
    every: int = 100,
    level: float = 0.95,
) -> Estimate:
    """lambda(n beta) under (gamma/2)|w - w*|^2 at the model's parameters. loss(model, batch) -> [b] per example, in nats.

    state: a .safetensors file, written after every `every` steps and read where it exists. Raises `InputError` for options
    that cannot be used or a state of another chain.
    """
    n = len_of(data)
    t = n_beta if n_beta is not None else n / math.log(max(n, 2))
    if n < 2 or batch_size < 1 or burn < 50 or draws < 100 or every < 1:
        raise InputError(
            f"{n} examples, batch_size={batch_size}, burn={burn}, draws={draws}, every={every}",
            "give at least 2 examples, 50 steps of burn-in and 100 draws",
        )
    weights = trainable(model)
    if any(w.dtype not in (torch.float32, torch.float64) for w in weights.values()):
        raise InputError("a parameter is in half precision", "convert the model to float32 or float64")
    chain = Chain.begin(model, t, gamma, seed)
    start = chain.start
    method = f"lambda(n beta = {t:.4g}), one langevin chain in place, gamma = {gamma:g}"
    try:
        with in_eval(model):
            base = _mean(model, data, loss)
            if state is not None and state.exists():
                chain = _checked(Chain.resumed(state, model), chain, state)
            while chain.steps < burn + draws:
                chain = advanced(
                    chain, model, lambda rows: loss(model, take(data, rows)), n, batch_size, burn
                )
                if state is not None and (chain.steps % every == 0 or chain.steps == burn + draws):
                    chain.save(state, model)
    except FloatingPointError as error:
        return Estimate.withheld(f"the chain diverges: {error}", method, n)
    finally:
        with torch.no_grad():
            for name, w in weights.items():
                w.copy_(start[name])
    return _judged(chain, base, burn, level, method, n)


def _checked(found: Chain, asked: Chain, state: Path) -> Chain:
    same = (found.n_beta, found.gamma, found.seed) == (asked.n_beta, asked.gamma, asked.seed)
    if not same or any(not torch.equal(found.start[name], w) for name, w in asked.start.items()):
        raise InputError(
            f"{state.name} is a chain of another n beta, gamma, seed or start",
            "delete it, or pass the same options and model",
        )
    return found


def _mean(model: nn.Module, data: Batch, loss: Callable[[nn.Module, Batch], torch.Tensor]) -> float:
    """The mean loss of all rows, over all processes."""
    rows, total = share(torch.arange(len_of(data))), torch.zeros(1, dtype=torch.float64)
    with torch.no_grad():
        for some in torch.split(rows, ROWS_AT_ONCE):
            total += loss(model, take(data, some)).to("cpu", torch.float64).sum()
    return float(summed(total)) / len_of(data)


def _judged(chain: Chain, base: float, burn: int, level: float, method: str, n: int) -> Estimate:
    trace = chain.n_beta * (np.array(chain.losses[burn:]) - base)
    added = float(np.mean(chain.added[burn:]))
    value = float(trace.mean()) - added
    halves = trace[: len(trace) // 2 * 2].reshape(2, -1)
    hat, size = r_hat(halves), ess(halves)
    stderr = math.hypot(float(trace.std()) / math.sqrt(max(size, 1.0)), TRUSTED * added)
    reason = ""
    if value <= 0:
        reason = f"w* is no minimum: the chain's mean loss is lower by {-float(trace.mean()) / chain.n_beta:.3g}; train further"
    elif hat > LARGEST_R_HAT or size < FEWEST_DRAWS:
        reason = f"the two halves of the chain disagree, or draws are too few: R-hat {hat:.3f}, ESS {size:.0f}; give more draws"
    elif stderr > LARGEST_ERROR * value:
        reason = f"the error is {stderr / value:.0%} of the value: give more draws, or a larger batch"
    if reason:
        return Estimate.withheld(reason, method, n)
    half = float(norm.ppf(0.5 + level / 2)) * stderr
    return Estimate(value, value - half, value + half, level, stderr, method, n)
