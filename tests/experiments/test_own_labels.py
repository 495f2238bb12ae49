"""What text and picture say alone, learned from their own labels, on posts in which they often disagree."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentipair.data.samples import generate
from sentipair.experiments.run import run_seeds
from sentipair.features import FeatureStore
from sentipair.training.recipes import configure


@pytest.mark.slow
def test_a_modality_alone_says_what_it_is_and_not_what_the_post_is(
    feature_folder: Path, tmp_path: Path
) -> None:
    posts = tmp_path / "posts"
    generate(posts, size=300, seed=3, disagreement=0.6)
    found = {}
    for own in ("true", "false"):
        wishes = [f"objective.own_labels={own}", "training.epochs=15"]
        config = configure("late-fusion", str(posts), engine="torch", overrides=wishes)
        summary = run_seeds(config, [0], tmp_path / own, store=FeatureStore(feature_folder))
        found[own] = {
            (row["by"], row["name"]): row["accuracy"]["mean"]
            for row in summary["slices"]
            if row["accuracy"] is not None
        }
    for alone in (("alone", "text"), ("alone", "picture"), ("conflict", "differ")):
        assert found["true"][alone] > found["false"][alone] + 0.1, alone
    assert found["true"]["alone", "text"] > found["true"]["withheld", "picture"]
