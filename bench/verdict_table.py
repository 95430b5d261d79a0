"""The table of the verdict bench: every rate with its n and its two-sided 95% Clopper-Pearson bounds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from bench.planted.planted import WATCHED
from heldout.stats.proportion import clopper_pearson

ALARMS = ("partly memorizes", "memorizes", "does not learn")
Row = dict[str, Any]


def summary(rows: list[Row]) -> dict[str, tuple[int, int]]:
    """Counts (k, n). right: right among decided. alarms: convictions of honest learners. undecided: where it is not right."""
    decided = [r for r in rows if r["headline"] != "undecided"]
    honest = [r for r in rows if r["honest"]]
    return {
        "right among decided": (sum(r["right"] for r in decided), len(decided)),
        "false alarms on honest": (sum(r["headline"] in ALARMS for r in honest), len(honest)),
        "undecided": (sum(r["headline"] == "undecided" for r in rows), len(rows)),
        "undecided where the truth can be told": (
            sum(r["headline"] == "undecided" for r in rows if "undecided" not in r["accept"]),
            sum("undecided" not in r["accept"] for r in rows),
        ),
    }


def table(kept: list[Row], wrong: bool = False) -> str:
    """Overall and by family, by truth, by finding; seconds an audit; on request every subject that is not right."""
    rows = [r for r in kept if "id" in r]
    lines = [
        f"# {r['command']} ({r['date']}, {r['machine']}, seed {r['seed']})" for r in kept if "command" in r
    ][-1:]
    for split in ("dev", "sealed"):
        mine = [r for r in rows if r["split"] == split]
        if mine:
            lines += ["", f"{split}: {len(mine)} subjects"]
            lines += [f"  {name:40} {rate(*counts)}" for name, counts in summary(mine).items()]
            lines += _by_family(mine) + _by_truth(mine) + _by_finding(mine)
    seconds = np.array([r["seconds"] for r in rows])
    if len(seconds):
        lines += [
            "",
            f"seconds an audit: median {np.median(seconds):.1f}, 95% {np.quantile(seconds, 0.95):.1f}, most {seconds.max():.1f}",
        ]
    broken = Counter(f for r in rows for f in r["failures"])
    lines += [f"failure x {k}: {text}" for text, k in broken.most_common(5)]
    if wrong:
        lines += ["", "not right:"]
        lines += [
            f"  {r['id']}: {r['headline']}, truth {r['truth']} ({r['note']}) {r['evidence']}"
            for r in rows
            if not r["right"]
        ]
    return "\n".join(lines)


def rate(k: int, n: int) -> str:
    """`k/n = p [low, high]`."""
    if not n:
        return "0/0"
    e = clopper_pearson(k, n)
    return f"{k}/{n} = {e.value:.3f} [{e.low:.3f}, {e.high:.3f}]"


def _by_family(rows: list[Row]) -> list[str]:
    lines = ["  family                               right/decided  undecided  n   headlines"]
    for name in dict.fromkeys(r["family"] for r in rows):
        mine = [r for r in rows if r["family"] == name]
        counts = summary(mine)
        said = ", ".join(f"{h} {k}" for h, k in Counter(r["headline"] for r in mine).most_common())
        k, n = counts["right among decided"]
        lines.append(f"  {name:36} {k:6}/{n:<6} {counts['undecided'][0]:8} {len(mine):4}   {said}")
    return lines


def _by_truth(rows: list[Row]) -> list[str]:
    lines = ["  truth                                right among decided"]
    for truth in dict.fromkeys(r["truth"] for r in rows):
        lines.append(
            f"  {truth:36} {rate(*summary([r for r in rows if r['truth'] == truth])['right among decided'])}"
        )
    return lines


def _by_finding(rows: list[Row]) -> list[str]:
    lines = [
        "  finding   precision (of the scored)          recall                        false / where it must not be"
    ]
    for code in WATCHED:
        hits = sum(code in r["findings"] for r in rows if code in r["expect"])
        wanted = sum(code in r["expect"] for r in rows)
        false = sum(code in r["findings"] for r in rows if code in r["forbid"])
        barred = sum(code in r["forbid"] for r in rows)
        lines.append(
            f"  {code}      {rate(hits, hits + false):32} {rate(hits, wanted):32} {rate(false, barred)}"
        )
    return lines
