"""MNIST-1D: 40 numbers that hold a digit's outline, shifted, scaled and sheared, with noise (Greydanus & Kobak 2024).

Made on this machine by the package `mnist1d` (4,000 training and 1,000 test rows, about ten seconds, no download); the
rows are the package's own for its default seed. Facts: 10 classes of equal size; linear models reach about 32%, nets 90%.
"""

from __future__ import annotations

import contextlib
import functools
import io

import numpy as np
import torch
from torch import Tensor

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.tasks.drawn import Drawn

TRAIN = 4000


def mnist1d(train: int = TRAIN, seed: int = 0) -> Drawn:
    """`train` rows x [n 40] drawn by `seed` from the 4,000, and the 1,000 test rows. Errors: more rows, no package."""
    if not 1 <= train <= TRAIN:
        raise InputError(f"{train} training rows", f"there are {TRAIN}")
    x, y, new, answers = _made()
    rows = torch.from_numpy(stream(seed, "mnist1d", train).permutation(TRAIN)[:train])
    places = torch.arange(TRAIN, TRAIN + len(answers))
    return Drawn(Batch(x[rows], y[rows], rows), Batch(new, answers, places), {"classes": 10.0, "chance": 0.1})


@functools.cache
def _made() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    try:
        from mnist1d.data import get_dataset_args, make_dataset
    except ImportError as error:
        raise InputError(
            "the package mnist1d, which makes these rows, is not installed", "pip install mnist1d"
        ) from error
    with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress
        data = make_dataset(get_dataset_args())

    def rows(name: str) -> Tensor:
        return torch.from_numpy(np.asarray(data[name], dtype=np.float32))

    def classes(name: str) -> Tensor:
        return torch.from_numpy(np.asarray(data[name], dtype=np.int64))

    return rows("x"), classes("y"), rows("x_test"), classes("y_test")
