"""The audit in a page of Markdown: for a model card, a pull request, the summary of a CI job.

>>> none = {"value": None, "low": None, "high": None, "status": "no test set"}
>>> report = {"title": "toy", "created": "2026-01-01T00:00:00Z", "version": "0", "seed": 0, "budget": "predictions", "refits": 0,
...     "n": {"train": 90, "test": 0}, "verdict": {"headline": "undecided", "sentence": "Too little to say.", "why_undecided": None},
...     "split": [], "split_status": "no | refits", "findings": [], "controls": [], "certificate": None, "rerun": {"command": "", "data_hash": "ab"}}
>>> print(card(report).splitlines()[2])
**UNDECIDED.** Too little to say.
>>> "| chance, rule, rote | no \\\\| refits |" in card(report)
True
"""

from __future__ import annotations

import html
import re
import unicodedata
from decimal import ROUND_CEILING, Decimal
from typing import Any

PARTS = (("chance", "a constant answer is right"), ("rule", "right without having seen it"), ("rote", "right only because it was seen"))  # fmt: skip


def card(report: dict[str, Any]) -> str:
    """The section "Generalization": verdict, split, controls, certificate, findings, how it was measured. Ends in a line break."""
    verdict = report["verdict"]
    lines = [
        "## Generalization",
        "",
        f"**{_text(verdict['headline']).upper()}.** {_text(verdict['sentence'])}",
        "",
    ]
    if verdict.get("why_undecided"):
        lines += [f"Why undecided: {_text(verdict['why_undecided'])}", ""]
    lines += ["| of the training answers | share | 95% interval |", "|---|---|---|"]
    own = next((row for row in report["split"] if row["name"] != "shuffled twin"), None)
    twin = next((row for row in report["split"] if row["name"] == "shuffled twin"), None)
    if own is None:
        lines = [
            *lines[:-2],
            "| | |",
            "|---|---|",
            f"| chance, rule, rote | {_text(report['split_status'])} |",
        ]
    else:
        lines += [f"| {name}: {what} | {_cells(own[name])} |" for name, what in PARTS]
        if twin is not None:
            lines.append(f"| rote of the same training on shuffled labels | {_cells(twin['rote'])} |")
    scores = [(row["name"], row["score"]) for row in report["controls"]]
    if scores:
        lines += ["", "| test score | | 95% interval |", "|---|---|---|"]
        lines += [f"| {_text(name)} | {_cells(score)} |" for name, score in scores]
    certificate = report.get("certificate")
    if certificate is not None:
        if certificate["value"] is None:
            lines += ["", f"Certificate: none, {_text(certificate['status'])}."]
        else:
            # Rounded up, as `Certificate.printed`: what is printed must still hold.
            bound = Decimal(certificate["value"]).quantize(Decimal("0.0001"), rounding=ROUND_CEILING)
            sure = f"Certificate: {_text(certificate['quantity'])} at most {bound}"
            lines += [
                "",
                f"{sure} with probability {1 - certificate['delta']:g}, from {certificate['n']:,} test rows.",
            ]
    found = [f for f in report["findings"] if not f["muted"]]
    if found:
        lines += ["", "| finding | | |", "|---|---|---|"]
        lines += [f"| {f['code']} | {_text(f['severity'])} | {_text(f['line'])} |" for f in found]
    n = report["n"]
    lines += [
        "",
        f"Measured by heldout {report['version']} on {report['created'][:10]}: {_text(report['title'])}, {n['train']:,} training and {n['test']:,} test "
        f"rows, {report['refits']} models trained again (budget {report['budget']}), seed {report['seed']}, data {report['rerun']['data_hash'][:12]}.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _cells(estimate: dict[str, Any]) -> str:
    if estimate.get("value") is None:
        return f"{_text(estimate.get('status', 'not measured'))} | "
    ends = (estimate.get("low"), estimate.get("high"))
    interval = "" if None in ends else f"{ends[0]:.3f} to {ends[1]:.3f}"
    return f"{estimate['value']:.3f} | {interval}"


def _text(text: object) -> str:
    """One line that is text and nothing else, also inside a table: no markup, link, mention, nor a turn of direction."""
    flat = "".join(_visible(c) for c in " ".join(str(text).split()))
    flat = re.sub(r"[\\|`*_\[\]#~]", r"\\\g<0>", html.escape(flat, quote=False))
    # GitHub makes links, mentions and references of bare text, whatever was escaped: a space without width breaks them.
    return re.sub(r"@|#|\bGH(?=-)|\bwww(?=\\?\.)|:(?=//)", r"\g<0>&#8203;", flat, flags=re.IGNORECASE)


def _visible(c: str) -> str:
    """Characters that turn or hide the text around them, by their number."""
    return f"U+{ord(c):04X}" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") else c
