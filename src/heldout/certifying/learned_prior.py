"""A PAC-Bayes certificate of a small torch net with a prior learned from half of the training rows.

The rows are split once by a named stream. On the prior's half a net is fitted (its input noise chosen on a part
of that half); a posterior is trained on all rows, around it; the 0-1 losses of its draws on the other half, which
the prior has not seen, make the certificate. Beside it stands the plain competitor: the hold-out bound of the
prior's net on the same rows, which needs no PAC-Bayes bound at all and pays for no draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.data_dependent_prior import Prior, data_fingerprint, split_rows
from heldout.certificates.gaussian_kl import gaussian_kl
from heldout.certificates.holdout import holdout
from heldout.certificates.pac_bayes import pac_bayes
from heldout.core.errors import InputError
from heldout.learners.pac_bayes import (
    Posterior,
    choose_input_noise,
    draw_errors,
    fit_mean,
    train_posterior,
)

NOISES = (0.0, 0.2, 0.35, 0.5)
PARTS = (
    len(NOISES) + 4
)  # of about equal length: a fit for each noise, the prior (2), the posterior, the draws


@dataclass(frozen=True)
class LearnedPrior:
    """The certificate, the hold-out competitor on the same rows, and the posterior with its net."""

    certificate: Certificate
    competitor: Certificate
    model: nn.Module
    posterior: Posterior


def learned_prior(
    x: Tensor,
    y: Tensor,
    classes: int,
    *,
    delta: float = 0.05,
    width: int = 256,
    std: float = 0.01,
    fraction: float = 0.5,
    epochs: int = 400,
    draws: int = 4000,
    seed: int = 0,
    by_column: bool = False,
    groups: Tensor | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> LearnedPrior:
    """Train and certify a net of one hidden layer on x [n features], y [n] in 0..classes - 1.

    A tenth of delta goes to the Monte-Carlo step over `draws` draws. `by_column`: columns have different units and
    are scaled one by one. `std`, `width` and `epochs` must be fixed
    before the rows are seen. `tell(done, of)` is called as the training goes on. Errors: too few rows, rows declared dependent.
    """
    n = len(y)
    if n < 30 or x.ndim != 2:
        raise InputError(f"inputs of shape {tuple(x.shape)}", "give at least 30 rows, one flat vector each")
    if groups is not None and len(np.unique(groups.numpy())) < n:
        raise InputError(
            "rows of one group are not independent", "use holdout(..., average_groups=True) on new groups"
        )
    prior_rows, bound_rows = split_rows(n, fraction, seed)
    first, second = torch.from_numpy(prior_rows), torch.from_numpy(bound_rows)
    # Centre and spread of the prior's rows alone, brought near those of pixels in [0, 1], for which the noise levels
    # are meant; a column that hardly varies there is not blown up.
    part = x[first]
    spread = (
        part.std(0).clamp(min=0.1 * float(part.std()) + 1e-12) if by_column else part.std().clamp(min=1e-12)
    )
    x = (x - (part.mean(0) if by_column else part.mean())) / spread * 0.37 + 0.3
    model = nn.Sequential(nn.Linear(x.shape[1], width), nn.ReLU(), nn.Linear(width, classes))
    noise = choose_input_noise(
        model, x[first], y[first], NOISES, epochs=max(1, epochs * 5 // 8), lr=1e-2, seed=seed,
        tell=lambda done: tell(done, PARTS),
    )  # fmt: skip
    mean = fit_mean(
        model, x[first], y[first], epochs=epochs, lr=1e-2, input_noise=noise, weight_noise=std,
        weight_decay=0.05, seed=seed,
    )  # fmt: skip
    tell(PARTS - 2, PARTS)
    posterior = train_posterior(
        model, x, y, mean, std, bound_rows=len(second), delta=0.9 * delta, epochs=5, lr=1e-4, seed=seed
    )
    tell(PARTS - 1, PARTS)
    losses = draw_errors(model, posterior, x[second], y[second], draws=draws, seed=seed)
    kl = gaussian_kl(
        *(part.double().numpy() for part in (posterior.mean, posterior.std, mean, posterior.prior_std))
    )
    data = data_fingerprint(x.numpy(), y.numpy())
    prior = Prior.learned(
        f"N(w, {std:g}^2) around a net of width {width} fitted to {len(first)} rows", prior_rows, data
    )
    tell(PARTS, PARTS)
    found = pac_bayes(losses, bound_rows, kl, prior, delta, 0.1 * delta, data=data)
    nn.utils.vector_to_parameters(posterior.mean, model.parameters())
    with torch.no_grad():
        named = dict(zip((name for name, _ in model.named_parameters()), _pieces(mean, model)))
        wrong = functional_call(model, named, (x[second],)).argmax(-1) != y[second]
    seen = "training rows that the prior has not seen"
    competitor = replace(
        holdout(wrong.numpy(), delta, look=None),
        rows=f"{len(second)} {seen}",
        ledger=(Charge("one bound on rows that the prior's net was not fitted to", delta),),
    )
    return LearnedPrior(found, competitor, model, posterior)


def _pieces(theta: Tensor, model: nn.Module) -> list[Tensor]:
    pieces, start = [], 0
    for p in model.parameters():
        pieces.append(theta[start : start + p.numel()].view(p.shape))
        start += p.numel()
    return pieces
