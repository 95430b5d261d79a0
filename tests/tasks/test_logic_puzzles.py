"""Laws of the generators of logic puzzles: labels and depths by a plain program, what each distribution promises, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from heldout.core.errors import InputError
from heldout.tasks._logic_draw import Drawn, draw_lp, draw_rp
from heldout.tasks.logic_counts import logic_counts
from heldout.tasks.logic_puzzles import DISTRIBUTIONS, Puzzles, logic_puzzles
from heldout.tasks.logic_tokens import logic_tokens

Rules = list[tuple[list[int], int]]


def bits(mask: int) -> list[int]:
    return [p for p in range(32) if int(mask) >> p & 1]


def rules_of(puzzles: Puzzles, k: int) -> Rules:
    return [(bits(b), bits(h)[0]) for b, h in zip(puzzles.bodies[k], puzzles.heads[k]) if h]


def proved(rules: Rules, facts: list[int]) -> dict[int, int]:
    """Every provable predicate with the round in which it is."""
    known = dict.fromkeys(facts, 0)
    for now in range(1, 40):
        new = {head for body, head in rules if all(p in known for p in body)} - set(known)
        known |= dict.fromkeys(new, now)
    return known


def failing(goal: int, rules: Rules, known: dict[int, int], depth: int, path: list[int], cap: int) -> int:
    """Depth at which the search backwards from a false goal fails."""
    if goal in path or depth == cap:
        return depth
    tried = [depth]
    for body, head in rules:
        if head == goal:
            false = [p for p in body if p not in known]
            tried.append(min(failing(p, rules, known, depth + 1, [*path, goal], cap) for p in false))
    return max(tried)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("sizes", [(5, 8), (5, 14)])
def test_labels_and_depths_are_those_of_a_plain_program(distribution, sizes):
    puzzles = logic_puzzles(distribution, 160, predicates=sizes, seed=1)
    for k in range(len(puzzles)):
        rules, query = rules_of(puzzles, k), int(puzzles.query[k])
        known = proved(rules, bits(puzzles.facts[k]))
        assert puzzles.label[k] == (query in known)
        depth = known[query] if query in known else failing(query, rules, known, 0, [], 4)
        assert puzzles.depth[k] == depth


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_sizes_bodies_and_heads_are_as_promised(distribution):
    puzzles = logic_puzzles(distribution, 800, seed=2)
    n = puzzles.predicates
    assert (n.min(), n.max()) == (5, 8)
    every = (1 << n.astype(np.int64)) - 1
    there = puzzles.heads != 0
    assert ((puzzles.bodies != 0) == there).all()
    assert (np.bitwise_count(puzzles.heads)[there] == 1).all()
    assert set(np.bitwise_count(puzzles.bodies)[there].tolist()) == {1, 2, 3}
    assert (puzzles.bodies & puzzles.heads == 0).all()
    assert ((puzzles.bodies | puzzles.heads) & ~every[:, None] == 0).all()
    assert (puzzles.facts & ~every == 0).all()
    assert (puzzles.query < n).all()
    assert len(np.unique(puzzles.query)) == 8


def test_same_seed_same_puzzles_other_seed_others():
    one, again, other = (logic_puzzles("LP*", 400, seed=s) for s in (5, 5, 6))
    assert (one.bodies == again.bodies).all()
    assert (one.query == again.query).all()
    assert one.facts.tolist() != other.facts.tolist()


def test_depths_are_equally_frequent_and_their_order_is_random():
    puzzles = logic_puzzles("RP", 1800, depths=(0, 2, 4), seed=0)
    assert np.bincount(puzzles.depth).tolist() == [600, 0, 600, 0, 600]
    assert abs(np.corrcoef(puzzles.depth, np.arange(1800))[0, 1]) < 4 / 1800**0.5


def test_rule_priority_draws_its_numbers_uniformly_and_no_rule_twice():
    drawn = draw_rp(np.random.default_rng(0), 20_000, (6, 6))
    rules, facts = (drawn.heads != 0).sum(0), np.bitwise_count(drawn.facts)
    assert chisquare(np.bincount(rules, minlength=25)).pvalue > 1e-4
    assert chisquare(np.bincount(facts, minlength=7)).pvalue > 1e-4
    codes = drawn.bodies.astype(int) << 8 | drawn.heads
    assert all(len({*column[column > 0]}) == (column > 0).sum() for column in codes.T)
    body = np.bitwise_count(drawn.bodies)
    few = (rules > 0) & (rules < 5)  # no rule twice makes short bodies rarer where there are many rules
    assert chisquare(np.bincount(body[:, few][drawn.heads[:, few] != 0])[1:]).pvalue > 1e-4
    heads = np.bincount(np.log2(drawn.heads[drawn.heads != 0]).astype(int), minlength=6)
    assert chisquare(heads).pvalue > 1e-4


def test_rule_priority_lets_the_number_of_rules_tell_the_label():
    """The published curve rises from .41 to .93 (there by 5 to 30 predicates); the same shape at 5 to 8."""
    puzzles = logic_puzzles("RP", 12_000, seed=0)
    rate = [puzzles.label[puzzles.rules // 4 == k].mean() for k in range(8)]
    assert 0.36 < min(rate[:3]) < 0.46
    assert 0.90 < rate[7] < 0.98
    assert (np.diff(rate[1:]) > 0).all()
    assert 0.54 < puzzles.label.mean() < 0.61


def test_balanced_rules_tell_nothing_by_their_number():
    puzzles = logic_puzzles("RP_b", 600, seed=0)
    for rules in np.unique(puzzles.rules):
        assert puzzles.label[puzzles.rules == rules].mean() == 0.5
    pool = logic_puzzles("RP", 2000, seed=9)
    assert abs(puzzles.rules.mean() - pool.rules.mean()) < 0.6


@pytest.mark.parametrize("star", [False, True])
def test_label_priority_has_the_labels_it_chose(star):
    drawn = draw_lp(np.random.default_rng(3), 400, (5, 11), star)
    for k in range(400):
        rules = [(bits(b), bits(h)[0]) for b, h in zip(drawn.bodies[:, k], drawn.heads[:, k]) if h]
        assert set(proved(rules, bits(drawn.facts[k]))) == set(bits(drawn.true[k])), "labels by chaining"
    proves = ((drawn.bodies & ~drawn.true) == 0) & (drawn.heads != 0)
    false_head = (drawn.heads & drawn.true) == 0
    assert not (proves & false_head).any()
    extra = (drawn.heads != 0).sum(0) - drawn.n  # phase 1 gives at most one rule a predicate
    assert (extra <= 3 * drawn.n + 1).all()


def _phase_two(drawn: Drawn, star: bool) -> tuple[np.ndarray, np.ndarray]:
    """How many rules have a body all True, and how many all False with a False head."""
    there = drawn.heads != 0
    proves = ((drawn.bodies & ~drawn.true) == 0) & there
    lost = ((drawn.bodies & drawn.true) == 0) & ((drawn.heads & drawn.true) == 0) & there
    return proves.sum(0), lost.sum(0)


def test_label_priority_pairs_each_proving_rule_with_a_lost_one_and_the_star_does_not():
    rng = np.random.default_rng(4)
    proving, lost = _phase_two(draw_lp(rng, 20_000, (6, 8), False), False)
    assert lost.mean() > proving.mean()
    proving, lost = _phase_two(draw_lp(rng, 20_000, (6, 8), True), True)
    assert lost.mean() < proving.mean()


def test_the_star_puts_extra_heads_on_true_predicates_only():
    drawn = draw_lp(np.random.default_rng(5), 1000, (8, 8), True)
    false_heads = ((drawn.heads & drawn.true) == 0) & (drawn.heads != 0)
    for k in range(1000):  # each False predicate above the first level has its one rule of phase 1
        heads = drawn.heads[false_heads[:, k], k].tolist()
        assert len(heads) == len(set(heads))


def test_tokens_say_all_that_the_puzzle_says():
    puzzles = logic_puzzles("LP", 200, seed=3)
    tokens = logic_tokens(puzzles, 8)
    assert (tokens.lengths.numpy() == 1 + puzzles.rules + np.bitwise_count(puzzles.facts)).all()
    for k in range(200):
        x = tokens.x[k, : int(tokens.lengths[k])].numpy()
        facts = [int(row[8:16].argmax()) for row in x if row[17]]
        rules = sorted((np.flatnonzero(row[:8]).tolist(), int(row[8:16].argmax())) for row in x if row[16])
        assert sorted(facts) == bits(puzzles.facts[k])
        assert rules == sorted(rules_of(puzzles, k))
        assert not tokens.x[k, int(tokens.lengths[k]) :].any()


def test_counts_are_those_of_the_puzzle():
    puzzles = logic_puzzles("RP", 80, seed=3)
    for k, row in enumerate(logic_counts(puzzles)):
        rules, query = rules_of(puzzles, k), int(puzzles.query[k])
        length = np.mean([len(body) for body, _ in rules]) if rules else 0
        heads, bodies = sum(h == query for _, h in rules), sum(query in b for b, _ in rules)
        facts = len(bits(puzzles.facts[k]))
        assert row.tolist() == pytest.approx(
            [len(rules), facts, puzzles.predicates[k], heads, bodies, length]
        )


@pytest.mark.parametrize(
    ("asked", "cause", "remedy"),
    [
        (("LP", 400, (0, 4)), "no True query of depth 4", "give 10 predicates, or depths up to 3"),
        (("RP", 400, (8,)), "no True query of depth 8", "give 9 predicates"),
        (("RP", 401), "401 puzzles in 4 equal parts", "positive multiple of 4"),
        (("RP", 0), "0 puzzles", "positive"),
        (("RP", 4, ()), "depths ()", "different whole numbers"),
        (("RP", 4, (1, 1)), "depths (1, 1)", "different"),
        (("RP", 4, (-1,)), "depths (-1,)", "from 0 on"),
        (("RP", 4, (0,), (3, 8)), "3 to 8 predicates", "4 <= smallest"),
        (("RP", 4, (0,), (8, 31)), "8 to 31 predicates", "<= 30"),
        (("XP", 4), "'XP'", "RP, RP_b, LP, LP*"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_cause_and_remedy(asked, cause, remedy):
    with pytest.raises(InputError) as refused:
        logic_puzzles(*asked)
    assert cause in refused.value.cause
    assert remedy in refused.value.remedy


def test_a_depth_too_rare_is_refused_with_what_was_found(monkeypatch):
    monkeypatch.setattr("heldout.tasks.logic_puzzles.MOST", 1)
    with pytest.raises(
        InputError, match="2,048 draws of RP held too few puzzles of some depths.*7: "
    ) as refused:
        logic_puzzles("RP", 400, depths=(7, 0), seed=0)
    assert "more predicates" in refused.value.remedy


def test_puzzles_with_more_predicates_than_tokens_are_refused():
    with pytest.raises(InputError, match="8 predicates, tokens for 7"):
        logic_tokens(logic_puzzles("RP", 80, seed=0), 7)
