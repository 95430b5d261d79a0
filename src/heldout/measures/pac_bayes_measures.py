"""Two measures in the form of a PAC-Bayes bound, from the noise a net bears (`measures.flatness`) and how far it went.

    pacbayes init     ||w - w0||^2 / (4 s^2) + ln(n / s) + 10
    pacbayes origin   ||w||^2 / (4 s^2)      + ln(n / s) + 10
with s the largest noise that lowers the training accuracy by at most a tenth (Jiang et al. 2020, ICLR, eqs. 48 and 49). They
order models; they bound nothing, as s was chosen with the rows and the constant is no proof. For bounds: `certificates.pac_bayes`.

>>> net, start = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
>>> _ = net.load_state_dict({"weight": torch.tensor([[3.0]])}), start.load_state_dict({"weight": torch.tensor([[1.0]])})
>>> found = pac_bayes_measures(net, start, noise_std=0.5, n=100)
>>> round(found["pacbayes init"], 4), round(found["pacbayes origin"], 4)      # 4 + ln 200 + 10, 9 + ln 200 + 10
(19.2983, 24.2983)
"""

from __future__ import annotations

import math

import torch
from torch import nn

from heldout.core.errors import InputError


def pac_bayes_measures(model: nn.Module, initial: nn.Module, noise_std: float, n: int) -> dict[str, float]:
    """Both measures of a net, its start, the noise it bears and the number of training rows.

    Errors: nets of other sizes, noise that is not positive, n = 0.
    """
    w, w0 = (nn.utils.parameters_to_vector(net.parameters()).detach().double() for net in (model, initial))
    if w.shape != w0.shape:
        raise InputError("the initial network has other weights", "give the same network at its start")
    if not (noise_std > 0 and math.isfinite(noise_std)) or n < 1:
        raise InputError(f"noise {noise_std:g}, n = {n}", "give positive noise and at least one row")
    rest = math.log(n / noise_std) + 10.0
    squares = {"pacbayes init": (w - w0), "pacbayes origin": w}
    return {name: float(torch.dot(v, v)) / (4 * noise_std**2) + rest for name, v in squares.items()}
