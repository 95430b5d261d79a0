"""`word_pairs`: planted rows give each word; windows ask each word once; what counts as recited; the net's training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from heldout.core.streams import stream
from heldout.nets.causal_transformer import CausalTransformer
from heldout.studies import word_pairs
from heldout.studies._word_pairs_models import WINDOW, recited, trained, windows, word_logs


def _planted(loss: float, gate: float = 1.0, first: float | None = None) -> list[dict[str, Any]]:
    """3 splits a version and size; the table loses `loss` bits on new words (`first`: in the first version)."""
    rows = []
    for version in word_pairs.VERSIONS:
        behind = first if first is not None and version == word_pairs.VERSIONS[0] else loss
        for size in word_pairs.SIZES:
            for k in range(3):
                noise = 0.01 * float(stream(k, "planted", version).normal())
                bits = {name: [6.0, 4.0, 7.0] for name in word_pairs.ROLES}
                bits[word_pairs.TABLE] = [6.0, 3.0, 7.0 + behind + noise]
                bits[word_pairs.GATE] = [6.0, 5.0, 7.0 + gate + noise]
                row = {"version": version, "size": size, "seed": 2000 + k, "status": "ok", "bits": bits}
                rows.append(
                    {**row, "train_words": 80_000 * size, "recited": 0.5 + noise, "recited_8": 0.4 + noise}
                )
    return rows


def test_each_word() -> None:
    assert word_pairs.verdict(_planted(0.0)).word == "supported"
    assert word_pairs.verdict(_planted(-0.5)).word == "supported"
    assert word_pairs.verdict(_planted(0.6)).word == "refuted"
    assert word_pairs.verdict(_planted(0.0, first=0.6)).word == "refuted"
    assert word_pairs.verdict(_planted(word_pairs.MARGIN)).word == "undecided"
    poor = word_pairs.verdict(_planted(0.0, gate=-0.5))  # a transformer that learned nothing is no yardstick
    assert poor.word == "undecided"
    assert "not clearly better than a bigram" in poor.why
    small = [row for row in _planted(0.6) if row["size"] < 1]
    assert word_pairs.verdict(small).word == "undecided"
    assert len(word_pairs.figures(_planted(0.0))) == 7


def test_windows_ask_every_word_once_and_show_what_stands_before_it() -> None:
    rng = stream(0, "windows")
    for length in (1, 5, WINDOW - 1, WINDOW, WINDOW + 1, 47, 48, 49, 100):
        document = rng.integers(0, 9, length)
        for stride in (WINDOW, WINDOW // 2):
            x, y = windows([document], stride, start=9)
            asked = y[y >= 0]
            assert asked.tolist() == document.tolist()
            fed = torch.cat([torch.tensor([9]), torch.from_numpy(document)])
            for row, (inputs, answers) in enumerate(zip(x, y)):
                for place in torch.nonzero(answers >= 0).flatten().tolist():
                    assert (
                        inputs[: place + 1].tolist() == fed[row * stride : row * stride + place + 1].tolist()
                    )


def test_recited_words_end_a_run_that_stands_in_training() -> None:
    train, test = [np.array([1, 2, 3, 4, 5])], [np.array([1, 2, 3, 5]), np.array([9, 2, 3, 4])]
    assert recited(train, test, 2).tolist() == [True, True, True, False, False, False, True, True]
    assert recited(train, test, 3).tolist() == [True, True, True, False, False, False, False, True]
    assert recited(train, test, 1).tolist() == [True] * 4 + [False, True, True, True]


def test_the_transformer_learns_a_rule_and_scores_every_word() -> None:
    texts = [np.array([(start + k) % 5 for k in range(60)]) for start in range(10)]
    net = CausalTransformer(6, 64, 2, 4)
    found = trained(net, texts, texts[:1], 60, 0)
    assert found is not None
    theta, step, loss = found
    assert step <= 60
    assert loss < 0.3
    logs = word_logs(net, theta, texts[:2])
    assert logs.shape == (120,)
    assert abs(-logs[:60].mean() - loss) < 1e-6
    assert logs[1:60].min() > math.log(0.5)
