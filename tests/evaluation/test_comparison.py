"""Tests between two models against scipy, hand-made values and the enumeration of every assignment."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from sentipair.evaluation import bootstrap
from sentipair.evaluation.comparison import holm, mcnemar, paired_bootstrap, paired_permutation


def f1_by_class(targets, answers):
    return [
        2 * np.sum((targets == k) & (answers == k)) / max(1, np.sum(targets == k) + np.sum(answers == k))
        for k in range(3)
    ]


SLOW = {
    "accuracy": lambda t, p: np.mean(t == p),
    "weighted_f1": lambda t, p: np.dot(f1_by_class(t, p), np.bincount(t, minlength=3)) / len(t),
    "macro_f1": lambda t, p: np.mean(f1_by_class(t, p)),
}
OPTIONS = {"num_classes": 3, "statistic": "accuracy"}


def disagreeing(only_a, only_b, both=20):
    """Which rows A and B have right, shuffled."""
    rows = np.array([(1, 0)] * only_a + [(0, 1)] * only_b + [(1, 1)] * both + [(0, 0)] * both, dtype=bool)
    return np.random.default_rng(0).permutation(rows).T


def two_models(rows, *, a_seeds=1, b_seeds=1, skills=(0.8, 0.5), seed=0):
    generator = np.random.default_rng([rows, a_seeds, b_seeds, seed])
    targets = generator.choice(3, rows, p=[0.5, 0.2, 0.3])

    def answers(skill, seeds):
        right = generator.random((seeds, rows)) < skill
        return [np.where(row, targets, generator.integers(0, 3, rows)) for row in right]

    return targets, answers(skills[0], a_seeds), answers(skills[1], b_seeds)


def mean_score(statistic, targets, answers):
    return np.mean([SLOW[statistic](targets, answer) for answer in answers])


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (0, 5), (3, 9), (6, 6), (12, 12), (24, 0)])
def test_few_disagreements_give_the_binomial_test(only_a, only_b):
    found = mcnemar(*disagreeing(only_a, only_b))
    expected = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0
    assert (found.only_a, found.only_b, found.exact) == (only_a, only_b, True)
    assert found.p_value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("only_a", "only_b", "expected"),
    [(25, 0, 24**2 / 25), (0, 25, 24**2 / 25), (59, 6, 52**2 / 65), (20, 20, 0.0), (14, 13, 0.0)],
)
def test_many_disagreements_give_the_corrected_chi_square(only_a, only_b, expected):
    found = mcnemar(*disagreeing(only_a, only_b))
    assert not found.exact
    assert found.p_value == pytest.approx(stats.chi2.sf(expected, 1))


def test_the_normal_approximation_joins_the_exact_test():
    exact = stats.binomtest(160, 370, 0.5).pvalue
    assert mcnemar(*disagreeing(160, 210)).p_value == pytest.approx(exact, rel=0.02)


def test_mcnemar_refuses_other_rows():
    with pytest.raises(ValueError, match="must be the same rows"):
        mcnemar(np.ones(3, bool), np.ones(4, bool))


def enumerated(targets, a, b, statistic):
    """The p-value over all assignments of the rows to A and B."""
    a, b = np.array(a), np.array(b)  # (S, N)
    observed = abs(mean_score(statistic, targets, a) - mean_score(statistic, targets, b))
    hits = []
    for swapped in product((False, True), repeat=len(targets)):
        mine, theirs = np.where(swapped, b, a), np.where(swapped, a, b)
        change = mean_score(statistic, targets, mine) - mean_score(statistic, targets, theirs)
        hits.append(abs(change) >= observed - 1e-9)
    return np.mean(hits)


@pytest.mark.parametrize("statistic", SLOW)
@pytest.mark.parametrize(("rows", "seeds"), [(1, 1), (6, 1), (8, 1), (7, 2), (6, 3)])
def test_permutation_equals_all_assignments(statistic, rows, seeds):
    targets, a, b = two_models(rows, a_seeds=seeds, b_seeds=seeds)
    exact = enumerated(targets, a, b, statistic)
    found = paired_permutation(targets, a, b, num_classes=3, statistic=statistic, permutations=20_000)
    assert found == pytest.approx(exact, abs=4 * 0.5 / 20_000**0.5)


@pytest.mark.parametrize("statistic", ["accuracy", "macro_f1"])
def test_a_model_without_randomness_may_have_one_seed(statistic):
    """One seed against three is the same as its answers three times; two against three is six each."""
    targets, a, b = two_models(40, a_seeds=3)
    options = {"num_classes": 3, "statistic": statistic}
    assert paired_permutation(targets, a, b, **options) == paired_permutation(targets, a, b * 3, **options)
    targets, a, b = two_models(6, a_seeds=2, b_seeds=3)
    exact = enumerated(targets, a * 3, b * 2, statistic)
    assert paired_permutation(targets, a, b, **options) == pytest.approx(exact, abs=0.02)


def test_permutation_of_one_model_is_the_sign_test():
    """For accuracy only the disagreements matter: 3 against 9, each as likely on either side."""
    correct = disagreeing(3, 9)
    targets = np.zeros(correct.shape[1], int)
    a, b = (1 - correct.astype(int))[:, None]
    found = paired_permutation(targets, a, b, **OPTIONS, permutations=40_000)
    assert found == pytest.approx(stats.binomtest(3, 12, 0.5).pvalue, abs=0.01)


@pytest.mark.parametrize("test", [paired_permutation, lambda *a, **k: paired_bootstrap(*a, **k).p_value])
@pytest.mark.parametrize("statistic", SLOW)
def test_equal_models_do_not_differ(test, statistic):
    targets, a, _ = two_models(50, a_seeds=2)
    assert test(targets, a, a[::-1], num_classes=3, statistic=statistic) == 1


@pytest.mark.parametrize("test", [paired_permutation, lambda *a, **k: paired_bootstrap(*a, **k).p_value])
def test_a_perfect_model_beats_one_that_is_always_wrong(test):
    targets = np.arange(60) % 3
    right, wrong = [targets], [(targets + 1) % 3]
    p_value = test(targets, right, wrong, num_classes=3, statistic="accuracy")
    assert 0 < p_value <= 2 / 10_001
    assert p_value == test(targets, wrong, right, num_classes=3, statistic="accuracy")


@pytest.mark.parametrize("statistic", SLOW)
def test_bootstrap_equals_resampling_the_rows(statistic):
    targets, a, b = two_models(90, a_seeds=2, b_seeds=3, skills=(0.7, 0.6))
    generator = np.random.default_rng(5)
    drawn = []
    for _ in range(1_500):
        rows = generator.integers(0, len(targets), len(targets))
        means = [mean_score(statistic, targets[rows], [one[rows] for one in model]) for model in (a, b)]
        drawn.append(means[0] - means[1])
    found = paired_bootstrap(targets, a, b, num_classes=3, statistic=statistic)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.difference == pytest.approx(
        mean_score(statistic, targets, a) - mean_score(statistic, targets, b)
    )
    np.testing.assert_allclose(found.interval, (low, high), atol=0.12 * (high - low))
    assert found.p_value == pytest.approx(2 * min(np.mean(np.less_equal(drawn, 0)), 0.5), abs=0.06)


@pytest.mark.parametrize("seed", range(8))
def test_the_p_value_agrees_with_the_interval(seed):
    targets, a, b = two_models(150, skills=(0.7, 0.55), seed=seed)
    found = paired_bootstrap(targets, a, b, **OPTIONS)
    assert (found.interval.low > 0 or found.interval.high < 0) == (found.p_value < 0.05)


def test_both_models_get_the_same_rows():
    """A is right wherever B is, and on ten rows more: paired, their difference cannot be below zero."""
    targets = np.zeros(200, int)
    b = (np.arange(200) < 100).astype(int)
    a = (np.arange(200) < 90).astype(int)
    found = paired_bootstrap(targets, [a], [b], **OPTIONS)
    expected = stats.binom.ppf([0.025, 0.975], 200, 0.05) / 200
    np.testing.assert_allclose(found.interval, expected, atol=1 / 200)


@pytest.mark.parametrize("test", [paired_bootstrap, paired_permutation])
def test_the_seed_decides_and_pieces_do_not_matter(test, monkeypatch):
    targets, a, b = two_models(60, skills=(0.6, 0.55))
    whole = test(targets, a, b, **OPTIONS)
    assert test(targets, a, b, **OPTIONS, seed=1) != whole
    monkeypatch.setattr(bootstrap, "CELLS_AT_ONCE", 5_000)
    assert test(targets, a, b, **OPTIONS) == whole


@pytest.mark.parametrize("test", [paired_bootstrap, paired_permutation])
@pytest.mark.parametrize(
    ("targets", "a", "b"),
    [
        ([], [[]], [[]]),
        ([0, 1], [], [[0, 1]]),
        ([0, 1], [[0, 1]], []),
        ([0, 1], [[0, 1]], [[0]]),
        ([0, 1], [[0, 3]], [[0, 1]]),
        ([0, -1], [[0, 1]], [[0, 1]]),
    ],
)
def test_what_cannot_be_compared_is_refused(test, targets, a, b):
    models = [[np.array(one, dtype=int) for one in model] for model in (a, b)]
    with pytest.raises(ValueError):
        test(np.array(targets, dtype=int), *models, **OPTIONS)


def test_a_class_that_is_absent_and_a_single_row():
    targets = np.zeros(5, int)
    found = paired_bootstrap(targets, [targets], [targets + 1], num_classes=3, statistic="macro_f1")
    assert found.difference == pytest.approx(1 / 3)
    assert found.interval == pytest.approx((1 / 3, 1 / 3))
    one = paired_bootstrap(targets[:1], [targets[:1]], [targets[:1] + 1], **OPTIONS)
    assert (one.difference, *one.interval) == (1, 1, 1)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([], []),
        ([0.3], [0.3]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
        ([0.9, 0.5, 0.6], [1.0, 1.0, 1.0]),
    ],
)
def test_holm_by_hand(p_values, expected):
    assert holm(p_values) == pytest.approx(expected)


def test_holm_is_its_definition():
    """The adjusted value of the j-th smallest is the largest (m − i + 1)·p of the i-th up to there, at most 1."""
    p_values = np.random.default_rng(3).random(9) ** 3
    ranked = np.sort(p_values)
    expected = [min(1, max((9 - i) * ranked[i] for i in range(j + 1))) for j in range(9)]
    np.testing.assert_allclose(np.sort(holm(p_values.tolist())), expected)
    order = np.argsort(p_values)
    assert (np.diff(np.array(holm(p_values.tolist()))[order]) >= 0).all()
