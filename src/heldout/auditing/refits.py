"""Training the model again: on parts of the data, on all of it, on shuffled labels. Predictions are reduced as they come.

For r refits on n training and m test rows what stays is score and log-odds [r n], [r m] and the answers on test [r m]
in float32, so memory is 8 n + 12 m bytes a refit, whatever the number of classes. Ctrl-C keeps the refits that are finished.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heldout.core import scoring
from heldout.core.batch import Batch, len_of
from heldout.core.errors import InputError, Withheld
from heldout.core.recipe import Recipe
from heldout.core.streams import torch_seed
from heldout.core.subject import Subject

Tick = Callable[[int, int], None]
Predict = Callable[[Any], Tensor]


@dataclass
class Refits:
    """r finished refits: masks [r n], fraction [r], score and log-odds on train [r n] and test [r m], mean losses [r],
    answers on test [r m] (class or value; 0 where the model answers with a score)."""

    masks: np.ndarray
    fraction: np.ndarray
    labels: np.ndarray
    score: np.ndarray
    phi: np.ndarray
    test_score: np.ndarray
    test_phi: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray
    test_answer: np.ndarray
    seconds: float
    note: str
    interrupted: bool = False

    @property
    def count(self) -> int:
        """Number of finished refits r."""
        return len(self.masks)


def refit(
    subject: Subject,
    masks: np.ndarray,
    fraction: np.ndarray,
    seed: int,
    role: int,
    tick: Tick,
    labels: np.ndarray | None = None,
    threads: int = 2,
    after_epoch: Callable[[int, Predict], None] | None = None,
) -> Refits:
    """Train one model a row of masks [r n] and reduce its predictions.

    role: keeps the randomness of full, subset and shuffled refits apart. labels [n] or [r n] replace the training labels.
    Raises `Withheld` where every refit diverged.
    """
    r, n = masks.shape
    y = subject.train.y
    given = np.broadcast_to(y.numpy() if labels is None else labels, (r, n))
    m = 0 if subject.test is None else len_of(subject.test)
    score, phi = np.full((r, n), np.nan, np.float32), np.full((r, n), np.nan, np.float32)
    test_score, test_phi = np.full((r, m), np.nan, np.float32), np.full((r, m), np.nan, np.float32)
    train_loss, test_loss = np.zeros(r), np.zeros(r)
    answer = np.zeros((r, m), np.float32)
    c = subject.n_classes if subject.output_kind in ("logits", "probabilities") else None
    kind, start, finished, interrupted, note = subject.output_kind, time.perf_counter(), 0, False, ""
    source = _populations if isinstance(subject.fit, Recipe) else _models
    try:
        for rows, predict, text in source(subject, masks, given, seed, role, threads, tick, after_epoch):
            note = text or note
            for part in _chunks(n, c):
                outputs = _at(predict, subject.train, part, len(rows), c)
                target = torch.from_numpy(np.array(given[rows, part]))
                score[rows, part] = scoring.score(outputs, target, kind, subject.tolerance).numpy()
                phi[rows, part] = scoring.log_odds(outputs, target, kind).numpy()
                losses = scoring.nats(outputs, target, kind).numpy()
                train_loss[rows] = train_loss[rows] + losses.sum(1) / n
            if subject.test is not None:
                for part in _chunks(m, c):
                    outputs = _at(predict, subject.test, part, len(rows), c)
                    target = subject.test.y[part]
                    test_score[rows, part] = scoring.score(outputs, target, kind, subject.tolerance).numpy()
                    test_phi[rows, part] = scoring.log_odds(outputs, target, kind).numpy()
                    losses = scoring.nats(outputs, target, kind).numpy()
                    test_loss[rows] = test_loss[rows] + losses.sum(1) / m
                    if kind != "scored":
                        answer[rows, part] = (
                            scoring.predicted(outputs, kind).to(torch.float32).reshape(len(rows), -1).numpy()
                        )
            finished += len(rows)
    except KeyboardInterrupt:
        interrupted = True
    done = np.isfinite(score).all(1) & np.isfinite(test_score).all(1)
    if interrupted and not done.any():
        raise KeyboardInterrupt
    if not done.any():
        raise Withheld("every refit diverged (NaN outputs)")
    lost = int(r - done.sum())
    if lost and not interrupted:
        note = f"{note}; {lost} of {r} refits diverged and were left out".lstrip("; ")
    return Refits(
        masks[done], fraction[done], np.array(given[done]) if labels is not None else given[:1], score[done], phi[done],
        test_score[done], test_phi[done], train_loss[done], test_loss[done], answer[done],
        time.perf_counter() - start, note, interrupted,
    )  # fmt: skip


def _chunks(n: int, c: int | None) -> Iterator[slice]:
    step = max(64, int(2e6) // max(c or 1, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def _at(predict: Predict, batch: Batch, part: slice, replicas: int, c: int | None) -> Tensor:
    from heldout.core.batch import tree_map

    outputs = predict(tree_map(lambda t: t[part], batch.x))
    wanted = part.stop - part.start
    if tuple(outputs.shape[:2]) != (replicas, wanted) or (c is not None and outputs.shape[2:] != (c,)):
        raise InputError(
            f"a refitted model returns {tuple(outputs.shape[1:])} for {wanted} examples",
            "fit must return a model like the audited one",
        )
    return outputs


def _populations(
    subject: Subject,
    masks: np.ndarray,
    given: np.ndarray,
    seed: int,
    role: int,
    threads: int,
    tick: Tick,
    after_epoch: Any,
) -> Iterator[tuple[np.ndarray, Predict, str]]:
    """Stacked training by a `Recipe`; yields chunks of rows."""
    from heldout.learners.training import train_chunks

    recipe = subject.fit
    if not isinstance(recipe, Recipe) or subject.loss_of is None:
        raise InputError("a recipe needs the loss it minimizes", "pass loss= to Subject.from_torch")
    names = [role + k for k in range(len(masks))]
    labels = torch.from_numpy(np.array(given))
    shared = subject.output_shape
    for population in train_chunks(
        recipe, subject.train, torch.from_numpy(masks), subject.loss_of, seed, names,
        labels=labels, threads=threads, progress=tick, after_epoch=after_epoch,
    ):  # fmt: skip
        rows = np.array([name - role for name in population.replicas])
        yield rows, _predictor(population, shared), population.note


def _predictor(population: Any, shape: Callable[[Tensor], Tensor] | None) -> Predict:
    return population.predict if shape is None else lambda x: shape(population.predict(x))


def _models(
    subject: Subject,
    masks: np.ndarray,
    given: np.ndarray,
    seed: int,
    role: int,
    threads: int,
    tick: Tick,
    after_epoch: Any,
) -> Iterator[tuple[np.ndarray, Predict, str]]:
    """One model at a time by the user's own `fit`; in threads where the subject says that its fit allows it."""
    fit, predict_with = subject.fit, subject.predict_with
    if not callable(fit) or predict_with is None:
        raise Withheld("the subject has no fit: nothing can be refitted")

    def one(k: int) -> tuple[int, Any]:
        ids = torch.from_numpy(np.flatnonzero(masks[k]))
        labels = torch.from_numpy(np.array(given[k]))[ids]
        try:
            return k, fit(ids, labels, torch_seed(seed, "fit", role + k) % 2**31)
        except InputError:
            raise
        except Exception as error:
            cause = f"your fit raised {type(error).__name__}: {error}"
            raise InputError(cause, "call fit(ids, labels, seed) yourself to see where") from error

    def hand_over(k: int, model: Any) -> tuple[np.ndarray, Predict, str]:
        return np.array([k]), lambda x: predict_with(model, x).unsqueeze(0), ""

    if threads == 1 or not subject.fit_in_threads:
        for k in range(len(masks)):
            yield hand_over(*one(k))
            tick(k + 1, len(masks))
        return
    with ThreadPoolExecutor(threads) as pool:
        pending = {pool.submit(one, k) for k in range(len(masks))}
        done = 0
        try:
            while pending:
                ready, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in ready:
                    yield hand_over(*future.result())
                    done += 1
                    tick(done, len(masks))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
