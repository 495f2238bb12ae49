"""An ensemble from its configuration to everything that a trained model is used for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sentipair.data import Pair
from sentipair.experiments.run import run_seeds
from sentipair.experiments.workbench import Workbench
from sentipair.explain import explain
from sentipair.export import export_model
from sentipair.features import FeatureStore
from sentipair.inference import Predictor
from sentipair.inference.publish import publish
from sentipair.models.finetuned import FineTuned
from sentipair.models.persistence import load_model
from sentipair.objectives import CrossEntropy, EachMember
from sentipair.portable import Predictor as PortablePredictor
from sentipair.training.optimizer import make_optimizer
from sentipair.training.recipes import configure


def configured(posts: Path, *wishes: str) -> Any:
    overrides = ["plugins.ensemble=2", "training.epochs=2", *wishes]
    return configure("late-fusion", str(posts), engine="torch", overrides=overrides)


def test_every_member_has_an_objective(sample_posts: Path) -> None:
    together = configured(sample_posts, "objective.unimodal_weight=0.25").build_objective()
    assert isinstance(together, EachMember)
    one, other = together.objectives
    assert one is not other
    assert isinstance(one, CrossEntropy)
    assert one.unimodal_weight == 0.25


@pytest.mark.slow
def test_a_stopped_ensemble_goes_on_and_is_used_as_any_model(
    sample_posts: Path, feature_folder: Path, tmp_path: Path, stopped_after: Any
) -> None:
    config, store = configured(sample_posts), FeatureStore(feature_folder)
    run_seeds(config, [0], tmp_path / "undisturbed", store=store)
    with stopped_after(1):
        run_seeds(config, [0], tmp_path / "stopped", store=store)
    run_seeds(config, [0], tmp_path / "stopped", store=store)
    folder, undisturbed = (tmp_path / name / "seed-0" for name in ("stopped", "undisturbed"))
    weights = [(each / "model.safetensors").read_bytes() for each in (folder, undisturbed)]
    assert weights[0] == weights[1]
    assert load_model(folder)[1].members == 2
    assert "ensemble 2" in (folder / "report.html").read_text(encoding="utf-8")

    predictor = Predictor.from_pretrained(folder, engine="torch")
    picture = sorted((sample_posts / "images").iterdir())[0]
    said = predictor(image=picture, text="what a day")
    assert said.text is not None
    assert said.image is not None
    found = explain(predictor, Pair(id="a", text="what a day", image=picture), method="integrated-gradients")
    assert [word.text for word in found.words] == ["what", "a", "day"]

    publish(folder, tmp_path / "model")
    assert "An ensemble: 2 networks" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert export_model(folder, tmp_path / "exported") <= 1e-3
    portable = PortablePredictor(tmp_path / "exported")(image=picture, text="what a day")
    assert portable.probabilities == pytest.approx(said.probabilities, abs=1e-3)


def test_fine_tuned_layers_of_every_member_have_their_own_rate(sample_posts: Path, tmp_path: Path) -> None:
    config = configured(sample_posts, "plugins.finetune={text: 1}")
    model = Workbench(config, FeatureStore(tmp_path)).model_config.build(pretrained=True)
    own, encoder = make_optimizer(model, config.training).param_groups
    layers = [part for part in model.modules() if isinstance(part, FineTuned)]
    assert len(layers) == 2
    tops = {id(parameter) for part in layers for parameter in part.tops.parameters()}
    assert {id(parameter) for parameter in encoder["params"]} == tops
    assert len(own["params"]) + len(tops) == len(list(model.parameters()))
