"""The heat map of a run: the loss of every probe row at every look, as bytes.

    byte = 1 + round(254 (log10 loss + 4) / 5), loss clipped to 10^-4 .. 10^1; 0 where it was not finite

Rows are sorted by the look from which their loss stays below log 2 (the right answer has more than half the
probability); those that never do stand last, by their loss at the last look.

>>> heat = Heat()
>>> for step, losses in ((0, [3.0, 3.0]), (10, [3.0, 0.1])):
...     heat.add(step, {"train losses": losses})
>>> found = heat.drawn(100)["train"]
>>> found["steps"], found["learned"], found["order"]
([0, 10], 1, [1, 0])
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

LOW, HIGH = -4.0, 1.0  # log10 of the loss at the ends of the scale
_SPLITS = ("train", "test")
_MOST_ROWS = 4096


@dataclass
class Heat:
    """The looks of one writer: per split the steps, and the losses of its rows as bytes."""

    steps: dict[str, list[float]] = field(default_factory=lambda: {split: [] for split in _SPLITS})
    looks: dict[str, list[bytes]] = field(default_factory=lambda: {split: [] for split in _SPLITS})

    def add(self, step: float, rows: dict[str, Any]) -> None:
        """One look: {"train losses": [...], "test losses": [...]} in nats, null where not finite."""
        for split in _SPLITS:
            losses = rows.get(f"{split} losses")
            known = self.looks[split]
            if not isinstance(losses, list) or not 0 < len(losses) <= _MOST_ROWS:
                continue
            if not math.isfinite(step) or (known and len(known[0]) != len(losses)):
                continue  # another probe: its rows are not these
            self.steps[split].append(step)
            known.append(bytes(map(_byte, losses)))

    def drawn(self, columns: int) -> dict[str, Any]:
        """By split: steps, rows, data (base64 of rows x looks, sorted), order, learned (how many rows stay learned)."""
        found = {}
        for split in _SPLITS:
            if len(self.looks[split]) < 2:
                continue
            every = max(1, math.ceil(len(self.looks[split]) / columns))
            table = np.frombuffer(b"".join(self.looks[split]), np.uint8).reshape(len(self.looks[split]), -1)
            low = (table > 0) & (table <= _byte(math.log(2)))
            above = ~low[::-1]
            stays = len(table) - np.where(
                above.any(0), above.argmax(0), len(table)
            )  # the first look of the last stay
            order = np.lexsort((table[-1], stays))
            shown = table[::every][:, order].T
            found[split] = {
                "steps": self.steps[split][::every],
                "every": every,
                "rows": int(table.shape[1]),
                "data": base64.b64encode(np.ascontiguousarray(shown).tobytes()).decode("ascii"),
                "order": order.tolist(),
                "learned": int((stays < len(table)).sum()),
            }
        return found


def _byte(loss: Any) -> int:
    if not isinstance(loss, (int, float)) or math.isnan(loss):
        return 0
    if loss <= 10**LOW:
        return 1
    return 1 + round(254 * min(1.0, (math.log10(loss) - LOW) / (HIGH - LOW)))
