"""Prequential code: how many bits the labels cost when each block is predicted by a model trained on the ones before.

Rows in a random order are cut into blocks; the first is sent at log2 c a label, block j by the model that the subject's
own recipe trains on blocks 1..j-1, with a little of the uniform distribution mixed in so that no label costs more than
log2(c / mixing):
    L = m_1 log2 c - sum_{i > m_1} log2[(1 - mixing) p_i(y_i) + mixing / c]        (Dawid 1984; Blier & Ollivier 2018)
The code with a switch weighs all sequences of the two predictors, uniform and model, with a chance of 1/(t+1) of changing
over before label t (van Erven, Grunwald & de Rooij 2012, J. R. Stat. Soc. B 74, 361); it costs little more than the best
such sequence, and saves what a model that is worse than uniform on few rows would waste. Labels that hold no structure
cost at least n log2 c on average, whatever the model: `shuffled=True` codes them shuffled, the control.

>>> exact = np.full(6, 0.5)
>>> round(switch_bits(np.log2(exact), 2), 6)                                  # both predictors say the same
6.0
>>> labels = np.log2(np.array([0.01, 0.01] + [0.999] * 30))
>>> round(-float(labels.sum()), 2), round(switch_bits(labels, 2), 2)          # bad on two labels, then good
(13.33, 7.97)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heldout.core import scoring
from heldout.core.batch import Batch, len_of, take
from heldout.core.errors import InputError, Withheld
from heldout.core.recipe import Recipe
from heldout.core.streams import stream, torch_seed
from heldout.core.subject import Subject
from heldout.learners.training import train_population


@dataclass(frozen=True)
class Prequential:
    """Lengths in bits of n labels of c classes: `bits` by the blocks, `switch` with the switch, `uniform` = n log2 c.

    cuts [k]: where blocks end; block_bits [k]: what each costs. The lengths are those of one order and one seed,
    exact as such: they are no estimates of anything else.
    """

    bits: float
    switch: float
    uniform: float
    cuts: tuple[int, ...]
    block_bits: tuple[float, ...]
    n: int
    shuffled: bool

    @property
    def share(self) -> float:
        """The code with the switch over the uniform one: below 1 where the labels hold structure the recipe finds."""
        return self.switch / self.uniform


def prequential(
    subject: Subject,
    cuts: Sequence[int] | None = None,
    mixing: float = 0.02,
    seed: int = 0,
    shuffled: bool = False,
) -> Prequential:
    """The prequential code of the training labels of a classification `subject`, by its own recipe or `fit`.

    cuts: ends of the blocks, rising, the last one n (by default 20, 40, 80, ..., n). Withheld: no recipe, no
    probabilities. Errors: cuts that do not rise to n, mixing outside (0, 1).
    """
    n, c = len_of(subject.train), subject.n_classes
    if c is None or subject.output_kind not in ("logits", "probabilities"):
        raise Withheld(f"labels have no code length under outputs of kind {subject.output_kind!r}")
    if subject.fit is None:
        raise Withheld("the subject has no fit: nothing can be trained on the first rows alone")
    ends = _cuts(n) if cuts is None else tuple(int(cut) for cut in cuts)
    if not ends or list(ends) != sorted(set(ends)) or ends[0] < 1 or ends[-1] != n:
        raise InputError(f"cuts {list(ends)}", f"give rising ends of blocks, the last of them {n}")
    if not 0.0 < mixing < 1.0:
        raise InputError(f"mixing = {mixing}", "give a share of the uniform distribution, such as 0.02")
    order = torch.from_numpy(stream(seed, "prequential order").permutation(n))
    rows = take(subject.train, order)
    if shuffled:
        rows = rows._replace(y=rows.y[torch.from_numpy(stream(seed, "prequential labels").permutation(n))])
    logs = np.full(n, -math.log2(c))
    for start, stop, outputs in _blocks(subject, rows, order, ends, seed):
        y = rows.y[start:stop].to(torch.int64)
        p = scoring.log_probabilities(outputs, subject.output_kind).exp().gather(-1, y[:, None])[:, 0]
        if not torch.isfinite(p).all():
            raise Withheld(f"the model trained on {start} rows predicts NaN or inf")
        logs[start:stop] = np.log2((1 - mixing) * p.numpy() + mixing / c)
    parts = np.split(-logs, ends[:-1])
    return Prequential(
        float(-logs.sum()),
        switch_bits(logs, c),
        n * math.log2(c),
        ends,
        tuple(float(part.sum()) for part in parts),
        n,
        shuffled,
    )


def switch_bits(logs: NDArray[np.float64], classes: int) -> float:
    """Bits of labels with log2 probabilities logs [n] under a model, mixed with the uniform code by switching."""
    other = -math.log2(classes)
    # log2 weight of being with the uniform code (a) and with the model (b) before label t; it starts even.
    a = b = -1.0
    for t, log in enumerate(np.asarray(logs, dtype=np.float64).tolist(), start=1):
        stay, change = math.log2(t / (t + 1)), math.log2(1 / (t + 1))
        a, b = a + other, b + log
        a, b = float(np.logaddexp2(a + stay, b + change)), float(np.logaddexp2(b + stay, a + change))
    return -float(np.logaddexp2(a, b))


def _cuts(n: int) -> tuple[int, ...]:
    ends, cut = [], 20
    while cut < n:
        ends.append(cut)
        cut *= 2
    return (*ends, n)


def _blocks(
    subject: Subject, rows: Batch, order: Tensor, ends: tuple[int, ...], seed: int
) -> list[tuple[int, int, Tensor]]:
    """Outputs for each block but the first, of models trained on what stands before it; one class needs no model."""
    pairs = [(a, b) for a, b in itertools.pairwise(ends) if len(torch.unique(rows.y[:a])) > 1]
    x = [take(rows, torch.arange(a, b)).x for a, b in pairs]
    if not isinstance(subject.fit, Recipe):
        fit, predict_with = subject.fit, subject.predict_with
        if fit is None or predict_with is None:
            raise Withheld("the subject has no fit: nothing can be trained on the first rows alone")
        models = [fit(order[:a], rows.y[:a], torch_seed(seed, "fit", a) % 2**31) for a, _ in pairs]
        return [(a, b, predict_with(model, part)) for (a, b), model, part in zip(pairs, models, x)]
    if subject.loss_of is None:
        raise InputError("a recipe needs the loss it minimizes", "pass loss= to Subject.from_torch")
    found = []
    for (a, b), part in zip(pairs, x):
        masks = torch.zeros(1, len(order), dtype=torch.bool)
        masks[0, :a] = True
        population = train_population(subject.fit, rows, masks, subject.loss_of, seed, [a])
        found.append((a, b, _shaped(subject, population.predict(part))))
    return found


def _shaped(subject: Subject, outputs: Any) -> Tensor:
    raw: Tensor = outputs if subject.output_shape is None else subject.output_shape(outputs)
    return raw[0]
