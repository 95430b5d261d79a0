"""Dear measures during training: the trace of the Hessian and the learning coefficient, for a stated share of the run's time.

Each of k measures may cost share/k of the run's time. One is taken at a look when what it cost so far and what the next
reading is expected to cost fit into that; before the first reading, its cost is foretold from a gradient on the probe
rows. A reading that takes four times as long as expected (and a minute: the first derivative of a derivative loads seconds of torch), or twice what is left of its part, is broken off. It sees a copy of the parameters, in eval mode:
the model, its gradients and every random state are what they were, whatever happens inside.

>>> import torch
>>> from torch import nn
>>> from heldout.watching.looker import look_at
>>> X, y = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 2
>>> looker = look_at(nn.Linear(3, 2), (X, y), None, "cross_entropy", rows=40, seed=0)
>>> dear = Dear(looker, ("trace",), share=0.1, seed=0)
>>> dear.read(elapsed=0.0), sorted(dear.read(elapsed=1e6)["trace"])      # at the start of a run; after eleven days
({}, ['high', 'low', 'seconds', 'value'])
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, final

import torch
from torch import Tensor

from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.preserved import random_states
from heldout.core.subject import Subject
from heldout.watching.dear_measures import MEASURES, OPTIONS, Asked, checked, plain_autograd
from heldout.watching.looker import Looker

PATIENCE, AT_LEAST = 4.0, 60.0  # times the expected seconds, and seconds, before a reading is broken off
OVER = 2.0  # and never more than this many times what its share has left
ERRORS = 3  # unexpected errors in a row after which a measure is left out
MOST_PARAMETERS = 5_000_000  # chains and Krylov spaces hold some fifty copies of them


@dataclass
class _Measure:
    """One measure: what it may be told, what its readings cost, and why there are no more, if so."""

    options: dict[str, Any]
    seconds: float = 0.0
    readings: int = 0
    last: float = math.nan
    errors: int = 0
    left_out: str = ""


@final
class Dear:
    """The measures asked for, and what they cost. `asked`: names, or {name: its options}; see `OPTIONS`."""

    def __init__(
        self,
        looker: Looker,
        asked: Asked,
        share: float,
        seed: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.of = {name: _Measure(options) for name, options in checked(asked, share).items()}
        self._looker, self._share, self._seed, self._clock = looker, share, seed, clock
        self._gradients: list[float] = []
        self._gradient = math.inf  # median seconds of gradients on the probe rows
        if self.of and looker.subject is None:
            raise InputError(
                f"dear={list(self.of)} needs the model's parameters, and this one is known by its predictions",
                "leave dear out, or watch a torch module",
            )
        if self.of and looker.wrapped:
            raise InputError(
                f"dear={list(self.of)} takes gradients, which this wrapped model shares with other processes",
                "watch the module inside: model.module",
            )

    def read(self, elapsed: float) -> dict[str, dict[str, Any]]:
        """The readings that are due after `elapsed` seconds of the run: {name: {"value", "low", "high", "seconds"}}.

        Where one is withheld, its numbers are None and "status" is the reason.
        """
        found = {}
        if elapsed > 0 and any(math.isnan(m.last) and not m.left_out for m in self.of.values()):
            self._gradients.append(self._one_gradient())
            # Of one gradient alone, a busy moment would foretell too much, an idle one too little.
            self._gradient = median(self._gradients)
        for name, measure in self.of.items():
            allowed = self._share / len(self.of) * elapsed
            if measure.left_out or not self._fits(name, measure, allowed):
                continue
            begin = self._clock()
            left = math.inf if self._share == 1 else OVER * (allowed - measure.seconds)
            patience = max(PATIENCE * self._expected(name, measure), AT_LEAST)
            estimate = self._one(name, measure, min(patience, left))
            measure.last = self._clock() - begin
            measure.seconds += measure.last
            measure.readings += 1
            found[name] = {
                **{key: estimate.as_json()[key] for key in ("value", "low", "high")},
                **({} if estimate.ok else {"status": estimate.status}),
                "seconds": float(f"{measure.last:.3g}"),
            }
        return found

    def costs(self) -> dict[str, dict[str, Any]]:
        """By name: seconds, readings and, where there was none or will be none, the reason."""
        found: dict[str, dict[str, Any]] = {}
        for name, m in self.of.items():
            why = m.left_out
            if not why and not m.readings:
                why = f"no reading fitted into {self._share / len(self.of):.3g} of the run's time"
                if math.isfinite(self._gradient):
                    why += f"; one was expected to take {self._expected(name, m):.2g} s"
            found[name] = {"seconds": m.seconds, "readings": m.readings} | ({"reason": why} if why else {})
        return found

    def _fits(self, name: str, measure: _Measure, allowed: float) -> bool:
        if self._share == 1:  # at every look, whatever it takes
            return True
        if allowed <= measure.seconds:
            return False
        return measure.seconds + self._expected(name, measure) <= allowed

    def _expected(self, name: str, measure: _Measure) -> float:
        """Seconds of the next reading: those of the last one, or foretold from one gradient."""
        if not math.isnan(measure.last):
            return measure.last
        options = {**OPTIONS[name], **measure.options}
        # A product is worth about four gradients; a chain's step is one in float64, and some arithmetic.
        products, chains = 4 * options.get("products", 0), 2 * options.get("chains", 0)
        return self._gradient * (products + chains * (options.get("burn", 0) + options.get("draws", 0)))

    def _one_gradient(self) -> float:
        """Seconds of one gradient; 0 where the model has none, and the measure will say why."""
        begin = self._clock()
        try:
            with random_states(), plain_autograd():
                subject, theta = self._now(math.inf)
                assert subject.loss is not None
                theta = theta.requires_grad_()
                torch.autograd.grad(subject.loss(theta, subject.train).mean(), theta)
        except (Withheld, RuntimeError):
            return 0.0
        return self._clock() - begin

    def _one(self, name: str, measure: _Measure, seconds: float) -> Estimate:
        try:
            with random_states(), plain_autograd():
                subject, theta = self._now(seconds)
                found = MEASURES[name](subject, theta, self._seed, {**OPTIONS[name], **measure.options})
        except Withheld as why:
            found = Estimate.withheld(str(why))
        except Exception as error:  # whatever a model does inside: training goes on, and the reason is kept
            measure.errors += 1
            reason = f"{type(error).__name__}: {str(error).strip() or 'without a message'}"[:500]
            if isinstance(error, InputError) or measure.errors >= ERRORS:
                measure.left_out = f"left out after {reason}"
            return Estimate.withheld(reason)
        measure.errors = 0
        return found

    def _now(self, seconds: float) -> tuple[Subject, Tensor]:
        """The subject at the parameters of this moment [p], with a loss that gives up after `seconds`."""
        subject = self._looker.subject
        theta = self._looker.parameters()
        if subject is None or subject.loss is None or subject.thetas is None or theta is None:
            raise Withheld("the model has no trainable parameters")
        theta = theta.cpu()
        if theta.numel() != subject.thetas.shape[-1]:
            raise Withheld("other parameters are trained than at the start of the watch")
        if theta.numel() > MOST_PARAMETERS:
            raise Withheld(
                f"{theta.numel():,} parameters: dear measures are taken of up to {MOST_PARAMETERS:,}"
            )
        if not bool(torch.isfinite(theta).all()):
            raise Withheld("the parameters are not finite: the training diverged")
        loss, until, clock = subject.loss, self._clock() + seconds, self._clock

        def in_time(at: Tensor, batch: Any) -> Tensor:
            if clock() > until:
                raise Withheld(
                    f"broken off after {seconds:.2g} s: it took far longer than foretold, or than its share allows"
                )
            return loss(at, batch)

        return replace(subject, thetas=theta[None], loss=in_time), theta
