"""heldout in a test suite: the fixture `heldout_audit`, and `assert_generalizes`, which passes, fails or says that it cannot tell.

    from heldout.integrations.pytest_plugin import assert_generalizes

    def test_the_model_learned_the_rule(heldout_audit):
        audit = heldout_audit(make_subject(), budget="folds")
        assert_generalizes(audit, never=("H101",))

pytest loads this file by itself where heldout is installed. Options: `--heldout-report DIR` writes the page, the numbers and the
summary of every audit there, `--heldout-inconclusive skip|fail|pass` says what an undecided audit is (default skip, with the reason).
Verdict, sentence and every number go into the JUnit file (`--junit-xml`) as properties of the test.

>>> settled("memorizes", ())
('fail', 'the verdict is memorizes')
>>> settled("generalizes", ("H101",), never=("H101", "H201"))
('fail', 'finding H101')
>>> settled("undecided", ())[0], settled("generalizes", ("H701",))[0]
('inconclusive', 'pass')
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from heldout.auditing.audit import Audit

INCONCLUSIVE = ("skip", "fail", "pass")
_chosen = {"inconclusive": "skip"}  # by the command line
_KEY: pytest.StashKey[list[tuple[str, str]]] = pytest.StashKey()


def assert_generalizes(audit: Audit, never: Iterable[str] = (), inconclusive: str | None = None) -> None:
    """Pass where the verdict is `generalizes` and none of the finding codes `never` was found; fail with the sentence otherwise.

    An audit that is undecided, was interrupted, in which a measure failed or which could not look for a code of `never` is
    inconclusive: skipped, failed or passed as `inconclusive` says (None: as the option `--heldout-inconclusive`). Muted findings do not count.
    """
    from heldout.auditing.findings import CODES
    from heldout.core.errors import InputError

    __tracebackhide__ = True
    never = (never,) if isinstance(never, str) else tuple(never)
    unknown = [code for code in never if code not in CODES]
    if unknown:
        raise InputError(f"never={unknown[0]!r} is no finding code", f"use some of {', '.join(CODES)}")
    if inconclusive not in (None, *INCONCLUSIVE):
        raise InputError(f"inconclusive={inconclusive!r} is not known", f"use {', '.join(INCONCLUSIVE)}")
    codes = tuple(f.code for f in audit.findings if not f.muted)
    headline = audit.verdict.headline
    word, why = settled(headline, codes, never)
    if word == "pass" and audit.failures:
        word, why = "inconclusive", audit.failures[0]
    elif word == "pass" and audit.interrupted:
        word, why = "inconclusive", "the audit was interrupted"
    elif word == "pass":
        unseen = audit.report["not_looked_for"]
        said = "; ".join(f"{code} was not looked for: {unseen[code]}" for code in never if code in unseen)
        word, why = ("inconclusive", said) if said else (word, why)
    if word == "fail":
        pytest.fail(f"{why}: {audit.verdict.sentence}", pytrace=False)
    if word == "inconclusive":
        why = why if headline != "undecided" else audit.report["verdict"].get("why_undecided") or why
        choice = inconclusive or _chosen["inconclusive"]
        if choice == "skip":
            pytest.skip(f"inconclusive: {why}")
        if choice == "fail":
            pytest.fail(f"inconclusive: {why}", pytrace=False)


def settled(headline: str, codes: tuple[str, ...], never: tuple[str, ...] = ()) -> tuple[str, str]:
    """pass, fail or inconclusive, and why. A finding that must never be found fails whatever the verdict."""
    hit = [code for code in codes if code in never]
    if hit:
        return "fail", f"finding {', '.join(hit)}"
    if headline == "undecided":
        return "inconclusive", "the verdict is undecided"
    return ("pass", "") if headline == "generalizes" else ("fail", f"the verdict is {headline}")


@pytest.fixture
def heldout_audit(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Any:
    """A function: heldout_audit(subject, **options of heldout.audit), or a path to a file of predictions; returns the Audit.

    Nothing is written to a folder of runs unless `runs=` says where.
    """

    def audited(subject: Any, **options: Any) -> Audit:
        import heldout

        options.setdefault("runs", None)
        if isinstance(subject, str | Path):
            audit = heldout.audit_predictions(subject, **options)
        else:
            options.setdefault("progress", False)
            audit = heldout.audit(subject, **options)
        seen = request.config.stash.setdefault(_KEY, [])
        seen.append((request.node.nodeid, str(audit)))
        mine = sum(node == request.node.nodeid for node, _ in seen)
        prefix = "heldout" if mine == 1 else f"heldout.{mine}"
        record_property(f"{prefix}.verdict", audit.verdict.headline)
        record_property(f"{prefix}.sentence", audit.verdict.sentence)
        record_property(f"{prefix}.findings", " ".join(f.code for f in audit.findings if not f.muted))
        for name, row in audit.estimates.items():
            if row["value"] is not None:
                ends = "" if row.get("low") is None else f" [{row['low']:.6g}, {row['high']:.6g}]"
                record_property(f"{prefix}.{name}", f"{row['value']:.6g}{ends}")
        folder = request.config.getoption("--heldout-report")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            # The hash keeps apart what reads the same as a file name: test[a b] and test[a-b].
            name = re.sub(r"[^A-Za-z0-9.-]+", "-", request.node.nodeid).strip("-.")[:150]
            name += "-" + hashlib.blake2b(request.node.nodeid.encode(), digest_size=4).hexdigest()
            for ending in ("html", "json", "md"):
                audit.save(Path(folder) / f"{name}{'' if mine == 1 else f'-{mine}'}.{ending}")
        return audit

    return audited


def pytest_addoption(parser: pytest.Parser) -> None:
    """The two options."""
    group = parser.getgroup("heldout", "audits of trained models")
    group.addoption(
        "--heldout-report", metavar="DIR", help="write page, numbers and summary of every audit here"
    )
    group.addoption(
        "--heldout-inconclusive",
        choices=INCONCLUSIVE,
        default="skip",
        help="what an undecided audit is (default: skip)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """What `assert_generalizes` does with an undecided audit."""
    _chosen["inconclusive"] = config.getoption("--heldout-inconclusive")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line an audit."""
    seen = terminalreporter.config.stash.get(_KEY, [])
    if seen:
        terminalreporter.section("heldout")
        for node, line in seen:
            terminalreporter.line(f"{node}  {line}")
