"""How often the regime judge errs on synthetic curves of known regime: `python -m bench.regime_judge [--curves N]`.

A curve is a logistic in log steps between chance and its last level, seen through a finite number of training and test rows
(binomial, with errors that persist between looks as those of a fixed test set do). Steps of fitting, delays, sharpness, last
levels and run lengths are drawn; a truth that lies within 20% of the judge's own ratio of 5 is drawn again, since there is no
right answer at the line itself.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import numpy as np

from heldout.core.streams import stream
from heldout.stats.proportion import clopper_pearson
from heldout.stats.regime_judge import REGIMES, Regime, judge

CHANCE = 1 / 31


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--curves", type=int, default=400, help="synthetic runs a regime")
    count = options.parse_args().curves
    sys.stdout.write(f"{count} synthetic runs a regime, 480 training and 481 test rows, 150 looks\n")
    wrong = 0
    for truth in REGIMES:
        words, confidence = judged(truth, count)
        wrong += count - words[truth]
        others = ", ".join(f"{w} {n}" for w, n in words.most_common() if w != truth)
        share = clopper_pearson(count - words[truth], count)
        sys.stdout.write(f"{truth:20} error {share}  mean confidence {confidence:.3f}  {others}\n")
    sys.stdout.write(f"all                  error {clopper_pearson(wrong, count * len(REGIMES))}\n")


def judged(truth: Regime, count: int) -> tuple[Counter[str], float]:
    """The judge's words on `count` runs of one regime, and its mean confidence."""
    words: Counter[str] = Counter()
    total = 0.0
    for k in range(count):
        steps, train, test = synthetic(truth, stream(0, "synthetic regime", truth, k))
        found = judge(steps.tolist(), train.tolist(), test.tolist(), 481)
        words[found.word] += 1
        total += found.confidence
    return words, total / count


def synthetic(truth: Regime, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps and both accuracy curves of a run whose regime is known."""
    steps = np.arange(0, 3000, 20)
    fit = float(rng.uniform(40, 200))
    sharp = float(rng.uniform(4, 12))
    ratio = {"comprehends": rng.uniform(1.05, 4.0), "groks": rng.uniform(6.25, 12)}.get(truth, 1.0)
    level = float(rng.uniform(CHANCE, 0.9))
    train = _noisy(_curve(steps, fit, 1.0, sharp), 480, rng)
    if truth in ("comprehends", "groks"):
        return steps, train, _noisy(_curve(steps, fit * ratio, 1.0, sharp), 481, rng)
    if truth == "memorizes":
        return steps, train, _noisy(_curve(steps, fit * float(rng.uniform(1, 4)), level, sharp), 481, rng)
    if truth == "confuses":
        low = float(rng.uniform(CHANCE, 0.8))
        return (
            steps,
            _noisy(_curve(steps, fit, low, sharp), 480, rng),
            _noisy(np.full(len(steps), CHANCE), 481, rng),
        )
    late = float(rng.uniform(3200, 6000))  # 99% only after the last look, and rising then
    return steps, train, _noisy(_curve(steps, late, 1.0, float(rng.uniform(4, 8))), 481, rng)


def _curve(steps: np.ndarray, at: float, level: float, sharp: float) -> np.ndarray:
    """From chance to `level`, of which 99% of the way is gone at step `at`."""
    middle = np.log(at) - np.log(99) / sharp
    return CHANCE + (level - CHANCE) / (1 + np.exp(-sharp * (np.log(np.maximum(steps, 1)) - middle)))


def _noisy(curve: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Each row turns right at its own place on the way: errors persist from look to look; a few rows flicker."""
    place = rng.random(rows)
    flicker = rng.random((len(curve), rows)) < 0.002
    right = (place < curve[:, None]) ^ (flicker & (curve[:, None] < 0.999))
    return np.asarray(right.mean(1))


if __name__ == "__main__":
    main()
