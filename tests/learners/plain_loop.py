"""The slow reference: one module, torch's own optimizer as it comes, batch after batch. Nothing of heldout but names."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from heldout.core.batch import Batch
from heldout.core.streams import stream, torch_seed

OPTIMIZERS = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adamax": torch.optim.Adamax,
}


def take(x, rows):
    if isinstance(x, dict):
        return {key: value[rows] for key, value in x.items()}
    return tuple(value[rows] for value in x) if isinstance(x, tuple) else x[rows]


def run(model, x):
    return model(**x) if isinstance(x, dict) else model(*x) if isinstance(x, tuple) else model(x)


def plain_loop(recipe, train: Batch, mask, loss, seed: int, replica: int, y=None) -> tuple[nn.Module, float]:
    """The trained model in eval mode, and its mean training loss in the last epoch."""
    y = train.y if y is None else y
    rows = np.flatnonzero(mask.numpy())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "init", replica))
        model = recipe.make_model()
        options = {"lr": recipe.lr}
        for name in ("weight_decay", "betas"):
            if getattr(recipe, name) is not None:
                options[name] = getattr(recipe, name)
        if recipe.momentum:
            options["momentum"] = recipe.momentum
        optimizer = OPTIMIZERS[recipe.optimizer](
            [p for p in model.parameters() if p.requires_grad], **options
        )
        steps = recipe.epochs * -(-len(rows) // recipe.batch_size)
        schedule = (
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
            if recipe.schedule == "cosine"
            else torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
        )
        for epoch in range(recipe.epochs):
            model.train()
            order = torch.from_numpy(rows[stream(seed, "order", replica, epoch).permutation(len(rows))])
            total = 0.0
            for start in range(0, len(order), recipe.batch_size):
                batch = order[start : start + recipe.batch_size]
                value = loss(run(model, take(train.x, batch)), y[batch]).mean()
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                schedule.step()
                total += float(value.detach()) * len(batch)
        return model.eval(), total / len(rows)


def outputs(model, x):
    with torch.no_grad():
        return run(model, x)
