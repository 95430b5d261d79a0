"""Data of the pages beside the audit, as the commands write them: certificates, calibration, trajectory; and geometry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from tests.viewer.fake_numbers import Json, estimate, withheld


def certified() -> Json:
    def bound(value: float | None, n: int, status: str = "ok", **more: Any) -> Json:
        return {
            "quantity": "error rate on new rows of the same kind", "value": value, "delta": 0.05, "n": n,
            "formula": "kl(q, p) <= (KL + log(2 sqrt(n) / delta)) / n", "source": "Maurer 2004", "rows": "the second half",
            "assumptions": ["rows are independent draws", "the prior saw none of them"], "prior": "a net of the first half",
            "ledger": [{"what": "Monte-Carlo step, 4000 draws", "delta": 0.005}, {"what": "the bound", "delta": 0.045}],
            "status": status, "trivial": 1.0, "unit": "", "vacuous": value is not None and value >= 1, **more,
        }  # fmt: skip

    rows = [
        ("hold-out", "this model", bound(0.05987, 360), None, 0.2),
        ("PAC-Bayes", "a randomized net trained here", bound(0.05241, 719), bound(0.9389, 719), 41.0),
        ("hold-out of its prior", "the prior's net, same rows", bound(0.03362, 719), bound(0.9216, 719), 0.0),
        ("random labels", "the recipe, fitted with random labels", bound(1.0, 719), bound(1.0, 719), 3.1),
        (
            "compression",
            "a linear model, in few bits",
            bound(None, 0, "rows are in order of time"),
            None,
            0.1,
        ),
    ]
    keys = ("family", "predictor", "certificate", "control", "seconds")
    listed = [{**dict(zip(keys, row)), "observed": None} for row in rows]
    listed[0]["observed"] = {**estimate(0.0361, 0.02, 360, "Clopper-Pearson"), "low": 0.0194, "high": 0.0609}
    return {
        "schema": "heldout.certify/1", "title": "digits, logistic regression", "created": "2026-11-21T12:00:00Z",
        "version": "0.1.0", "seed": 0, "seconds": 44.4, "headline": "error at most 0.0599", "delta": 0.05, "chance": 0.8928,
        "sentence": "With probability 0.95 this model is wrong on at most 0.0599 of new rows (hold-out, n = 360).",
        "command": "heldout certify digits.py:make_subject --out certificates.html", "suspicious": [], "rows": listed,
    }  # fmt: skip


def calibration() -> Json:
    rng = np.random.default_rng(0)
    truths = {
        "trace": [1.64, 9.0, 239.0, 95793.0],
        "top_eigenvalues": [1.0, 20.0],
        "llc": [0.25, 0.5, 1.0, 8.0],
    }
    cases, runs, instruments = [], [], []
    for name, answers in truths.items():
        certain = name == "top_eigenvalues"
        for k, truth in enumerate(answers):
            error = 1e-13 if certain else 0.02
            z = np.zeros(20) if certain else rng.standard_normal(20)
            values = truth * (1 + error * z)
            half = 1.96 * error * truth
            runs += [
                [len(cases), *(round(float(v), 9) for v in (x, x - half, x + half, s))]
                for x, s in zip(values, z)
            ]
            inside = int((np.abs(z) < 1.96).sum())
            cases.append({
                "instrument": name, "case": f"case {k} of {name}", "truth": truth, "runs": 20, "answered": 20, "covered": inside,
                "coverage_low": 0.8, "coverage_high": 1.0, "level": 1.0 if certain else 0.95, "mean": float(values.mean()),
                "error": float(np.sqrt(np.mean((values / truth - 1) ** 2))), "stderr": error * truth, "z": float(np.sqrt((z**2).mean())),
                "seconds": 0.03 * 4**k, "gradients": 60.0, "reason": "",
            })  # fmt: skip
        covered = sum(c["covered"] for c in cases if c["instrument"] == name)
        total = 20 * len(answers)
        instruments.append({
            "name": name, "coverage": {**estimate(covered / total, 0.04, total, "Clopper-Pearson"), "high": min(1.0, covered / total + 0.03)},
            "level": 1.0 if certain else 0.95, "certain": certain, "cases": len(answers), "silent": 0, "runs": total, "answered": total, "seconds": 0.4,
        })  # fmt: skip
    silent = {"answered": 0, "covered": 0, "reason": "the chains disagree: R-hat 1.210, above 1.03"}
    nothing = dict.fromkeys(("mean", "error", "stderr", "z", "coverage_low", "coverage_high"))
    cases.append({**cases[-1], **nothing, **silent, "case": "deep linear 4-3-4-3, rank 1"})
    return {
        "schema": "heldout.calibrate/1", "title": "the instruments", "created": "2026-11-21T12:00:00Z", "version": "0.1.0",
        "seconds": 214.0, "headline": "190 of 200 intervals hold the truth", "runs_of": 220,
        "sentence": "3 instruments on 11 cases with a known answer. 20 runs gave no answer, each with its reason.",
        "command": "heldout calibrate --page calibration.html", "instruments": instruments, "cases": cases, "runs": runs,
    }  # fmt: skip


def trajectory(count: int = 120) -> Json:
    rows = []
    for k in range(count):
        step, s = 50 * k, k / count
        loss = 2.3 * math.exp(-7 * s) + 0.004
        llc = 40 / (1 + math.exp(-18 * (s - 0.3))) - 14 / (1 + math.exp(-18 * (s - 0.75))) + 2
        found = (
            withheld("w* is no minimum: the loss is lower by 0.4 nearby")
            if k < 9
            else estimate(llc, 1.2, 4000)
        )
        rows.append({
            "step": step, "train_loss": estimate(loss, 0.0, 4000, "mean over examples"), "test_loss": estimate(loss + 0.3 * s, 0.02),
            "llc": found, "trace": estimate(900 * math.exp(-2 * s), 30, 28),
        })  # fmt: skip
    return {"schema": "heldout.trajectory/1", "title": "modular addition, seed 0", "rows": rows}


def geometry(twin: bool = True) -> Json:
    rng = np.random.default_rng(1)
    names = (
        "trace of the Hessian",
        "top eigenvalue of the Hessian",
        "effective dimension of the Hessian, alpha 1/n",
        "learning coefficient",
    )
    why = "on shuffled labels the recipe reaches a loss of 0.2, the audited model has 0.06: not matched"
    rows = [
        {"name": name, "formula": "tr H", "value": estimate(value, value / 20, 28, "Hutch++"),
         "control": estimate(3 * value, value / 9, 28, "Hutch++") if twin else withheld(f"no shuffled-label twin: {why}")}
        for name, value in zip(names, (9.8, 1.46, 289.0, 240.0))
    ]  # fmt: skip
    steps = list(range(-60, 140))
    chains = [
        [3 * (1 - math.exp(-(s + 60) / 9)) + float(rng.normal(0, 0.2)) for s in steps] for _ in range(8)
    ]
    grid = np.linspace(-0.05, 1.5, 200)
    density = 25 * np.exp(-0.5 * (grid / 0.02) ** 2) + 0.02 * np.exp(-0.5 * ((grid - 1.4) / 0.02) ** 2)
    offsets = np.linspace(-0.4, 0.4, 25)
    plane = 0.06 + 0.3 * offsets[:, None] ** 2 + 0.9 * offsets**2 + 0.2 * offsets[:, None] * offsets
    lines = [
        {"name": name, "tone": tone, "offsets": offsets.tolist(), "loss": (at + c * offsets**2).tolist(), "at_start": at}
        for name, tone, c, at in (("random direction", "model", 0.9, 0.06), ("sharpest direction", "steep", 30.0, 0.06),
                                  ("shuffled twin, random direction", "control", 3.0, 0.07))
    ]  # fmt: skip
    return {
        "loss": 0.0621, "twin_loss": 0.066 if twin else None, "twin_status": "ok" if twin else why, "rows": rows,
        "traces": {"status": "ok", "steps": steps, "chains": chains, "of": 16, "burn": 60, "n_beta": 80.5, "r_hat": 1.003,
                   "target": "lambda(n beta = 80.5)", "answer": "ok"},
        "density": {"status": "ok", "grid": grid.tolist(), "density": density.tolist(), "low": (density * 0.8).tolist(),
                    "high": (density * 1.2).tolist(), "level": 0.95, "width": 0.015, "parameters": 1210, "method": "density of the Hessian"},
        "slices": {"status": "ok", "cutoff": 0.01, "at_start": 0.06, "method": "exact mean loss", "n": 500,
                   "lines": lines if twin else lines[:2],
                   "plane": {"status": "ok", "a": offsets.tolist(), "b": offsets.tolist(), "loss": plane.tolist(), "method": "exact"}},
    }  # fmt: skip
