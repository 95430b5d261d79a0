"""The data sets of `memorizer` and the three answers to each: the store's, the commonest, and a learned one.

With fewer than 30 held-out rows that are not stored, nothing is said of what lies beyond.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.controls.pair_table import pair_table
from heldout.controls.store import store
from heldout.core.streams import stream, torch_seed

WORDS, TREES, IMAGES, PLACES, FEW = 1500, 60, 3000, 4000, 30
TWO = ("alcohol", "volatile acidity")
Table = tuple[NDArray[Any], NDArray[np.int64]]


def scores(data: str, seed: int) -> dict[str, Any]:
    """n, m, ceiling, the share of held-out rows that are stored, and accuracies of store, constant and learned."""
    if data.endswith("words"):
        return _text(int(data.split()[0]), seed)
    x, y = _table(data)
    if data.endswith("false labels"):
        y = y[stream(seed, "false labels").permutation(len(y))]
    order = stream(seed, "split", data).permutation(len(y))
    cut = 2 * len(y) // 3
    train, test = order[:cut], order[cut:]
    spread = x[train].std(0) if x.shape[1] < 20 else np.ones(x.shape[1], x.dtype)  # pixels share a unit
    x = x / np.where(spread > 0, spread, 1.0)
    return _scored(
        (x[train], y[train]), (x[test], y[test]), "euclidean", _forest(x[train], y[train], x[test], seed)
    )


def _table(data: str) -> Table:
    """Rows [n d] and labels [n] of a data set."""
    from heldout.tasks.digits import digits
    from heldout.tasks.mnist5k import mnist5k
    from heldout.tasks.red_wine import red_wine

    if data.startswith("wine"):
        wine = red_wine(duplicates=data == "wines with copies")
        columns = [wine.columns.index(name) for name in TWO] if data.endswith("columns") else slice(None)
        return wine.x[:, columns], wine.y
    drawn = mnist5k() if data == "MNIST" else digits()
    x = np.concatenate([drawn.train.x.numpy(), drawn.test.x.numpy()])
    y = np.concatenate([drawn.train.y.numpy(), drawn.test.y.numpy()])
    return (x[:IMAGES], y[:IMAGES]) if data == "MNIST" else (x, y)


def _forest(x: NDArray[Any], y: NDArray[np.int64], asked: NDArray[Any], seed: int) -> NDArray[np.int64]:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(TREES, random_state=torch_seed(seed, "forest") % 2**32)
    return np.asarray(model.fit(x, y).predict(asked), dtype=np.int64)


def _text(window: int, seed: int) -> dict[str, Any]:
    """The next word from the last `window` words; held out are 4,000 evenly spread places of the test documents."""
    from heldout.tasks.python_topics import python_topics

    task = python_topics(vocabulary=WORDS, seed=seed)
    train = _windows(task.train, window)
    x, y = _windows(task.test, window)
    kept = np.unique(np.linspace(0, len(y) - 1, min(PLACES, len(y))).astype(np.int64))
    table = pair_table(task.train, len(task.words), window).weighted(task.validation)
    said = [table.distribution(list(x[kept][k : k + 256])).argmax(1) for k in range(0, len(kept), 256)]
    return _scored(train, (x[kept], y[kept]), "suffix", np.concatenate(said))


def _windows(documents: list[NDArray[np.int64]], window: int) -> Table:
    """Each run of `window` words [n window], oldest first, and the word behind it [n]."""
    long = [d for d in documents if len(d) > window]
    past = [np.lib.stride_tricks.sliding_window_view(d[:-1], window) for d in long]
    return np.concatenate(past), np.concatenate([d[window:] for d in long])


def _scored(train: Table, test: Table, distance: Any, learned: NDArray[np.int64]) -> dict[str, Any]:
    kept = store(*train, distance)
    x, y = test
    known = kept.knows(x)
    answers = {
        "store": kept.answers(x),
        "constant": np.full(len(y), np.bincount(train[1]).argmax()),
        "learned": learned,
    }
    found: dict[str, Any] = {
        "n": len(train[1]),
        "m": len(y),
        "entries": len(kept.entries),
        "known": round(float(known.mean()), 6),
    }
    found["ceiling"] = kept.ceiling
    sample = np.unique(np.linspace(0, len(train[1]) - 1, min(2000, len(train[1]))).astype(np.int64))
    found["own"] = round(float((kept.answers(train[0][sample]) == train[1][sample]).mean()), 6)
    for who, said in answers.items():
        right = said == y
        beyond = round(float(right[~known].mean()), 6) if (~known).sum() >= FEW else None
        found[who] = {"held": round(float(right.mean()), 6), "beyond": beyond}
    return found
