"""Every one-bit net at once: how likely each function is under blind search, and how simple (for `blind_search`).

A function of n bits is its truth table, 2^n bits; its simplicity is the Lempel-Ziv measure of Dingle, Camargo & Louis (2018):
    K(x) = log2(L) (words(x) + words(x reversed)) / 2   for L bits;   log2(L) where all bits are alike
with words = the number of words of Lempel & Ziv (1976). P(f) is exact: all nets are enumerated.

>>> words("0001101001000101"), complexity("0" * 16)       # Lempel and Ziv's own example: 0.001.10.100.1000.101
(6, 4.0)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from heldout.learners.one_bit import entropy_bits, every_one_bit_net, function_counts


def words(text: str) -> int:
    """Words of the Lempel-Ziv (1976) history: each is the shortest that does not stand earlier (overlaps allowed)."""
    count, at = 0, 0
    while at < len(text):
        end = at + 1
        while end <= len(text) and text[at:end] in text[: end - 1]:
            end += 1
        count, at = count + 1, end
    return count


def complexity(text: str) -> float:
    """K above, in bits."""
    size = math.log2(len(text))
    if len(set(text)) == 1:
        return size
    return size * (words(text) + words(text[::-1])) / 2


def simplicity(inputs: int, hidden: int) -> dict[str, Any]:
    """Of all nets: entropy of the function, rank correlation of log2 P with K, mean P by K, and the same for fair tables."""
    found = function_counts(every_one_bit_net(inputs, hidden))
    length = 2**inputs
    tables = [format(int(f), f"0{length}b") for f in found.functions]
    k = np.array([complexity(t) for t in tables])
    p = found.counts / found.counts.sum()
    every = np.array([complexity(format(f, f"0{length}b")) for f in range(2**length)])
    levels = sorted(set(every.tolist()))
    return {
        "inputs": inputs,
        "hidden": hidden,
        "functions": len(tables),
        "nets": int(found.counts.sum()),
        "entropy": round(entropy_bits(found), 4),
        "spearman": round(float(spearmanr(np.log2(p), k).statistic), 4) if np.ptp(p) and np.ptp(k) else None,
        "k_of_nets": round(float(p @ k), 3),
        "k_of_functions": round(float(k.mean()), 3),
        "k_of_tables": round(float(every.mean()), 3),
        "k": levels,
        "share_of_nets": [round(float(p[k == v].sum()), 6) for v in levels],
        "share_of_tables": [round(float((every == v).mean()), 6) for v in levels],
        "most_likely": [
            round(float(np.log2(p[k == v].max())), 3) if (k == v).any() else None for v in levels
        ],
    }


def guesses_needed(inputs: int, hidden: tuple[int, ...]) -> list[dict[str, Any]]:
    """Bits -log2 P(f), mean over the functions that one hidden unit computes, for nets of more and more of them."""
    small = function_counts(every_one_bit_net(inputs, 1)).functions
    rows = []
    for units in hidden:
        found = function_counts(every_one_bit_net(inputs, units))
        share = {int(f): float(c) for f, c in zip(found.functions, found.counts / found.counts.sum())}
        lost = [f for f in small if int(f) not in share]
        kept = [share[int(f)] for f in small if int(f) in share]
        mean = float(-np.log2(kept).mean())
        rows.append(
            {"units": units, "bits": (inputs + 2) * units, "needed": round(mean, 4), "lost": len(lost)}
        )
    return rows
