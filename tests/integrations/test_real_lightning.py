"""Lightning itself, under each name that is installed: the tutorial, the run bit for bit, an error in the loop."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.integrations.tutorial_blocks import run_tutorial
from torch import nn

from heldout.core.preserved import fingerprint
from heldout.integrations.lightning_watch import lightning_watch
from heldout.store.run import open_run

ROOTS = [name for name in ("lightning", "pytorch_lightning") if importlib.util.find_spec(name) is not None]
X = torch.randn(160, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


@pytest.fixture(params=ROOTS)
def root(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of the names, with the other one out of reach."""
    for other in {"lightning", "pytorch_lightning"} - {request.param}:
        monkeypatch.setitem(sys.modules, other, None)
    return "lightning.pytorch" if request.param == "lightning" else "pytorch_lightning"


def fit(root: str, callbacks: list[Any], fails: bool = False) -> Any:
    pl = importlib.import_module(root)
    torch.manual_seed(5)

    class Net(pl.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 2))

        def forward(self, x: Any) -> Any:
            return self.inner(x)

        def training_step(self, batch: Any, number: int) -> Any:
            if fails and self.global_step == 7:
                raise ZeroDivisionError("in the loop")
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), 1e-2)

    model = Net()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X[:80], Y[:80]), 16, shuffle=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            max_epochs=3, callbacks=callbacks, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(model, loader)
    return model


def test_the_run_is_bit_identical_with_and_without_the_watch(root: str, tmp_path: Path) -> None:
    plain, draw = fit(root, []), torch.rand(2)
    dear: dict[str, Any] = {"trace": {"products": 12}}
    hook = lightning_watch(
        (X[:80], Y[:80]), (X[80:], Y[80:]), every=5, share=1.0, out=tmp_path, dear=dear, dear_share=1.0
    )
    assert fingerprint(fit(root, [hook])) == fingerprint(plain)
    assert torch.equal(torch.rand(2), draw)
    assert [row["step"] for row in hook.watching.rows] == [0, 5, 10, 15]
    assert "trace" in hook.watching.rows[-1]
    assert open_run(hook.watching.path).manifest["status"] == "done"


def test_an_error_in_the_loop_is_entered_and_raised(root: str, tmp_path: Path) -> None:
    hook = lightning_watch((X[:80], Y[:80]), every=5, share=1.0, out=tmp_path)
    with pytest.raises(ZeroDivisionError):
        fit(root, [hook], fails=True)
    manifest = open_run(hook.watching.path).manifest
    assert (manifest["status"], manifest["reason"]) == ("failed", "ZeroDivisionError: in the loop")


def test_the_tutorial(root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {} if root == "lightning.pytorch" else {"lightning.pytorch": root}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = run_tutorial("tutorial-lightning.md", tmp_path, monkeypatch, **other)
    assert names["watch"].watching.rows[-1]["step"] == 80
    assert len(list((tmp_path / "runs").iterdir())) == 1
