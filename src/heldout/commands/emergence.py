"""`heldout emergence`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from heldout.commands.arguments import NumbersFile, SummaryFile
from heldout.commands.exits import DONE, UNDECIDED, USAGE, write

if TYPE_CHECKING:
    from heldout.measures.emergence import Judged


@dataclass(frozen=True)
class EmergenceCommand:
    """Scores of models of several sizes: is a sudden rise real, an artefact of the metric, or not resolvable?"""

    file: tyro.conf.Positional[Path]
    """A CSV file with columns scale, metric, score, n (items); optional seed, stderr, low, high."""
    smooth: str | None = None
    """The metric that changes little by little with ability, such as token accuracy or cross-entropy."""
    length: str | None = None
    """Tokens of an answer, which puts the null of the smooth metric beside: 3, or by metric exact=3,ten=30."""
    margin: float = 0.25
    """Share of the whole change that must be a jump, or late, to count."""
    level: float = 0.95
    json: NumbersFile = None
    """Write the numbers here (.json)."""
    markdown: SummaryFile = None
    """Write a table here (.md)."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        import json

        from heldout.measures._emergence_table import read_file, scale_note
        from heldout.measures.emergence import judge
        from heldout.plain import plain

        found = judge(read_file(self.file), self.smooth, _lengths(self.length), self.margin, self.level)
        for note in dict.fromkeys(scale_note(one.scales) for one in found):
            sys.stderr.write(f"note: {note}\n" if note else "")
        for one in found:
            sys.stdout.write(plain(_text(one)))
        code = write(self.json, json.dumps([_as_json(one) for one in found], indent=1, allow_nan=False))
        code = write(self.markdown, plain(_markdown(found))) or code
        resolved = all(one.word != "not resolvable" for one in found)
        return USAGE if code else DONE if resolved else UNDECIDED


def _lengths(text: str | None) -> int | dict[str, int] | None:
    """3, or exact=3,ten=30."""
    from heldout.core.errors import InputError

    if text is None:
        return None
    try:
        if "=" not in text:
            return int(text)
        return {
            name.strip(): int(tokens)
            for name, _, tokens in (part.rpartition("=") for part in text.split(","))
        }
    except ValueError:
        raise InputError(f"--length {text}", "give a whole number, or metric=number,metric=number") from None


def _text(one: Judged) -> str:
    """Word, reason, shapes, and one line a scale."""
    lines = [f"{one.metric}: {one.word.upper()}", f"  {one.why}"]
    lines += [f"  {line}" for line in _shapes(one)]
    head = ["scale", "score", "interval", "items", *(["null"] if one.null else [])]
    rows = [head]
    for k, (scale, score) in enumerate(zip(one.scales, one.scores)):
        cells = [
            f"{scale:g}",
            f"{score.value:.4g}",
            f"[{score.low:.4g}, {score.high:.4g}]",
            str(one.items[k]),
        ]
        rows.append([*cells, *([f"{one.null[k]:.4g}"] if one.null else [])])
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    lines += ["    " + "  ".join(cell.rjust(w) for cell, w in zip(row, widths)) for row in rows]
    return "\n".join(lines) + "\n\n"


def _shapes(one: Judged) -> list[str]:
    lines = []
    for whose, shape in (("", one.shape), ("null: ", one.null_shape)):
        if shape is not None and shape.jump.ok:
            at = f"between {one.scales[shape.jump_at]:g} and {one.scales[shape.jump_at + 1]:g}"
            late = f"late {shape.late} at {one.scales[shape.late_at]:g}"
            lines.append(f"{whose}jump {shape.jump} {at}; {late} (shares of the change)")
    return lines


def _markdown(found: list[Judged]) -> str:
    lines = ["| metric | | jump | late | why |", "|---|---|---|---|---|"]
    for one in found:
        shapes = [str(one.shape.jump), str(one.shape.late)] if one.shape is not None else ["", ""]
        cells = [one.metric, f"**{one.word}**", *shapes, one.why]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _as_json(one: Judged) -> dict[str, Any]:
    """Plain JSON; a number that is not finite is null."""
    import dataclasses

    return {str(key): _finite(value) for key, value in dataclasses.asdict(one).items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and value - value != 0 else value
