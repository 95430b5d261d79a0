"""The settings that `delay_is_avoidable` tunes over: optimizer, start, penalty and loss by name; and the names of its branches.

A setting is a plain dict; `label` is its name on the page. Each side of each task has 12 of them; the first of the plain side
is the reference, in which the delay is usually shown.
"""

from __future__ import annotations

from typing import Any

TASKS = ("addition", "parity")
SIDES = ("plain", "careful")
BRANCHES = (
    "as it was",
    "decay off",
    "norm held",
    "squared loss",
    "squared loss, decay off",
    "perpendicular",
    "slow gradient",
    "L1",
    "L2 in the gradient",
    "cut strongest",
    "cut weakest",
    "more data",
)
Setting = dict[str, Any]


def _of(
    optimizer: str, lr: float, penalty: str, strength: float, init: float = 1.0, loss: str = "cross-entropy"
) -> Setting:
    return {
        "optimizer": optimizer,
        "lr": lr,
        "penalty": penalty,
        "strength": strength,
        "init": init,
        "loss": loss,
    }


def _plain(rates: tuple[float, ...], decays: tuple[float, ...]) -> list[Setting]:
    return [_of("adamw", lr, "decay", decay) for lr in rates for decay in decays]


SETTINGS: dict[tuple[str, str], list[Setting]] = {
    ("addition", "plain"): _plain((1e-2, 3e-2, 3e-3), (1.0, 0.3, 2.0, 4.0)),
    ("addition", "careful"): [
        _of("adamw", 3e-2, "norm held", 28.0),
        _of("slow gradient", 1e-2, "decay", 1.0),
        _of("slow gradient", 3e-2, "decay", 1.0),
        _of("adamw", 1e-2, "decay", 3.0, loss="squared"),
        _of("perpendicular", 1e-2, "none", 0.0, init=4.0),
        _of("perpendicular", 3e-2, "norm held", 36.0),
        _of("adamw", 3e-2, "decay", 1.0, init=0.25),
        _of("slow gradient", 1e-2, "decay", 1.0, loss="squared"),
        _of("adamw", 1e-2, "L2 in the gradient", 1e-5),
        _of("adamw", 1e-2, "L1", 1.0),
        _of("adamw", 3e-2, "decay", 3.0, init=0.25, loss="squared"),
        _of("adamw", 3e-3, "decay", 3.0, loss="squared"),
    ],
    ("parity", "plain"): _plain((3e-3, 1e-2, 3e-2), (0.1, 0.3, 1.0, 3.0)),
    ("parity", "careful"): [
        _of("adamw", 1e-2, "norm held", 9.0),
        _of("slow gradient", 3e-3, "decay", 0.1),
        _of("slow gradient", 1e-2, "decay", 1.0),
        _of("adamw", 1e-2, "L1", 0.3),
        _of("perpendicular", 3e-3, "none", 0.0),
        _of("perpendicular", 1e-2, "norm held", 13.0),
        _of("adamw", 1e-2, "decay", 1.0, init=0.25),
        _of("adamw", 1e-2, "L1", 0.3, loss="squared"),
        _of("adamw", 1e-2, "L2 in the gradient", 1e-3),
        _of("adamw", 1e-2, "L1", 1.0),
        _of("slow gradient", 1e-2, "decay", 1.0, loss="squared"),
        _of("adamw", 1e-2, "decay", 1.0, init=0.25, loss="squared"),
    ],
}


def label(setting: Setting) -> str:
    """The setting in words, without what is usual.

    >>> label(_of("slow gradient", 0.01, "decay", 1.0, init=0.25, loss="squared"))
    'squared loss, slow gradient, lr 0.01, start x 0.25, decay 1'
    """
    held = setting["penalty"] == "norm held"
    words = [
        "squared loss" if setting["loss"] == "squared" else "",
        "" if setting["optimizer"] == "adamw" else setting["optimizer"],
        f"lr {setting['lr']:g}",
        "" if setting["init"] == 1.0 else f"start x {setting['init']:g}",
        "no penalty"
        if setting["penalty"] == "none"
        else f"{setting['penalty']}{' at' if held else ''} {setting['strength']:g}",
    ]
    return ", ".join(word for word in words if word)
