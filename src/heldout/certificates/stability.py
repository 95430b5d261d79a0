"""Algorithmic stability: a bound for a learning rule whose loss moves by at most beta when one row is replaced.

T15 (Bousquet & Elisseeff 2002, JMLR 2, 499, theorem 12). For a deterministic rule with uniform stability beta,
loss in [0, M] and n rows,

    R <= Remp + 2 beta + (4 n beta + M) sqrt(ln(1/delta)/(2n))

beta must be proved for the rule (`ridge_stability` for l2-regularized convex losses, same paper, theorem 22).
What `measured_stability` sees by replacing rows is a lower bound on beta: it can refute a claimed beta, and
can never replace one. Feldman & Vondrak 2019 prove a faster rate without stating constants: a rate only.

>>> round(stability_upper(0.0, 1437, 1 / (2 * 1437), 0.05), 7)
0.0975525
>>> round(stability_upper(0.0, 1437, 1 / (0.2 * 1437), 0.05), 6)
0.684955
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.outward import check_count, check_delta, check_mean, check_size, floats, shown, up
from heldout.core.errors import InputError
from heldout.core.streams import stream


class MeasuredStability(NamedTuple):
    """The largest change of a loss over all replacements: `beta_low` <= beta, over `replaced` rows and `probes` probes."""

    beta_low: float
    replaced: int
    probes: int


def stability_upper(mean: float, n: int, beta: float, delta: float, largest_loss: float = 1.0) -> float:
    """T15 for a mean training loss over n rows, rounded up, at most `largest_loss`."""
    check_delta(delta)
    check_size(largest_loss, "a largest loss", "declare the largest value the loss can take", positive=True)
    if not 0 <= mean <= largest_loss:
        raise InputError(
            f"a mean loss of {shown(mean)}", f"give one in [0, {largest_loss:g}], the declared range"
        )
    check_mean(0.0, n)
    check_size(beta, "beta", "give the uniform stability that is proved for the learning rule")
    slope = up((4 * n * beta + largest_loss) * math.sqrt(-math.log(delta) / (2 * n)))
    return min(largest_loss, up(mean + 2 * beta + slope))


def ridge_stability(n: int, penalty: float, lipschitz: float, largest_norm: float) -> float:
    """beta of min (1/n) sum loss + penalty ||w||^2: lipschitz^2 largest_norm^2/(2 penalty n), for a convex loss that is
    `lipschitz` in the model's value and inputs of norm at most `largest_norm`. Exact minimizers only.

    >>> round(ridge_stability(1437, 1.0, 1.0, 1.0), 10)
    0.0003479471
    """
    check_count(n)
    for name, value in (("penalty", penalty), ("lipschitz", lipschitz), ("largest_norm", largest_norm)):
        check_size(value, name, "give a positive number", positive=True)
    product = lipschitz * largest_norm
    return up(product * product / (2.0 * n) / penalty)


def measured_stability(
    fit: Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]],
    loss: Callable[[np.ndarray, np.ndarray], np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    x_spare: np.ndarray,
    y_spare: np.ndarray,
    replacements: int = 20,
    seed: int = 0,
) -> MeasuredStability:
    """Refit with one row replaced by a spare one, `replacements` times, and take the largest change of any loss.

    `fit(x, y)` returns the model's predict; `loss(outputs, y)` [n]. The probes are all rows, train and spare.
    """
    if len(x) == 0 or len(x_spare) == 0 or replacements < 1:
        raise InputError(
            "no rows to replace, or none to put in their place", "give training rows and spare ones"
        )
    probes, answers = np.concatenate([x, x_spare]), np.concatenate([y, y_spare])
    before = loss(fit(x, y)(probes), answers)
    rng = stream(seed, "replace one")
    largest = 0.0
    for _ in range(replacements):
        at, by = int(rng.integers(len(x))), int(rng.integers(len(x_spare)))
        x_other, y_other = x.copy(), y.copy()
        x_other[at], y_other[at] = x_spare[by], y_spare[by]
        change = np.abs(loss(fit(x_other, y_other)(probes), answers) - before)
        largest = max(largest, float(change.max()))
    return MeasuredStability(largest, replacements, len(probes))


def stability(
    losses: Any,
    beta: float,
    delta: float = 0.05,
    *,
    largest_loss: float = 1.0,
    measured: MeasuredStability | None = None,
    proof: str = "declared by the caller",
) -> Certificate:
    """The certificate from training `losses` [n] in [0, largest_loss] and a proved `beta`.

    Withheld where `measured` refutes the beta: replacing one row moved a loss by more.
    """
    x = floats(losses)
    check_size(largest_loss, "a largest loss", "declare the largest value the loss can take", positive=True)
    if x.ndim != 1 or len(x) == 0 or not ((x >= 0) & (x <= largest_loss)).all():
        raise InputError(
            f"losses are empty, NaN or outside [0, {largest_loss:g}]",
            "declare the largest loss, and give one a row",
        )
    n = len(x)
    quantity = "expected loss of the model on new rows of the same kind"
    if measured is not None and measured.beta_low > beta * (1 + 1e-9):
        reason = f"replacing one row moved a loss by {measured.beta_low:.3g}, more than the declared beta of {beta:.3g}"
        return Certificate.withheld(quantity, delta, n, reason)
    value = stability_upper(float(x.mean()), n, beta, delta, largest_loss)
    seen = (
        ""
        if measured is None
        else f"; measured over {measured.replaced} replacements: {measured.beta_low:.3g}"
    )
    return Certificate(
        quantity,
        value,
        delta,
        n,
        f"Remp + 2 beta + (4 n beta + {largest_loss:g}) sqrt(ln(1/{delta:g})/(2n)), beta = {beta:.6g}{seen}",
        "Bousquet & Elisseeff 2002, JMLR 2, 499",
        (
            "the rows are independent and alike in distribution",
            f"the learning rule is deterministic and has uniform stability beta ({proof})",
            f"the loss lies in [0, {largest_loss:g}]",
        ),
        (Charge("deviation of the training loss", delta),),
        rows="training rows",
        trivial=largest_loss,
    )
