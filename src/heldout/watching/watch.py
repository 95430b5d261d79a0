"""`heldout.watch`: measures a model while it trains, in your own loop, and leaves the run bit for bit what it was.

>>> import torch
>>> from torch import nn
>>> X, y = torch.randn(200, 3, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 2
>>> model = nn.Linear(3, 2)
>>> optimizer = torch.optim.SGD(model.parameters(), 0.1)
>>> with watch(model, train=(X[:100], y[:100]), test=(X[100:], y[100:]), every=10, out=None) as watching:
...     for _ in range(30):
...         optimizer.zero_grad()
...         nn.functional.cross_entropy(model(X[:100]), y[:100]).backward()
...         optimizer.step()
...         watching.step()
>>> [row["step"] for row in watching.rows][:2], sorted(watching.rows[0]["test loss"])
([0, 10], ['high', 'low', 'value'])
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, final

from torch import Tensor, nn

from heldout.core.errors import InputError
from heldout.watching.advice import CANNOT, Advice, Advisor
from heldout.watching.best import Best, Lowest
from heldout.watching.dear import Dear
from heldout.watching.dear_measures import Asked, checked
from heldout.watching.folder import Folder, run_folder
from heldout.watching.looker import Looker, look_at, rank
from heldout.watching.mirrors import Mirror, active_mirrors, numbers_of, tell
from heldout.watching.pace import Pace, check
from heldout.watching.phases import Phase, Phases
from heldout.watching.readings import Readings, gradient_noise
from heldout.watching.words import as_html, in_words

if TYPE_CHECKING:
    from heldout.store.run import Run


def watch(
    model: nn.Module,
    train: Any,
    test: Any = None,
    *,
    loss: str | Callable[[Tensor, Tensor], Tensor] = "cross_entropy",
    every: int = 50,
    out: str | os.PathLike[str] | None = "runs",
    name: str | None = None,
    seed: int = 0,
    rows: int = 512,
    share: float = 0.03,
    dear: Asked = (),
    dear_share: float = 0.1,
    outputs: Callable[[Any], Tensor] | None = None,
    spec: Mapping[str, Any] | None = None,
    mirrors: Sequence[Mirror] | None = None,
    start: int = 0,
) -> Watch:
    """Watch `model` in a loop of your own: `with heldout.watch(...) as watching:`, and `watching.step()` once a step.

    train, test, loss, outputs: as for `Subject.from_torch`; up to `rows` fixed rows of each are looked at. every: steps
    between looks. share: the part of the run's time that the watch may cost; looks beyond it are postponed and counted.
    dear: "trace" (of the Hessian), "llc" (learning coefficient), or {name: options}: measured when they fit into `dear_share`
    of the run's time, beside `share` (1: at every look). out: folder of runs (None: nothing is written). Without a `name` every watch is a run of its own; with one, the same name,
    spec (JSON-able) and seed continue the run as a new attempt, unless it is still being watched. start: the number of steps
    already done, where a run is resumed. mirrors: functions `(step, {name: value})`; None: W&B, MLflow and Trackio, where a
    run of theirs is active. In a distributed job only rank 0 watches. Raises `InputError` before training starts.
    """
    check(every, share, rows)
    checked(dear, dear_share)
    if rank() != 0:
        return Watch(None, Pace(every, share), None, [], seed)
    looker = look_at(model, train, test, loss, rows, seed, outputs)
    return begin(
        looker, name, type(model).__name__, every, out, seed, share, spec, mirrors, start, dear, dear_share
    )


def begin(
    looker: Looker,
    name: str | None,
    default: str,
    every: int = 50,
    out: str | os.PathLike[str] | None = "runs",
    seed: int = 0,
    share: float = 0.03,
    spec: Mapping[str, Any] | None = None,
    mirrors: Sequence[Mirror] | None = None,
    start: int = 0,
    dear: Asked = (),
    dear_share: float = 0.1,
) -> Watch:
    """A watch over any `Looker`: what the trainers' callbacks call. `default`: what a run without a name is called."""
    check(every, share, 16)
    measures = Dear(looker, dear, dear_share, seed)
    run = None
    if out is not None:
        theta = looker.parameters()
        facts = {"every": every, "parameters": None if theta is None else theta.numel()}
        run = run_folder(out, name, default, facts, spec, seed)
    if looker.shared:
        warnings.warn(f"heldout.watch: {looker.shared}; the gap is not trusted", stacklevel=3)
    told = active_mirrors() if mirrors is None else mirrors
    return Watch(looker, Pace(every, share), run, told, seed, start, measures)


@final
class Watch:
    """What `watch` returns. `rows`: one dict a look; `phases`: those found so far; `overhead`: seconds of the watch
    over seconds of training; `path`: the run folder; `problem`: why nothing more is stored, if so."""

    def __init__(
        self,
        looker: Looker | None,
        pace: Pace,
        run: Run | None,
        mirrors: Sequence[Mirror],
        seed: int,
        start: int = 0,
        dear: Dear | None = None,
    ) -> None:
        self.rows: list[dict[str, Any]] = []
        self._readings = None if looker is None else Readings(looker, seed)
        self._looker, self._pace, self._folder, self._mirrors = looker, pace, Folder(run), list(mirrors)
        self._phases, self._dear = Phases(), dear
        test = None if looker is None else looker.splits.get("test")
        groups = None if test is None or test.groups is None else test.groups.numpy()
        self._best = Best(groups, bool(looker and looker.shared))
        self._followers: list[Callable[[bool], None]] = []
        kind = "nothing" if looker is None else looker.task
        why = "" if kind == "classification" else f"forecasts were measured on classification, this is {kind}"
        why = "" if looker is None else looker.shared or why
        self._advisor = Advisor(
            f"the watch began at step {start:,}: how the run began was not seen" if start else why
        )
        self._gradient: Tensor | None = None
        self._noise = float("nan")
        self._step, self._closed, self._told = start, False, False
        if looker is not None:
            with pace.spending():
                self._look({})

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases found so far, the newest last."""
        return tuple(self._phases.phases)

    def advice(self) -> Advice:
        """Whether going on pays, after the newest look: "go on", "stop", "you are past the best" or "cannot tell", with its reason."""
        advice, best = self._advisor.advise(), self.best
        if advice.word == CANNOT and best is not None and best.risen:
            return replace(
                advice, why=f"{advice.why}; the test loss has risen since step {best.step:,}", best=best.step
            )
        return advice

    @property
    def best(self) -> Lowest | None:
        """The step with the lowest test loss so far, and by how much the newest look lies above it; None without a test set."""
        return self._best.found()

    @property
    def overhead(self) -> float:
        """Seconds of the watch over the seconds of the run without it."""
        return self._pace.overhead

    @property
    def costs(self) -> dict[str, Any]:
        """Seconds of the "looks" and of the "training"; of each dear measure its "seconds", "readings" and, where there
        is none, the "reason"."""
        looks, dear = self._pace.spent, {} if self._dear is None else self._dear.costs()
        return {"training": self._pace.elapsed - looks - self._pace.dear, "looks": looks, **dear}

    @property
    def examples(self) -> list[dict[str, Any]]:
        """Of each probe train row: "id" (its number in your data), "learned" (the step since which it was answered rightly at
        every look; None: it is not) and "forgotten" (how often right turned wrong)."""
        return [] if self._readings is None else self._readings.examples([row["step"] for row in self.rows])

    @property
    def pace(self) -> Pace:
        """When it looks, and what that cost."""
        return self._pace

    @property
    def path(self) -> str | None:
        """The run folder."""
        return self._folder.path

    @property
    def problem(self) -> str:
        """Why nothing more is stored, if so."""
        return self._folder.problem

    def follow(self, see: Callable[[bool], None]) -> None:
        """Call `see(False)` after each look from now on, and `see(True)` at the end; its trouble ends only itself."""
        self._followers.append(see)

    def step(self, step: int | None = None) -> None:
        """One training step is done; `step`: its number, where you count yourself (a resumed run may repeat some)."""
        if step is not None and (isinstance(step, bool) or not isinstance(step, int)):
            raise InputError(f"step is {step!r}", "pass the number of the step, or nothing")
        self._step = self._step + 1 if step is None else step
        if self._looker is None:
            return
        if self._closed:
            if not self._told:
                warnings.warn("heldout.watch: step() after close(): nothing more is seen", stacklevel=2)
            self._told = True
            return
        if self._gradient is not None:
            with self._pace.spending(look=False):
                second = self._looker.gradient()
                if second is not None:
                    self._noise = gradient_noise(self._gradient, second)
                self._gradient = None
        if self._pace.due(self._step):
            dear = self._dear_readings()
            with self._pace.spending():
                self._look(dear)
                self._gradient = self._looker.gradient()

    def close(self, status: str = "done", reason: str = "") -> None:
        """The last look, the phases and how the run ended; called by `with`. Another call does nothing."""
        if self._looker is None or self._closed:
            return
        self._closed = True
        if not self.rows or self.rows[-1]["step"] != self._step:
            dear = self._dear_readings() if status == "done" else {}
            with self._pace.spending():
                self._look(dear)
        self._pace.stop()
        tell(self._followers, True)
        best = self.best
        notes = {
            "phases": [vars(phase) for phase in self.phases],
            "advice": self.advice().as_json(),
            **({} if best is None else {"best": best.as_json()}),
            "overhead": {"share": self.overhead, "postponed": self._pace.postponed, "seconds": self.costs},
            "examples": self.examples,
        }
        self._folder.finish(status, reason, notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif issubclass(kind, KeyboardInterrupt):
            self.close("interrupted", "stopped by Ctrl-C")
        else:
            self.close("failed", f"{kind.__name__}: {error}")

    def __str__(self) -> str:
        return in_words(self)

    def _repr_html_(self) -> str:
        return as_html(self)

    def _dear_readings(self) -> dict[str, Any]:
        """Of those dear measures that the share allows now: taken before the look, and part of its row."""
        if self._dear is None or not self._dear.of:
            return {}
        with self._pace.spending(dear=True):
            return self._dear.read(self._pace.elapsed)

    def _look(self, dear: dict[str, Any]) -> None:
        assert self._readings is not None
        found = self._readings.read()
        loss = {split: (found.get(f"{split} loss") or {}).get("value") for split in ("train", "test")}
        now = self._phases.see(
            self._step,
            float("nan") if loss["train"] is None else loss["train"],
            loss["test"],
            found.get("norm"),
        )
        self._advisor.see(self._step, found)
        if "test losses" in found["rows"]:
            self._best.see(self._step, found["rows"]["test losses"])
        advice, best = self.advice(), self.best
        row = {"step": self._step, **found, "gradient noise": self._noise, **dear, "phase": now}
        row["advice"] = str(advice)
        if best is not None:
            row["best so far"] = str(best)
        if advice.chances:
            row["chance of a lower loss"] = advice.chances["loss"].as_json()
        self.rows.append(row)
        self._folder.append(row)
        tell(self._mirrors, self._step, numbers_of(row))
        tell(self._followers, False)
