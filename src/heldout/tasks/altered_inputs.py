"""Inputs made worse, as in Zhang et al. 2017 (arXiv 1611.03530): pixels permuted, shuffled, or replaced by noise.

    permuted   one fixed order of the pixels for all images: the same information, no neighbourhoods
    shuffled   each image has an order of its own: only its histogram is left
    gaussian   every pixel N(mean, variance of all pixels): nothing is left
The labels stay. Test images are treated as the training images are; noise and orders of a row are its own.

>>> x = torch.arange(6.0).reshape(2, 3)
>>> altered_inputs(x, "permuted", seed=0).sort(1).values.equal(x)
True
>>> altered_inputs(torch.rand(2000, 64), "gaussian", seed=0).mean().round(decimals=1)
tensor(0.5000)
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import stream

Alteration = Literal["none", "permuted", "shuffled", "gaussian"]


def altered_inputs(x: Tensor, how: Alteration, seed: int, part: str = "train") -> Tensor:
    """A new x [n d]. `part` names the rows' own randomness, so that training and test rows differ; the fixed order of
    "permuted" is the seed's alone."""
    if x.ndim != 2:
        raise InputError(f"inputs of shape {tuple(x.shape)}", "give one flat row an example")
    if how == "none":
        return x.clone()
    if how == "permuted":
        return x[:, torch.from_numpy(stream(seed, "altered inputs", "order").permutation(x.shape[1]))]
    draw = stream(seed, "altered inputs", how, part)
    if how == "shuffled":
        places = torch.from_numpy(draw.random(x.shape).argsort(1))
        return x.gather(1, places)
    if how == "gaussian":
        noise = torch.from_numpy(draw.normal(size=tuple(x.shape))).to(x.dtype)
        return noise * x.std() + x.mean()
    raise InputError(f"alteration {how!r} is not known", "use none, permuted, shuffled or gaussian")
