"""The spectral norm of a convolution itself, by Fourier transform; that of its kernel as a matrix is another number.

On an H x W image with circular padding the convolution with kernel k [o i h w] is block diagonal in the Fourier basis, with the
o x i matrices K(f) = sum_ab k[:, :, a, b] e^(-2 pi i f.(a, b)), so that its largest singular value is max_f ||K(f)||_2 (Sedghi,
Gupta & Long 2019, ICLR). With zero padding the norm is at most that, for kernels up to half of the image.

>>> kernel = torch.zeros(1, 1, 3, 3); kernel[0, 0] = 1.0                       # a sum over nine neighbours
>>> round(convolution_norm(kernel, (8, 8)), 6), round(float(torch.linalg.matrix_norm(kernel.flatten(1), 2)), 6)
(9.0, 3.0)
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.errors import InputError


def convolution_norm(kernel: Tensor, image: tuple[int, int]) -> float:
    """Largest singular value of the circular convolution with kernel [o i h w], stride 1, on images of this size.

    Errors: a kernel of another shape, larger than the image, or not finite.
    """
    if kernel.ndim != 4 or kernel.shape[2] > image[0] or kernel.shape[3] > image[1]:
        raise InputError(
            f"a kernel {tuple(kernel.shape)} on images of {image}", "give [o i h w] within the image"
        )
    if not bool(torch.isfinite(kernel).all()):
        raise InputError("the kernel is not finite", "check the training")
    table = torch.fft.fft2(kernel.detach().double(), s=list(image)).permute(2, 3, 0, 1)
    return float(torch.linalg.matrix_norm(table, ord=2).amax())
