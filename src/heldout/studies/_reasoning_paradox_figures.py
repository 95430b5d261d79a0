"""The figures of `reasoning_paradox`, from stored rows: who is right on what, by depth, while training, and whose errors are alike."""

from __future__ import annotations

from heldout.laboratory.study import DotRow, Dots, Figure, Lines, Mark, Role, Series
from heldout.stats.interval import Interval
from heldout.studies._reasoning_paradox_rows import (
    TESTS,
    Rows,
    accuracy,
    excess_agreement,
    mean,
    nets,
    probe_accuracy,
    wrong_given,
)

TRAININGS: tuple[tuple[str, str, str | None, Role], ...] = (
    ("RP-net", "scratch", "RP", "rote"),
    ("RP_b-net", "scratch", "RP_b", "rote"),
    ("LP-net", "scratch", "LP", "other"),
    ("RP-net, near start", "near", "RP", "other"),
    ("RP-net, near start, lr 1e-5", "near_slow", "RP", "other"),
    ("constructed", "constructed", None, "rule"),
)

BERT: dict[
    str, dict[str, tuple[float, ...]]
] = {  # published, depths 0 to 3, trained on RP and on LP; recalled, with 5 to 30 predicates
    "RP": {"RP": (0.999, 0.998, 0.997, 0.993), "LP": (0.973, 0.669, 0.530, 0.542)},
    "LP": {"RP": (0.998, 0.998, 0.993, 0.960)},
}


def drawn(rows: Rows) -> list[Figure]:
    """All figures that the rows allow, the main one first."""
    dots = [_accuracies(rows), _agreement(rows), _errors(rows)]
    lines = [*_depths(rows), _training(rows)]
    return [*(f for f in dots if f.rows), *(f for f in lines if f.series)]


def _accuracies(rows: Rows) -> Dots:
    dots = []
    for test in TESTS:
        for name, kind, train, role in TRAININGS:
            mine = nets(rows, kind, train, test)
            if mine:
                dots.append(_dot(f"{test}: {name}", [accuracy(r) for r in mine], role, mine))
        on = nets(rows, "scratch", "RP", test)
        if on:
            dots.append(_dot(f"{test}: probe", [probe_accuracy(r) for r in on], "chance", on))
            label = [_majority(r) for r in on]
            dots.append(_dot(f"{test}: majority", label, "chance", on))
    return Dots(
        "Accuracy by test and training",
        "Each line: test distribution, then the net, named by what it was trained on; means over seeds. Near start: from the constructed "
        "weights with noise. Probe: boosted trees on six counts, trained on RP. Majority: the more frequent label.",
        "accuracy",
        rows=tuple(dots),
        marks=(Mark("x", 0.5, "coin"),),
    )


def _depths(rows: Rows) -> list[Lines]:
    pages = []
    for test in ("RP", "LP"):
        series = []
        for name, kind, train, role in TRAININGS:
            mine = nets(rows, kind, train, test)
            if not mine:
                continue
            depths = list(range(len(mine[0]["count"])))
            for r in mine if len(mine) > 1 else []:
                y = [accuracy(r, k) for k in depths]
                series.append(
                    Series(f"{name}, seed {r['seed']}", role, depths, y, None, None, True, r.get("cell"))
                )
            series.append(
                Series(name, role, depths, [sum(accuracy(r, k) for r in mine) / len(mine) for k in depths])
            )
        if not series:
            continue
        for by, published in BERT[test].items():
            series.append(Series(f"BERT, {by}-trained", "chance", [0, 1, 2, 3], published))
        pages.append(
            Lines(
                f"Accuracy on {test} by depth",
                "Nets named by what they were trained on; thin: one seed. Depth of True puzzles: the shortest proof; of False ones: the failing search. "
                "BERT: the published nets on 5 to 30 predicates, as recalled.",
                "depth",
                "accuracy",
                series=tuple(series),
            )
        )
    return pages


def _agreement(rows: Rows) -> Dots:
    dots = []
    for test in TESTS:
        for name, kind, train, role in TRAININGS[:5]:
            mine = nets(rows, kind, train, test)
            values = [e for r in mine if (e := excess_agreement(r)) == e]
            if values:
                dots.append(_dot(f"{test}: {name}", values, role, mine, (-1.0, 1.0)))
    return Dots(
        "Agreement with the probe beyond chance",
        "0: among puzzles of a label, net and probe err independently; 1: they always answer alike. Each probe saw its net's puzzles.",
        "excess agreement",
        rows=tuple(dots),
        marks=(Mark("x", 0.0, "chance"),),
    )


def _errors(rows: Rows) -> Dots:
    dots = []
    for test in TESTS:
        mine = nets(rows, "scratch", "RP", test)
        for right, name in ((False, "probe wrong"), (True, "probe right")):
            values = [w for r in mine if (w := wrong_given(r, right)) is not None]
            if values:
                dots.append(_dot(f"{test}: {name}", values, "rule" if right else "rote", mine))
    return Dots(
        "Errors of RP-trained nets",
        "Share of wrong answers, among the puzzles that the probe gets wrong and among those that it gets right.",
        "share wrong",
        rows=tuple(dots),
    )


def _training(rows: Rows) -> Lines:
    series = []
    roles: dict[str, Role] = {"RP": "other", "LP": "rote"}
    for kind, label in (("scratch", "scratch"), ("near", "near start"), ("near_slow", "near start, lr 1e-5")):
        for test, role in roles.items():
            looks = [nets(rows, kind, "RP", test, look) for look in ("start", "half", "end")]
            if not all(looks):
                continue
            for each in zip(*looks):
                x, y = [r["step"] for r in each], [accuracy(r) for r in each]
                name = f"{test}: {label}, seed {each[0]['seed']}"
                series.append(Series(name, role, x, y, None, None, True, each[0].get("cell")))
            x = [rows_[0]["step"] for rows_ in looks]
            y = [sum(map(accuracy, rows_)) / len(rows_) for rows_ in looks]
            series.append(Series(f"{test}: {label}", role, x, y))
    return Lines(
        "Accuracy while training on RP",
        "At the start, after half of the steps and after all; a curve that still rises is not done.",
        "step",
        "accuracy",
        series=tuple(series),
    )


def _dot(
    name: str, values: list[float], role: Role, rows: Rows, bounds: tuple[float, float] = (0.0, 1.0)
) -> DotRow:
    interval: Interval = mean(values, bounds)
    cell = rows[0].get("cell") if len(rows) == 1 else None
    low, high = (interval.low, interval.high) if interval.ok else (None, None)
    return DotRow(name, sum(values) / len(values), low, high, role, cell)


def _majority(row: dict[str, object]) -> float:
    table = row["table"]
    assert isinstance(table, list)
    true = sum(map(sum, table[1])) / sum(sum(map(sum, side)) for side in table)
    return float(max(true, 1 - true))
