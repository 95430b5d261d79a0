"""Whether the test rows of a watch were trained on: then the gap says nothing about new rows.

Of the probe test rows, those whose inputs equal a train row's in every value are counted, unless chance explains them (a table of
few or discrete columns: `measures/duplicates/chance.py`). Train rows: all of them up to `CELLS` values, else the probe rows and
those that stand at the same places.

>>> x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
>>> shared_rows(Batch(x, torch.zeros(60)), Batch(x[:40], torch.zeros(40)))
'40 of the 40 probe test rows (100%) are also among the train rows'
>>> shared_rows(Batch(x[:40], torch.zeros(40)), Batch(x[40:], torch.zeros(20)))
''
"""

from __future__ import annotations

import numpy as np
import torch

from heldout.core.batch import Batch, leaves, len_of, take
from heldout.core.errors import InputError
from heldout.measures.duplicates.twins import exact_codes, share_by_chance, surprising

CELLS = 20_000_000


def shared_rows(train: Batch, probe: Batch) -> str:
    """What is shared, as a sentence; "" where nothing is, or no more than chance makes. train: all rows; probe: the probe test rows."""
    kind = "text" if isinstance(train.x, dict) and "input_ids" in train.x else "row"
    try:
        parts, texts, (mine, theirs) = exact_codes([train.x, probe.x], kind)
    except InputError:  # other shapes: no row can equal another
        return ""
    inside = np.isin(theirs, mine)
    count = int(inside.sum())
    if not count or not surprising(count, share_by_chance(parts, texts, 0)):
        return ""
    return f"{count:,} of the {len(theirs):,} probe test rows ({count / len(theirs):.0%}) are also among the train rows"


def searched(train: Batch, probe_rows: torch.Tensor, test_rows: torch.Tensor) -> Batch:
    """The train rows to look among: all, or where they are many, the probe rows and those at the places of the probe test rows."""
    n = len_of(train)
    if sum(leaf.numel() for leaf in leaves(train.x)) <= CELLS:
        return train
    return take(train, torch.unique(torch.cat([probe_rows, test_rows[test_rows < n]])))
