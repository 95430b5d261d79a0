"""A network of 961 parameters on a noisy regression, and 1,000 checkpoints of its training.

    python examples/trajectory.py checkpoints.safetensors
    heldout trajectory examples/trajectory.py:make_subject --checkpoints checkpoints.safetensors --out runs
    heldout audit examples/trajectory.py:make_subject --out report.html

The targets are those of a teacher network with noise; the loss is half the squared error, and the weight decay of the
training is the prior of the learning coefficient. Every fifth step of 5,000 is a checkpoint.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import heldout

SEED, STEPS, EVERY = 0, 5000, 5
DECAY = 1e-3


def make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(10, 80), nn.Tanh(), nn.Linear(80, 1), nn.Flatten(0))


def half_square(out: Tensor, y: Tensor) -> Tensor:
    return 0.5 * (out - y).square()


def load() -> tuple[Tensor, Tensor]:
    """X [600 10] and y [600]: a teacher of 8 hidden units, standard deviation 1, and noise of .3."""
    generator = torch.Generator().manual_seed(SEED)
    X = torch.randn(600, 10, generator=generator)
    hidden = torch.tanh(X @ torch.randn(10, 8, generator=generator) / 10**0.5)
    y = hidden @ torch.randn(8, generator=generator)
    return X, (y - y.mean()) / y.std() + 0.3 * torch.randn(600, generator=generator)


def train() -> Iterator[tuple[int, nn.Module]]:
    """(step, model) after every step of gradient descent on the first 200 rows."""
    torch.manual_seed(SEED)
    model = make_model()
    X, y = (t[:200] for t in load())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=DECAY)
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        half_square(model(X), y).mean().backward()
        optimizer.step()
        yield step, model


def make_subject() -> heldout.Subject:
    *_, (_, model) = train()
    X, y = load()
    recipe = heldout.Recipe(
        make_model, optimizer="sgd", lr=0.05, epochs=STEPS, batch_size=200, weight_decay=DECAY
    )
    return heldout.Subject.from_torch(
        model,
        train=(X[:200], y[:200]),
        test=(X[200:], y[200:]),
        loss=half_square,
        fit=recipe,
        name="teacher and student",
    )


if __name__ == "__main__":
    rows = [
        (step, torch.cat([p.detach().reshape(-1) for p in model.parameters()]))
        for step, model in train()
        if step % EVERY == 0
    ]
    save_file(
        {"thetas": torch.stack([row for _, row in rows]), "steps": torch.tensor([step for step, _ in rows])},
        sys.argv[1],
    )
