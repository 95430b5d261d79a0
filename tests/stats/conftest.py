"""Coverage is judged with its own binomial error: a nominal rate is refuted only at one in ten thousand."""

from collections.abc import Callable

import pytest
from scipy.stats import binom


@pytest.fixture
def covers() -> Callable[..., None]:
    """`covers(hits, trials, rate)`: the hits are no fewer than `rate` of the trials allows."""

    def check(hits: int, trials: int, rate: float) -> None:
        assert binom.cdf(hits, trials, rate) > 1e-4, (
            f"{hits} of {trials}: {hits / trials:.3f} is below {rate}"
        )

    return check


@pytest.fixture
def at_most() -> Callable[..., None]:
    """`at_most(hits, trials, rate)`: the hits are no more than `rate` of the trials allows."""

    def check(hits: int, trials: int, rate: float) -> None:
        assert binom.sf(hits - 1, trials, rate) > 1e-4, (
            f"{hits} of {trials}: {hits / trials:.3f} is above {rate}"
        )

    return check
