"""What the commands print: rich where it is a terminal, plain text where it is not. Text from users is only text.

>>> plain("a\\x1b[31mb\\u202ec")
'a?[31mb?c'
"""

from __future__ import annotations

import importlib.resources
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from heldout.auditing import Audit
    from heldout.measures.proxies import ProxyTable


def plain(text: str) -> str:
    """Control and direction characters become `?`; newlines stay."""
    return "".join(
        "?" if unicodedata.category(ch) in ("Cc", "Cf") and ch not in "\n\t" else ch for ch in text
    )


def print_audit(result: Audit, written: list[str]) -> None:
    """Headline, sentence, split, findings, what was written and what the next budget would add."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    page = result.report
    colour = {"generalizes": "green", "undecided": "yellow"}.get(result.verdict.headline, "dark_orange")
    console.print()
    console.print(Text(result.verdict.headline.upper(), style=f"bold {colour}"))
    console.print(Text(plain(result.verdict.sentence)))
    if page["verdict"]["why_undecided"]:
        console.print(Text("Undecided: " + plain(page["verdict"]["why_undecided"])))
    for split in page["split"]:
        parts = [(name, split[name]) for name in ("chance", "rule", "rote")]
        if any(part["value"] is None for _, part in parts):
            continue
        line = Text(f"  {plain(split['name'])[:20]:<20} ")
        for (name, part), style in zip(parts, ("grey50", "blue", "dark_orange")):
            mark = {"chance": "░", "rule": "█", "rote": "▓"}[name]
            line.append(mark * max(0, round(part["value"] * 50)), style=style)
        console.print(line)
        numbers = "  ".join(f"{name} {_interval(part)}" for name, part in parts)
        console.print(Text(f"    {numbers}", style="grey50"))
    if page["findings"]:
        table = Table(show_header=False, box=None, padding=(0, 1))
        for finding in page["findings"]:
            if not finding["muted"]:
                mark = {"error": "!!", "warning": "! ", "info": "i "}[finding["severity"]]
                table.add_row(Text(finding["code"], style="bold"), Text(mark), Text(plain(finding["line"])))
        console.print(table)
    if page.get("geometry"):
        console.print(_geometry(page["geometry"]["rows"]))
    following = page["verdict"]["next"]
    if following:
        console.print(
            Text(
                f"--budget {following['budget']} would add {following['adds']}, in {_duration(following['seconds'])}.",
                style="grey50",
            )
        )
    console.print(
        Text(f"{page['refits']} refits, {page['seconds']:.0f} s, seed {page['seed']}.", style="grey50")
    )
    for path in written:
        console.print(Text(f"wrote {plain(path)}"))


def _geometry(rows: list[dict[str, Any]]) -> Table:
    """The loss around w*: each measure of the model and of its shuffled-label twin."""
    from rich.table import Table
    from rich.text import Text

    table = Table("", "this model", "shuffled-label twin", box=None, padding=(0, 1), header_style="grey50")
    for row in rows:
        cells = (
            _interval(part, ".4g") if part["value"] is not None else part["status"]
            for part in (row["value"], row["control"])
        )
        table.add_row(Text(row["name"]), *[Text(plain(cell)) for cell in cells])
    return table


def _interval(part: dict[str, Any], digits: str = ".3f") -> str:
    ends = "" if part["low"] is None else f" [{part['low']:{digits}}, {part['high']:{digits}}]"
    return f"{part['value']:{digits}}{ends}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "a time that is not known before the first refit"
    return f"about {max(seconds, 1):.0f} s" if seconds < 120 else f"about {seconds / 60:.0f} min"


def print_runs(root: Path) -> None:
    """The runs of a folder, newest first: a table where it fits the terminal, else each id whole on its line, its facts below."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from heldout.store.listing import COLUMNS, runs_table

    rows = runs_table(root)
    console = Console(highlight=False)
    widest = [max(len(row[k]) for row in (COLUMNS, *rows)) for k in range(len(COLUMNS))]
    if sum(widest) + 2 * len(widest) <= console.width:
        _table(list(COLUMNS), [list(row) for row in rows], f"no runs in {root}")
        return
    for name, outcome, status, seed, started, took in rows:
        console.print(Text(plain(name), style="bold"), soft_wrap=True)
        facts = [outcome, status, f"seed {seed}" if seed else "", started, f"took {took}" if took else ""]
        console.print(Padding(Text(plain("; ".join(filter(None, facts)))), (0, 0, 0, 2)))


def print_query(root: Path, sql: str) -> None:
    """The answer of one query."""
    from heldout.store.sql import query

    columns, rows = query(root, sql)
    _table(columns, [["" if value is None else str(value) for value in row] for row in rows], "no rows")


def _table(columns: list[str], rows: list[list[Any]], nothing: str) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    console = Console(highlight=False)
    if not rows:
        console.print(Text(plain(nothing)))
        return
    table = Table(*[Column(Text(plain(name))) for name in columns], box=None)
    for row in rows:
        table.add_row(*[Text(plain(str(cell))) for cell in row])
    console.print(table)


def print_measures(rooms: tuple[str, ...]) -> None:
    """Each file of the rooms with the first line of its docstring, read without importing it."""
    import ast

    rows = []
    for room in rooms:
        for file in sorted(
            importlib.resources.files("heldout").joinpath(room).iterdir(), key=lambda f: f.name
        ):
            if file.name.endswith(".py") and file.name != "__init__.py":
                doc = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
                rows.append([room, file.name[:-3], doc.splitlines()[0] if doc else ""])
    _table(["room", "name", "what"], rows, "nothing is built")


def print_proxies(table: ProxyTable) -> None:
    """Scores of each measure, one line each; a dash where a score cannot be judged, and the reasons below."""
    from heldout.measures.proxies import proxies

    def number(value: float) -> str:
        return f"{value:.2f}" if value == value else "-"

    scores = proxies(table)
    rows = [
        [
            s.name, str(s.models), f"{number(s.tau)} +- {number(s.tau_stderr)}", number(s.psi_mean),
            " ".join(number(value) for value in s.psi), number(s.conditional), number(s.worst),
            f"{s.judged}/{s.environments}",
        ]
        for s in scores
    ]  # fmt: skip
    psi = f"psi({', '.join(table.hyper_names)})"
    rows.insert(0, ["measure", "models", "tau", "Psi", psi, "information", "worst sign error", "judged"])
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    # Not a rich table: it would fold the columns of a narrow terminal, and these lines are read by programs too.
    for row in rows:
        sys.stdout.write(plain("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip()) + "\n")
    for score in scores:
        if score.status != "ok":
            sys.stdout.write(plain(f"{score.name}: {score.status}") + "\n")
