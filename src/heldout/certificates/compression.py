"""Compression certificate: a trained model that fits in few bits cannot err much more often on new rows than here.

T5: for a prefix code with lengths len(h), P(h) = 2^-len(h) is a prior fixed before the data, and with probability at
least 1 - delta every h at once has, with k errors in n independent rows and c = len(h) ln 2 + ln(1/delta),
    risk <= sup {p : ln P(Bin(n, p) <= k) >= -c}          (exact binomial tail, the bound that is certified)
         <= kl^-1(k/n, c/n)  <=  k/n + sqrt(c / (2 n)).
(Langford 2005, JMLR 6, 273; Lotfi et al. 2022, arXiv 2211.13609, for quantized weights in a random subspace.)
The model is linear with whole-number weights theta (`codes.subspace_code`), so whether a row is right is decided
exactly: scores by float64 where their rounding cannot matter, in rational numbers where it could, and a tie is an error.

>>> found = occam_bounds(1200, 60_000, 2021.9323, 0.05)
>>> [round(value, 7) for value in found]
[0.0661386, 0.0662304, 0.1281855]
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.countable_class import occam_upper
from heldout.certificates.exact_errors import count_errors
from heldout.codes.directions import directions
from heldout.codes.subspace_code import DIMENSIONS, Quantized, encode_model
from heldout.core.errors import InputError, Withheld
from heldout.learners.subspace import train_levels

QUICK = (("axes", 7, 0), ("axes", 31, 0), ("signs", 3, 200), ("waves", 3, 160), ("waves", 3, 280))
WEIGHTS = 1 << 16  # a proof must be checkable on a small machine


class Bounds(NamedTuple):
    """Upper bounds on the risk, each rounded outward: exact binomial tail, kl, Hoeffding."""

    binomial: float
    kl: float
    hoeffding: float


class Compressed(NamedTuple):
    """A model as bits, its certificate, and the counts behind it."""

    model: Quantized
    bits: int
    errors: int
    n: int
    bounds: Bounds
    certificate: Certificate


def compression(
    x: Any,
    y: Any,
    n_classes: int,
    delta: float = 0.05,
    settings: tuple[tuple[str, int, int], ...] = QUICK,
    seed: int = 0,
    groups: Any | None = None,
) -> Compressed:
    """Train, quantize and code a linear model of rows x [n D] with classes y [n], and certify its risk from the same rows.

    settings: (basis, levels, dimension) to try, see `codes.subspace_code`; each model pays for its own in its bits, so
    trying more costs time only (those with more directions than the inputs allow are passed over). The best by the
    certified bound is returned. groups [n]: withheld where two rows are of one group, for they are not independent. Errors: inputs that are not finite, labels
    outside 0..n_classes-1, delta outside (0, 1).
    """
    rows, labels = checked_rows(x, y, n_classes)
    if not 0.0 < delta < 1.0:
        raise InputError(f"delta = {delta}", "give a probability of failure between 0 and 1, such as 0.05")
    if groups is not None and len(np.unique(np.asarray(groups))) < len(labels):
        raise Withheld(
            f"{len(labels)} rows in {len(np.unique(np.asarray(groups)))} groups are not independent",
            "keep one row a group",
        )
    scores = 1 if n_classes == 2 else n_classes
    # The constant prediction of the commonest class needs hardly a bit and is the floor.
    best = certified(_constant(rows, labels, scores), rows, labels, n_classes, delta)
    for basis, levels, dimension in settings:
        d = (rows.shape[1] + 1) * scores if basis == "axes" else dimension
        if (basis == "waves" and d > rows.shape[1] * scores) or (basis == "axes" and d > max(DIMENSIONS)):
            continue
        features = _features(rows, directions(basis, d, rows.shape[1], scores), scores)
        for spread in (2.0, 3.0):
            values = train_levels(features, torch.from_numpy(labels), levels, seed, spread)
            found = certified(Quantized(basis, levels, values), rows, labels, n_classes, delta)
            best = found if found.bounds.binomial < best.bounds.binomial else best
    return best


def certified(model: Quantized, x: Any, y: Any, n_classes: int, delta: float) -> Compressed:
    """The certificate of a given model on the rows it is counted on, whether or not it was trained on them."""
    rows, labels = checked_rows(x, y, n_classes)
    scores, n = 1 if n_classes == 2 else n_classes, len(labels)
    if (rows.shape[1] + 1) * scores > WEIGHTS:
        raise InputError(
            f"{rows.shape[1]} inputs and {n_classes} classes make more than {WEIGHTS} weights",
            "reduce the inputs",
        )
    bits = len(encode_model(model))
    errors = int(count_errors(model.theta(rows.shape[1], scores), rows, labels).sum())
    bounds = occam_bounds(errors, n, bits, delta)
    certificate = Certificate(
        "error rate of the decoded model on new rows of the same kind",
        bounds.binomial,
        delta,
        n,
        f"sup {{p : ln P(Bin({n}, p) <= {errors}) >= ln {delta:g} - {bits} ln 2}}",
        "Langford 2005, JMLR 6, 273 (Occam's razor bound with the exact tail)",
        (
            "the rows are independent and alike in distribution; they may be those the model was trained on",
            "the code was fixed before the labels were seen; it fits any number of inputs and classes",
            "the bound speaks of the quantized model in the bits, not of the model it may imitate",
        ),
        (Charge(f"all models at once, 2^-{bits} of it for this one", delta),),
    )
    return Compressed(model, bits, errors, n, bounds, certificate)


def occam_bounds(errors: int, n: int, bits: float, delta: float) -> Bounds:
    """The three bounds of a hypothesis that costs `bits` in a prefix code and makes `errors` in n rows."""
    if not (0 <= errors <= n and n >= 1 and bits >= 0 and 0.0 < delta < 1.0):
        raise InputError(f"{errors} errors in {n} rows at {bits} bits, delta {delta}", "check the counts")
    return Bounds(
        *(occam_upper(errors / n, n, bits, delta, form) for form in ("binomial", "kl", "hoeffding"))
    )


def _constant(x: NDArray[np.float64], y: NDArray[np.int64], scores: int) -> Quantized:
    commonest = int(np.bincount(y).argmax())
    values = np.zeros((x.shape[1] + 1, scores), dtype=np.int64)
    values[-1, commonest if scores > 1 else 0] = 1 if scores > 1 or commonest == 1 else -1
    return Quantized("axes", 3, tuple(values.ravel().tolist()))


def _features(x: NDArray[np.float64], span: NDArray[np.int64], scores: int) -> torch.Tensor:
    """[n m d] from rows [n D] and directions [(D + 1) m, d]."""
    rows = torch.from_numpy(np.hstack([x, np.ones((len(x), 1))])).float()
    weights = torch.from_numpy(span).float().reshape(x.shape[1] + 1, -1)
    return (rows @ weights).reshape(len(x), scores, -1)


def checked_rows(x: Any, y: Any, n_classes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows [n D] as float64 and classes [n] as int64, or an `InputError`."""
    rows, given = np.ascontiguousarray(x, dtype=np.float64), np.asarray(y)
    labels = np.ascontiguousarray(given, dtype=np.int64)
    if rows.ndim != 2 or labels.shape != rows.shape[:1] or len(labels) == 0:
        raise InputError(f"inputs {rows.shape} and labels {labels.shape}", "give x [n D] and y [n], n >= 1")
    if not np.isfinite(rows).all() or not (labels == given).all():
        raise InputError("inputs or labels that are not finite whole classes", "mend those rows")
    if n_classes < 2 or labels.min() < 0 or labels.max() >= n_classes:
        raise InputError(f"labels {labels.min()}..{labels.max()} of {n_classes} classes", "use 0..c-1")
    return rows, labels
