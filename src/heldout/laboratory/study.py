"""What a study is: a module of `heldout.studies` with the names of `Study`, and the plain records it deals in.

A study states its question and its rule before it is run, lists its cells, runs one cell at a time, and turns
stored rows into a verdict and figures. `run` alone may need torch: the others work from rows that were read
from disk, in a light process. Rows are what `run` yielded, each with `cell`, the hash of its cell's spec; a row
with status "diverged" says that a run blew up: it is counted, never averaged. Cells that raised have no rows.

>>> Verdict("undecided", "Two seeds are too few.", (), "needs 8 seeds").word
'undecided'
>>> Verdict("maybe", "", (), "")
Traceback (most recent call last):
    ...
ValueError: a verdict is one of supported, refuted, undecided, not 'maybe'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Word = Literal["supported", "refuted", "undecided"]
Role = Literal["rote", "rule", "chance", "other"]
Size = Literal["quick", "full"]
Numbers = Sequence[float | None]
WORDS = ("supported", "refuted", "undecided")
ROLES = ("rote", "rule", "chance", "other")


@dataclass(frozen=True)
class Published:
    """A figure that somebody published: `what` was measured, its value as text, and `where` it stands."""

    what: str
    value: str
    where: str


@dataclass(frozen=True)
class Rule:
    """What decides the question, written and committed before the full run.

    `margin` is the smallest effect of practical interest, in the estimand's unit; `supported` and `refuted` say
    which intervals give which word; anything else is undecided, so that low power never counts as refutation.
    """

    estimand: str
    margin: float | str
    level: float
    seeds: int | str
    pooling: str
    supported: str
    refuted: str


@dataclass(frozen=True)
class Named:
    """An estimate with its name: `estimate` has value, low, high, level, method, n, status, as plain JSON."""

    name: str
    estimate: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, interval: Any) -> Named:
        """From anything that has these fields, such as an `Interval` of `heldout.stats` or an `Estimate`."""
        fields = ("value", "low", "high", "level", "method", "n", "status")
        return cls(name, {field: _plain(getattr(interval, field)) for field in fields})


@dataclass(frozen=True)
class Verdict:
    """`word` by the study's rule; the `sentence` a reader meets first; its `numbers`; `why` this word."""

    word: Word
    sentence: str
    numbers: tuple[Named, ...]
    why: str

    def __post_init__(self) -> None:
        if self.word not in WORDS:
            raise ValueError(f"a verdict is one of {', '.join(WORDS)}, not {self.word!r}")


@dataclass(frozen=True)
class Mark:
    """A line across a figure at `value` of an axis, such as a published figure."""

    axis: Literal["x", "y"]
    value: float
    label: str


@dataclass(frozen=True)
class Series:
    """One curve: x, y and perhaps a band [n]. `thin`: one seed among many; `cell`: the hash it came from."""

    name: str
    role: Role
    x: Numbers
    y: Numbers
    low: Numbers | None = None
    high: Numbers | None = None
    thin: bool = False
    cell: str | None = None


@dataclass(frozen=True)
class Lines:
    """Steps, curves, survival curves, densities. None in `y` is a gap."""

    title: str
    caption: str
    x_name: str
    y_name: str
    log_x: bool = False
    log_y: bool = False
    series: tuple[Series, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class HeatMap:
    """values[y][x] over labels; None where there is no value. `words`: a category each; `cells`: hashes."""

    title: str
    caption: str
    x_name: str
    y_name: str
    x: Sequence[str]
    y: Sequence[str]
    values: Sequence[Numbers]
    value_name: str
    words: Sequence[Sequence[str | None]] | None = None
    cells: Sequence[Sequence[str | None]] | None = None


@dataclass(frozen=True)
class DotRow:
    """One value with its interval (None: it has none); `cell`: the hash it came from, if it is one cell's."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    role: Role = "other"
    cell: str | None = None


@dataclass(frozen=True)
class Dots:
    """Values with intervals, one a line, on one axis."""

    title: str
    caption: str
    x_name: str
    log_x: bool = False
    rows: tuple[DotRow, ...] = ()
    marks: tuple[Mark, ...] = ()


Figure = Lines | HeatMap | Dots


class Study(Protocol):
    """The module-level names of a file in `heldout.studies`; SOURCE is S0 to S4 of the claims with a few words."""

    QUESTION: str
    CLAIM: str
    SOURCE: str
    PUBLISHED: tuple[Published, ...]
    RULE: Rule

    @staticmethod
    def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
        """JSON-able specs, each with "study" and its seed(s); `seeds` None: as many as the rule names."""
        ...

    @staticmethod
    def smoke() -> dict[str, Any]:
        """The spec of one cell that takes at most 5 s on one core."""
        ...

    @staticmethod
    def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """JSON-able rows, the same for the same cell, on one thread; a diverged run says so in a row."""
        ...

    @staticmethod
    def verdict(rows: list[dict[str, Any]]) -> Verdict:
        """The rule applied to stored rows; few or no rows give "undecided". Must not need torch."""
        ...

    @staticmethod
    def figures(rows: list[dict[str, Any]]) -> list[Figure]:
        """What the page draws, the main figure first. Must not need torch."""
        ...


def _plain(value: Any) -> Any:
    if isinstance(value, str | int) or value is None:
        return value
    number = float(value)
    return number if number - number == 0.0 else None
