"""Landscapes over the 2^18 corners of a cube, as tables; their exact autocorrelation, and what blind search expects.

    smooth   f(x) = sum_i w_i x_i, |w_i| ~ U(1/2, 3/2)
    NK k     f(x) = sum_i table_i(x_i and k others), tables U(0, 1)        (Kauffman & Levin 1987)
    trap     3 blocks of 6 bits: 6 if all agree with the target, else 5 - agreeing  (Deb & Goldberg 1993)
    nets     share of 16 inputs on which a one-bit net, 4 inputs and 3 hidden units, agrees with a random net
    hash     the values of smooth, trap or nets, dealt out to the corners at random

    rho(d) = correlation of f(x) and f(y) over all pairs at Hamming distance d = sum_k b_k K_d(k) / C(18, d),
    b_k the share of the variance in Walsh coefficients of order k, K_d the Krawtchouk polynomial
    q(v) = -log2 P(f(x) >= v): a value that blind search needs about 2^q guesses for

>>> import numpy as np
>>> smooth = landscape("smooth", 0)
>>> [round(r, 6) for r in autocorrelation(smooth)[:3]] == [round(1 - 2 * d / 18, 6) for d in (1, 2, 3)]
True
>>> q = qualities(smooth)
>>> float(q.max()), round(float(expected_best(q, 1)), 3)          # E[-log2 U] = 1 / ln 2 for one guess
(18.0, 1.443)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from heldout.core.streams import stream

BITS = 18
CORNERS = 1 << BITS
NK = (2, 5, 8, 11, 17)
HASHED = ("smooth", "trap", "nets")
PLAIN = ("smooth", *(f"NK {k}" for k in NK), "trap", "nets")
KINDS = (*PLAIN, *(f"hash of {kind}" for kind in HASHED))
Floats = NDArray[np.float64]


def landscape(kind: str, seed: int) -> Floats:
    """Values [2^18] with mean 0 and variance 1; more is better."""
    if kind.startswith("hash of "):
        plain = landscape(kind.removeprefix("hash of "), seed)
        return plain[stream(seed, "landscapes", "hash", kind).permutation(CORNERS)]
    draw = stream(seed, "landscapes", kind)
    if kind == "smooth":
        values = _smooth(draw)
    elif kind == "trap":
        values = _trap(draw)
    elif kind == "nets":
        values = _nets(draw)
    else:
        values = _nk(draw, int(kind.split()[1]))
    values = values - values.mean()
    return np.asarray(values / values.std())


def _bit(i: int) -> NDArray[np.int64]:
    return np.arange(CORNERS) >> i & 1


def _smooth(draw: np.random.Generator) -> Floats:
    weights = draw.uniform(0.5, 1.5, BITS) * draw.choice([-1.0, 1.0], BITS)
    values = np.zeros(CORNERS)
    for i, w in enumerate(weights):
        values += w * _bit(i)
    return values


def _nk(draw: np.random.Generator, k: int) -> Floats:
    values = np.zeros(CORNERS)
    for i in range(BITS):
        others = draw.permutation([j for j in range(BITS) if j != i])[:k]
        place = _bit(i)
        for at, j in enumerate(others, 1):
            place = place | _bit(int(j)) << at
        values += draw.random(2 ** (k + 1))[place]
    return values


def _trap(draw: np.random.Generator) -> Floats:
    order, target = draw.permutation(BITS), draw.integers(0, 2, BITS)
    values = np.zeros(CORNERS)
    for block in order.reshape(-1, 6):
        agreeing = sum((_bit(int(i)) == target[i]).astype(np.int64) for i in block)
        values += np.where(agreeing == 6, 6, 5 - agreeing)
    return values


def _nets(draw: np.random.Generator) -> Floats:
    from heldout.learners.one_bit import every_one_bit_net

    words = every_one_bit_net(inputs=4, hidden=3)
    wrong = words ^ words[draw.integers(CORNERS)]
    ones = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1)
    return np.asarray(16.0 - ones[wrong & 255] - ones[wrong >> 8])


def autocorrelation(values: Floats) -> Floats:
    """rho(1) .. rho(18) [18], exact over all pairs."""
    order = sum(_bit(i) for i in range(BITS))
    share = np.bincount(np.asarray(order), weights=np.square(walsh(values)), minlength=BITS + 1)[1:]
    share = share / share.sum()
    return np.array([share @ _krawtchouk(d) / math.comb(BITS, d) for d in range(1, BITS + 1)])


def walsh(values: Floats) -> Floats:
    """Walsh coefficients [2^18] of values [2^18], unscaled: sum_x f(x) (-1)^(s.x)."""
    out = values.copy()
    for i in range(BITS):
        pairs = out.reshape(-1, 2, 1 << i)
        out = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], 1).reshape(-1)
    return out


def _krawtchouk(d: int) -> Floats:
    """K_d(k) for k = 1 .. 18."""
    return np.array(
        [
            float(sum((-1) ** j * math.comb(k, j) * math.comb(BITS - k, d - j) for j in range(min(k, d) + 1)))
            for k in range(1, BITS + 1)
        ]
    )


def qualities(values: Floats) -> Floats:
    """q [2^18] of every corner."""
    rising = np.sort(values)
    return np.asarray(-np.log2(1.0 - np.searchsorted(rising, values, side="left") / CORNERS))


def expected_best(q: Floats, guesses: int) -> float:
    """E[max q] of so many blind guesses with replacement, exactly."""
    value, counts = np.unique(q, return_counts=True)
    below = np.concatenate([[0.0], np.cumsum(counts) / CORNERS])
    return float(value @ np.diff(below**guesses))
