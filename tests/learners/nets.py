"""The catalogue: one architecture a line, the inputs it takes, and the path that it must train on."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

N, D, C = 46, 6, 3


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.inner, self.last = nn.Linear(D, 8), nn.Linear(8, 8, bias=False), nn.Linear(8, C)
        self.norm, self.scale = nn.LayerNorm(8), nn.Parameter(torch.randn(8))

    def forward(self, x):
        h = F.gelu(self.first(x.view(x.size(0), -1)))
        h = h + torch.tanh(self.inner(h)) * self.scale
        return self.last(self.norm(h) / 2)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.place, self.last = (
            nn.Embedding(11, 5),
            nn.Parameter(torch.randn(4, 5)),
            nn.Linear(5, C),
        )

    def forward(self, x):
        return self.last(torch.relu(self.table(x) + self.place).mean(dim=1))


class TiedLinear(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode, self.middle, self.last = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, C)
        self.middle.weight = self.encode.weight

    def forward(self, x):
        return self.last(self.middle(self.encode(x).sigmoid()).relu())


class TiedTable(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.last = nn.Embedding(11, 5), nn.Linear(5, 11, bias=False)
        self.last.weight = self.table.weight

    def forward(self, x):
        return self.last(self.table(x[:, 0]) + self.table(x[:, 1]))


class Frozen(nn.Module):
    """A random projection that never moves, and a buffer with random signs: each replica has its own."""

    def __init__(self):
        super().__init__()
        self.project, self.last = nn.Linear(D, 16), nn.Linear(16, C)
        self.project.requires_grad_(False)
        self.register_buffer("signs", torch.randn(16).sign())

    def forward(self, x):
        return self.last(self.project(x).relu() * self.signs)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(D, 5), nn.Linear(2, 5)
        self.last = nn.Linear(10, C)

    def forward(self, a, b, scale=1.0):
        return self.last(torch.cat([self.a(a).relu(), self.b(b).relu()], dim=1) * scale)


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(D, C), nn.Linear(D, C)

    def forward(self, x):
        return self.a(x) if x.sum() > 0 else self.b(x)


class Coupled(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(D, C)

    def forward(self, x):
        return self.last(x - x.mean(0, keepdim=True))


class Attention(nn.Module):
    """Without biases: those of the keys have no gradient but rounding, which Adam would blow up to full steps."""

    def __init__(self):
        super().__init__()
        self.table, self.qkv, self.last = nn.Embedding(11, 6), nn.Linear(6, 18, bias=False), nn.Linear(6, C)

    def forward(self, x):
        q, k, v = (self.qkv(self.table(x))[..., 6 * i : 6 * i + 6] for i in range(3))
        weights = torch.softmax(q @ k.transpose(1, 2) / 6**0.5, dim=-1)
        return self.last((weights @ v).reshape(x.shape[0], 4, 6)[:, -1])


class WeightNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.utils.parametrizations.weight_norm(nn.Linear(D, C))

    def forward(self, x):
        return self.last(x)


def dense():
    return nn.Sequential(nn.Linear(D, 8), nn.ReLU(), nn.Linear(8, C))


def conv():
    return nn.Sequential(
        nn.Unflatten(1, (1, D)), nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, C)
    )


def batch_norm():
    # No bias before the norm: its true gradient is 0, and Adam would scale up the rounding error that is left.
    return nn.Sequential(nn.Linear(D, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, C))


def dropout():
    return nn.Sequential(nn.Linear(D, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, C))


def transformer():
    layer = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True, bias=False)
    return nn.Sequential(nn.Embedding(11, 6), layer, nn.Flatten(), nn.Linear(24, C))


def hooked():
    model = dense()
    model[0].register_forward_hook(lambda module, inputs, output: output * 2)
    return model


def rows() -> torch.Tensor:
    return torch.randn(N, D, generator=torch.Generator().manual_seed(1))


def tokens() -> torch.Tensor:
    return torch.randint(0, 11, (N, 4), generator=torch.Generator().manual_seed(2))


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    return rows(), rows()[:, :2].flip(0)


def named() -> dict[str, torch.Tensor]:
    a, b = pair()
    return {"b": b, "a": a}


CATALOGUE = {
    "dense": (dense, rows, "stack"),
    "root linear": (lambda: nn.Linear(D, C), rows, "stack"),
    "residual, layer norm, own parameter": (Residual, rows, "stack"),
    "embedding": (Words, tokens, "stack"),
    "tied linear layers": (TiedLinear, rows, "stack"),
    "tied embedding": (TiedTable, tokens, "stack"),
    "frozen": (Frozen, rows, "stack"),
    "tuple": (Two, pair, "stack"),
    "dict": (Two, named, "stack"),
    "conv": (conv, rows, "vmap"),
    "attention": (Attention, tokens, "stack"),
    "transformer layer": (transformer, tokens, "loop"),
    "no batching rule": (WeightNorm, rows, "loop"),
    "forward hook": (hooked, rows, "vmap"),
    "batch norm": (batch_norm, rows, "loop"),
    "dropout": (dropout, rows, "loop"),
    "branch on values": (Branch, rows, "loop"),
    "coupled examples": (Coupled, rows, "loop"),
}
