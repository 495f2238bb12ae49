"""What runs with the same configuration share."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentipair.errors import UserError
from sentipair.experiments.workbench import Workbench
from sentipair.features import FeatureStore
from sentipair.training.recipes import configure


def test_the_model_gets_its_dimensions_from_data_and_encoders(
    sample_posts: Path, feature_folder: Path
) -> None:
    bench = Workbench(configure("spp-scl", str(sample_posts), engine="torch"), FeatureStore(feature_folder))
    settings = bench.model_config.settings
    assert (settings["classes"], settings["text_dim"], settings["image_dim"]) == (3, 384, 1280)
    assert bench.model_config.text_steps == bench.dataset.text_steps == ("collapse-blanks",)
    assert bench.usable_splits == ("train", "validation", "test")
    assert len(bench.table("test")) == 12


def test_one_modality_needs_one_encoder(sample_posts: Path, feature_folder: Path) -> None:
    wishes = ["model.modalities=text"]
    config = configure("spp-scl", str(sample_posts), engine="torch", overrides=wishes)
    bench = Workbench(config, FeatureStore(feature_folder))
    assert "grid" not in bench.table("test").batch([0, 1]).features


def test_names_that_do_not_exist(feature_folder: Path) -> None:
    for source, root, expected in (
        ("mvsa-singel", None, "did you mean mvsa-single"),
        ("mvsa-single", "/nowhere", "does not exist"),
    ):
        with pytest.raises(UserError, match=expected):
            _ = Workbench(configure("spp-scl", source, root=root), FeatureStore(feature_folder)).dataset
