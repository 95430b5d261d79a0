"""Compression certificate: a trained model that fits in few bits cannot err much more often on new rows than here.

T5: for a prefix code with lengths len(h), P(h) = 2^-len(h) is a prior fixed before the data, and with probability at
least 1 - delta every h at once has, with k errors in n independent rows and c = len(h) ln 2 + ln(1/delta),
    risk <= sup {p : ln P(Bin(n, p) <= k) >= -c}          (exact binomial tail, the bound that is certified)
         <= kl^-1(k/n, c/n)  <=  k/n + sqrt(c / (2 n)).
(Langford 2005, JMLR 6, 273; Lotfi et al. 2022, arXiv 2211.13609, for quantized weights in a random subspace.)
The model is linear (`codes.subspace_code`) or a net of one hidden layer (`codes.net_code`), with whole-number weights, so
whether a row is right is decided exactly: in float64 where its rounding cannot matter, in exact numbers where it could, and
a tie is an error.

>>> found = occam_bounds(1200, 60_000, 2021.9323, 0.05)
>>> [round(value, 7) for value in found]
[0.0661386, 0.0662304, 0.1281855]
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.countable_class import occam_upper
from heldout.certificates.exact_errors import count_errors
from heldout.certificates.exact_net_errors import count_net_errors
from heldout.certificates.outward import check_delta
from heldout.codes.directions import directions
from heldout.codes.model_code import WEIGHTS, Constant, Model, check_weights, encode_model, weights
from heldout.codes.net_code import QuantizedNet
from heldout.codes.subspace_code import DIMENSIONS, Quantized
from heldout.core.errors import InputError, Withheld
from heldout.learners.subspace import continuous_weights, train_levels
from heldout.learners.subspace_net import train_net_levels

QUICK = (("axes", 7, 0), ("axes", 31, 0), ("waves", 3, 160), ("waves", 3, 280), ("signs", 3, 200))
NETS = ((0, 32, 3, 200), (64, 32, 3, 240))
NUMBERS = "biuf"  # kinds of arrays that hold real numbers
PLAIN = 256  # nets on more inputs than this are tried on Walsh functions only


class Bounds(NamedTuple):
    """Upper bounds on the risk, each rounded outward: exact binomial tail, kl, Hoeffding."""

    binomial: float
    kl: float
    hoeffding: float


class Compressed(NamedTuple):
    """A model as bits, its certificate, and the counts behind it; `tried` of the `kinds` of models had time to be trained."""

    model: Model
    bits: int
    errors: int
    n: int
    bounds: Bounds
    certificate: Certificate
    tried: int = 0
    kinds: int = 0


def compression(
    x: Any,
    y: Any,
    n_classes: int,
    delta: float = 0.05,
    settings: tuple[tuple[str, int, int], ...] = QUICK,
    nets: tuple[tuple[int, int, int, int], ...] = NETS,
    seed: int = 0,
    groups: Any | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
    limit_seconds: float = math.inf,
    most: int | None = None,
) -> Compressed:
    """Train, quantize and code a model of rows x [n D] with classes y [n], and certify its risk from the same rows.

    settings: (basis, levels, dimension) of linear models, nets: (waves, width, levels, dimension) of nets to try, see
    `codes.subspace_code` and `codes.net_code`; each model pays for its own in its bits, so trying more costs time only (those
    that the number of inputs does not allow are passed over). The best by the certified bound is returned. groups [n]: withheld
    where two rows are of one group, for they are not independent. `tell(done, of)` is called after each setting. After the
    first, none is begun that would end after `limit_seconds` if it took as long as the longest before it; `most`: how many to try at most. Errors:
    inputs that are not finite, labels outside 0..n_classes-1, delta outside (0, 1).
    """
    rows, labels = checked_rows(x, y, n_classes)
    check_delta(delta)
    if groups is not None and len(np.unique(np.asarray(groups))) < len(labels):
        raise Withheld(
            f"{len(labels)} rows in {len(np.unique(np.asarray(groups)))} groups are not independent",
            "keep one row a group",
        )
    # The constant prediction of the commonest class needs hardly a bit and is the floor.
    best = certified(Constant(int(np.bincount(labels).argmax()), n_classes), rows, labels, n_classes, delta)
    begun, longest, kinds, done = time.monotonic(), 0.0, (*settings, *nets), 0
    for setting in kinds[:most]:
        start = time.monotonic()
        if longest and start - begun + longest > limit_seconds:
            break
        models = _trained(setting, rows, labels, n_classes, seed)
        for model in models:
            found = certified(model, rows, labels, n_classes, delta)
            best = found if found.bounds.binomial < best.bounds.binomial else best
        longest = max(longest, time.monotonic() - start) if models else longest
        done += 1
        tell(done, len(kinds))
    return best._replace(tried=done, kinds=len(kinds))


def certified(model: Model, x: Any, y: Any, n_classes: int, delta: float) -> Compressed:
    """The certificate of a given model on the rows it is counted on, whether or not it was trained on them."""
    rows, labels = checked_rows(x, y, n_classes)
    n = len(labels)
    if isinstance(model, Constant) and (model.classes != n_classes or not 0 <= model.label < n_classes):
        raise InputError(
            f"the constant says class {model.label} of {model.classes}, the rows have {n_classes}",
            "give it the classes of the rows",
        )
    check_weights(weights(model, rows.shape[1], n_classes), rows.shape[1], n_classes)
    bits = len(encode_model(model))
    errors = int(errors_of(model, rows, labels, n_classes).sum())
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
        rows="training rows",
        prior=f"2^-bits, {named(model)} in {bits} bits",
    )
    return Compressed(model, bits, errors, n, bounds, certificate)


def errors_of(
    model: Model, x: NDArray[np.float64], y: NDArray[np.int64], n_classes: int
) -> NDArray[np.bool_]:
    """[n] True where the decoded model is not strictly right, decided exactly."""
    if isinstance(model, Constant):
        return np.asarray(y != model.label)
    if isinstance(model, QuantizedNet):
        return count_net_errors(model, x, y, n_classes)
    return count_errors(model.theta(x.shape[1], 1 if n_classes == 2 else n_classes), x, y)


def occam_bounds(errors: int, n: int, bits: float, delta: float) -> Bounds:
    """The three bounds of a hypothesis that costs `bits` in a prefix code and makes `errors` in n rows."""
    if not (0 <= errors <= n and n >= 1 and bits >= 0 and 0.0 < delta < 1.0):
        raise InputError(f"{errors} errors in {n} rows at {bits} bits, delta {delta}", "check the counts")
    return Bounds(
        *(occam_upper(errors / n, n, bits, delta, form) for form in ("binomial", "kl", "hoeffding"))
    )


def named(model: Model) -> str:
    """What kind of model it is, in words."""
    if isinstance(model, Constant):
        return "always one class"
    if isinstance(model, QuantizedNet):
        seen = f" on {model.waves} Walsh functions" if model.waves else ""
        return f"a net of width {model.width}{seen}, {len(model.values)} random directions"
    return f"a linear model, {len(model.values)} directions ({model.basis})"


def _trained(
    setting: tuple[Any, ...], rows: NDArray[np.float64], labels: NDArray[np.int64], n_classes: int, seed: int
) -> list[Model]:
    """The models of one setting, none where the inputs do not allow it."""
    inputs, y = rows.shape[1], torch.from_numpy(labels)
    if len(setting) == 4:
        k, width, levels, d = setting
        rms = float(np.sqrt(np.square(np.minimum(np.abs(rows), 1e100)).mean())) or 1.0
        scale = min(31, max(0, 24 - round(math.log2(rms))))
        net = QuantizedNet(scale, k, width, levels, (0,) * d)
        if k > inputs or (k == 0 and inputs > PLAIN) or not d < weights(net, inputs, n_classes) <= WEIGHTS:
            return []
        size = float(net.constants(inputs)[0])
        first, second = (torch.from_numpy(span).float() for span in net.spans(inputs, n_classes))
        seen = torch.from_numpy(net.whole(rows)).float() / size
        values = train_net_levels(
            seen, y, first, second, (1.0, net.constants(inputs)[1] / size), levels, seed=seed
        )
        return [net._replace(values=values)]
    basis, levels, dimension = setting
    scores = 1 if n_classes == 2 else n_classes
    d = (inputs + 1) * scores if basis == "axes" else dimension
    if (basis == "waves" and d > inputs * scores) or (basis == "axes" and d > max(DIMENSIONS)):
        return []
    if (inputs + 1) * scores > WEIGHTS:
        return []
    features = _features(rows, directions(basis, d, inputs, scores), scores)
    start = continuous_weights(features, y)
    found = (train_levels(features, y, levels, seed, spread, start=start) for spread in (2.0, 3.0))
    return [Quantized(basis, levels, values) for values in found]


def _features(x: NDArray[np.float64], span: NDArray[np.int64], scores: int) -> torch.Tensor:
    """[n m d] from rows [n D] and directions [(D + 1) m, d]."""
    rows = torch.from_numpy(np.hstack([x, np.ones((len(x), 1))])).float()
    weights = torch.from_numpy(span).float().reshape(x.shape[1] + 1, -1)
    return (rows @ weights).reshape(len(x), scores, -1)


def checked_rows(x: Any, y: Any, n_classes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows [n D] as float64 and classes [n] as int64, or an `InputError`."""
    inputs, given = np.asarray(x), np.asarray(y)
    if inputs.dtype.kind not in NUMBERS or given.dtype.kind not in NUMBERS:
        raise InputError(
            f"inputs of type {inputs.dtype} and labels of type {given.dtype}", "give real numbers and classes"
        )
    rows = np.ascontiguousarray(inputs, dtype=np.float64)
    labels = np.ascontiguousarray(given, dtype=np.int64)
    if rows.ndim != 2 or labels.shape != rows.shape[:1] or len(labels) == 0:
        raise InputError(f"inputs {rows.shape} and labels {labels.shape}", "give x [n D] and y [n], n >= 1")
    if not np.isfinite(rows).all() or not (labels == given).all():
        raise InputError("inputs or labels that are not finite whole classes", "mend those rows")
    if n_classes < 2 or labels.min() < 0 or labels.max() >= n_classes:
        raise InputError(f"labels {labels.min()}..{labels.max()} of {n_classes} classes", "use 0..c-1")
    return rows, labels
