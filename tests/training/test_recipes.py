"""Recipes and overrides."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from sentipair.data import all_readers
from sentipair.errors import UserError
from sentipair.models import list_models
from sentipair.training.recipes import configure, load_recipe, published_results

RECIPES = [
    (folder.name, path.name.removesuffix(".yaml"), fidelity)
    for folder in (files("sentipair") / "recipes").iterdir()
    if folder.is_dir()
    for path in folder.iterdir()
    if path.name.endswith(".yaml") and path.name != "ablation.yaml"
    for fidelity in load_recipe(folder.name, path.name.removesuffix(".yaml"))["fidelity"]
]


@pytest.mark.parametrize(("model", "data", "fidelity"), RECIPES)
def test_every_shipped_recipe_is_valid(model: str, data: str, fidelity: str) -> None:
    assert data == "default" or data in all_readers()
    recipe = load_recipe(model, data)
    assert set(recipe) <= {"objective", "encoders", "clip", "finetuning", "fidelity", "results"}
    assert set(recipe["fidelity"][fidelity] or {}) <= {"model", "objective", "training", "data", "plugins"}
    config = configure(model, data if data != "default" else "posts.csv", fidelity=fidelity)
    for part in (config.model, config.objective):
        assert part.get("fidelity", "sound") == fidelity or part["name"] == "cross-entropy"


def test_every_model_has_a_default_recipe() -> None:
    assert {model for model, data, _ in RECIPES if data == "default"} == set(list_models())


def test_published_settings_are_those_of_the_papers_table() -> None:
    training = configure("spp-scl", "mvsa-single", fidelity="published").training
    assert (training.epochs, training.batch_size, training.learning_rate) == (150, 64, 1e-4)
    assert (training.schedule, training.step_size, training.gamma) == ("step", 10, 0.5)
    assert configure("spp-scl", "hfm", fidelity="published").objective["cross_entropy_weight"] == 10
    assert published_results("spp-scl", "mvsa-single")["paper"]["accuracy"] == 0.8133
    assert published_results("spp-scl", "posts.csv") == {}


def test_overrides_are_yaml_values_and_come_last() -> None:
    wishes = [
        "objective.alpha=0.5",
        "training.learning_rate=1e-3",  # a string in YAML 1.1
        "training.patience=null",
        "objective.intra=false",
        "data.text_steps=[collapse-blanks]",
        "seed=7",
        "training.epochs=3",
        "training.epochs=4",
    ]
    config = configure("spp-scl", "posts.csv", overrides=wishes)
    assert config.objective["alpha"] == 0.5
    assert config.objective["intra"] is False
    assert config.training.learning_rate == 0.001
    assert config.training.patience is None
    assert config.data.text_steps == ("collapse-blanks",)
    assert (config.seed, config.training.epochs) == (7, 4)


def test_another_objective_has_its_own_settings() -> None:
    wishes = ["objective.name=cross-entropy", "objective.label_smoothing=0.1"]
    config = configure("spp-scl", "hfm", fidelity="published", overrides=wishes)
    assert config.objective == {
        "name": "cross-entropy",
        "label_smoothing": 0.1,
        "unimodal_weight": 0.0,
        "own_labels": False,
    }


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("objective.alpah=1", "did you mean 'objective.alpha'?"),
        ("trainng.epochs=1", "did you mean training.epochs?"),
        ("nonsense.epochs=1", "the parts are model, objective, training, data, encoders, plugins"),
        ("epochs=1", "write part.setting=value"),
        ("training.epochs", "write part.setting=value"),
        ("training.=1", "write part.setting=value"),
        ("training.epochs=lots", "training.epochs"),
        ("training.epochs=1.5", "training.epochs"),
        ("training.epochs=", "training.epochs"),
        ("training.epochs=[1", "no YAML value"),
        ("training.learning_rate=fast", "training.learning_rate"),
        ("objective.a.b=1", "objective.a.b"),
        ("objective.name=hinge", "no objective 'hinge'"),
        ("objective.name=[a]", "no objective"),
        ("seed=one", "seed"),
        ("seed=99999999999", "setting config.seed"),
        ("training.epochs=true", "True is a truth value; give a number"),
        ("plugins.finetune={text: yes}", "is a truth value"),
        ("training.batch_size=064", "YAML reads 064 as 52; write it as a plain number"),
        ("training.epochs=1:30", "YAML reads 1:30 as 90"),
        ("training.learning_rate=.inf", "training.learning_rate"),
        ("model.name=late-fusion", "--set model.name: name the model itself instead"),
        ("objective.fidelity=published", "use --fidelity instead"),
        ("data.root=here", "use --root instead"),
        ("training.gamma=0.1", "has no effect with the cosine schedule; add --set training.schedule=step"),
        ("training.encoder_learning_rate=0.1", "has no effect without --finetune"),
    ],
)
def test_a_wrong_override_is_one_line(wish: str, expected: str) -> None:
    with pytest.raises(UserError) as error:
        configure("spp-scl", "posts.csv", overrides=[wish])
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_a_schedule_has_its_settings() -> None:
    stepped = ["training.schedule=step", "training.gamma=0.1"]
    assert configure("late-fusion", "posts.csv", overrides=stepped).training.gamma == 0.1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"model": "spp-slc"}, "did you mean 'spp-scl'?"),
        ({"fidelity": "exact"}, "use published or sound"),
        ({"encoders": "minilm"}, "TEXT+IMAGE"),
        ({"engine": "cuda"}, "encoders.engine"),
    ],
)
def test_a_wrong_name_is_one_line(arguments: dict[str, str], expected: str) -> None:
    with pytest.raises(UserError) as error:
        configure(**{"model": "spp-scl", "data": "posts.csv", **arguments})
    assert expected in str(error.value)


def test_encoders_by_name() -> None:
    paper = configure("spp-scl", "mvsa-single", encoders="paper").encoders
    assert (paper.text, paper.image) == ("bert-base-uncased", "microsoft/resnet-50")
    own = configure("spp-scl", "mvsa-single", encoders="some/text+models/vision").encoders
    assert (own.text, own.image) == ("some/text", "models/vision")


def test_an_encoder_in_a_folder_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tweets" / "text").mkdir(parents=True)
    (tmp_path / "all-MiniLM-L6-v2").mkdir()  # a folder of that name is not the packaged one
    monkeypatch.chdir(tmp_path)
    assert configure("spp-scl", "mvsa-single").encoders.text == "all-MiniLM-L6-v2"
    chosen = configure("spp-scl", "mvsa-single", encoders="tweets/text+models/vision").encoders
    assert (chosen.text, chosen.image) == (str(tmp_path / "tweets" / "text"), "models/vision")


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({}, ("two-tower", None)),
        ({"encoders": "paper"}, ("clip", "openai/clip-vit-base-patch32")),
        ({"overrides": ["encoders.clip=a/b"]}, ("clip", "a/b")),
        ({"encoders": "paper", "overrides": ["model.clip=none"]}, ("none", "openai/clip-vit-base-patch32")),
    ],
)
def test_a_clip_that_is_named_is_used(wishes: dict[str, Any], expected: tuple[str, str | None]) -> None:
    config = configure("clip-ca-cg", "mvsa-single", **wishes)
    assert (config.model["clip"], config.encoders.clip) == expected


def test_an_own_table_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "posts.csv").write_text("text,label\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert configure("spp-scl", "posts.csv").data.source == str(tmp_path / "posts.csv")
    assert configure("spp-scl", "mvsa-single", root="here").data.root == str(tmp_path / "here")
    assert configure("spp-scl", "mvsa-singel").data.source == "mvsa-singel"


def test_a_data_set_changes_what_it_names_and_no_more() -> None:
    default, hfm = (configure("clmlf", data, fidelity="published") for data in ("posts.csv", "hfm"))
    assert (default.model["image_layers"], default.model["layers"], default.training.batch_size) == (2, 3, 32)
    assert (hfm.model["image_layers"], hfm.model["layers"], hfm.training.batch_size) == (1, 5, 128)
    assert hfm.training.learning_rate == default.training.learning_rate == 2e-5
    assert published_results("clmlf", "hfm")
    assert not published_results("clmlf", "posts.csv")
    # what the default has and a data set has not
    assert configure("mpt", "mvsa-single").data.rationales == "lexicon"
    assert configure("mpt", "ch-mits").data.rationales is None


def test_a_yaml_beside_an_own_table_is_no_recipe(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("text,label\n", encoding="utf-8")
    (tmp_path / "posts.csv.yaml").write_text("objective: cross-entropy\n", encoding="utf-8")
    assert load_recipe("spp-scl", str(tmp_path / "posts.csv")) == load_recipe("spp-scl", "default")
