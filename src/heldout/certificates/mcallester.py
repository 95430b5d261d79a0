"""McAllester's PAC-Bayes bound in Maurer's form, and with McAllester's own constant.

T6, with B = KL(Q|P) + ln(2 sqrt(n)/delta), with probability 1 - delta for all Q at once:

    R(Q) <= Rhat(Q) + sqrt(B/(2n))                                       Maurer 2004, arXiv cs/0411099
    R(Q) <= Rhat(Q) + sqrt((KL(Q|P) + ln(n/delta))/(2n - 1))             McAllester 2003, Mach. Learn. 51, 5

Pinsker's inequality makes it of the kl bound (`maurer_kl`), so it is never the better one.

>>> round(mcallester_upper(0.02, 3000, 60_000, 0.05), 7)
0.1783559
>>> round(mcallester_upper(0.02, 3000, 60_000, 0.05, original=True), 9)
0.178482989
"""

from __future__ import annotations

import math

from heldout.certificates.maurer_kl import maurer_budget
from heldout.certificates.outward import check_delta, check_divergence, check_mean, up


def mcallester_upper(mean: float, kl: float, n: int, delta: float, original: bool = False) -> float:
    """T6 for the mean loss Rhat(Q) over n rows, rounded up, at most 1. `original`: McAllester's constant.

    Errors: as `maurer_kl_upper`.
    """
    if original:
        check_delta(delta)
        check_mean(mean, n)
        check_divergence(kl)
        return min(1.0, up(mean + math.sqrt((kl + math.log(n) - math.log(delta)) / (2 * n - 1))))
    check_mean(mean, n)
    return min(1.0, up(mean + math.sqrt(maurer_budget(kl, n, delta) / (2 * n))))
