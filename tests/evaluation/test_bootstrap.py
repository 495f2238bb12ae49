"""Bootstrap intervals against a loop over rows, and the summary over seeds against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from sentipair.evaluation import bootstrap
from sentipair.evaluation.bootstrap import Interval, bootstrap_interval, bootstrap_mean_interval, summarise

SLOW = {
    "accuracy": accuracy_score,
    "weighted_f1": lambda t, p: f1_score(t, p, labels=[0, 1, 2], average="weighted", zero_division=0),
    "macro_f1": lambda t, p: f1_score(t, p, labels=[0, 1, 2], average="macro", zero_division=0),
}


def noisy_answers(rows, seeds, *, skill=0.6):
    generator = np.random.default_rng(rows)
    targets = generator.choice(3, rows, p=[0.6, 0.1, 0.3])
    answers = [
        np.where(generator.random(rows) < skill, targets, generator.integers(0, 3, rows))
        for _ in range(seeds)
    ]
    return targets, answers


def naive_interval(targets, answers, statistic, resamples):
    """Rows drawn one resample at a time, scored by scikit-learn."""
    generator = np.random.default_rng(99)
    values = []
    for _ in range(resamples):
        rows = generator.integers(0, len(targets), len(targets))
        values.append(np.mean([SLOW[statistic](targets[rows], answer[rows]) for answer in answers]))
    return np.quantile(values, [0.025, 0.975])


@pytest.mark.parametrize("statistic", SLOW)
@pytest.mark.parametrize("seeds", [1, 3])
def test_interval_equals_resampling_the_rows(statistic, seeds):
    targets, answers = noisy_answers(120, seeds)
    slow = naive_interval(targets, answers, statistic, 500 if seeds == 1 else 250)
    fast = bootstrap_mean_interval(targets, answers, num_classes=3, statistic=statistic)
    width = slow[1] - slow[0]
    np.testing.assert_allclose(fast, slow, atol=0.12 * width)  # the loop's own sampling error


def test_interval_of_accuracy_is_the_binomial_one():
    targets = np.zeros(400, int)
    predictions = np.repeat([0, 1], [300, 100])
    low, high = bootstrap_interval(
        targets, predictions, num_classes=2, statistic="accuracy", resamples=40_000
    )
    exact = stats.binom.ppf([0.025, 0.975], 400, 0.75) / 400
    np.testing.assert_allclose((low, high), exact, atol=1 / 400)


def test_models_share_the_rows_of_a_resample():
    """The mean of two equal models is as uncertain as one; independent draws would make it narrower."""
    targets, (answer,) = noisy_answers(200, 1)
    one = bootstrap_interval(targets, answer, num_classes=3, statistic="accuracy")
    two = bootstrap_mean_interval(targets, [answer, answer], num_classes=3, statistic="accuracy")
    assert two == one


def test_opposite_models_cancel_exactly():
    """Where one model is right the other is wrong: their mean accuracy is ½ in every joint resample."""
    targets = np.zeros(50, int)
    answer = np.random.default_rng(0).integers(0, 2, 50)
    interval = bootstrap_mean_interval(targets, [answer, 1 - answer], num_classes=2, statistic="accuracy")
    assert interval == pytest.approx((0.5, 0.5))


def test_seed_decides_and_pieces_do_not_matter(monkeypatch):
    targets, answers = noisy_answers(100, 2)
    args = {"num_classes": 3, "statistic": "macro_f1", "resamples": 500}
    whole = bootstrap_mean_interval(targets, answers, **args)
    assert bootstrap_mean_interval(targets, answers, **args, seed=1) != whole
    monkeypatch.setattr(bootstrap, "CELLS_AT_ONCE", 100)
    assert bootstrap_mean_interval(targets, answers, **args) == pytest.approx(whole)


def test_a_perfect_model_and_a_single_row_have_no_width():
    targets = np.arange(30) % 3
    assert bootstrap_interval(targets, targets, num_classes=3, statistic="accuracy") == (1, 1)
    assert bootstrap_interval(targets[:1], targets[:1], num_classes=1, statistic="macro_f1") == (1, 1)


def test_a_wider_level_gives_a_wider_interval():
    targets, (answer,) = noisy_answers(100, 1)
    args = {"num_classes": 3, "statistic": "weighted_f1"}
    narrow = bootstrap_interval(targets, answer, **args, level=0.8)
    wide = bootstrap_interval(targets, answer, **args, level=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("targets", [[], [-1, 0], [0, 3]])
def test_rows_that_cannot_be_counted_are_refused(targets):
    values = np.array(targets, int)
    with pytest.raises(ValueError, match="class indices"):
        bootstrap_interval(values, values * 0, num_classes=3, statistic="accuracy")


def test_summary_over_seeds():
    values = [0.70, 0.72, 0.71, 0.69, 0.73]
    found = summarise(values)
    expected = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert found.mean == pytest.approx(0.71)
    assert found.sd == pytest.approx(0.0158113883)
    assert found.interval == pytest.approx(expected)
    assert summarise(values, level=0.5).interval.low > found.interval.low


def test_one_seed_has_no_spread_and_equal_seeds_have_none():
    assert (summarise([0.7]).sd, summarise([0.7]).interval) == (None, None)
    assert summarise([0.5, 0.5]).interval == Interval(0.5, 0.5)
