"""The learning coefficient against exact truth, with its cost: `python -m bench.llc [--cases quick|tuned|sealed] [--seeds k]`.

One row a case and seed: estimate/truth, standard error, whether the 95% interval covers, gradient evaluations (over all
chains), seconds of wall time, and the reason where the estimate is withheld. Then the summary. `--one` measures
lambda(n beta) of reduced rank regression 5-3-5, rank 1, by Langevin chains, beside Hamiltonian ones. No other library is
measured here.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import statistics
import sys
import time

import torch

from heldout.calibration import llc as calibration
from heldout.calibration.energies import layered
from heldout.measures.llc import llc_of_energy
from heldout.measures.posterior.settings import OneTemperature


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--cases", choices=["quick", "tuned", "sealed"], default="quick")
    options.add_argument("--match", default="", help="only cases whose name contains this")
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument(
        "--one", action="store_true", help="one temperature: Langevin chains beside Hamiltonian ones"
    )
    chosen = options.parse_args()
    torch.set_num_threads(1)
    if chosen.one:
        _one_temperature(chosen.seeds)
        return
    known = {**calibration.TUNED, **calibration.SEALED}
    names = {
        "quick": list(calibration.QUICK),
        "tuned": list(calibration.TUNED),
        "sealed": list(calibration.SEALED),
    }[chosen.cases]
    _accuracy({name: known[name] for name in names if chosen.match in name}, chosen.seeds)


def _accuracy(makers: dict[str, calibration.Make], seeds: int) -> None:
    off, covered, withheld, seconds = [], 0, 0, []
    for name, make in makers.items():
        for seed in range(seeds):
            known = make(seed)
            found = calibration.measure(known, seed)
            seconds.append(found.seconds)
            cost = f"{found.gradients / 1e6:5.2f}M gradients {found.seconds:5.1f} s"
            if not found.estimate.ok:
                withheld += 1
                _say(f"{name:46} {known.truth:6.4g}  withheld {cost}  {found.reason}")
                continue
            ratio = float(found.estimate.value) / known.truth
            inside = float(found.estimate.low) <= known.truth <= float(found.estimate.high)
            off.append(abs(ratio - 1))
            covered += inside
            error = float(found.estimate.stderr or math.nan) / known.truth
            _say(
                f"{name:46} {known.truth:6.4g}  {ratio:.3f} +- {error:.3f}"
                f" {'covered' if inside else 'MISSED '} {cost}"
            )
    runs = len(seconds)
    _say(f"\n{runs} runs of {len(makers)} cases: {len(off)} reported, {withheld} withheld")
    if off:
        _say(
            f"|estimate/truth - 1|: median {statistics.median(off):.2%}, largest {max(off):.2%}; "
            f"95% intervals cover {covered}/{len(off)} = {covered / len(off):.3f}"
        )
    _say(f"seconds a run: median {statistics.median(seconds):.1f}, largest {max(seconds):.1f}")


def _one_temperature(seeds: int) -> None:
    known, n = layered((5, 3, 5), 1), 1000
    t = n / math.log(n)
    exact = llc_of_energy(
        known.energy,
        known.start,
        n,
        gamma=1.0,
        settings=OneTemperature(n_beta=t, sampler="hamiltonian", draws=3000),
    )
    truth = float(exact.estimate.value)
    _say(
        f"lambda(n beta = {t:.0f}), gamma = 1, by Hamiltonian chains: {exact.estimate}, {exact.seconds:.1f} s"
    )
    for seed in range(seeds):
        begun = time.perf_counter()
        found = llc_of_energy(
            known.energy, known.start, n, seed, gamma=1.0, settings=OneTemperature(n_beta=t, draws=3000)
        )
        _say(
            f"  Langevin, seed {seed}: {found.estimate} = {float(found.estimate.value) / truth:.3f} of it, step-size "
            f"correction {found.bias / truth:.1%}, {found.gradients:,} gradients, {time.perf_counter() - begun:.1f} s"
        )
    peer = (
        "not installed"
        if importlib.util.find_spec("devinterp") is None
        else "installed, and not driven by this script"
    )
    _say(f"devinterp: {peer}; there is no peer in this run")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
