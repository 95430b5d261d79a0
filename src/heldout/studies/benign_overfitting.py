"""Do an order-150 polynomial, a Gaussian process and a linear model interpolate noise without harm, as networks are said to?

Each arm fits noisy values exactly, and its excess risk on new rows, against the noiseless answers, is counted in units of
the noise's variance. A nearest neighbour passes the whole of it on to new rows (about 1); a mean over k neighbours 1/k of it.
    polynomial   Legendre, order 150, penalty 1 + j^2 of order j, x^2 + x/2 at Chebyshev nodes, noise .05, n = 30, 60
    gp           Gaussian kernel, its length the likeliest on the rows; digits even or odd as +1 and -1, 20% turned, n = 300, 900
    linear       least norm, 5 strong of 40 n directions, noise .5, n = 100, 200
    net          512 ReLU units trained to fit all; the rows of gp
    gp, spiky    the kernel of length 4 plus .3 of one so narrow that it meets no other row (Haas et al. 2023, arXiv 2305.14077)
    isotropic    linear without strong directions: the control, which interpolates and must fail
Beside each stands the same model with its penalty (the net: its stopping time) tuned on validation rows. In one dimension no
fixed kernel interpolates without passing noise on as n grows, and the middle ground between benign and catastrophic has
a name, tempered (Mallinar et al. 2022, arXiv 2207.06569).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from heldout.laboratory.study import DotRow, Dots, Figure, Mark, Named, Published, Rule, Verdict
from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean
from heldout.stats.proportion import clopper_pearson

QUESTION = "Can an order-150 polynomial, a Gaussian process and a linear model fit noise without harm?"
CLAIM = "Fitting noise without harm is not special to networks: an order-150 polynomial, a Gaussian process and a linear model do it."
SOURCE = "S4: deep learning is not so mysterious or different"
PUBLISHED = (
    Published(
        "order-150 polynomial with an order-dependent penalty",
        "fits simple and complex structure and pure noise",
        "Wilson 2025, arXiv 2503.02113, fig. 1 a-c",
    ),
    Published(
        "Gaussian process on CIFAR-10 with altered labels",
        "fits them, and degrades as networks do",
        "Wilson 2025, arXiv 2503.02113, fig. 1 d, after Zhang et al. 2017",
    ),
    Published(
        "least-norm linear regression, benign covariance: excess risk as n grows",
        "tends to 0",
        "Bartlett, Long, Lugosi & Tsigler 2020, PNAS 117, 30063",
    ),
)
ARMS = {
    "polynomial": (30, 60),
    "gp": (300, 900),
    "linear": (100, 200),
    "net": (300, 900),
    "gp, spiky": (300, 900),
    "isotropic": (100, 200),
}
CLAIMED, MARGIN, FITTED = ("polynomial", "gp", "linear"), 0.25, 0.01
RULE = Rule(
    estimand=(
        "for polynomial, gp and linear at the larger n: the mean excess risk of the interpolating fit over the noise's variance, "
        "and the share of seeds in which it interpolates (root mean square left on the training rows below .01 of the noise)"
    ),
    margin=MARGIN,
    level=0.98,
    seeds="16 (net: 8)",
    pooling=(
        "none: the claim names three models, and all must hold. Studentized bootstrap over seeds (draws of noise and rows; digits "
        "come from a fixed pool of 1,000). The isotropic control must lie above the margin, else undecided"
    ),
    supported="each of the three interpolates in every seed, and its interval lies below .25, the harm of a mean over four neighbours",
    refuted="one of the three has its interval above .25, or leaves the noise unfitted in most seeds",
)


def cells(size: str, seeds: int | None) -> list[dict[str, Any]]:
    full = size == "full"
    begin = 2000 if full else 1000
    found = []
    for arm, sizes in ARMS.items():
        count = seeds or ((8 if arm == "net" else 16) if full else (2 if arm == "net" else 6))
        for n in sizes if full or arm in ("polynomial", "linear", "isotropic") else sizes[:1]:
            group = 8 if arm == "net" else 4
            for k in range(begin, begin + count, group):
                found.append(
                    {
                        "study": "benign_overfitting",
                        "arm": arm,
                        "n": n,
                        "seeds": list(range(k, min(k + group, begin + count))),
                    }
                )
    return found


def smoke() -> dict[str, Any]:
    return {"study": "benign_overfitting", "arm": "gp", "n": 300, "seeds": [1]}


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a seed."""
    from heldout.studies._benign_overfitting_fits import fits

    yield from fits(cell)


def _of(rows: Sequence[dict[str, Any]], arm: str, n: int) -> list[dict[str, Any]]:
    return [r for r in rows if (r.get("arm"), r.get("n")) == (arm, n) and r["status"] == "ok"]


def mean_of(rows: Sequence[dict[str, Any]], arm: str, n: int, what: str = "excess") -> Interval:
    """Mean over seeds with its interval, in units of the noise's variance."""
    return bootstrap_mean([r[what] for r in _of(rows, arm, n)], level=RULE.level, bounds=(0.0, np.inf))


def fitted(rows: Sequence[dict[str, Any]], arm: str, n: int) -> Interval:
    """The share of seeds that interpolate."""
    own = _of(rows, arm, n)
    return clopper_pearson(sum(r["left"] < FITTED for r in own), len(own), RULE.level)


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """RULE, arm by arm at the larger n; the other arms are shown."""
    numbers, words = [], {}
    for arm, sizes in ARMS.items():
        for n in sizes:
            numbers.append(Named.of(f"{arm}, n = {n}: excess risk / noise variance", mean_of(rows, arm, n)))
        n = sizes[-1]
        numbers.append(Named.of(f"{arm}, n = {n}: the same, tuned", mean_of(rows, arm, n, "tuned")))
        numbers.append(Named.of(f"{arm}, n = {n}: share of seeds that interpolate", fitted(rows, arm, n)))
        words[arm] = _word(mean_of(rows, arm, n), fitted(rows, arm, n))
    said = "; ".join(f"{arm}: {word}" for arm, word in words.items())
    if words["isotropic"] != "harmed":
        return Verdict(
            "undecided",
            "The isotropic control was not run, or did not fail as it must.",
            tuple(numbers),
            said,
        )
    claimed = [words[arm] for arm in CLAIMED]
    if all(word == "unharmed" for word in claimed):
        word = "supported"
    else:
        word = (
            "refuted" if any(word in ("harmed", "does not interpolate") for word in claimed) else "undecided"
        )
    values = ", ".join(
        f"{arm} {v.value:.2g}"
        for arm in (*CLAIMED, "net", "gp, spiky")
        if (v := mean_of(rows, arm, ARMS[arm][-1])).ok
    )
    deciding = next((arm for arm in CLAIMED if words[arm] in ("harmed", "does not interpolate")), CLAIMED[0])
    first = f"{deciding}, n = {ARMS[deciding][-1]}: excess"
    numbers.sort(key=lambda number: not number.name.startswith(first))  # the index shows the first
    sentence = f"Excess risk of fits that interpolate, in units of the noise's variance (a nearest neighbour: about 1; margin .25): {values}."
    return Verdict(word, sentence, tuple(numbers), said)  # type: ignore[arg-type]


def _word(excess: Interval, share: Interval) -> str:
    if not (excess.ok and share.ok):
        return "too few seeds"
    if share.high < 0.5:
        return "does not interpolate"
    if excess.low > MARGIN:
        return "harmed"
    return "unharmed" if excess.high < MARGIN and share.value == 1.0 else "not resolved"


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Excess risk by arm, interpolating beside tuned; then how it moves with n."""
    beside, growth = [], []
    for arm, sizes in ARMS.items():
        for what, role in (
            ("excess", "rote"),
            ("tuned", "rule"),
            ("neighbour", "chance"),
            ("nothing", "other"),
        ):
            v = mean_of(rows, arm, sizes[-1], what)
            label = {
                "excess": "interpolating",
                "tuned": "tuned",
                "neighbour": "nearest neighbour",
                "nothing": "a guess of 0",
            }[what]
            if v.ok:
                beside.append(DotRow(f"{arm}, {label}", v.value, v.low, v.high, role))  # type: ignore[arg-type]
        for n in sizes:
            v = mean_of(rows, arm, n)
            if v.ok:
                growth.append(
                    DotRow(
                        f"{arm}, n = {n}", v.value, v.low, v.high, "chance" if arm == "isotropic" else "rote"
                    )
                )
    marks = (Mark("x", MARGIN, "margin"), Mark("x", 1.0, "all of the noise"))
    unit = "excess risk / noise variance"
    return [
        Dots(
            "What interpolating noise costs",
            "Mean over seeds and 98% interval, at the larger n. Below the margin: unharmed.",
            unit,
            True,
            tuple(beside),
            marks,
        ),
        Dots(
            "With more rows",
            "Benign: falls with n. Tempered: stays. The control learns nothing at any n.",
            unit,
            True,
            tuple(growth),
            marks,
        ),
    ]
