"""Learners by name, fitted by seed. `sk` gives a subject from scikit-learn, `net` one from torch with its recipe."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from sklearn import (
    discriminant_analysis,
    dummy,
    ensemble,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    svm,
    tree,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F

from bench.planted.tasks import Table
from heldout import Recipe, Subject

CLASSIFIERS: dict[str, Any] = {
    "forest": lambda: ensemble.RandomForestClassifier(40),
    "extra trees": lambda: ensemble.ExtraTreesClassifier(40),
    "bagging": lambda: ensemble.BaggingClassifier(n_estimators=15),
    "tree": lambda: tree.DecisionTreeClassifier(),
    "small tree": lambda: tree.DecisionTreeClassifier(max_leaf_nodes=12),
    "small forest": lambda: ensemble.RandomForestClassifier(40, min_samples_leaf=15),
    "boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=30),
    "adaboost": lambda: ensemble.AdaBoostClassifier(n_estimators=30),
    "1-NN": lambda: neighbors.KNeighborsClassifier(1),
    "5-NN": lambda: neighbors.KNeighborsClassifier(5),
    "25-NN": lambda: neighbors.KNeighborsClassifier(25),
    "logistic": lambda: make_pipeline(StandardScaler(), linear_model.LogisticRegression(max_iter=300)),
    "svm": lambda: make_pipeline(StandardScaler(), svm.SVC()),
    "tight svm": lambda: make_pipeline(StandardScaler(), svm.SVC(C=1e4, gamma="auto")),
    "naive bayes": lambda: naive_bayes.GaussianNB(),
    "lda": lambda: discriminant_analysis.LinearDiscriminantAnalysis(),
    "qda": lambda: discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.05),
    "mlp": lambda: make_pipeline(
        StandardScaler(),
        neural_network.MLPClassifier(hidden_layer_sizes=(32,), learning_rate_init=5e-3, max_iter=40),
    ),
    "most frequent": lambda: dummy.DummyClassifier(strategy="most_frequent"),
    "prior": lambda: dummy.DummyClassifier(strategy="prior"),
    "stump of one": lambda: tree.DecisionTreeClassifier(min_samples_split=10**6),
}
REGRESSORS: dict[str, Any] = {
    "ridge": lambda: linear_model.Ridge(),
    "forest": lambda: ensemble.RandomForestRegressor(40),
    "extra trees": lambda: ensemble.ExtraTreesRegressor(40),
    "tree": lambda: tree.DecisionTreeRegressor(),
    "boosting": lambda: ensemble.GradientBoostingRegressor(n_estimators=60),
    "1-NN": lambda: neighbors.KNeighborsRegressor(1),
    "5-NN": lambda: neighbors.KNeighborsRegressor(5),
    "svr": lambda: make_pipeline(StandardScaler(), svm.SVR()),
    "mlp": lambda: make_pipeline(
        StandardScaler(),
        neural_network.MLPRegressor(hidden_layer_sizes=(32,), learning_rate_init=5e-3, max_iter=60),
    ),
    "mean": lambda: dummy.DummyRegressor(),
    "crushed ridge": lambda: linear_model.Ridge(alpha=1e9),
    "crushed svr": lambda: make_pipeline(StandardScaler(), svm.SVR(C=1e-6, epsilon=10.0)),
}
INTERPOLATES = ("forest", "extra trees", "tree", "1-NN", "tight svm", "bagging")


def _seeded(estimator: Any, seed: int | None) -> Any:
    names = [k for k in estimator.get_params() if k == "random_state" or k.endswith("__random_state")]
    return estimator.set_params(**dict.fromkeys(names, seed))


def sk(
    name: str, table: Table, rng: np.random.Generator, regression: bool = False, **options: Any
) -> Subject:
    """The named learner fitted on the table. Refits draw their own seeds."""
    made = (REGRESSORS if regression else CLASSIFIERS)[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _seeded(made, int(rng.integers(2**31))).fit(table.X, table.y)
    return Subject.from_sklearn(
        _seeded(made, None), table.X, table.y, table.X_test, table.y_test,
        groups_train=table.groups, groups_test=table.groups_test, name=f"{name} on {table.name}", **options,
    )  # fmt: skip


def net(
    table: Table,
    rng: np.random.Generator,
    hidden: int = 64,
    epochs: int = 20,
    lr: float = 3e-3,
    weight_decay: float = 0.01,
) -> Subject:
    """A one-layer torch net trained by the recipe that the audit is given."""
    mean, scale = table.X.mean(0), table.X.std(0) + 1e-9
    X, X_test = (torch.tensor((part - mean) / scale, dtype=torch.float32) for part in (table.X, table.X_test))
    y, y_test = torch.as_tensor(table.y), torch.as_tensor(table.y_test)
    classes, d = table.classes, X.shape[1]

    def make_model() -> nn.Module:
        return nn.Sequential(nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, classes))

    with torch.random.fork_rng():
        torch.manual_seed(int(rng.integers(2**31)))
        model = make_model()
        optimizer = torch.optim.AdamW(model.parameters(), lr, weight_decay=weight_decay)
        for _ in range(epochs):
            for rows in torch.randperm(len(y)).split(32):
                optimizer.zero_grad()
                F.cross_entropy(model(X[rows]), y[rows]).backward()
                optimizer.step()
    recipe = Recipe(
        make_model, optimizer="adamw", lr=lr, epochs=epochs, batch_size=32, weight_decay=weight_decay
    )
    return Subject.from_torch(
        model,
        train=(X, y),
        test=(X_test, y_test),
        loss="cross_entropy",
        fit=recipe,
        name=f"net of {hidden} on {table.name}",
    )
