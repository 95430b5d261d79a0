"""The summary in Markdown: bounds rounded up, and text from outside that stays text on a pull request."""

from __future__ import annotations

import pytest

from heldout.auditing.markdown import card
from heldout.certificates.certificate import Certificate

LINES = {"title": "toy", "created": "2026-01-01T00:00:00Z", "version": "0", "seed": 0, "budget": "predictions", "refits": 0,
    "n": {"train": 90, "test": 30}, "verdict": {"headline": "undecided", "sentence": "Too little to say.", "why_undecided": None},
    "split": [], "split_status": "no refits", "findings": [], "controls": [], "certificate": None,
    "rerun": {"command": "", "data_hash": "ab"}}  # fmt: skip


@pytest.mark.parametrize("value", [0.12341, 0.12344999, 0.1234, 0.00001, 1.0])
def test_a_certificate_is_rounded_up_as_it_is_printed_elsewhere(value: float) -> None:
    sure = Certificate("error rate", value, 0.05, 30, "", "", (), ())
    said = card(LINES | {"certificate": sure.as_json()})
    assert f"Certificate: error rate at most {sure.printed()} with probability 0.95" in said
    assert float(sure.printed()) >= value


@pytest.mark.parametrize(
    ("live", "shown"),
    [
        ("by @org/team", "by @&#8203;org/team"),
        ("see https://x.example", "see https:&#8203;//x.example"),
        ("see WWW.x.example", "see WWW&#8203;.x.example"),
        ("~~not~~", r"\~\~not\~\~"),
        ("fixes #12, GH-12", r"fixes \#&#8203;12, GH&#8203;-12"),
        ("a\u202eb\u2066c\u200bd", "aU+202EbU+2066cU+200Bd"),
        ("<img src=x>&#64;", r"&lt;img src=x&gt;&amp;\#&#8203;64;"),
        ("`a` [b](c) \\| d\ne", r"\`a\` \[b\](c) \\\| d e"),
    ],
)
def test_text_from_outside_stays_text(live: str, shown: str) -> None:
    assert f": {shown}, 90 training" in card(LINES | {"title": live})
