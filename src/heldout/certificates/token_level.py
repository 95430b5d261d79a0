"""A bound over tokens instead of documents: the tokens of a text depend on each other, the martingale form allows it.

T14 (Lotfi et al. 2024, arXiv 2407.18158). For a model h fixed by a code, let r_i(h) be the expected smoothed
loss of token i given the tokens before it. The losses minus r_i are bounded martingale differences within a
range Delta, so by Azuma's inequality, for all h at once,

    (1/m) sum_i r_i(h) <= (1/m) sum_i loss_i(h) + Delta sqrt((bits ln 2 + ln(1/delta))/(2m))

It bounds the mean risk at the contexts that were seen, not the risk on a new text.

>>> round(token_upper(3.0, 9_000_000_000, 8e8, 0.05, 0.1, 50_257) - 3.0, 5)
3.29745
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.language_model import document_upper, smoothed_range
from heldout.certificates.outward import floats
from heldout.core.errors import InputError


def token_upper(
    mean: float, tokens: int, bits: float, delta: float, alpha: float, vocabulary: int, *, tried: int = 1
) -> float:
    """T14: the bound in bits a token for a mean smoothed loss over `tokens` tokens, rounded up.

    Errors: as `document_upper`.
    """
    return document_upper(mean, tokens, bits, delta, alpha, vocabulary, tried=tried)


def token_level(
    losses: Any,
    bits: float,
    alpha: float,
    vocabulary: int,
    delta: float = 0.05,
    *,
    tried: int = 1,
    code: str = "a prefix code fixed before the text",
) -> Certificate:
    """The certificate from the smoothed `losses` [m] in bits of every token of the training text, in any order.

    Errors: as `document_upper`; losses that are empty or not [m].
    """
    x = floats(losses)
    if x.ndim != 1 or len(x) == 0 or not np.isfinite(x).all():
        raise InputError(
            f"losses have shape {x.shape} or are not finite", "give one smoothed loss a token, in bits"
        )
    smoothed_range(alpha, vocabulary)  # refuses what is no smoothing
    most = -math.log2(alpha / vocabulary)
    if x.min() < 0 or x.max() > most + 1e-9:
        raise InputError(
            f"losses run from {x.min():g} to {x.max():g} bits, the smoothed range ends at {most:.4g}",
            "compute them with smoothed_bits",
        )
    value = token_upper(float(x.mean()), len(x), bits, delta, alpha, vocabulary, tried=tried)
    return Certificate(
        "mean expected smoothed loss at the contexts of the training text",
        value,
        delta,
        len(x),
        f"Rhat + Delta sqrt(({bits:.6g} ln 2 + ln {tried} + ln(1/{delta:g}))/(2m)), Delta = "
        f"{smoothed_range(alpha, vocabulary):.6g} bits",
        "Lotfi et al. 2024, arXiv 2407.18158; Azuma 1967",
        (
            "each token is drawn from some distribution given the tokens before it",
            f"the model predicts with probability (1 - {alpha:g}) p + {alpha:g}/{vocabulary}",
            "the code was fixed before the text, and everything chosen with it is in the bits",
        ),
        (Charge("code of the model, smoothing and union over all models", delta),),
        rows="every token of the training text",
        prior=f"2^-bits, {code}; {bits:.6g} bits, {tried} values of alpha",
        trivial=math.log2(vocabulary),
        unit="bits a token",
    )
