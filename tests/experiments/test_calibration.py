"""On generated posts, whose best accuracies are known, fusion beats what either modality alone can ever reach."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sentipair.data.samples import ceilings, generate
from sentipair.evaluation.predict import predict
from sentipair.experiments.workbench import Workbench
from sentipair.features import FeatureStore
from sentipair.models.persistence import load_model, save_config
from sentipair.objectives import objective_class
from sentipair.training.loop import fit
from sentipair.training.recipes import configure

DISAGREEMENT = 0.5
NOISE = 0.09
"""Two standard deviations of an accuracy of .75 on 120 test posts are .08."""


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibration") / "posts"
    generate(folder, size=600, disagreement=DISAGREEMENT)
    return folder


def accuracy_on_test(posts: Path, feature_folder: Path, folder: Path, *wishes: str) -> float:
    """The test accuracy of the sound SPP-SCL with the recipe's settings, chosen on validation."""
    config = configure("spp-scl", str(posts), overrides=wishes)
    bench = Workbench(config, FeatureStore(feature_folder))
    save_config(folder, bench.model_config)
    torch.manual_seed(0)
    fit(
        bench.model_config.build(),
        objective_class(config.objective["name"])(**config.objective_settings),
        train=bench.table("train"),
        validation=bench.table("validation"),
        classes=bench.dataset.classes,
        settings=config.training,
        seed=0,
        folder=folder,
    )
    best, _ = load_model(folder)
    test = bench.table("test")
    return float((predict(best, test).logits.argmax(-1) == test.labels).float().mean())


@pytest.mark.slow
def test_fusion_passes_both_unimodal_ceilings(posts: Path, feature_folder: Path, tmp_path: Path) -> None:
    best = ceilings("sentiment", DISAGREEMENT)
    assert best["text"] == best["image"] == 0.75
    assert accuracy_on_test(posts, feature_folder, tmp_path / "both") > best["text"] + NOISE
    assert accuracy_on_test(posts, feature_folder, tmp_path / "text", "model.modalities=text") < best["text"] + NOISE
