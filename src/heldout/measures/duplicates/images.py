"""Near twins of images: the same picture with other brightness or contrast, with noise, mirrored, or shifted
a pixel.

Every image is brought to mean 0 and norm 1 (so a distance d is a correlation 1 - d^2/2) and turned to its 64
first principal axes, where noise spread over all pixels weighs little; `near.near_points` then says which
pairs are closer than chance. Mirrored copies are sought among the neighbours of each image's mirror image;
shifted ones by comparing each image with its nearest neighbours over the eight shifts of one pixel, on the
pixels that both show.

>>> import numpy as np
>>> images = np.random.default_rng(0).random((200, 12, 12))
>>> images[9] = 0.5 * images[4] + 0.2
>>> near_images(images)[0].tolist()
[[4, 9]]
"""

from __future__ import annotations

import numpy as np

from heldout.measures.duplicates.near import LEAST_ROWS, near_points, principal_axes, unordered

AXES = 64
TRUST, ALPHA = 1.0, 0.05  # pixels have no discrete columns: the dimension is trusted whole
SHIFTS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
MOST_TRIED = 4  # nearest neighbours compared over all shifts
SHIFT_COST = 3e8  # pixels compared over all shifts; fewer neighbours are tried above it
BLOCK = 4096
TREE_AXES = 6
SMALLEST_SHIFTED = 16  # at 8 x 8 a shift of one pixel is another picture


def near_images(images: np.ndarray) -> tuple[np.ndarray, str]:
    """Pairs [m 2] (i < j) among distinct images [n ... h w], and what was looked for, in words."""
    n = len(images)
    if n < LEAST_ROWS:
        return np.zeros((0, 2), dtype=np.int64), f"fewer than {LEAST_ROWS} images"
    flat = _unit(images.reshape(n, -1))
    mirrored = _unit(np.ascontiguousarray(images[..., ::-1]).reshape(n, -1))
    axes = principal_axes(flat, min(AXES, flat.shape[1]))
    points = flat @ axes
    pairs, reach, distance, index = near_points(points, TRUST, ALPHA)
    found = [pairs, _mirrored(mirrored @ axes, points, reach)]
    words = "brightness, contrast, noise, mirroring"
    tried = min(MOST_TRIED, int(SHIFT_COST / (len(SHIFTS) * flat.size)))
    if min(images.shape[-2:]) >= SMALLEST_SHIFTED and tried >= 1:
        apart = np.linalg.norm(flat - flat[index[:, -1]], axis=1)
        found.append(_shifted(images, index[:, :tried], reach / distance[:, -1] * apart))
        words += ", shifts of one pixel"
    return unordered(np.concatenate(found)), words


def _unit(flat: np.ndarray) -> np.ndarray:
    """Rows [n d] with mean 0 and norm 1; flat pictures stay near 0."""
    centred = flat.astype(np.float32)
    centred = centred - centred.mean(1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(norm, 1e-3 * float(np.median(norm)) + 1e-12))


def _mirrored(turned: np.ndarray, points: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Pairs [m 2] (i, j) where the mirror image of i lies within both reaches of j."""
    from scipy.spatial import cKDTree

    few = min(TREE_AXES, points.shape[1])
    tree = cKDTree(points[:, :few])
    index = tree.query(turned[:, :few], k=2, distance_upper_bound=float(reach.max()))[1]
    rows, columns = np.nonzero((index < len(points)) & (index != np.arange(len(points))[:, None]))
    others = index[rows, columns]
    close = np.linalg.norm(turned[rows] - points[others], axis=1) <= np.minimum(reach[rows], reach[others])
    return np.stack([rows[close], others[close]], axis=1)


def _shifted(images: np.ndarray, index: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Pairs [m 2] (i, j), j among index [n t], where i moved by one pixel lies within both
    reaches of j inside a frame."""
    n, height, width = len(images), *images.shape[-2:]
    still = _unit(np.ascontiguousarray(images[..., 1:-1, 1:-1]).reshape(n, -1))
    close = np.zeros(index.shape, dtype=bool)
    for dy, dx in SHIFTS:
        moved = images[..., 1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]
        moved = _unit(np.ascontiguousarray(moved).reshape(n, -1))
        for t in range(index.shape[1]):
            for start in range(0, n, BLOCK):
                rows = slice(start, start + BLOCK)
                gap = moved[rows] - still[index[rows, t]]
                both = np.minimum(reach[rows], reach[index[rows, t]])
                close[rows, t] |= np.sqrt(np.einsum("nd,nd->n", gap, gap)) <= both
    found, t_found = np.nonzero(close)
    return np.stack([found, index[found, t_found]], axis=1)
