"""Deletion curves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from sentipair.data.pair import Pair, Post
from sentipair.errors import UserError
from sentipair.explain.faithfulness import SHARES, check_deletion, cuts, summary


def test_known_influence_beats_chance(adds, white_corner):
    pairs = [
        Post(id=str(i), text=f"fine good {'day ' * (8 + i)} good fine", opened=white_corner) for i in range(4)
    ]
    found = check_deletion(adds, pairs)
    assert found.keys() == {"words", "regions"}
    for check in found.values():
        assert check.posts == 4
        assert check.gain > 0
        assert check.interval.low <= check.gain <= check.interval.high
        assert check.by_influence[0] == check.at_random[0]
        assert check.by_influence[-1] == pytest.approx(check.at_random[-1])
    assert found["words"].by_influence[0] == pytest.approx(1.0, abs=1e-6)
    assert found["words"].by_influence[-1] == pytest.approx(0.5, abs=1e-2)  # the picture is left
    assert check_deletion(adds, pairs) == found


def test_words_without_influence_gain_nothing(adds):
    found = check_deletion(adds, [Pair(id="a", text="one two three"), Pair(id="b", text="four five")])
    assert found.keys() == {"words"}
    assert found["words"].gain == 0
    assert found["words"].interval == (0, 0)


def test_posts_with_nothing_to_take_away_are_an_error(adds):
    with pytest.raises(UserError, match="two words or a picture"):
        check_deletion(adds, [Pair(id="a", text="one"), Pair(id="b")])


def test_everything_goes_in_the_end():
    taken = cuts(np.array([3, 1, 0, 2]))
    assert [len(one) for one in taken] == [round(4 * share) for share in SHARES]
    assert taken[0].tolist() == []
    assert sorted(taken[-1]) == [0, 1, 2, 3]
    assert taken[4].tolist() == [3, 1]


def test_the_gain_is_the_area_between_the_curves():
    falling = 1 - np.array(SHARES)
    curves = np.stack([[falling - falling * np.array(SHARES), falling, falling]] * 3)
    found = summary(curves, seed=0)
    by_hand = sum(
        (b - a) * (falling[i] * SHARES[i] + falling[i + 1] * SHARES[i + 1]) / 2
        for i, (a, b) in enumerate(pairwise(SHARES))
    )
    assert found.gain == pytest.approx(by_hand)
    assert found.interval == pytest.approx((by_hand, by_hand))
