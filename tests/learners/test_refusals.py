"""What cannot be trained is refused before anything is, with the cause and the remedy."""

from __future__ import annotations

import pytest
import torch
from tests.learners.nets import CATALOGUE, C, D, N, batch_norm, dense, rows
from torch import nn
from torch.nn import functional as F

from heldout.core.batch import Batch
from heldout.core.cross_entropy import cross_entropy
from heldout.core.errors import InputError
from heldout.core.recipe import Recipe
from heldout.learners.population import join
from heldout.learners.training import train_chunks, train_population

DATA = Batch(rows(), torch.arange(N) % C)
ALL = torch.ones(2, N, dtype=torch.bool)


def refused(
    message: str, make=dense, data=DATA, masks=ALL, loss=cross_entropy, names=(0, 1), labels=None, **options
):
    recipe = Recipe(make, **{"lr": 1e-2, "epochs": 1, "batch_size": 10, **options})
    with pytest.raises(InputError, match=message) as caught:
        train_chunks(recipe, data, masks, loss, 0, list(names), labels=labels)
    assert caught.value.remedy


class Returns(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.last, self.kind = nn.Linear(D, C), kind

    def forward(self, x):
        return self.kind(self.last(x))


class Hidden(nn.Module):
    def __init__(self):
        super().__init__()
        self.last, self.noise = nn.Linear(D, C), torch.randn(D)

    def forward(self, x):
        return self.last(x + self.noise)


def test_shapes_of_masks_names_and_labels() -> None:
    refused("masks are", masks=ALL[:, 1:])
    refused("masks are", masks=ALL.float())
    refused("2 replica names .1 distinct", names=(3, 3))
    refused("replica 1 has no rows", masks=torch.stack([ALL[0], ~ALL[0]]))
    refused("labels are", labels=torch.zeros(3, N))


def test_models_that_cannot_be_trained() -> None:
    refused("make_model returned", make=lambda: 3)
    refused("cannot be run on training rows", make=lambda: nn.Linear(D + 1, C))
    refused("returns dict, not a tensor", make=lambda: Returns(lambda z: {"logits": z}))
    refused("returns tuple, not a tensor", make=lambda: Returns(lambda z: (z, z)))
    refused("the first axis", make=lambda: Returns(lambda z: z.sum(0)))
    refused("no trainable parameters", make=lambda: dense().requires_grad_(False))
    refused("lazy parameters", make=lambda: nn.LazyLinear(C))
    refused("different architectures", make=lambda: nn.Linear(D, C + int(torch.randint(0, 10**6, ()))))
    refused("random numbers in noise, which is neither", make=Hidden)
    refused("one row, and the model cannot train on one", make=batch_norm, batch_size=15)


def test_losses_that_cannot_be_minimized() -> None:
    refused(r"the loss returns \(\) for 8 examples", loss=F.cross_entropy)
    refused("the loss cannot be computed", loss=lambda z, y: z - y)
    refused("does not depend on the trainable", loss=lambda z, y: y.double())


@pytest.mark.parametrize("path", ["stack", "vmap"])
def test_a_path_that_cannot_be_taken(path: str) -> None:
    for kind, cause in (
        ("dropout", "draws random numbers"),
        ("batch norm", "changes buffers"),
        ("branch on values", path),
    ):
        refused(f'path="{path}" cannot train this model: .*{cause}', make=CATALOGUE[kind][0], path=path)


def test_options_that_the_optimizer_does_not_have() -> None:
    refused("sgd has no betas", optimizer="sgd", betas=(0.9, 0.99))
    refused("adam has no momentum", optimizer="adam", momentum=0.9)


def test_nothing_to_join_or_to_predict() -> None:
    with pytest.raises(InputError, match="no population"):
        join([])
    population = train_population(Recipe(dense, epochs=1), DATA, ALL, cross_entropy, 0, [0, 1])
    with pytest.raises(InputError, match="nothing to predict"):
        population.predict(DATA.x[:0])
