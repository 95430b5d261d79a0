import numpy as np
import pytest

from heldout.stats.false_discovery import benjamini_hochberg, conformal_p_values, storey_null_fraction


def test_benjamini_hochberg_published_example():
    """Benjamini & Hochberg (1995), table of 15 p-values at q = .05: the four smallest."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    order = np.random.default_rng(0).permutation(15)
    assert set(np.flatnonzero(benjamini_hochberg(np.array(p)[order], 0.05))) == set(np.flatnonzero(order < 4))
    assert benjamini_hochberg([], 0.1).shape == (0,)


def planted(rng, n, m, rate, gap):
    wrong = rng.random(n) < rate
    return wrong, rng.normal(size=n) - gap * wrong, rng.normal(size=m)


@pytest.mark.parametrize("q", [0.05, 0.1])
@pytest.mark.parametrize("rate", [0.0, 0.08])
def test_false_discovery_rate_is_controlled(q, rate):
    rng = np.random.default_rng([int(100 * q), int(100 * rate)])
    share, power = [], []
    for _ in range(400):
        wrong, scores, test = planted(rng, 1000, 1000, rate, 4.0)
        found = benjamini_hochberg(conformal_p_values(scores, test), q)
        share.append((found & ~wrong).sum() / max(found.sum(), 1))
        power.append((found & wrong).sum() / max(wrong.sum(), 1))
    error = np.std(share) / np.sqrt(len(share))
    assert np.mean(share) <= q * (1 - rate) + 3.5 * error
    if rate:
        assert np.mean(power) > (0.5 if q == 0.05 else 0.8)


def test_fold_wise_p_values_control_it_too():
    """Each fold model shifts all of its scores: pooled calibration would not be exchangeable, its own column is."""
    rng = np.random.default_rng(7)
    share = []
    for _ in range(300):
        wrong, scores, test = planted(rng, 1000, 800, 0.08, 4.0)
        shift, fold = 2 * rng.normal(size=5), rng.integers(0, 5, 1000)
        p = conformal_p_values(scores + shift[fold], test + shift[:, None], fold)
        found = benjamini_hochberg(p, 0.1)
        share.append((found & ~wrong).sum() / max(found.sum(), 1))
    assert np.mean(share) <= 0.1 + 3.5 * np.std(share) / np.sqrt(len(share))


@pytest.mark.parametrize("digits", [10, 0])
def test_p_values_are_never_too_small(digits):
    rng = np.random.default_rng(digits)
    p = np.concatenate(
        [
            conformal_p_values(np.round(rng.normal(size=5), digits), np.round(rng.normal(size=99), digits))
            for _ in range(4000)
        ]
    )
    for level in (0.01, 0.05, 0.2, 0.5):
        assert (p <= level).mean() <= level + 4 * np.sqrt(level / len(p)) * 2


def test_power_ends_where_the_test_set_is_too_small():
    scores = np.concatenate([np.full(20, -9.0), np.linspace(0.1, 1, 980)])
    assert benjamini_hochberg(conformal_p_values(scores, np.linspace(0, 1, 300)), 0.05).sum() == 0
    assert benjamini_hochberg(conformal_p_values(scores, np.linspace(0, 1, 3000)), 0.05).sum() == 20


def test_storey_finds_the_null_fraction():
    rng = np.random.default_rng(0)
    estimates = [
        storey_null_fraction(np.concatenate([rng.random(800), rng.beta(0.05, 5, 200)])) for _ in range(200)
    ]
    assert np.mean(estimates) == pytest.approx(0.8, abs=0.01)
    assert np.isnan(storey_null_fraction([]))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no calibration scores"):
        conformal_p_values([1.0], [])
    with pytest.raises(ValueError, match=r"fold holds 0\.\.2 and calibration has 2 rows"):
        conformal_p_values([1.0, 1.0], np.ones((2, 3)), [0, 2])
    with pytest.raises(ValueError, match=r"p-values lie outside \[0, 1\]"):
        benjamini_hochberg([1.2], 0.1)
    with pytest.raises(ValueError, match="q is 5"):
        benjamini_hochberg([0.2], 5)
