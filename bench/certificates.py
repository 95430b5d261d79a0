"""How sound, how tight and how fast certificates are: `python -m bench.certificates [--quick]`.

Soundness: worst cases in which a bound fails almost as often as delta allows (`bench.worst_cases`), by a binomial test.
Tightness: the same numbers through every form; digits with a prior learned from half of the rows, beside hold-out
bounds. Speed: kl inversions a second on one core, beside the two ways in which they are usually written.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import torch
from scipy.optimize import brentq
from scipy.stats import binom
from sklearn.datasets import load_digits

from bench.worst_cases import CASES, DELTA, peeking
from heldout.certificates.catoni import catoni_union_upper
from heldout.certificates.holdout import holdout
from heldout.certificates.kl_inverse import kl_inverse_upper
from heldout.certificates.maurer_kl import maurer_kl_upper
from heldout.certificates.mcallester import mcallester_upper
from heldout.certificates.quadratic import fast_upper, quadratic_upper
from heldout.certifying.learned_prior import learned_prior
from heldout.core.streams import stream
from heldout.learners.pac_bayes import draw_errors


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--quick", action="store_true", help="2,000 data sets and one split of digits, under a minute"
    )
    quick = options.parse_args().quick
    torch.set_num_threads(1)
    _soundness(2_000 if quick else 20_000)
    _forms()
    _digits((20,) if quick else (20, 21, 22))
    _speed()


def _soundness(trials: int) -> None:
    _say(
        f"soundness: how often the bound is below the truth, delta {DELTA}; p of a rate above delta (binomial)\n"
    )
    _say(f"{'':40}{'data sets':>10}{'rate':>9}{'p':>9}   tight\n")
    sound = True
    for case in CASES:
        found = case(min(trials, 2_000) if case is peeking else trials, 0)
        p = float(binom.sf(found.violations - 1, found.trials, found.delta))
        sound &= found.verdict() == "at most delta"
        _say(f"{found.name:40}{found.trials:10,}{found.rate:9.4f}{p:9.3f}   {'yes' if found.tight else ''}\n")
    _say("all sound\n\n" if sound else "NOT SOUND\n\n")
    if not sound:
        raise SystemExit(1)


def _forms() -> None:
    forms = {
        "kl with xi(n)": lambda r, kl, n: maurer_kl_upper(r, kl, n, DELTA, "xi"),
        "kl with 2 sqrt n": lambda r, kl, n: maurer_kl_upper(r, kl, n, DELTA),
        "Catoni, union": lambda r, kl, n: catoni_union_upper(r, kl, n, DELTA),
        "quadratic": lambda r, kl, n: quadratic_upper(r, kl, n, DELTA),
        "Tolstikhin-Seldin": lambda r, kl, n: fast_upper(r, kl, n, DELTA),
        "McAllester": lambda r, kl, n: mcallester_upper(r, kl, n, DELTA),
    }
    cases = [(0.02, 1.0, 719), (0.02, 50.0, 2000), (0.02, 3000.0, 60_000), (0.3, 3000.0, 60_000)]
    _say("PAC-Bayes forms at the same (Rhat, KL, n), delta .05\n")
    _say(f"{'':20}" + "".join(f"{f'{r:g}, {kl:g}, {n}':>20}" for r, kl, n in cases) + "\n")
    for name, form in forms.items():
        _say(f"{name:20}" + "".join(f"{form(*case):20.5f}" for case in cases) + "\n")
    _say("\n")


def _digits(seeds: tuple[int, ...]) -> None:
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x / 16.0, dtype=torch.float32), torch.tensor(y)
    _say(
        "digits, 1,437 train and 360 test rows, delta .05: MLP 64-256-10, prior from 718 rows, bound on 719\n"
    )
    _say(
        f"{'seed':>5}{'PAC-Bayes':>11}{'KL':>8}{'hold-out of the prior (719)':>29}{'Gibbs test':>12}{'hold-out (360 test)':>21}{'s':>7}\n"
    )
    for seed in seeds:
        order = torch.from_numpy(stream(seed, "digits").permutation(1797))
        train, test = order[360:], order[:360]
        start = time.perf_counter()
        found = learned_prior(x[train], y[train], 10, seed=seed)
        seconds = time.perf_counter() - start
        inputs = (x - x[train].mean()) / x[train].std() * 0.37 + 0.3
        gibbs = draw_errors(found.model, found.posterior, inputs[test], y[test], draws=200).mean()
        with torch.no_grad():
            wrong = found.model(inputs[test]).argmax(-1) != y[test]
        kl = found.certificate.formula.split("KL = ")[1].split(",")[0]
        _say(
            f"{seed:5}{found.certificate.value:11.4f}{float(kl):8.3f}{found.competitor.value:29.4f}{gibbs:12.4f}"
            f"{holdout(wrong.numpy(), DELTA, look=None).value:21.4f}{seconds:7.1f}\n"
        )
    _say("\n")


def _speed() -> None:
    rng = stream(0, "speed")
    q, c = rng.random(400_000) ** 3, 10 ** rng.uniform(-5, 0, 400_000)
    plain = kl_inverse_upper(q, c) < 0.999  # where the peers' arithmetic has a root
    q, c = q[plain], c[plain]
    peers = {
        "bisection in a loop": _bisection,
        "scipy brentq in a loop": lambda a, b: brentq(lambda p: _kl(a, p) - b, a, 1 - 1e-16),
    }
    kl_inverse_upper(q[:1000], c[:1000])
    taken = []
    for _ in range(3):
        start = time.process_time()
        kl_inverse_upper(q, c)
        taken.append((time.process_time() - start) / len(q))
    ours = sorted(taken)[1]
    _say("kl inversions a second of processor time on one core\n")
    _say(f"{'vectorized':26}{1 / ours:14,.0f}\n")
    for name, peer in peers.items():
        start = time.process_time()
        for a, b in zip(q[:2000].tolist(), c[:2000].tolist()):
            peer(a, b)
        each = (time.process_time() - start) / 2000
        _say(f"{name:26}{1 / each:14,.0f}   {each / ours:8.0f} times slower\n")


def _kl(q: float, p: float) -> float:
    return (q * math.log(q / p) if q > 0 else 0.0) + (1 - q) * math.log((1 - q) / (1 - p))


def _bisection(q: float, c: float) -> float:
    low, high = q, 1.0
    while high - low > 1e-9:
        p = 0.5 * (low + high)
        low, high = (p, high) if _kl(q, p) <= c else (low, p)
    return high


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
