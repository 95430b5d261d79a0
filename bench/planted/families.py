"""All families, and which are for tuning (`dev`) and which are scored once (`sealed`).

The split was written down before any sealed subject was audited. Sealed families differ from the development ones in
task, learner or kind of fault, so that thresholds that only fit the tuning tasks are found out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.planted import bad_splits, empty_models, honest_learners, noisy_labels
from bench.planted.honest_learners import classifier, regressor, torch_net
from bench.planted.planted import Family, Planted

_BASIC = ("forest", "tree", "1-NN", "logistic", "svm", "naive bayes")
_ROUND = ("forest", "tree", "1-NN", "5-NN", "svm", "boosting", "mlp", "extra trees")
_MORE = (
    "forest",
    "extra trees",
    "bagging",
    "tree",
    "boosting",
    "1-NN",
    "5-NN",
    "logistic",
    "svm",
    "lda",
    "mlp",
)


def _dev(name: str, count: int, make: Callable[..., Planted], *given: object) -> Family:
    return Family(name, "dev", count, partial(make, *given))


def _sealed(name: str, count: int, make: Callable[..., Planted], *given: object) -> Family:
    return Family(name, "sealed", count, partial(make, *given))


DEV = (
    _dev("overlapping blobs", 24, classifier, ("blobs3x1", "blobs3x1.5", "blobs2x1.5", "blobs4x1"), _BASIC),
    _dev("digits", 12, classifier, ("digits",), _BASIC),
    _dev("made tables", 18, classifier, ("made2", "made3"), (*_BASIC, "boosting", "mlp", "small tree")),
    _dev("two axes of digits", 6, classifier, ("pca2",), ("1-NN", "forest", "tree")),
    _dev("moons", 8, classifier, ("moons",), ("1-NN", "svm", "tree", "forest")),
    _dev(
        "friedman 1",
        14,
        regressor,
        ("friedman1", "linear"),
        ("ridge", "forest", "5-NN", "boosting", "1-NN", "tree", "svr"),
    ),
    _dev("nets", 12, torch_net, ("digits", "blobs3x1", "made2")),
    _dev(
        "uniform noise, unfitted",
        12,
        noisy_labels.unfitted,
        ("uniform",),
        ("made3", "digits", "blobs3x1"),
        ("small forest", "25-NN", "logistic", "lda"),
    ),
    _dev("constants", 15, empty_models.constant, ("made2", "digits", "blobs3x1")),
    _dev("slow nets", 6, empty_models.slow_net, ("digits", "made2")),
    _dev(
        "labels dealt out",
        16,
        empty_models.no_signal,
        ("forest", "1-NN", "tree", "net"),
        ("made2", "digits", "blobs3x1"),
    ),
    _dev(
        "uniform noise, fitted",
        20,
        noisy_labels.fitted,
        ("uniform",),
        ("made3", "digits", "blobs3x1", "made2"),
        ("forest", "1-NN", "tree", "extra trees", "net"),
    ),
    _dev(
        "class noise, fitted",
        12,
        noisy_labels.fitted,
        ("class",),
        ("digits", "made3"),
        ("forest", "1-NN", "tree", "tight svm"),
    ),
    _dev("tiny tests", 12, bad_splits.tiny_test, ("made2", "blobs3x1", "digits")),
    _dev("flipping feature", 4, bad_splits.flipping),
    _dev("leaks", 8, bad_splits.leaked, ("made3", "blobs3x1")),
)

SEALED = (
    _sealed("wine, cancer, iris", 66, classifier, ("wine", "cancer", "iris"), _MORE),
    _sealed("shapes", 64, classifier, ("circles", "quantiles", "xor", "spirals", "checkers"), _ROUND),
    _sealed("made tables of 4", 22, classifier, ("made4",), (*_MORE, "qda")),
    _sealed("digits, odd or even", 16, classifier, ("parity",), _ROUND),
    _sealed("three and six axes of digits", 16, classifier, ("pca3", "pca6"), _ROUND),
    _sealed(
        "wide blobs",
        16,
        classifier,
        ("blobs3x2", "blobs4x1.5"),
        ("forest", "tree", "1-NN", "5-NN", "lda", "naive bayes", "boosting", "logistic"),
    ),
    _sealed(
        "friedman 2 and 3, smooth",
        28,
        regressor,
        ("friedman2", "friedman3", "smooth"),
        ("forest", "extra trees", "boosting", "5-NN", "1-NN", "mlp", "tree"),
    ),
    _sealed(
        "nets on other tasks", 24, torch_net, ("moons", "cancer", "pca6", "made4", "quantiles", "circles")
    ),
    _sealed(
        "95 to 5",
        14,
        classifier,
        ("imbalanced",),
        ("forest", "logistic", "svm", "naive bayes", "1-NN", "lda", "tree"),
    ),
    _sealed(
        "groups",
        14,
        classifier,
        ("grouped",),
        ("forest", "logistic", "svm", "naive bayes", "1-NN", "lda", "tree"),
    ),
    _sealed(
        "three-level tables",
        12,
        classifier,
        ("discrete",),
        ("forest", "logistic", "tree", "naive bayes", "boosting", "1-NN"),
    ),
    _sealed("repeated training rows", 12, honest_learners.repeated_rows),
    _sealed("steady shift", 8, bad_splits.steady),
    _sealed(
        "other noise, unfitted",
        24,
        noisy_labels.unfitted,
        ("runner-up", "class", "region"),
        ("made4", "cancer", "pca6"),
        ("small forest", "25-NN", "logistic", "lda"),
    ),
    _sealed("constants elsewhere", 18, empty_models.constant, ("cancer", "imbalanced", "wine", "xor")),
    _sealed("slow nets elsewhere", 8, empty_models.slow_net, ("pca6", "made4")),
    _sealed(
        "labels dealt out elsewhere",
        18,
        empty_models.no_signal,
        ("extra trees", "1-NN", "tight svm", "bagging", "net"),
        ("cancer", "moons", "made4", "pca6"),
    ),
    _sealed("values dealt out", 6, empty_models.no_signal_values),
    _sealed(
        "runner-up noise, fitted",
        18,
        noisy_labels.fitted,
        ("runner-up",),
        ("digits", "made4", "cancer"),
        ("forest", "1-NN", "tree", "extra trees", "net", "tight svm"),
    ),
    _sealed(
        "region noise, fitted",
        16,
        noisy_labels.fitted,
        ("region",),
        ("parity", "quantiles", "made3", "pca6"),
        ("forest", "1-NN", "tree", "extra trees"),
    ),
    _sealed(
        "class noise elsewhere, fitted",
        12,
        noisy_labels.fitted,
        ("class",),
        ("pca6", "made4", "circles"),
        ("forest", "1-NN", "tree", "net"),
    ),
    _sealed("wrong values", 12, noisy_labels.wrong_values),
    _sealed(
        "tiny tests elsewhere", 20, bad_splits.tiny_test, ("made4", "pca6", "moons", "quantiles", "cancer")
    ),
    _sealed("flipping feature again", 8, bad_splits.flipping),
    _sealed("leaks elsewhere", 12, bad_splits.leaked, ("digits", "made4", "quantiles")),
)

FAMILIES = (*DEV, *SEALED)
