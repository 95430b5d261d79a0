"""What `heldout study` and `heldout studies` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from heldout.plain import plain

COLOURS = {"supported": "blue", "refuted": "dark_orange", "undecided": "yellow"}
RULE_LINES = ("estimand", "margin", "level", "seeds", "pooling", "supported", "refuted")
FAILED_SHOWN = 5
NUMBERS_SHOWN = 12


def print_study(report: Mapping[str, Any], written: list[str]) -> None:
    """Verdict, numbers with intervals, the rule, what was run, what the kept run said, what was written."""
    console = Console(highlight=False)
    verdict, run = report["verdict"], report["run"]
    word = verdict["headline"]
    console.print()
    console.print(Text(plain(report["question"]), style="grey50"))
    console.print(Text(word.upper(), style=f"bold {COLOURS[word]}"))
    console.print(Text(plain(verdict["sentence"])))
    if verdict["why"]:
        console.print(Text(plain(verdict["why"]), style="grey50"))
    numbers = Table(box=None, show_header=False, padding=(0, 2))
    for number in verdict["numbers"][:NUMBERS_SHOWN]:
        numbers.add_row(
            Text(plain(number["name"])), Text(interval(number)), Text(plain(_method(number)), style="grey50")
        )
    console.print(numbers)
    if len(verdict["numbers"]) > NUMBERS_SHOWN:
        more = len(verdict["numbers"]) - NUMBERS_SHOWN
        console.print(Text(f"  and {more} more on the page and in --json", style="grey50"))
    rule = Table(box=None, show_header=False, padding=(0, 2), title="The rule", title_justify="left")
    for name in RULE_LINES:
        rule.add_row(Text(name, style="grey50"), Text(plain(str(report["rule"][name]))))
    console.print(rule)
    if report["rule_changed"]:
        console.print(
            Text("The rule has changed since this run; the verdict is by the new one.", style="yellow")
        )
    console.print(Text(plain(_cost(run)), style="grey50"))
    for cell in run["failed"][:FAILED_SHOWN]:
        console.print(Text(plain(f"cell {cell['cell']} failed: {cell['reason']}"), style="dark_orange"))
    kept = report["kept"]
    if kept:
        when = str(kept["run"]["finished"] or "")[:10]
        line = f"The kept full run ({when}, {kept['run']['seeds']} seeds): {kept['headline']}. {kept['sentence']}"
        console.print(Text(plain(line)))
    for path in written:
        console.print(Text(plain(f"wrote {path}")))


def print_studies(report: Mapping[str, Any]) -> None:
    """One study a row: name, source and cost; beside them the question and the verdict of the kept run."""
    console = Console(highlight=False)
    table = Table(
        Column("study; source, core time", no_wrap=True),
        "question, and the verdict of the kept run",
        box=None,
    )
    for line in report["studies"]:
        verdict = line["verdict"]
        source = plain(line["source"]).partition(":")[0]
        name = Text(line["name"], style="bold")
        said = Text(plain(line["question"]) + "\n")
        if verdict:
            said.append(verdict["headline"], style=COLOURS[verdict["headline"]])
            if line["effect"]:
                said.append(f"; {plain(line['effect']['name'])}: {interval(line['effect'])}", style="grey50")
            cost = f"{duration(line['core_seconds'])}, {line['seeds']} seeds"
        else:
            said.append("no full run yet", style="grey50")
            cost = ""
        name.append(f"\n{source}" + (f"; {cost}" if cost else ""), style="not bold grey50")
        table.add_row(name, said)
        table.add_row()
    console.print(table)


def interval(number: Mapping[str, Any]) -> str:
    """An estimate as text, or why it is withheld."""
    if number.get("value") is None:
        return f"withheld: {plain(str(number.get('status') or 'no value'))}"
    if number.get("low") is None or number.get("high") is None:
        return f"{number['value']:.4g}"
    return f"{number['value']:.4g} [{number['low']:.4g}, {number['high']:.4g}]"


def duration(seconds: float | None) -> str:
    """Seconds, minutes or hours."""
    if seconds is None:
        return "an unknown time"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _method(number: Mapping[str, Any]) -> str:
    return f"{number.get('method') or ''}, n = {number.get('n')}" if number.get("value") is not None else ""


def _cost(run: Mapping[str, Any]) -> str:
    text = f"{run['size']} run, {run['done']} of {run['cells']} cells, {run['seeds']} seeds, {duration(run['core_seconds'])} of one core"
    return text + (f", {run['diverged']} runs diverged" if run["diverged"] else "")
