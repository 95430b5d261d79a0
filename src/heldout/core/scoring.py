"""From outputs and labels to the three numbers an example has: score in [0, 1], loss in nats, and log-odds.

Outputs [... n c] are logits or probabilities over c classes, [... n] labels or values, or [... n 2] where a subject
already reports (score, loss) per example, as language models do. All functions broadcast over leading replicas.

>>> import torch
>>> z = torch.log(torch.tensor([[.8, .2], [.6, .4]]))
>>> y = torch.tensor([0, 1])
>>> score(z, y, "logits").tolist()
[1.0, 0.0]
>>> [round(v, 4) for v in log_odds(z, y, "logits").tolist()]      # ln(.8/.2), ln(.4/.6)
[1.3863, -0.4055]
>>> [round(v, 4) for v in nats(z, y, "logits").tolist()]          # -ln .8, -ln .4
[0.2231, 0.9163]
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heldout.core.errors import InputError

KINDS = ("logits", "probabilities", "labels", "values", "scored")
_TINY = 1e-7  # probabilities below this are rounded up: a model's exact 0 is its own rounding, not certainty


def log_probabilities(outputs: Tensor, kind: str) -> Tensor:
    """log p [... n c] in float64 from logits or probabilities; NaN rows stay NaN."""
    values = outputs.to(torch.float64)
    if kind == "logits":
        return torch.log_softmax(values, dim=-1)
    if kind == "probabilities":
        return torch.log(values.clamp_min(_TINY) / values.clamp_min(_TINY).sum(-1, keepdim=True))
    raise InputError(
        f"outputs of kind {kind!r} carry no probabilities", "this measure needs logits or probabilities"
    )


def _at(values: Tensor, y: Tensor) -> Tensor:
    index = y.to(torch.int64).expand(values.shape[:-1]).unsqueeze(-1)
    return values.gather(-1, index).squeeze(-1)


def score(outputs: Tensor, y: Tensor, kind: str, tolerance: float | None = None) -> Tensor:
    """Score [... n] in [0, 1]: 1 where the most probable class is y (a tie of k classes that holds y scores 1/k), or
    where a value lies within `tolerance` of y. NaN outputs give NaN."""
    values = outputs.to(torch.float64)
    if kind == "scored":
        return values[..., 0]
    if kind == "labels":
        return torch.where(values.isnan(), math.nan, (values == y).to(torch.float64))
    if kind == "values":
        if tolerance is None:
            raise InputError(
                "a value cannot be right or wrong without a tolerance", "declare tolerance= on the subject"
            )
        return torch.where(values.isnan(), math.nan, ((values - y).abs() <= tolerance).to(torch.float64))
    top = values.amax(-1, keepdim=True)
    ties = (values == top).to(torch.float64)
    right = _at(ties, y) / ties.sum(-1)
    return torch.where(values.isnan().any(-1), math.nan, right)


def nats(outputs: Tensor, y: Tensor, kind: str) -> Tensor:
    """Loss [... n]: -log p_y in nats for classes, (output - y)^2 for values, NaN for bare labels."""
    if kind == "scored":
        return outputs[..., 1].to(torch.float64)
    if kind == "values":
        return (outputs.to(torch.float64) - y) ** 2
    if kind == "labels":
        return torch.full(outputs.shape, math.nan, dtype=torch.float64)
    return -_at(log_probabilities(outputs, kind), y)


def log_odds(outputs: Tensor, y: Tensor, kind: str) -> Tensor:
    """phi [... n] = log(p_y / (1 - p_y)), stable far into the tails; -|output - y| for values; -loss where scored."""
    if kind == "scored":
        return -outputs[..., 1].to(torch.float64)
    if kind == "values":
        return -(outputs.to(torch.float64) - y).abs()
    if kind == "labels":
        return score(outputs, y, kind)
    logs = log_probabilities(outputs, kind)
    index = y.to(torch.int64).expand(logs.shape[:-1]).unsqueeze(-1)
    others = logs.scatter(-1, index, -math.inf)
    return _at(logs, y) - torch.logsumexp(others, dim=-1)


def predicted(outputs: Tensor, kind: str) -> Tensor:
    """What the model says [... n]: the most probable class, or the value itself."""
    return outputs.argmax(-1) if kind in ("logits", "probabilities") else outputs
