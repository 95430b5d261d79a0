"""A subject as a problem for searchers: its own loss, itself untouched, refused where nothing can be moved."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.core.subject import Subject
from heldout.learners.black_box import Budget, search
from heldout.learners.one_plus_lambda import one_plus_lambda
from heldout.learners.subject_loss import subject_loss


def _subject() -> tuple[nn.Module, Subject, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(60, 4, generator=draw)
    y = (x[:, 0] > x[:, 1]).long()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
    return model, Subject.from_torch(model, train=(x, y), loss="cross_entropy"), x, y


def test_the_loss_is_the_models_own_and_search_lowers_it_without_touching_it() -> None:
    model, subject, x, y = _subject()
    before = [p.detach().clone() for p in model.parameters()]
    loss, start = subject_loss(subject)
    own = float(F.cross_entropy(model(x), y).detach())
    assert loss(torch.stack([start, start])).tolist() == pytest.approx([own, own], rel=1e-5)
    found = search(one_plus_lambda(16), loss, start, Budget(evaluations=3000), 0)
    assert found.history[0][1] == pytest.approx(own, rel=1e-5)
    assert found.loss < own / 3
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))


def test_a_black_box_and_whole_numbers_are_refused() -> None:
    _, subject, x, y = _subject()
    fitted = LogisticRegression().fit(x.numpy(), y.numpy())
    with pytest.raises(
        InputError, match="no parameters or no loss that can be reached; make the subject with"
    ):
        subject_loss(Subject.from_sklearn(fitted, x.numpy(), y.numpy()))
    whole = dataclasses.replace(subject, thetas=subject.thetas.round().to(torch.int8), layout=None)
    with pytest.raises(InputError, match="parameters that are not real numbers; search over bits"):
        subject_loss(whole)
