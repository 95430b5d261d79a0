"""Handwritten digits, 8 x 8 pixels in [0, 1], 1,797 images of 10 classes (Alpaydin & Kaynak 1998, part of scikit-learn).

The test images are the same whatever the seed and the number of training images, so that test errors of different
runs differ by training only; they are drawn once, by `stream(0, "digits")`.

Facts: 10 classes; the commonest holds 10.2% of all images, so that no constant answer is right more often than about that.

>>> task = digits(train=300, seed=0)
>>> task.train.x.shape, task.test.x.shape, int(task.train.y.max())
(torch.Size([300, 64]), torch.Size([797, 64]), 9)
>>> bool((digits(train=10, seed=5).test.ids == task.test.ids).all())
True
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.tasks.drawn import Drawn

IMAGES, TEST = 1797, 797


def digits(train: int = 1000, seed: int = 0) -> Drawn:
    """`train` images x [n 64], drawn by `seed` from the 1,000 that are not test images. Raises `InputError` for more."""
    if not 1 <= train <= IMAGES - TEST:
        raise InputError(
            f"{train} training images", f"there are {IMAGES - TEST} beside the {TEST} test images"
        )
    pixels, classes = load_digits(return_X_y=True)
    x, y = torch.from_numpy(pixels / 16.0).to(torch.float32), torch.from_numpy(classes.astype(np.int64))
    order = torch.from_numpy(stream(0, "digits").permutation(IMAGES))
    test, pool = order[:TEST], order[TEST:]
    rows = pool[torch.from_numpy(stream(seed, "digits", train).permutation(len(pool))[:train])]
    facts = {"classes": 10.0, "chance": 0.1, "largest_class": float(torch.bincount(y).max()) / IMAGES}
    return Drawn(Batch(x[rows], y[rows], rows), Batch(x[test], y[test], test), facts)
