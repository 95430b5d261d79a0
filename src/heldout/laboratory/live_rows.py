"""What a cell tells while it runs, as rows of its run folder beside its own: who runs it, then a row a look.

    {"live": hash, "process": of `store.process`, "steps": n}        once, when it starts
    {"live": hash, "step": k, "test accuracy": ..., ...}             at each look of a run of one replica

They carry no `cell`, so they are no part of what the cell yields: nobody counts, averages or keeps them. Numbers of several
replicas are not told, since an average of them would be no run's.

>>> rows = []
>>> told = live_rows("3f0c", {"steps": 40}, rows.extend)
>>> told(10, {"test accuracy": [0.5]}); told(20, {"test accuracy": [0.5, 0.6]})
>>> rows[0]["steps"], rows[1:]
(40, [{'live': '3f0c', 'step': 10, 'test accuracy': 0.5}, {'live': '3f0c', 'step': 20}])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heldout.core.onlooker import Told
from heldout.laboratory.run_cell import Append
from heldout.store.process import this_process

MOST_LOOKS = 2000


def live_rows(name: str, cell: Mapping[str, Any], append: Append) -> Told:
    """Appends the first row now; call what is returned at each look. Of more than `MOST_LOOKS` the rest is left out."""
    append([{"live": name, "process": this_process(), "steps": cell.get("steps")}])
    count = 0

    def told(step: int, numbers: Mapping[str, Sequence[float]]) -> None:
        nonlocal count
        count += 1
        if count <= MOST_LOOKS:
            alone = {key: float(values[0]) for key, values in numbers.items() if len(values) == 1}
            append([{"live": name, "step": step, **alone}])

    return told
