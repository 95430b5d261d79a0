"""The spectral complexity of a net (Bartlett, Foster & Telgarsky 2017, arXiv 1706.08498), before its constants.

    R_A = prod_l ||W_l||_2 (sum_l (||W_l^T||_{2,1}/||W_l||_2)^(2/3))^(3/2)

T16: the excess risk is at most a constant above 1 and logarithms times R_A ||X||/(margin sqrt n), ||X|| the root
mean square norm of the inputs. Where that product reaches 1 the bound is vacuous whatever the constants are;
where it does not, nothing is certified here, because they are large and matter.

>>> round(spectral_complexity([2.0] * 3, [10.0] * 3), 6)
207.846097
>>> found = spectral_norm([2.0] * 3, [10.0] * 3, input_norm=9.2, margin=1.0, n=60_000)
>>> found.vacuous, found.formula.split(" = ")[-1]
(True, '7.806')
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from heldout.certificates.certificate import Certificate
from heldout.certificates.outward import LARGEST, check_delta, check_mean, check_size
from heldout.core.errors import InputError


def spectral_complexity(spectral: Sequence[float], group: Sequence[float]) -> float:
    """R_A of layers with spectral norms ||W||_2 and norms ||W^T||_{2,1} (the sum of the 2-norms of W's rows)."""
    if len(spectral) != len(group) or len(spectral) == 0:
        raise InputError(f"{len(spectral)} spectral and {len(group)} group norms", "give one of each a layer")
    if not all(1 / LARGEST <= s <= LARGEST and 0 <= g <= LARGEST for s, g in zip(spectral, group)):
        raise InputError("a layer's norm is zero or not finite", "leave out empty layers; check the weights")
    ratios = math.fsum(float(g / s) ** (2 / 3) for s, g in zip(spectral, group))
    product = math.prod(map(float, spectral))
    return product * ratios * math.sqrt(ratios) if product else 0.0


def spectral_norm(
    spectral: Sequence[float],
    group: Sequence[float],
    input_norm: float,
    margin: float,
    n: int,
    delta: float = 0.05,
) -> Certificate:
    """The row of this bound: value 1, vacuous, where R_A ||X||/(margin sqrt n) >= 1; withheld where it is below."""
    check_delta(delta)
    check_mean(0.0, n)
    check_size(input_norm, "a norm of the inputs", "give a positive number", positive=True)
    check_size(margin, "a margin", "give a positive number", positive=True)
    term = spectral_complexity(spectral, group) * input_norm / (margin * math.sqrt(n))
    quantity = "error rate on new rows of the same kind"
    if term < 1.0:
        reason = f"the complexity is {term:.4g} before constants and logarithms that are not certified here"
        return Certificate.withheld(quantity, delta, n, reason)
    return Certificate(
        quantity,
        1.0,
        delta,
        n,
        f"before constants and logarithms, R_A ||X||/(margin sqrt n) = {term:.4g}",
        "Bartlett, Foster & Telgarsky 2017, arXiv 1706.08498",
        ("the rows are independent and alike in distribution",),
        (),
        rows="training rows",
    )
