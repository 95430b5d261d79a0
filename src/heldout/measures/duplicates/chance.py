"""How many pairs of rows agree in every column by chance? In a table of few or binary features many do.

Copies and chance look alike in the number of equal pairs. They differ in the pairs that are *almost* equal:
if columns j and k mismatch independently among pairs that agree elsewhere, then with M_j the pairs that
differ in j alone and M_jk those that differ in exactly j and k, the equal pairs expected by chance are

    E = sum_{j<k} M_j M_k / sum_{j<k} M_jk

(the capture-recapture estimate of Lincoln and Petersen, pooled over pairs of columns). Copies add to none of
the three. Columns that are determined by the others carry nothing and are dropped first, so that sums and
repeated columns do no harm; one-hot columns are read as one. A table that a single column identifies has no
second column to compare: there E is taken from the pairs that lie within a few steps of the column's own
grid. A row that more than 20 rows and 2% of all share (all zeros, say) may be an atom of the population: the
share is the larger of those with and without the repeats of atoms. More than 5 such rows are no atoms: a split
in which every row stands 30 times is made of copies.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> binary = rng.integers(0, 2, (400, 5))                    # 32 cells: 2,500 equal pairs, all by chance
>>> 0.9 < chance_share(binary) <= 1.0
True
>>> real = rng.normal(size=(400, 5))
>>> chance_share(np.concatenate([real, real[:40]])) < 0.01   # 40 copies: none by chance
True
"""

from __future__ import annotations

import numpy as np

from heldout.core.streams import stream

MAX_COLUMNS = 24  # more columns are joined at random into this many blocks
MAX_CELLS = 20_000_000  # rows are thinned above this many rows x columns, or above MAX_ROWS
MAX_ROWS = 50_000
ATOM_ROWS, ATOM_SHARE, MOST_ATOMS = 20, 0.02, 5
_U64 = np.uint64


def chance_share(rows: np.ndarray, seed: int = 0) -> float:
    """Share in [0, 1] of the equal pairs among rows [n d] that chance explains; NaN where there are none."""
    rng = stream(seed, "chance_share")
    most = max(2, min(MAX_ROWS, MAX_CELLS // max(1, rows.shape[1])))
    if len(rows) > most:
        rows = rows[np.sort(rng.choice(len(rows), most, replace=False))]
    codes = _codes(rows, rng)
    total = codes.sum(1, dtype=_U64)
    if _pairs(total) == 0:
        return float("nan")
    rest = _without_atoms(total)
    return max(_share(codes, rows), _share(codes[rest], rows[rest]))


def _share(codes: np.ndarray, rows: np.ndarray) -> float:
    equal = _pairs(codes.sum(1, dtype=_U64))
    if equal == 0:
        return 1.0
    key = _key(codes, equal)
    expected = _from_grid(rows, equal) if len(key) < 2 else _from_near_misses(codes[:, key], equal)
    return min(1.0, expected / equal)


def _codes(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random 64-bit codes [n B]: equal exactly where a column (or block of columns) has equal values."""
    d = rows.shape[1]
    blocks = _one_hot_runs(rows)
    if len(blocks) > MAX_COLUMNS:
        blocks = np.array_split(rng.permutation(d), MAX_COLUMNS)
    factors = np.asarray(rng.integers(0, 2**62, d, dtype=_U64) * _U64(2) + _U64(1))
    codes = np.empty((len(rows), len(blocks)), dtype=_U64)
    for start in range(0, len(rows), 4096):
        values = np.ascontiguousarray(rows[start : start + 4096], dtype=np.float64) + 0.0  # -0.0 + 0.0 is 0.0
        bits = values.view(_U64)
        products = (bits ^ (bits >> _U64(29))) * factors
        for b, block in enumerate(blocks):
            codes[start : start + 4096, b] = _mix(products[:, block].sum(1, dtype=_U64) + factors[block[0]])
    return codes


def _one_hot_runs(rows: np.ndarray) -> list[np.ndarray]:
    """Columns as blocks: neighbouring 0/1 columns of which no row has two set are one, others stand alone."""
    blocks: list[list[int]] = []
    covered = np.zeros(len(rows), dtype=bool)
    open_run = False
    for j in range(rows.shape[1]):
        column = rows[:, j]
        ones = column == 1
        binary = bool((ones | (column == 0)).all())
        if binary and open_run and not (covered & ones).any():
            blocks[-1].append(j)
            covered |= ones
        else:
            blocks.append([j])
            covered, open_run = ones, binary
    return [np.array(block) for block in blocks]


def _mix(h: np.ndarray) -> np.ndarray:
    """The finalizer of splitmix64, so that sums of codes collide only where all codes agree."""
    h = (h ^ (h >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> _U64(27))) * _U64(0x94D049BB133111EB)
    return np.asarray(h ^ (h >> _U64(31)))


def _pairs(codes: np.ndarray) -> float:
    """Number of pairs of equal entries."""
    ordered = np.sort(codes)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(np.concatenate([starts, [len(ordered)]])).astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())


def _without_atoms(total: np.ndarray) -> np.ndarray:
    """Rows to keep: all but the repeats of atoms, where these are few."""
    _, first, inverse, counts = np.unique(total, return_index=True, return_inverse=True, return_counts=True)
    atom = counts > max(ATOM_ROWS, ATOM_SHARE * len(total))
    if atom.sum() > MOST_ATOMS:
        return np.ones(len(total), dtype=bool)
    keep = ~atom[inverse]
    keep[first] = True
    return keep


def _key(codes: np.ndarray, equal: float) -> np.ndarray:
    """Columns left when all that the others determine are dropped, the least telling ones first."""
    keep = list(range(codes.shape[1]))
    total = codes.sum(1, dtype=_U64)
    for j in np.argsort([-_pairs(codes[:, j]) for j in keep]):
        if len(keep) > 1 and _pairs(total - codes[:, j]) == equal:
            keep.remove(int(j))
            total = total - codes[:, j]
    return np.array(keep)


def _from_near_misses(codes: np.ndarray, equal: float) -> float:
    total = codes.sum(1, dtype=_U64)
    columns = range(codes.shape[1])
    one = [_pairs(total - codes[:, j]) - equal for j in columns]
    top = bottom = 0.0
    for j in columns:
        for k in range(j):
            top += one[j] * one[k]
            bottom += _pairs(total - codes[:, j] - codes[:, k]) - equal - one[j] - one[k]
    return top / max(bottom, 1.0)


def _from_grid(rows: np.ndarray, equal: float) -> float:
    """One column identifies the row: pairs a few of its grid steps apart, where other columns are near too."""
    best = min(range(rows.shape[1]), key=lambda j: _pairs(rows[:, j]))
    order = np.argsort(rows[:, best], kind="stable")
    values = rows[order, best].astype(np.float64)
    gaps = np.diff(values)
    real = gaps > 1e-9 * (values[-1] - values[0])
    if not real.any():
        return equal
    step = float(np.quantile(gaps[real], 0.001, method="lower"))
    reach = np.searchsorted(values, values + 5.5 * step, side="right") - np.arange(len(values)) - 1
    near = np.flatnonzero(real & (gaps <= np.quantile(gaps[real], 0.1)))
    together = np.ones(len(near), dtype=bool)
    for j in [j for j in range(rows.shape[1]) if j != best][:MAX_COLUMNS]:
        rank = np.searchsorted(np.sort(rows[:, j]), rows[order, j])
        together &= np.abs(rank[near] - rank[near + 1]) <= 0.1 * len(rows)
    return max(float(reach.sum()) - equal, 0.0) / 10 * float(together.mean())
