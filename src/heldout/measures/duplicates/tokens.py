"""Near twins of token sequences: texts that share most of their shingles (runs of w tokens), padding left
aside.

w is 8, or longer where tokens carry little: with h bits of collision entropy a token (given the one before) a
run of w tokens recurs by chance among N others about N 2^(-w h) times, and w is chosen so that this is below
1/20. Two texts are near twins where they share at least half of the shingles of the shorter one.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> texts = [rng.integers(0, 1000, 40) for _ in range(50)]
>>> texts[30] = np.concatenate([texts[2][:30], rng.integers(0, 1000, 10)])
>>> near_tokens(texts)[0].tolist()
[[2, 30]]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heldout.core.streams import stream
from heldout.measures.duplicates.near import unordered

SHORTEST = 8
LONGEST = 64
SHARED = 0.5
RARE = 0.05
PAD_RUN = 3.5  # mean length of the runs at row ends; a fair coin's runs of two or more have a mean of 3
_U64 = np.uint64


def token_rows(x: Any) -> list[np.ndarray]:
    """Sequences without padding, from ids [n t] or a dict with a mask: masked places, negative ids, and the id that
    most rows repeat at their ends are padding."""
    ids, mask = _ids_and_mask(x)
    if mask is None:
        mask = ids >= 0
        pad = _padding(ids)
        if pad is not None:
            inner = ids != pad
            left = np.maximum.accumulate(inner, axis=1)
            right = np.maximum.accumulate(inner[:, ::-1], axis=1)[:, ::-1]
            mask = mask & left & right
    return [row[kept] for row, kept in zip(ids, mask, strict=True)]


def _ids_and_mask(x: Any) -> tuple[np.ndarray, np.ndarray | None]:
    if not isinstance(x, dict):
        first = x[0] if isinstance(x, (tuple, list)) else x
        return first.detach().cpu().numpy().astype(np.int64).reshape(len(first), -1), None
    mask = next((v for key, v in x.items() if "mask" in key), None)
    name = "input_ids" if "input_ids" in x else next(key for key in x if "mask" not in key)
    ids = x[name].detach().cpu().numpy().astype(np.int64)
    return ids, None if mask is None else mask.detach().cpu().numpy().astype(bool)


def _padding(ids: np.ndarray) -> int | None:
    """The id that rows of ids [n t] repeat most at an end, if those runs are longer than a frequent token's would be."""
    if ids.shape[1] < 2:
        return None
    both = np.concatenate([ids, ids[:, ::-1]])
    run = np.cumprod(both == both[:, :1], axis=1).sum(1)
    ends, run = both[run >= 2, 0], run[run >= 2]
    if len(ends) < 2:
        return None
    values, which, counts = np.unique(ends, return_inverse=True, return_counts=True)
    total = np.bincount(which, weights=run)
    best = int(total.argmax())
    return int(values[best]) if total[best] >= PAD_RUN * counts[best] else None


def near_tokens(texts: list[np.ndarray]) -> tuple[np.ndarray, int, str]:
    """Pairs [m 2] (i < j) of near twins, the shingle width w, and "ok" or why none could be sought."""
    none = np.zeros((0, 2), dtype=np.int64)
    width = shingle_width(texts)
    if width > LONGEST or width > np.median([len(text) for text in texts]):
        return (
            none,
            width,
            f"the texts are too short: it takes runs of {width} tokens to tell copies from chance",
        )
    codes, owner = shingles(texts, width)
    if len(codes) == 0:
        return none, width, "no text is as long as a shingle"
    sizes = np.bincount(owner, minlength=len(texts))
    same = codes[1:] == codes[:-1]  # neighbours among the owners of a shingle: enough to join copies
    pairs = np.stack([owner[:-1][same], owner[1:][same]], axis=1)
    if len(pairs) == 0:
        return none, width, "ok"
    keys, shared = np.unique(pairs[:, 0] * len(texts) + pairs[:, 1], return_counts=True)
    i, j = keys // len(texts), keys % len(texts)
    near = shared >= SHARED * np.minimum(sizes[i], sizes[j])
    return unordered(np.stack([i[near], j[near]], axis=1)), width, "ok"


def shingle_width(texts: list[np.ndarray]) -> int:
    """The w that makes a recurrence by chance rare."""
    tokens = sum(len(text) for text in texts)
    sample = texts[:: max(1, tokens // 1_000_000)]
    steps = [np.stack([text[:-1], text[1:]], axis=1) for text in sample if len(text) > 1]
    if not steps:
        return LONGEST + 1
    pairs = np.concatenate(steps)
    shifted = pairs - pairs.min()
    codes = shifted[:, 0] * (int(shifted.max()) + 1) + shifted[:, 1]
    joint = np.unique(codes, return_counts=True)[1].astype(np.float64)
    before = np.unique(pairs[:, 0], return_counts=True)[1].astype(np.float64)
    entropy = -np.log2((joint**2).sum() / (before**2).sum())
    if entropy <= 0.05:
        return LONGEST + 1
    return max(SHORTEST, int(np.ceil(np.log2(max(tokens, 2) / RARE) / entropy)))


def shingles(texts: list[np.ndarray], width: int) -> tuple[np.ndarray, np.ndarray]:
    """64-bit codes [s] of the distinct runs of `width` tokens of each text, and the text [s] each belongs to,
    ordered by code, then by text."""
    lengths = np.array([len(text) for text in texts])
    tokens = np.concatenate(texts).astype(np.int64).view(_U64)
    owner = np.repeat(np.arange(len(texts)), lengths)
    if len(tokens) < width:
        return np.zeros(0, dtype=_U64), np.zeros(0, dtype=np.int64)
    factors = stream(0, "shingles").integers(0, 2**62, width, dtype=_U64) * _U64(2) + _U64(1)
    mixed = (tokens + _U64(1)) * _U64(0x9E3779B97F4A7C15)
    mixed = mixed ^ (mixed >> _U64(32))
    count = len(tokens) - width + 1
    codes = np.zeros(count, dtype=_U64)
    for k in range(width):
        codes += mixed[k : k + count] * factors[k]
    codes ^= codes >> _U64(29)
    whole = owner[:count] == owner[width - 1 :]
    codes, owner = codes[whole], owner[:count][whole]
    order = np.argsort(codes, kind="stable")  # owners stay in order among equal codes
    codes, owner = codes[order], owner[order]
    new = np.ones(len(codes), dtype=bool)
    new[1:] = (codes[1:] != codes[:-1]) | (owner[1:] != owner[:-1])
    return codes[new], owner[new]
