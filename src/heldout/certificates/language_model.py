"""A bound on the risk of a language model over documents: smoothing makes the loss bounded, a code pays for the model.

T13 (Lotfi et al. 2024, arXiv 2312.17173). With p' = (1 - a) p + a/V over V tokens, -log2 p' lies between
-log2(1 - a + a/V) and -log2(a/V), a range of Delta = log2(1 + (1 - a)V/a) bits. For the mean bits a token in
a document, n independent documents and a code of `bits` bits,

    R <= Rhat + Delta sqrt((bits ln 2 + ln(1/delta))/(2n))

and, where Rhat was measured on a sample of m of the documents, with s = m/(n + m),

    R <= Rhat + Delta [sqrt((bits ln 2 + ln(1/(s delta)))/(2n)) + sqrt(ln(1/((1 - s) delta))/(2m))]

If a was tuned, log2 of the number of values that were tried must be added to the bits (`tried`).

>>> round(smoothed_range(0.1, 50_257), 6), round(smoothed_range(0.05, 64), 6)
(18.786965, 10.249113)
>>> round(document_upper(5.0, 8_000_000, 5e5, 0.05, 0.1, 50_257), 6)
7.765007
>>> round(document_upper(5.0, 8_000_000, 5e5, 0.05, 0.1, 50_257, sampled=10_000), 6)
7.99501
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.code_length import check_bits
from heldout.certificates.outward import MOST, check_count, check_delta, check_independent, floats, shown, up
from heldout.core.errors import InputError


def smoothed_bits(probability: Any, alpha: float, vocabulary: int) -> np.ndarray:
    """-log2((1 - alpha) p + alpha/vocabulary) for the probabilities of the tokens that came, any shape."""
    _check_smoothing(alpha, vocabulary)
    p = floats(probability, "probabilities")
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError(
            "a token's probability lies outside [0, 1] or is NaN", "pass probabilities, not logits"
        )
    return np.asarray(-np.log2((1.0 - alpha) * p + alpha / vocabulary))


def smoothed_range(alpha: float, vocabulary: int) -> float:
    """Delta, the range in bits of the smoothed loss, rounded up."""
    _check_smoothing(alpha, vocabulary)
    return up(math.log2(1.0 + (1.0 - alpha) * vocabulary / alpha))


def document_upper(
    mean: float,
    n: int,
    bits: float,
    delta: float,
    alpha: float,
    vocabulary: int,
    *,
    tried: int = 1,
    sampled: int | None = None,
) -> float:
    """T13: the bound in bits a token for a mean smoothed loss over n documents, rounded up; may exceed log2 V.

    `tried`: how many values of alpha the choice was among. `sampled`: the mean is over this many of the n
    documents, drawn at random. Errors: delta, alpha outside (0, 1), a mean outside the loss's range, n = 0.
    """
    check_delta(delta)
    check_bits(bits)
    span = smoothed_range(alpha, vocabulary)
    _check_mean(mean, n, alpha, vocabulary)
    check_count(tried, "tried", "count the values of alpha that the choice was among")
    prior = bits * math.log(2) + math.log(tried)
    if sampled is None:
        return up(mean + up(span * math.sqrt(up(prior - math.log(delta)) / (2 * n))))
    if not 1 <= sampled <= n or sampled != int(sampled):
        raise InputError(
            f"a sample of {shown(sampled)} of {n} documents", "give the number of documents the mean is over"
        )
    share = sampled / (n + sampled)
    whole = math.sqrt(up(prior + math.log(1.0 / (share * delta))) / (2 * n))
    part = math.sqrt(up(math.log(1.0 / ((1.0 - share) * delta))) / (2 * sampled))
    return up(mean + up(span * (whole + part)))


def language_model(
    losses: Any,
    n: int,
    bits: float,
    alpha: float,
    vocabulary: int,
    delta: float = 0.05,
    *,
    tried: int = 1,
    groups: Any | None = None,
    code: str = "a prefix code fixed before the documents",
) -> Certificate:
    """The certificate from `losses` [m]: the mean smoothed bits a token of m of the n training documents.

    m < n is a random sample of them. The value is in bits a token; log2 V, the uniform guess, is the
    trivial one. Errors: as `document_upper`; losses outside the smoothed range; dependent documents.
    """
    x = floats(losses)
    if x.ndim != 1 or len(x) == 0:
        raise InputError(f"losses have shape {x.shape}", "give one mean loss a document, at least one")
    _check_smoothing(alpha, vocabulary)
    least, most = -math.log2(1.0 - alpha + alpha / vocabulary), -math.log2(alpha / vocabulary)
    if not ((x >= least - 1e-9) & (x <= most + 1e-9)).all():
        raise InputError(
            f"losses lie outside the smoothed range [{least:.4g}, {most:.4g}] bits",
            "compute them with smoothed_bits, in bits and averaged over the tokens of a document",
        )
    check_independent(len(x), groups)
    sampled = None if len(x) == n else len(x)
    value = document_upper(float(x.mean()), n, bits, delta, alpha, vocabulary, tried=tried, sampled=sampled)
    if sampled is None:
        ledger: tuple[Charge, ...] = (
            Charge("code of the model, smoothing and union over all models", delta),
        )
    else:
        share = sampled / (n + sampled)
        ledger = (
            Charge("code of the model, smoothing and union over all models", share * delta),
            Charge(f"sample of {sampled} of {n} documents", (1.0 - share) * delta),
        )
    return Certificate(
        "expected smoothed loss on a new document",
        value,
        delta,
        n,
        f"Rhat + Delta sqrt(({bits:.6g} ln 2 + ln {tried} + ln(1/delta))/(2n)), Delta = {smoothed_range(alpha, vocabulary):.6g} bits"
        + ("" if sampled is None else f", and the term of the sample, m = {sampled}"),
        "Lotfi et al. 2024, arXiv 2312.17173",
        (
            "the documents are independent and alike in distribution",
            f"the model predicts with probability (1 - {alpha:g}) p + {alpha:g}/{vocabulary}",
            "the code was fixed before the documents, and everything chosen with them is in the bits",
        ),
        ledger,
        rows="training documents" if sampled is None else "a random sample of the training documents",
        prior=f"2^-bits, {code}; {bits:.6g} bits, {tried} values of alpha",
        trivial=math.log2(vocabulary),
        unit="bits a token",
    )


def _check_smoothing(alpha: float, vocabulary: int) -> None:
    if not 1e-300 <= alpha < 1.0 or not 2 <= vocabulary <= MOST or vocabulary != int(vocabulary):
        raise InputError(
            f"alpha = {shown(alpha)} over {shown(vocabulary)} tokens",
            "give a smoothing between 0 and 1 and a vocabulary of at least 2; without smoothing the loss has no range",
        )


def _check_mean(mean: float, n: int, alpha: float, vocabulary: int) -> None:
    check_count(n, "n", "a bound needs at least one document; give their number")
    most = -math.log2(alpha / vocabulary)
    if not 0.0 <= mean <= most + 1e-9:
        raise InputError(
            f"a mean loss of {shown(mean)} bits outside [0, {most:.4g}]",
            "use the smoothed loss, in bits a token",
        )
